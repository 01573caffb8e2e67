/* HTTP messages as somebody wrote them. */
#include "core/message.h"
#include "unit.h"

static struct message messages[2];
static struct request requests[2];

static void setup(void)
{
    memset(messages, 0, sizeof messages);
    memset(requests, 0, sizeof requests);
}

static void teardown(void)
{
    message_free(&messages[0]);
    message_free(&messages[1]);
    unit_guard_release();
}

/* How many messages there are in a text; says nothing wrong. */
static size_t read_good(const char *text)
{
    size_t count = 2;
    const char *wrong = message_read_all(messages, requests, &count, unit_guard(str_of(text)));

    ck_assert_msg(!wrong, "\"%s\": %s", text, wrong);
    return count;
}

#define HEAD "POST /v1/x?a=b HTTP/1.1\r\nHost: api.example\r\n"

START_TEST(a_message)
{
    ck_assert_uint_eq(read_good(HEAD "X-One:  a \tb \r\nx-one: c\r\nEmpty:\r\n\r\n{\"a\": 1}\n"),
                      1);
    ck_assert_str_is(requests[0].method, "POST");
    ck_assert_str_is(requests[0].target, "/v1/x?a=b");
    ck_assert_str_is(requests[0].host, "api.example");
    ck_assert_str_is(requests[0].body, "{\"a\": 1}\n");
    ck_assert(requests[0].whole);
    ck_assert_uint_eq(requests[0].headers->count, 4);
    ck_assert_str_is(headers_get(requests[0].headers, STR("x-one")), "a \tb");
    ck_assert_uint_eq(headers_count(requests[0].headers, STR("x-one")), 2);
    ck_assert_str_is(headers_get(requests[0].headers, STR("empty")), "");
}
END_TEST

START_TEST(lines_that_end_with_a_line_feed)
{
    ck_assert_uint_eq(read_good("\n\r\nGET / HTTP/1.0\nA: b\n\nbody"), 1);
    ck_assert_str_is(requests[0].method, "GET");
    ck_assert_str_is(headers_get(requests[0].headers, STR("a")), "b");
    ck_assert_str_is(requests[0].body, "body");
    requests[0].host = STR("of.another");
    ck_assert_uint_eq(read_good("GET / HTTP/1.1"), 1);
    ck_assert_uint_eq(requests[0].headers->count, 0);
    ck_assert_uint_eq(requests[0].host.len, 0);
    ck_assert_uint_eq(requests[0].body.len, 0);
}
END_TEST

START_TEST(a_length_ends_the_body)
{
    ck_assert_uint_eq(read_good(HEAD "Content-Length: 2\r\n\r\n{}\r\n\n"), 1);
    ck_assert_str_is(requests[0].body, "{}");
    ck_assert_uint_eq(read_good(HEAD "Content-Length: 2\n\n{}POST /2 HTTP/1.1\nHost: b\n\n[1]"), 2);
    ck_assert_str_is(requests[0].body, "{}");
    ck_assert_str_is(requests[0].host, "api.example");
    ck_assert_str_is(requests[1].target, "/2");
    ck_assert_str_is(requests[1].host, "b");
    ck_assert_str_is(requests[1].body, "[1]");
    ck_assert_uint_eq(read_good("GET /1 HTTP/1.1\nContent-Length: 0\n\n\nGET /2 HTTP/1.1\n"), 2);
}
END_TEST

START_TEST(what_is_no_message)
{
    static const char *const bad[] = {
        "",
        "\n",
        "hello",
        "POST /v1/x\r\n\r\n",
        "POST /v1/x HTTP/2\r\n\r\n",
        "POST  /v1/x HTTP/1.1\r\n\r\n",
        "PO(ST /v1/x HTTP/1.1\r\n\r\n",
        "POST v1/x HTTP/1.1\r\n\r\n",
        "POST http://api.example/v1/x HTTP/1.1\r\n\r\n",
        "POST /v1/\tx HTTP/1.1\r\n\r\n",
        "POST /v1/\xc3\xa4 HTTP/1.1\r\n\r\n",
        HEAD "no colon\r\n\r\n",
        HEAD " folded: line\r\n\r\n",
        HEAD "space : before\r\n\r\n",
        HEAD ": no name\r\n\r\n",
        HEAD "control: a\001b\r\n\r\n",
        HEAD "return: a\rb\r\n\r\n",
        HEAD "host: twice\r\n\r\n",
        HEAD "content-length: 3\r\n\r\n{}",
        HEAD "content-length: x\r\n\r\n{}",
        HEAD "content-length: -1\r\n\r\n{}",
        HEAD "content-length: 2\r\ncontent-length: 2\r\n\r\n{}",
        HEAD "content-length: 2\r\n\r\n{} tail",
        HEAD "transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        HEAD "content-length: 0\r\n\r\n" HEAD "content-length: 0\r\n\r\n" HEAD "\r\n",
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t count = 2;
        ck_assert_msg(message_read_all(messages, requests, &count, unit_guard(str_of(bad[i]))),
                      "\"%s\" is taken", bad[i]);
    }
}
END_TEST

/* What is said about a mistake may be shown to anybody. */
START_TEST(mistakes_repeat_nothing)
{
    size_t count = 2;
    const char *wrong =
        message_read_all(messages, requests, &count, STR(HEAD "Authorization sk-1234567890\r\n"));

    ck_assert_ptr_nonnull(wrong);
    ck_assert_ptr_null(strstr(wrong, "sk-1234567890"));
}
END_TEST

START_TEST(many_and_long_headers)
{
    struct buf text = buf_new(1 << 20);
    size_t count = 2;

    buf_append(&text, STR(HEAD));
    for (int i = 0; i < HEADERS_MAX; i++)
        buf_append(&text, STR("a: b\r\n"));
    ck_assert_ptr_nonnull(message_read_all(messages, requests, &count, buf_str(&text)));
    buf_clear(&text);
    buf_append(&text, STR(HEAD "long: "));
    for (int i = 0; i < MESSAGE_HEAD_MAX; i++)
        buf_append_byte(&text, 'x');
    count = 2;
    ck_assert_ptr_nonnull(message_read_all(messages, requests, &count, buf_str(&text)));
    buf_free(&text);
    ck_assert_uint_eq(read_good(HEAD "\r\n"), 1); /* and is as good as new */
}
END_TEST

START_TEST(headers_by_hand)
{
    message_begin(&messages[0]);
    ck_assert_ptr_null(message_header(&messages[0], STR("Content-TYPE"), STR(" text/plain ")));
    ck_assert_ptr_nonnull(message_header(&messages[0], STR("bad name"), STR("x")));
    ck_assert_ptr_nonnull(message_header(&messages[0], STR("name"), STR("a\nb")));
    requests[0].host = STR("from.the.url");
    ck_assert_ptr_null(message_end(&messages[0], &requests[0]));
    ck_assert_uint_eq(requests[0].headers->count, 1);
    ck_assert_str_is(headers_get(requests[0].headers, STR("content-type")), "text/plain");
    ck_assert_str_is(requests[0].host, "from.the.url");
}
END_TEST

Suite *suite_message(void)
{
    Suite *suite = suite_create("message");
    TCase *cases = tcase_create("message");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_message);
    tcase_add_test(cases, lines_that_end_with_a_line_feed);
    tcase_add_test(cases, a_length_ends_the_body);
    tcase_add_test(cases, what_is_no_message);
    tcase_add_test(cases, mistakes_repeat_nothing);
    tcase_add_test(cases, many_and_long_headers);
    tcase_add_test(cases, headers_by_hand);
    suite_add_tcase(suite, cases);
    return suite;
}
