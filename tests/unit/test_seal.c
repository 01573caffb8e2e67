/* What stands in a shared store: smaller, unreadable, and never more than was agreed to. */
#include "core/seal.h"

#include "core/compress.h"
#include "core/entry.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <zdict.h>

enum { MAX = 1 << 20 };

static struct buf text, out;
static struct cipher_keys keys;
static struct key key;

static const unsigned char salt[CIPHER_SALT] = "0123456789abcde";

/* An entry of about `len` bytes, which compresses, and of which each number makes another. */
static struct str sample(size_t len, unsigned number)
{
    static const char *const words[] = {"answer", "of", "the", "model", "says", "that", "nothing",
                                        "is",     "in", "a",   "cache", "but",  "time", "\\n"};

    buf_clear(&text);
    buf_append(&text, STR("spoa-cache/1 0123456789abcdef 1700000000000 1700086400000\r\n"));
    buf_append(&text, STR("HTTP/1.1 200 \r\ncontent-type: application/json\r\n\r\n{\"id\":"));
    for (unsigned i = number * 2654435761u + 1; text.len < len; i = i * 1664525u + 1013904223u)
        buf_printf(&text, "%s ", words[(i >> 16) % (sizeof words / sizeof *words)]);
    return buf_str(&text);
}

static void setup(void)
{
    text = buf_new(1 << 24);
    out = buf_new(1 << 24);
    keys = (struct cipher_keys){.count = 1, .all = {{.id = 1, .bytes = "0123456789abcdef"}}};
    key = (struct key){.text = "sc:llm:0123", .text_len = 11, .length = 7};
}

static void teardown(void)
{
    buf_free(&text);
    buf_free(&out);
    unit_guard_release();
}

static struct seal *new_seal(struct seal_options options)
{
    struct seal *s = seal_new(&options);

    ck_assert_ptr_nonnull(s);
    return s;
}

/* The value for an entry, kept in `out`. */
static struct str written(struct seal *s, struct str entry)
{
    struct str value;

    ck_assert(seal_write(s, &key, salt, entry, &value));
    buf_clear(&out);
    buf_append(&out, value);
    return buf_str(&out);
}

static void check_read(struct seal *s, struct str value, enum reason reason, struct str entry)
{
    struct str got;
    enum reason said = seal_read(s, &key, MAX, unit_guard(value), &got);

    ck_assert_msg(said == reason, "%s, not %s", reason_name(said), reason_name(reason));
    if (reason == REASON_NONE)
        ck_assert(str_eq(got, entry));
}

START_TEST(nothing_is_asked_for)
{
    struct seal *s = new_seal((struct seal_options){.level = 1});
    struct str entry = sample(5000, 1), value, back;

    ck_assert(!seal_needs_salt(s));
    ck_assert(seal_write(s, &key, NULL, entry, &value));
    ck_assert(value.ptr == entry.ptr && value.len == entry.len);
    ck_assert(seal_read(s, &key, MAX, value, &back) == REASON_NONE);
    ck_assert(back.ptr == entry.ptr && back.len == entry.len);
    /* whatever else stands there is for entry_read() to judge */
    check_read(s, STR("garbage"), REASON_NONE, STR("garbage"));
    check_read(s, STR(""), REASON_NONE, STR(""));
    seal_free(s);
}
END_TEST

/* By all combinations; each reads what the others that have its keys wrote. */
START_TEST(round_trips)
{
    for (unsigned way = 0; way < 8; way++) {
        struct seal *s = new_seal((struct seal_options){.compress = way & 1,
                                                        .above = 500,
                                                        .level = 3,
                                                        .keys = way & 2 ? &keys : NULL,
                                                        .bind = way & 4});
        struct seal *other = new_seal(
            (struct seal_options){.level = 1, .keys = way & 2 ? &keys : NULL, .bind = !(way & 4)});
        for (size_t len = 0; len < 200000; len = len * 2 + 170) {
            struct str entry = sample(len, way), value = written(s, entry);
            ck_assert(!(value.len < entry.len) == !(way & 1 && entry.len > 500));
            ck_assert(cipher_begins(value) == !!(way & 2));
            if (way & 2)
                ck_assert_ptr_null(memmem(value.ptr, value.len, "answer", 6));
            check_read(s, value, REASON_NONE, entry);
            check_read(other, value, REASON_NONE, entry);
        }
        seal_free(s);
        seal_free(other);
    }
}
END_TEST

