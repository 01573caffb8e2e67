/* What it costs to compress and encrypt entries, and how small they get.
 *
 * usage: values FILE
 *
 * FILE has one answer in each line. The first half trains dictionaries, the second half is
 * measured. For each way a line: name, bytes of all values to bytes of all entries, MB/s and
 * microseconds per value of writing, and the same of reading.
 */
#include "core/entry.h"
#include "core/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zdict.h>

enum { MAX_ENTRIES = 4096, MAX_BYTES = 64 << 20, DICTIONARY = 32 << 10, WINDOW_NS = 150000000 };

static struct str entries[MAX_ENTRIES], values[MAX_ENTRIES];
static size_t entry_count;
static const struct key key = {.text = "sc:llm:0123456789abcdef:", .text_len = 56, .length = 900};

static void require(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "values: %s\n", what);
        exit(EXIT_FAILURE);
    }
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static struct str copy(struct str bytes)
{
    char *at = malloc(bytes.len + 1);

    require(at != NULL, "no memory");
    memcpy(at, bytes.ptr, bytes.len);
    return (struct str){at, bytes.len};
}

static void add_entry(struct str body)
{
    struct buf stored = buf_new(MAX_BYTES);
    uint64_t n = entry_count * 0x9e3779b97f4a7c15; /* digests have nothing in common */
    struct entry entry = {.created = 1700000000000 + (int64_t)(entry_count * 7919),
                          .fresh_until = 1700086400000 + (int64_t)(entry_count * 7919),
                          .usable_until = 1700086400000 + (int64_t)(entry_count * 7919),
                          .digest = {n ^ (n >> 29), n * 31},
                          .length = 900 + entry_count % 100,
                          .flags = ENTRY_JSON,
                          .code = 200,
                          .content_type = STR("application/json"),
                          .headers = STR("openai-model: gpt-4o-mini-2024-07-18\r\n"),
                          .body = body};

    require(entry_count < MAX_ENTRIES, "too many answers");
    entry_write(&stored, &entry);
    require(buf_ok(&stored), "no memory");
    entries[entry_count++] = copy(buf_str(&stored));
    buf_free(&stored);
}

static void read_answers(const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t len;

    require(file != NULL, "cannot open the file");
    while ((len = getline(&line, &room, file)) > 0)
        add_entry((struct str){line, (size_t)len - (line[len - 1] == '\n')});
    free(line);
    fclose(file);
    require(entry_count >= 2, "too few answers");
}

static struct seal *seal;

static void write_value(struct str entry, struct str *out)
{
    static const unsigned char salt[CIPHER_SALT] = {1};

    require(seal_write(seal, &key, salt, entry, out), "seal_write");
}

static void read_value(struct str value, struct str *out)
{
    require(seal_read(seal, &key, MAX_BYTES, value, out) == REASON_NONE, "seal_read");
}

/* Nanoseconds for all that is measured, once. */
static double time_all(void (*run)(struct str, struct str *), const struct str *items)
{
    int64_t begin = now_ns(), end;
    unsigned rounds = 0;
    struct str out;

    do {
        for (size_t i = entry_count / 2; i < entry_count; i++)
            run(items[i], &out);
        rounds++;
        end = now_ns();
    } while (end - begin < WINDOW_NS);
    return (double)(end - begin) / rounds;
}

static void measure(const char *name, const struct seal_options *options)
{
    double bytes = 0, small = 0, count = (double)(entry_count - entry_count / 2);
    struct str value, back;

    seal = seal_new(options);
    require(seal != NULL, "no memory");
    for (size_t i = entry_count / 2; i < entry_count; i++) {
        write_value(entries[i], &value);
        values[i] = copy(value);
        read_value(values[i], &back);
        require(str_eq(back, entries[i]), "what came back is not what was written");
        bytes += (double)entries[i].len;
        small += (double)value.len;
    }
    double write = time_all(write_value, entries), read = time_all(read_value, values);
    printf("%s\t%.3f\t%.0f\t%.1f\t%.0f\t%.1f\n", name, small / bytes, bytes / write * 1e3,
           write / count / 1e3, bytes / read * 1e3, read / count / 1e3);
    for (size_t i = entry_count / 2; i < entry_count; i++)
        free((char *)values[i].ptr);
    seal_free(seal);
}

/* What zstd learns from the first half; empty when that is too little. */
static struct str train(void)
{
    static char dictionary[DICTIONARY];
    static size_t sizes[MAX_ENTRIES];
    struct buf samples = buf_new(MAX_BYTES);

    for (size_t i = 0; i < entry_count / 2; i++) {
        sizes[i] = entries[i].len;
        buf_append(&samples, entries[i]);
    }
    require(buf_ok(&samples), "no memory");
    size_t len = ZDICT_trainFromBuffer(dictionary, sizeof dictionary, samples.ptr, sizes,
                                       (unsigned)(entry_count / 2));
    buf_free(&samples);
    return (struct str){dictionary, ZDICT_isError(len) ? 0 : len};
}

int main(int argc, char **argv)
{
    static const struct cipher_keys keys = {.count = 1};

    require(argc == 2, "usage: values FILE");
    read_answers(argv[1]);
    struct str dictionary = train();
    for (int level = 1; level <= 3; level += 2) {
        struct seal_options options = {.compress = true, .level = level};
        char name[40];
        snprintf(name, sizeof name, "zstd %d", level);
        measure(name, &options);
        options.dictionaries = &dictionary;
        options.dictionary_count = 1;
        snprintf(name, sizeof name, "zstd %d, dictionary", level);
        if (dictionary.len)
            measure(name, &options);
    }
    measure("encrypted", &(struct seal_options){.keys = &keys});
    measure("encrypted, bound", &(struct seal_options){.keys = &keys, .bind = true});
    measure("zstd 1, encrypted",
            &(struct seal_options){.compress = true, .level = 1, .keys = &keys});
    for (size_t i = 0; i < entry_count; i++)
        free((char *)entries[i].ptr);
    return EXIT_SUCCESS;
}
