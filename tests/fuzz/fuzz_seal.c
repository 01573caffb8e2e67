/* Any bytes as a value found in a store, and as an entry put there. The first byte says which, and
 * with what options; what is behind it is short enough to be held twice. What was written comes
 * back; one changed byte of what was encrypted is refused; nothing is longer than agreed to. */
#include "core/seal.h"

#include <stdlib.h>

#define FRAME "\x28\xb5\x2f\xfd" /* RFC 8878 3.1.1 */

enum { MAX = 1 << 16 };
enum option { KEYS = 1, BIND = 2, COMPRESS = 4, FOUND = 8, IN_A_FRAME = 16 };

static const unsigned char salt[CIPHER_SALT] = "0123456789abcde";
static const struct key key = {.text = "sc:llm:0123", .text_len = 11, .digest = {1, 2}};

static void require(bool ok)
{
    if (!ok)
        abort();
}

/* One for each set of options, kept: to make one costs more than to use it. */
static struct seal *seal_for(unsigned options)
{
    static const struct cipher_keys keys = {
        .count = 2, .all = {{.id = 0x30303030, .bytes = "one"}, {.id = 2, .bytes = "two"}}};
    static struct seal *seals[8];
    struct seal **seal = &seals[options & (KEYS | BIND | COMPRESS)];

    if (!*seal)
        *seal = seal_new(&(struct seal_options){.compress = options & COMPRESS,
                                                .above = 16,
                                                .level = 1,
                                                .keys = options & KEYS ? &keys : NULL,
                                                .bind = options & BIND});
    require(*seal != NULL);
    return *seal;
}

/* As it was found; or as the head or the text of what is encrypted or compressed. */
static void check_found(unsigned options, struct str bytes)
{
    static const struct str heads[] = {STR("spoa-sealed/1 "), STR(FRAME)};
    struct buf value = buf_new(bytes.len + 100);
    struct str entry;

    if (options & IN_A_FRAME)
        buf_append(&value, heads[!(options & KEYS)]);
    buf_append(&value, bytes);
    struct str exact = {malloc(value.len + 1), value.len};
    require(buf_ok(&value) && exact.ptr);
    memcpy((char *)exact.ptr, buf_str(&value).ptr, exact.len);
    if (seal_read(seal_for(options), &key, MAX, exact, &entry) == REASON_NONE) {
        require(!(options & KEYS)); /* nobody guesses a tag */
        require(entry.ptr == exact.ptr || entry.len <= MAX);
    }
    free((char *)exact.ptr);
    buf_free(&value);
}

static void check_written(unsigned options, size_t place, struct str bytes)
{
    struct seal *seal = seal_for(options);
    struct str value, entry;

    require(seal_write(seal, &key, salt, bytes, &value));
    struct buf kept = buf_new(value.len + 1);
    buf_append(&kept, value);
    require(buf_ok(&kept) && kept.len <= bytes.len + CIPHER_OVERHEAD);
    /* no entry begins as a frame: it would be taken for one */
    if (!str_starts(bytes, STR(FRAME)))
        require(seal_read(seal, &key, bytes.len, buf_str(&kept), &entry) == REASON_NONE &&
                str_eq(entry, bytes));
    if (options & KEYS) {
        kept.ptr[place % kept.len] ^= 1;
        require(seal_read(seal, &key, MAX, buf_str(&kept), &entry) == REASON_CORRUPT);
    }
    buf_free(&kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > MAX)
        return 0;
    struct str bytes = {(const char *)data + 2, size - 2};
    if (data[0] & FOUND)
        check_found(data[0], bytes);
    else
        check_written(data[0], data[1], bytes);
    return 0;
}
