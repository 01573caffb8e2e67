/* The small parts of the core: buffers, slices, hex, blocks of headers, reasons. */
#include "core/decimal.h"
#include "core_fixture.h"
#include "unit.h"

START_TEST(buffers)
{
    struct buf b = buf_new(1000);

    ck_assert_str_is(buf_str(&b), "");
    buf_append(&b, STR(""));
    ck_assert_ptr_null(b.ptr);
    buf_append(&b, STR("abc"));
    buf_append_byte(&b, 'd');
    buf_printf(&b, "%d%s", 12, "");
    ck_assert_str_is(buf_str(&b), "abcd12");
    buf_consume(&b, 0);
    buf_consume(&b, 4);
    ck_assert_str_is(buf_str(&b), "12");
    buf_consume(&b, 3);
    ck_assert_uint_eq(b.len, 0);
    ck_assert(buf_ok(&b));
    buf_free(&b);
    buf_free(&b);
    ck_assert_uint_eq(b.max, 1000);
}
END_TEST

START_TEST(a_buffer_at_its_maximum)
{
    struct buf b = buf_new(4);

    buf_append(&b, STR("abc"));
    buf_append(&b, STR("de"));
    ck_assert(!buf_ok(&b));
    buf_append_byte(&b, 'd'); /* would fit, but a part is missing */
    ck_assert_str_is(buf_str(&b), "abc");
    buf_truncate(&b, 1);
    ck_assert(buf_ok(&b));
    buf_append(&b, STR("xyz"));
    ck_assert_str_is(buf_str(&b), "axyz");
    ck_assert(!buf_reserve(&b, SIZE_MAX));
    buf_clear(&b);
    ck_assert(buf_ok(&b));
    buf_printf(&b, "%s", "too long");
    ck_assert(!buf_ok(&b));
    buf_free(&b);
}
END_TEST

START_TEST(slices)
{
    struct str rest = unit_guard(STR("a,,b"));

    ck_assert_str_is(str_split(&rest, ','), "a");
    ck_assert_str_is(str_split(&rest, ','), "");
    ck_assert_str_is(str_split(&rest, ','), "b");
    ck_assert_uint_eq(rest.len, 0);
    ck_assert_str_is(str_split(&rest, ','), "");
    ck_assert_str_is(str_trim(unit_guard(STR(" \t x y\r\n "))), "x y");
    ck_assert_str_is(str_trim(unit_guard(STR(" \t"))), "");
    ck_assert_str_is(str_from(unit_guard(STR("abc")), 1), "bc");
    ck_assert_str_is(str_from(unit_guard(STR("abc")), 9), "");
    ck_assert(str_starts(STR("abc"), STR("ab")) && !str_starts(STR("a"), STR("ab")));
    ck_assert(str_eq_nocase(STR("aB-1"), STR("Ab-1")) && !str_eq_nocase(STR("a"), STR("ab")));
}
END_TEST

/* What HAProxy leaves out is {NULL, 0}, and passes through all of these. */
START_TEST(no_slice_at_all)
{
    struct str none = {NULL, 0}, rest = none;

    ck_assert_uint_eq(str_split(&rest, ';').len, 0);
    ck_assert_uint_eq(rest.len, 0);
    ck_assert_uint_eq(str_trim(none).len, 0);
    ck_assert_uint_eq(str_from(none, 3).len, 0);
    ck_assert(str_eq(none, STR("")) && str_eq_nocase(none, STR("")) && str_starts(none, none));
}
END_TEST

START_TEST(hex_and_decimal)
{
    static const char *const bad_hex[] = {"",
                                          "0",
                                          "00000000000000000",
                                          "000000000000000",
                                          "0000000000000000 ",
                                          "000000000000000A",
                                          "000000000000000g",
                                          "0x00000000000000"};
    static const char *const bad_decimal[] = {"",    "-1",  "+1",   " 1",
                                              "1 ",  "1.0", "0x1",  "1234567890123456789",
                                              "9/9", ":",   "12e1", "0000000000000000000"};
    struct buf b = buf_new(100);
    struct decimal_text text;
    int64_t number;
    uint64_t value;

    hex64_append(&b, 0x0123456789abcdef);
    ck_assert_str_is(buf_str(&b), "0123456789abcdef");
    ck_assert(hex64_read(unit_guard(buf_str(&b)), &value));
    ck_assert_uint_eq(value, 0x0123456789abcdef);
    ck_assert(hex64_read(STR("ffffffffffffffff"), &value));
    ck_assert_uint_eq(value, UINT64_MAX);
    buf_free(&b);
    for (size_t i = 0; i < sizeof bad_hex / sizeof *bad_hex; i++)
        ck_assert(!hex64_read(unit_guard(str_of(bad_hex[i])), &value));
    for (size_t i = 0; i < sizeof bad_decimal / sizeof *bad_decimal; i++)
        ck_assert_msg(!decimal_read(unit_guard(str_of(bad_decimal[i])), &number), "%s",
                      bad_decimal[i]);
    ck_assert(decimal_read(STR("0"), &number) && number == 0);
    ck_assert(decimal_read(STR("007"), &number) && number == 7);
    ck_assert(decimal_read(STR("999999999999999999"), &number) && number == 999999999999999999);
    ck_assert_str_is(decimal_write(&text, 0), "0");
    ck_assert_str_is(decimal_write(&text, INT64_MAX), "9223372036854775807");
    ck_assert_str_is(decimal_write(&text, INT64_MIN), "-9223372036854775808");
    ck_assert_str_eq(text.digits, "-9223372036854775808");
}
END_TEST