START_TEST(what_does_not_shrink_stays)
{
    struct seal *s = new_seal((struct seal_options){.compress = true, .level = 9});
    unsigned number = 1;

    buf_clear(&text);
    for (int i = 0; i < 5000; i++, number = number * 1664525u + 1013904223u)
        buf_append_byte(&text, (uint8_t)(number >> 24));
    ck_assert(str_eq(written(s, buf_str(&text)), buf_str(&text)));
    ck_assert_uint_eq(written(s, STR("")).len, 0);
    ck_assert_str_is(written(s, STR("x")), "x");
    seal_free(s);
}
END_TEST

/* Who can write to Redis must not be able to get an entry in that nobody with a key made. */
START_TEST(with_keys_nothing_else_is_read)
{
    struct seal *open = new_seal((struct seal_options){.compress = true, .level = 1});
    struct seal *closed = new_seal((struct seal_options){.level = 1, .keys = &keys});
    struct str entry = sample(3000, 1);

    check_read(closed, entry, REASON_CORRUPT, STR(""));
    check_read(closed, written(open, entry), REASON_CORRUPT, STR(""));
    check_read(closed, STR(""), REASON_CORRUPT, STR(""));
    /* and without a key it is no entry */
    struct str value = written(closed, entry);
    check_read(open, value, REASON_NONE, value);
    ck_assert(!str_starts(value, STR("spoa-cache/")));
    seal_free(open);
    seal_free(closed);
}
END_TEST

/* zstd may take a damaged frame for one of the same or another text: the sum in the entry tells. */
START_TEST(a_damaged_frame)
{
    struct seal *s = new_seal((struct seal_options){.compress = true, .level = 1});
    struct buf stored = buf_new(1 << 16);
    struct str value, back;
    struct entry entry = {.code = 200, .body = sample(3000, 1)}, got;

    entry_write(&stored, &entry);
    value = written(s, buf_str(&stored));
    ck_assert(compress_begins(value));
    for (size_t i = 0; i < value.len * 8; i++) {
        out.ptr[i / 8] = (char)(out.ptr[i / 8] ^ 1 << i % 8);
        ck_assert(seal_read(s, &key, MAX, unit_guard(value), &back) != REASON_NONE ||
                  str_eq(back, buf_str(&stored)) || !entry_read(back, &got));
        out.ptr[i / 8] = (char)(out.ptr[i / 8] ^ 1 << i % 8);
    }
    for (size_t len = 4; len < value.len; len++)
        check_read(s, (struct str){value.ptr, len}, REASON_CORRUPT, STR(""));
    buf_append(&out, STR("x"));
    check_read(s, buf_str(&out), REASON_CORRUPT, STR(""));
    buf_free(&stored);
    seal_free(s);
}
END_TEST

#define ZSTD "\x28\xb5\x2f\xfd" /* RFC 8878 3.1.1: magic, descriptor, content size, blocks */

START_TEST(bombs)
{
    static const struct {
        struct str value;
        enum reason reason;
    } frames[] = {
        /* a raw block of three bytes, as it should be */
        {STR(ZSTD "\x20\x03\x19\0\0abc"), REASON_NONE},
        /* says that it holds 2^62 bytes, or one more than may be */
        {STR(ZSTD "\xe0\0\0\0\0\0\0\0\x40\x19\0\0abc"), REASON_FRAME_SMALL},
        {STR(ZSTD "\xa0\x01\0\x10\0\x19\0\0abc"), REASON_FRAME_SMALL},
        /* as many as may be, and holds less */
        {STR(ZSTD "\xa0\0\0\x10\0\x19\0\0abc"), REASON_CORRUPT},
        /* three bytes, and is a run of 128 KiB, or two blocks */
        {STR(ZSTD "\x20\x03\x03\0\x10x"), REASON_CORRUPT},
        {STR(ZSTD "\x20\x03\x18\0\0abc\x19\0\0abc"), REASON_CORRUPT},
        /* does not say, in the window's descriptor or at all */
        {STR(ZSTD "\0\x58\x19\0\0abc"), REASON_CORRUPT},
        {STR(ZSTD "\0\xff\x19\0\0abc"), REASON_CORRUPT},
        {STR(ZSTD), REASON_CORRUPT},
        /* two frames */
        {STR(ZSTD "\x20\x03\x19\0\0abc" ZSTD "\x20\x03\x19\0\0abc"), REASON_CORRUPT},
        /* with a dictionary that nobody has */
        {STR(ZSTD "\x21\x07\x03\x19\0\0abc"), REASON_CORRUPT},
    };
    struct seal *s = new_seal((struct seal_options){.level = 1});

    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++)
        check_read(s, frames[i].value, frames[i].reason, STR("abc"));
    seal_free(s);
}
END_TEST

