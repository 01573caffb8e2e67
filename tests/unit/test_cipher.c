/* Entries that are encrypted: opened with the same key for the same key of the store, and by
 * nobody else. */
#include "core/cipher.h"

#include "unit.h"
#include <stdlib.h>

static struct buf sealed, opened, errors;
static struct cipher_keys keys;

static const unsigned char salt[CIPHER_SALT] = "@ABCDEFGHIJKLMNO";

static void setup(void)
{
    sealed = buf_new(1 << 24);
    opened = buf_new(1 << 24);
    errors = buf_new(1 << 16);
    keys = (struct cipher_keys){.count = 1, .all = {{.id = 20261122}}};
    for (unsigned char i = 0; i < CIPHER_KEY; i++)
        keys.all[0].bytes[i] = i;
}

static void teardown(void)
{
    buf_free(&sealed);
    buf_free(&opened);
    buf_free(&errors);
    unit_guard_release();
}

static struct key sample_key(void)
{
    struct str text = STR("sc:llm:00ff00ff00ff00ff:0123456789abcdeffedcba9876543210");
    struct key key = {
        .text_len = text.len, .digest = {0x0123456789abcdef, 0xfedcba9876543210}, .length = 1234};

    memcpy(key.text, text.ptr, text.len);
    return key;
}

static struct cipher *new_cipher(void)
{
    struct cipher *c = cipher_new(&keys);

    ck_assert_ptr_nonnull(c);
    return c;
}

static void write_sample(struct cipher *c, bool bind, struct str plain)
{
    struct key key = sample_key();

    ck_assert(cipher_write(c, &key, bind, salt, plain, &sealed));
    ck_assert_uint_eq(sealed.len, plain.len + CIPHER_OVERHEAD);
}

static void check_refused(struct cipher *c, const struct key *key, struct str value)
{
    ck_assert(!cipher_read(c, key, unit_guard(value), &opened));
    ck_assert_uint_eq(opened.len, 0);
}

static struct str from_hex(const char *text, struct buf *out)
{
    buf_clear(out);
    for (; *text; text += 2) {
        char digits[3] = {text[0], text[1], 0};
        buf_append_byte(out, (uint8_t)strtoul(digits, NULL, 16));
    }
    return buf_str(out);
}

/* The form that every Redis in use holds, worked out by another implementation (Python's hmac and
 * cryptography): to change it is to change the version. */
START_TEST(golden)
{
    static const char *const values[] = {
        "73706f612d7365616c65642f31200002293501404142434445464748494a4b4c4d4e4f"
        "9d3bbc0a66a968699aa9f7e3826452500cfab074f20b09060b0708df6b4f0b4c",
        "73706f612d7365616c65642f31200102293501404142434445464748494a4b4c4d4e4f"
        "700c188ed808cadb31062fc2d2082a50aa6f66a3925067f0cc43f11897dc6c54",
    };
    struct buf want = buf_new(1000);
    struct cipher *c = new_cipher();
    struct key key = sample_key();

    for (int bind = 0; bind < 2; bind++) {
        write_sample(c, bind, STR("spoa-cache/1 abc"));
        ck_assert(str_eq(buf_str(&sealed), from_hex(values[bind], &want)));
        ck_assert(cipher_read(c, &key, unit_guard(buf_str(&want)), &opened));
        ck_assert_str_is(buf_str(&opened), "spoa-cache/1 abc");
    }
    buf_free(&want);
    cipher_free(c);
}
END_TEST

START_TEST(any_length_comes_back)
{
    struct cipher *c = new_cipher();
    struct key key = sample_key();
    char *bytes = calloc(1, 1 << 20);

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < 1 << 20; i++)
        bytes[i] = (char)(i * 7);
    for (size_t len = 0; len <= 1 << 20; len = len < 100 ? len + 1 : len * 3)
        for (int bind = 0; bind < 2; bind++) {
            write_sample(c, bind, unit_guard((struct str){bytes, len}));
            ck_assert(cipher_begins(buf_str(&sealed)));
            ck_assert(cipher_read(c, &key, unit_guard(buf_str(&sealed)), &opened));
            ck_assert(str_eq(buf_str(&opened), (struct str){bytes, len}));
        }
    free(bytes);
    cipher_free(c);
}
END_TEST

