/* The normalisation form, against a library that is given the whole text at once. */
#include "core/nfc.h"
#include "unit.h"
#include <stdlib.h>
#include <utf8proc.h>

static struct buf out, text;

static void setup(void)
{
    out = buf_new(1 << 20);
    text = buf_new(1 << 20);
}

static void teardown(void)
{
    buf_free(&out);
    buf_free(&text);
    unit_guard_release();
}

/* The library's own way, all of the text at once. */
static bool is_nfc_of(struct str composed, const char *of)
{
    utf8proc_uint8_t *want = utf8proc_NFC((const utf8proc_uint8_t *)of);
    bool same = want && str_eq(composed, str_of((const char *)want));

    free(want);
    return same;
}

static void append_character(utf8proc_int32_t code)
{
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t len = utf8proc_encode_char(code, bytes);

    buf_append(&text, (struct str){(const char *)bytes, (size_t)len});
}

static void check_composition(const char *what, utf8proc_int32_t near)
{
    int64_t allowance = INT64_MAX;

    buf_append_byte(&text, '\0');
    text.len--;
    buf_clear(&out);
    ck_assert(nfc_write(&out, buf_str(&text), &allowance));
    ck_assert_msg(is_nfc_of(buf_str(&out), text.ptr), "%s near U+%04X", what, (unsigned)near);
}

START_TEST(every_character_is_composed_as_the_library_does)
{
    buf_clear(&text);
    for (utf8proc_int32_t code = 1; code <= 0x10ffff; code++) {
        if (utf8proc_codepoint_valid(code)) {
            append_character('a');
            append_character(code);
            append_character(code);
            append_character(0x327);
            append_character(0x301);
        }
        if (code % 256 == 255) {
            check_composition("a character", code);
            buf_clear(&text);
        }
    }
}
END_TEST

START_TEST(any_order_of_characters_is_composed_as_the_library_does)
{
    static const utf8proc_int32_t some[] = {
        ' ',    'a',    'e',    'o',    'q',   0xe9,   0xea,    0x300,   0x301,  0x302,   0x307,
        0x315,  0x323,  0x327,  0x338,  0x344, 0x345,  0x3b1,   0x1f00,  0x1100, 0x1161,  0x11a8,
        0xac00, 0xac01, 0x9c7,  0x9be,  0x9d7, 0x304b, 0x3099,  0x304c,  0x212b, 0x1d15e, 0x958,
        0x93c,  0xfb1d, 0x1ebf, 0x2126, 0x5d0, 0x5b7,  0x110a5, 0x110ba,
    };
    uint32_t random = 1;

    for (int i = 0; i < 20000; i++) {
        buf_clear(&text);
        for (int j = 0; j < 8; j++) {
            random = random * 1664525 + 1013904223;
            append_character(some[(random >> 16) % (sizeof some / sizeof *some)]);
        }
        check_composition("a text", i);
    }
}
END_TEST

START_TEST(a_look_at_the_bytes)
{
    ck_assert(nfc_is_plain(STR("")));
    ck_assert(nfc_is_plain(STR("plain \x7f \xc3\xa9 \xcb\xbf"))); /* U+02FF */
    ck_assert(!nfc_is_plain(STR("e\xcc\x80")));                   /* U+0300 */
    ck_assert(!nfc_is_plain(STR("\xf0\x9d\x85\xa0")));
}
END_TEST

START_TEST(what_is_no_utf_8)
{
    static const char *const texts[] = {"\xff",         "a\xff",        "\xcc",    "e\xcc",
                                        "\xcc\x80\x80", "\xed\xa0\x80", "\xc0\x80"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t allowance = 1000;
        ck_assert_msg(!nfc_write(&out, unit_guard(str_of(texts[i])), &allowance), "row %zu", i);
    }
}
END_TEST

START_TEST(marks_on_one_character)
{
    static const struct {
        size_t marks;
        bool fine;
    } cases[] = {{0, true}, {30, true}, {100, true}, {128, false}, {1000, false}, {100000, false}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t allowance = INT64_MAX;
        buf_clear(&text);
        buf_append_byte(&text, 'q');
        for (size_t j = 0; j < cases[i].marks; j++)
            append_character(0x323);
        buf_clear(&out);
        ck_assert(nfc_write(&out, unit_guard(buf_str(&text)), &allowance) == cases[i].fine);
        ck_assert(!cases[i].fine || str_eq(buf_str(&out), buf_str(&text)));
    }
}
END_TEST

START_TEST(an_allowance_is_spent)
{
    struct str in = STR("a e\xcc\x81 \xe1\xba\xbf b");
    int64_t all = 1000, left;

    ck_assert(nfc_write(&out, in, &all));
    ck_assert_int_lt(all, 1000);
    for (int64_t given = 0; given < 1000; given++) {
        left = given;
        buf_clear(&out);
        ck_assert(nfc_write(&out, in, &left) == (given >= 1000 - all));
    }
}
END_TEST

Suite *suite_nfc(void)
{
    Suite *s = suite_create("nfc");
    TCase *t = tcase_create("nfc");
    const TTest *const tests[] = {
        every_character_is_composed_as_the_library_does,
        any_order_of_characters_is_composed_as_the_library_does,
        a_look_at_the_bytes,
        what_is_no_utf_8,
        marks_on_one_character,
        an_allowance_is_spent,
    };

    tcase_add_checked_fixture(t, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    return s;
}