START_TEST(the_bound_is_met_exactly)
{
    for (int encrypt = 0; encrypt < 2; encrypt++) {
        struct seal *s = new_seal((struct seal_options){
            .compress = !encrypt, .level = 1, .keys = encrypt ? &keys : NULL});
        struct str entry = sample(4000, 1), value = written(s, entry), back;
        ck_assert(seal_read(s, &key, entry.len, value, &back) == REASON_NONE);
        ck_assert(seal_read(s, &key, entry.len - 1, value, &back) == REASON_FRAME_SMALL);
        seal_free(s);
    }
}
END_TEST

/* Trained on entries with other numbers; false when the library cannot. */
static struct str trained(unsigned seed, char *room, size_t size)
{
    static char samples[200 * 2100];
    size_t sizes[200], used = 0;

    for (unsigned i = 0; i < 200; i++) {
        struct str entry = sample(2000, seed + i);
        memcpy(samples + used, entry.ptr, entry.len);
        used += sizes[i] = entry.len;
    }
    size_t len = ZDICT_trainFromBuffer(room, size, samples, sizes, 200);
    ck_assert_msg(!ZDICT_isError(len), "%s", ZDICT_getErrorName(len));
    return (struct str){room, len};
}

START_TEST(dictionaries)
{
    static char rooms[2][16384];
    const struct str both[] = {trained(1000, rooms[0], sizeof rooms[0]),
                               trained(5000, rooms[1], sizeof rooms[1])};
    struct seal *none = new_seal((struct seal_options){.compress = true, .level = 1});
    struct seal *old = new_seal((struct seal_options){
        .compress = true, .level = 1, .dictionaries = &both[1], .dictionary_count = 1});
    struct seal *new = new_seal((struct seal_options){
        .compress = true, .level = 1, .dictionaries = both, .dictionary_count = 2, .keys = NULL});
    struct str entry = sample(700, 1);

    size_t without = written(none, entry).len;
    check_read(new, buf_str(&out), REASON_NONE, entry);
    ck_assert_uint_lt(written(old, entry).len, without);
    check_read(old, buf_str(&out), REASON_NONE, entry);
    check_read(new, buf_str(&out), REASON_NONE, entry);
    check_read(none, buf_str(&out), REASON_CORRUPT, STR(""));
    written(new, entry);
    check_read(new, buf_str(&out), REASON_NONE, entry);
    check_read(old, buf_str(&out), REASON_CORRUPT, STR(""));
    seal_free(none);
    seal_free(old);
    seal_free(new);
}
END_TEST

START_TEST(what_is_no_dictionary)
{
    static char room[16384];
    struct str good = trained(1, room, sizeof room);
    const struct str bad[] = {
        STR(""), STR("text"), STR("\x37\xa4\x30\xec\1\0\0\0"), {good.ptr, 60}};

    ck_assert(compress_is_dictionary(good));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct seal_options options = {.dictionaries = &bad[i], .dictionary_count = 1};
        ck_assert(!compress_is_dictionary(unit_guard(bad[i])));
        ck_assert_ptr_null(seal_new(&options));
    }
}
END_TEST

Suite *suite_seal(void)
{
    Suite *suite = suite_create("seal");
    TCase *tests = tcase_create("seal");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, nothing_is_asked_for);
    tcase_add_test(tests, round_trips);
    tcase_add_test(tests, what_does_not_shrink_stays);
    tcase_add_test(tests, with_keys_nothing_else_is_read);
    tcase_add_test(tests, a_damaged_frame);
    tcase_add_test(tests, bombs);
    tcase_add_test(tests, the_bound_is_met_exactly);
    tcase_add_test(tests, dictionaries);
    tcase_add_test(tests, what_is_no_dictionary);
    suite_add_tcase(suite, tests);
    return suite;
}