START_TEST(header_blocks)
{
    const struct headers *h = headers_of("a: 1\nb:2\na:\nlong: x y \n");

    ck_assert(!h->malformed);
    ck_assert_uint_eq(h->count, 4);
    ck_assert_str_is(h->items[0].name, "a");
    ck_assert_str_is(h->items[0].value, "1");
    ck_assert_str_is(h->items[2].value, "");
    ck_assert_str_is(headers_get(h, STR("a")), "1");
    ck_assert_str_is(headers_get(h, STR("long")), "x y");
    ck_assert_ptr_null(headers_get(h, STR("lon")).ptr);
    ck_assert_ptr_nonnull(headers_get(headers_of("e:\n"), STR("e")).ptr);
    ck_assert_uint_eq(headers_count(h, STR("a")), 2);
    ck_assert_uint_eq(headers_count(h, STR("b")), 1);
    ck_assert_uint_eq(headers_count(h, STR("")), 0);
    ck_assert(!headers_of("")->malformed);
    ck_assert_uint_eq(headers_of("")->count, 0);
    ck_assert_ptr_null(headers_get(headers_of(""), STR("a")).ptr);
}
END_TEST

START_TEST(malformed_header_blocks)
{
    static const struct str cases[] = {
        STR("\0"),          /* half an end */
        STR("\0\0\0"),      /* something behind the end */
        STR("\0\x01x"),     /* a value without a name */
        STR("\0\x01x\0\0"), /* not an end */
        STR("\x01"          /* a name cut off */
            "a"),
        STR("\x02"
            "a"),
        STR("\x01"
            "a\x01"
            "b"), /* no end behind a field */
        STR("\x01"
            "a\x05"
            "b\0\0"),
        STR("\xf0"),
        STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\0"),
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct headers *h = headers_in(cases[i]);
        ck_assert_msg(h->malformed, "case %zu is accepted", i);
        ck_assert_uint_eq(h->count, 0);
    }
    struct str whole = block_of("content-type: application/json\nb: c\n");
    for (size_t len = 1; len < whole.len; len++)
        ck_assert(headers_in((struct str){whole.ptr, len})->malformed);
}
END_TEST

START_TEST(many_headers)
{
    struct buf block = buf_new(10000);

    for (size_t count = 1; count < HEADERS_MAX + 5; count++) {
        wire_string(&block, STR("name"));
        wire_string(&block, STR("value"));
        size_t len = block.len;
        buf_append(&block, STR("\0\0"));
        const struct headers *h = headers_in(buf_str(&block));
        ck_assert_uint_eq(h->count, h->malformed ? 0 : count);
        ck_assert(h->malformed ? count >= HEADERS_MAX : count <= HEADERS_MAX);
        buf_truncate(&block, len);
        unit_guard_release();
    }
    buf_free(&block);
}
END_TEST

START_TEST(replayable_headers)
{
    static const char *const never[] = {"connection",
                                        "Connection",
                                        "keep-alive",
                                        "transfer-encoding",
                                        "upgrade",
                                        "te",
                                        "trailer",
                                        "proxy-connection",
                                        "set-cookie",
                                        "Set-Cookie",
                                        "set-cookie2",
                                        "www-authenticate",
                                        "content-length",
                                        "content-type",
                                        "content-encoding",
                                        "content-range",
                                        "date",
                                        "age",
                                        "via",
                                        "vary",
                                        "cache-status",
                                        "x-cache-status",
                                        "x-cache-key",
                                        "retry-after",
                                        "request-id",
                                        "x-request-id",
                                        "openai-processing-ms",
                                        "cf-ray",
                                        "alt-svc",
                                        "server-timing",
                                        "traceparent",
                                        "x-ratelimit-limit-tokens",
                                        "X-RateLimit-Left",
                                        "ratelimit",
                                        "ratelimit-policy",
                                        "x-ratelimit-",
                                        "anthropic-ratelimit-requests-remaining"};
    static const char *const may[] = {
        "openai-model", "content-language",  "etag", "x-ratelimit",  "x-custom", "connectio",
        "connection2",  "anthropic-version", "dat",  "x-ratelimi-t", "a",        ""};

    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        ck_assert_msg(!header_replayable(unit_guard(str_of(never[i]))), "%s", never[i]);
    for (size_t i = 0; i < sizeof may / sizeof *may; i++)
        ck_assert_msg(header_replayable(unit_guard(str_of(may[i]))), "%s", may[i]);
}
END_TEST

/* Names go into labels, headers and logs: words, each once. */
START_TEST(reasons)
{
    for (int a = 0; a < REASON_COUNT; a++) {
        const char *name = reason_name((enum reason)a);
        ck_assert(name[0] >= 'a' && name[0] <= 'z');
        ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name));
        ck_assert_uint_gt(strlen(reason_help((enum reason)a)), 10);
        for (int b = 0; b < a; b++)
            ck_assert_str_ne(name, reason_name((enum reason)b));
    }
}
END_TEST

Suite *suite_core(void)
{
    Suite *suite = suite_create("core");
    TCase *cases = tcase_create("core");

    tcase_add_checked_fixture(cases, NULL, unit_guard_release);
    tcase_add_test(cases, buffers);
    tcase_add_test(cases, a_buffer_at_its_maximum);
    tcase_add_test(cases, slices);
    tcase_add_test(cases, no_slice_at_all);
    tcase_add_test(cases, hex_and_decimal);
    tcase_add_test(cases, header_blocks);
    tcase_add_test(cases, malformed_header_blocks);
    tcase_add_test(cases, many_headers);
    tcase_add_test(cases, replayable_headers);
    tcase_add_test(cases, reasons);
    suite_add_tcase(suite, cases);
    return suite;
}