START_TEST(every_changed_bit_is_refused)
{
    struct cipher *c = new_cipher();
    struct key key = sample_key();

    for (int bind = 0; bind < 2; bind++) {
        write_sample(c, bind, STR("spoa-cache/1 the secret of somebody"));
        for (size_t i = 0; i < sealed.len; i++)
            for (unsigned bit = 0; bit < 8; bit++) {
                sealed.ptr[i] = (char)(sealed.ptr[i] ^ 1 << bit);
                check_refused(c, &key, buf_str(&sealed));
                sealed.ptr[i] = (char)(sealed.ptr[i] ^ 1 << bit);
            }
        ck_assert(cipher_read(c, &key, buf_str(&sealed), &opened));
    }
    cipher_free(c);
}
END_TEST

START_TEST(every_other_length_is_refused)
{
    struct cipher *c = new_cipher();
    struct key key = sample_key();

    write_sample(c, false, STR("spoa-cache/1 the secret of somebody"));
    for (size_t len = 0; len < sealed.len; len++)
        check_refused(c, &key, (struct str){sealed.ptr, len});
    for (size_t from = 1; from < sealed.len; from++)
        check_refused(c, &key, str_from(buf_str(&sealed), from));
    buf_append_byte(&sealed, 0);
    check_refused(c, &key, buf_str(&sealed));
    cipher_free(c);
}
END_TEST

/* Moved to another key in Redis; and asked for by another request, when that counts. */
START_TEST(only_for_its_key_and_request)
{
    struct cipher *c = new_cipher();

    for (int bind = 0; bind < 2; bind++) {
        struct key key = sample_key();
        write_sample(c, bind, STR("spoa-cache/1 abc"));
        key.text[key.text_len - 1] ^= 1;
        check_refused(c, &key, buf_str(&sealed));
        key = sample_key();
        key.text_len--;
        check_refused(c, &key, buf_str(&sealed));
        key = sample_key();
        key.digest.low++;
        ck_assert(cipher_read(c, &key, buf_str(&sealed), &opened) == !bind);
        key = sample_key();
        key.digest.high++;
        ck_assert(cipher_read(c, &key, buf_str(&sealed), &opened) == !bind);
        key = sample_key();
        key.length++;
        ck_assert(cipher_read(c, &key, buf_str(&sealed), &opened) == !bind);
    }
    cipher_free(c);
}
END_TEST

START_TEST(another_salt_is_another_text)
{
    static const unsigned char other[CIPHER_SALT] = "@ABCDEFGHIJKLMNo";
    struct cipher *c = new_cipher();
    struct key key = sample_key();

    write_sample(c, false, STR("spoa-cache/1 abc"));
    ck_assert(cipher_write(c, &key, false, other, STR("spoa-cache/1 abc"), &opened));
    size_t text_at = CIPHER_OVERHEAD - 16, same = 0;
    for (size_t i = text_at; i < sealed.len; i++)
        same += sealed.ptr[i] == opened.ptr[i];
    ck_assert_uint_lt(same, 8);
    cipher_free(c);
}
END_TEST

/* The first key encrypts, all decrypt; one that is gone does not. */
START_TEST(rotation)
{
    const struct cipher_keys old = keys;
    struct cipher *c = new_cipher();
    struct key key = sample_key();

    write_sample(c, true, STR("by the old one"));
    cipher_free(c);
    keys.all[1] = old.all[0];
    keys.all[0] = (struct cipher_key){.id = 7, .bytes = "another"};
    keys.count = 2;
    c = new_cipher();
    ck_assert(cipher_read(c, &key, buf_str(&sealed), &opened));
    ck_assert_str_is(buf_str(&opened), "by the old one");
    write_sample(c, true, STR("by the new one"));
    cipher_free(c);
    keys.count = 1;
    c = new_cipher();
    ck_assert(cipher_read(c, &key, buf_str(&sealed), &opened));
    ck_assert_str_is(buf_str(&opened), "by the new one");
    cipher_free(c);
    keys = old;
    c = new_cipher();
    check_refused(c, &key, buf_str(&sealed));
    cipher_free(c);
    keys.all[0].id = 7; /* the right id with the wrong key */
    c = new_cipher();
    check_refused(c, &key, buf_str(&sealed));
    cipher_free(c);
}
END_TEST

START_TEST(no_memory)
{
    struct cipher *c = new_cipher();
    struct buf none = buf_new(CIPHER_OVERHEAD + 2);
    struct key key = sample_key();

    ck_assert(!cipher_write(c, &key, false, salt, STR("abc"), &none));
    write_sample(c, false, STR("spoa-cache/1 the secret of somebody, and it is a long one; see?"));
    ck_assert(!cipher_read(c, &key, buf_str(&sealed), &none));
    buf_free(&none);
    cipher_free(c);
}
END_TEST

#define KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define OTHER "//////////////////////////////////////////8="

static bool read_keys(const char *text)
{
    buf_clear(&errors);
    return cipher_keys_read(&keys, unit_guard(str_of(text)), "f", &errors);
}

START_TEST(a_file_of_keys)
{
    const unsigned char first = keys.all[0].bytes[31];

    ck_assert(read_keys("# of 2026\r\n\n 4294967295 \t" KEY " \r\n0 " OTHER));
    ck_assert_uint_eq(keys.count, 2);
    ck_assert_uint_eq(keys.all[0].id, UINT32_MAX);
    ck_assert_uint_eq(keys.all[0].bytes[31], first);
    ck_assert_uint_eq(keys.all[1].id, 0);
    ck_assert_uint_eq(keys.all[1].bytes[0], 0xff);
    ck_assert_uint_eq(errors.len, 0);
    cipher_keys_wipe(&keys);
    ck_assert_uint_eq(keys.count + keys.all[0].bytes[31], 0);
}
END_TEST

START_TEST(a_bad_file_of_keys)
{
    static const struct {
        const char *text, *said;
    } files[] = {
        {"", "f: holds no key\n"},
        {"# 1 " KEY "\n", "f: holds no key\n"},
        {KEY, "f:1: does not begin with a number"},
        {"x " KEY, "f:1: does not begin with a number"},
        {"-1 " KEY, "f:1: does not begin with a number"},
        {"4294967296 " KEY, "f:1: does not begin with a number"},
        {"1\n2", "f:1: no key behind the id"},
        {"1 " KEY "x", "f:1: no key behind the id"},
        {"1 " KEY " x", "f:1: no key behind the id"},
        {"1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "f:1: no key behind the id"},
        {"1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh==", "f:1: no key behind the id"},
        {"1 AAECAwQFBgcICQoLDA0OD=AREhMUFRYXGBkaGxwdHh8=", "f:1: no key behind the id"},
        {"1 -AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "f:1: no key behind the id"},
        {"1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh-=", "f:1: no key behind the id"},
        {"1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYX GBkaGxwdHh=", "f:1: no key behind the id"},
        {"1 " KEY "\n\n1 " OTHER, "f:3: the id has a key already"},
        {"1 " KEY "\n01 " OTHER, "f:2: the id has a key already"},
    };

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        ck_assert_msg(!read_keys(files[i].text), "%s", files[i].text);
        ck_assert_msg(str_starts(buf_str(&errors), str_of(files[i].said)), "%s: %.*s",
                      files[i].text, STR_ARGS(buf_str(&errors)));
        /* nothing of a key is shown */
        ck_assert_ptr_null(memmem(errors.ptr, errors.len, "AwQF", 4));
    }
}
END_TEST

START_TEST(sixteen_keys_and_no_more)
{
    struct buf text = buf_new(4096);

    for (int i = 0; i < CIPHER_KEYS_MAX; i++)
        buf_printf(&text, "%d " KEY "\n", i);
    ck_assert(cipher_keys_read(&keys, unit_guard(buf_str(&text)), "f", &errors));
    ck_assert_uint_eq(keys.count, CIPHER_KEYS_MAX);
    buf_printf(&text, "99 " KEY "\n");
    ck_assert(!cipher_keys_read(&keys, unit_guard(buf_str(&text)), "f", &errors));
    ck_assert_str_is(buf_str(&errors), "f:17: more than 16 keys\n");
    buf_free(&text);
}
END_TEST

Suite *suite_cipher(void)
{
    Suite *suite = suite_create("cipher");
    TCase *tests = tcase_create("cipher");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, golden);
    tcase_add_test(tests, any_length_comes_back);
    tcase_add_test(tests, every_changed_bit_is_refused);
    tcase_add_test(tests, every_other_length_is_refused);
    tcase_add_test(tests, only_for_its_key_and_request);
    tcase_add_test(tests, another_salt_is_another_text);
    tcase_add_test(tests, rotation);
    tcase_add_test(tests, no_memory);
    tcase_add_test(tests, a_file_of_keys);
    tcase_add_test(tests, a_bad_file_of_keys);
    tcase_add_test(tests, sixteen_keys_and_no_more);
    suite_add_tcase(suite, tests);
    return suite;
}
