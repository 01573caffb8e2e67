/* The messages of spoe/README.md, as HAProxy sends them and as it might. */
#include "core/notify.h"

#include "core_fixture.h"
#include "unit.h"

static struct buf out;

static void setup(void)
{
    out = buf_new(1 << 20);
}

static void teardown(void)
{
    buf_free(&out);
    unit_guard_release();
}

static bool read_out(struct notify *n)
{
    return notify_read(unit_guard(buf_str(&out)), n);
}

START_TEST(a_lookup)
{
    struct notify n;

    wire_lookup(&out);
    ck_assert(read_out(&n));
    ck_assert_int_eq(n.kind, NOTIFY_LOOKUP);
    ck_assert_str_is(n.request.policy, "llm");
    ck_assert_str_is(n.request.tenant, "acme");
    ck_assert_str_is(n.request.upstream, "");
    ck_assert_str_is(n.request.mode, "");
    ck_assert_int_eq(n.request.ttl, 60000);
    ck_assert_str_is(n.request.method, "POST");
    ck_assert_str_is(n.request.scheme, "https");
    ck_assert_str_is(n.request.host, "api.example");
    ck_assert_str_is(n.request.target, "/v1/chat/completions?a=b");
    ck_assert(!n.request.headers->malformed);
    ck_assert_str_is(headers_get(n.request.headers, STR("content-type")), "application/json");
    ck_assert(n.request.whole);
    ck_assert(n.request.exact);
    ck_assert_str_is(n.request.body, "{\"model\":\"m\",\"messages\":[]}");
    ck_assert_uint_eq(n.ticket.len, 0);
}
END_TEST

START_TEST(a_store)
{
    struct notify n;

    wire_store(&out);
    ck_assert(read_out(&n));
    ck_assert_int_eq(n.kind, NOTIFY_STORE);
    ck_assert_str_is(n.ticket, "1 opaque");
    ck_assert_int_eq(n.response.code, 200);
    ck_assert_str_is(n.response.connection, "close");
    ck_assert(!n.response.headers->malformed);
    ck_assert_uint_eq(n.response.headers->count, 1);
    ck_assert(n.response.whole);
    ck_assert_str_is(n.response.body, "{\"id\":1}");
}
END_TEST

START_TEST(a_wait_and_a_release)
{
    struct notify n;

    wire_message(&out, "wait", 2);
    wire_item_bytes(&out, "ticket", SPOP_STRING, STR("1 opaque"));
    wire_item_bool(&out, "exact", true);
    ck_assert(read_out(&n));
    ck_assert_int_eq(n.kind, NOTIFY_WAIT);
    ck_assert_str_is(n.ticket, "1 opaque");
    ck_assert(n.request.exact);
    buf_clear(&out);
    wire_message(&out, "release", 1);
    wire_item_bytes(&out, "ticket", SPOP_STRING, STR("1 opaque"));
    ck_assert(read_out(&n));
    ck_assert_int_eq(n.kind, NOTIFY_RELEASE);
    ck_assert_str_is(n.ticket, "1 opaque");
    ck_assert(!n.request.exact);
}
END_TEST

START_TEST(nothing_known)
{
    struct notify n;

    ck_assert(read_out(&n));
    ck_assert_int_eq(n.kind, NOTIFY_NOTHING);
    /* names count with their length */
    static const char *const names[] = {"", "l", "looku", "lookup2", "LOOKUP", "stor", "stores"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        wire_message(&out, names[i], 1);
        wire_item_bytes(&out, "policy", SPOP_STRING, STR("llm"));
    }
    ck_assert(read_out(&n));
    ck_assert_int_eq(n.kind, NOTIFY_NOTHING);
    ck_assert_uint_eq(n.request.policy.len, 0);
}
END_TEST

START_TEST(unknown_arguments)
{
    struct notify n;

    wire_message(&out, "lookup", 7);
    wire_item_bytes(&out, "", SPOP_STRING, STR("x"));
    wire_item_bytes(&out, "polic", SPOP_STRING, STR("x"));
    wire_item_bytes(&out, "policy2", SPOP_STRING, STR("x"));
    wire_item_bytes(&out, "ticket", SPOP_STRING, STR("of another message"));
    wire_item_number(&out, "code", SPOP_INT64, 9);
    wire_item_bytes(&out, "policy", SPOP_STRING, STR("llm"));
    wire_item_bytes(&out, "later", SPOP_IPV6, STR("0123456789abcdef"));
    ck_assert(read_out(&n));
    ck_assert_int_eq(n.kind, NOTIFY_LOOKUP);
    ck_assert_str_is(n.request.policy, "llm");
    ck_assert_str_is(n.request.tenant, "");
    ck_assert_uint_eq(n.ticket.len, 0);
    ck_assert_int_eq(n.response.code, 0);
}
END_TEST

START_TEST(any_order)
{
    struct notify n;

    wire_message(&out, "lookup", 8);
    wire_item_bool(&out, "exact", true);
    wire_item_bytes(&out, "body", SPOP_BINARY, STR("b"));
    wire_item_bytes(&out, "host", SPOP_STRING, STR("h"));
    wire_item_bytes(&out, "tenant", SPOP_STRING, STR("t"));
    wire_item_bytes(&out, "policy", SPOP_STRING, STR("p"));
    wire_item_bool(&out, "whole", true);
    wire_item_bytes(&out, "target", SPOP_STRING, STR("/"));
    wire_item_bytes(&out, "method", SPOP_STRING, STR("M"));
    ck_assert(read_out(&n));
    ck_assert_str_is(n.request.policy, "p");
    ck_assert_str_is(n.request.tenant, "t");
    ck_assert_str_is(n.request.host, "h");
    ck_assert_str_is(n.request.target, "/");
    ck_assert_str_is(n.request.method, "M");
    ck_assert_str_is(n.request.body, "b");
    ck_assert(n.request.whole && n.request.exact);
}
END_TEST

START_TEST(first_of_two_messages)
{
    struct notify n;

    wire_message(&out, "other", 0);
    wire_store(&out);
    wire_lookup(&out);
    wire_store(&out);
    ck_assert(read_out(&n));
    ck_assert_int_eq(n.kind, NOTIFY_STORE);
    ck_assert_str_is(n.ticket, "1 opaque");
    ck_assert_uint_eq(n.request.policy.len, 0);
}
END_TEST

/* Every argument as NULL, as an empty string, and not sent: one and the same request. */
START_TEST(null_and_empty_and_missing)
{
    static const char *const names[] = {"policy", "tenant", "upstream", "ttl",    "mode",
                                        "method", "scheme", "host",     "target", "headers",
                                        "whole",  "body",   "exact"};

    for (int form = 0; form < 3; form++) {
        struct notify n;

        buf_clear(&out);
        wire_message(&out, "lookup", form == 2 ? 0 : 13);
        for (size_t i = 0; form < 2 && i < 13; i++)
            if (form == 0)
                wire_item_null(&out, names[i]);
            else
                wire_item_bytes(&out, names[i], SPOP_STRING, STR(""));
        ck_assert(read_out(&n));
        ck_assert_int_eq(n.kind, NOTIFY_LOOKUP);
        const struct str fields[] = {n.request.policy, n.request.tenant, n.request.upstream,
                                     n.request.mode,   n.request.method, n.request.scheme,
                                     n.request.host,   n.request.target, n.request.body};
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
            ck_assert_uint_eq(fields[i].len, 0);
        ck_assert(!n.request.whole && !n.request.exact);
        ck_assert_uint_eq(n.request.headers->count, 0);
        ck_assert_msg(n.request.headers->malformed, "headers that did not come are none");
        ck_assert_msg(n.request.ttl == 0, "an empty ttl asks for %lld", (long long)n.request.ttl);
    }
}
END_TEST

START_TEST(ttl_as_text)
{
    static const struct {
        const char *text;
        int64_t want;
    } cases[] = {
        {"1", 1000},
        {"86400", 86400000},
        {" 5 ", 5000},
        {"0", -1},
        {"-1", -1},
        {"x", -1},
        {"1s", -1},
        {"1.5", -1},
        {"+1", -1},
        {"0x10", -1},
        {" ", -1},
        {"9223372036854775807", -1},
        {"999999999999999999", -1},
        {"9223372036854775", -1},
        {"9223372036854774", 9223372036854774000},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct notify n;
        buf_clear(&out);
        wire_message(&out, "lookup", 1);
        wire_item_bytes(&out, "ttl", i % 2 ? SPOP_STRING : SPOP_BINARY, str_of(cases[i].text));
        ck_assert(read_out(&n));
        ck_assert_msg(n.request.ttl == cases[i].want, "\"%s\" gives %lld", cases[i].text,
                      (long long)n.request.ttl);
    }
}
END_TEST

START_TEST(ttl_as_number)
{
    static const struct {
        int64_t seconds, want;
    } cases[] = {
        {1, 1000},       {3600, 3600000},        {0, -1}, {-1, -1}, {INT64_MIN, -1},
        {INT64_MAX, -1}, {INT64_MAX / 1000, -1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (enum spop_type type = SPOP_INT32; type <= SPOP_UINT64; type++) {
            struct notify n;
            buf_clear(&out);
            wire_message(&out, "lookup", 1);
            wire_item_number(&out, "ttl", type, (uint64_t)cases[i].seconds);
            ck_assert(read_out(&n));
            ck_assert_int_eq(n.request.ttl, cases[i].want);
        }
    struct notify n;
    buf_clear(&out);
    wire_message(&out, "lookup", 1);
    wire_item_bool(&out, "ttl", true);
    ck_assert(read_out(&n));
    ck_assert_int_eq(n.request.ttl, -1);
}
END_TEST

/* set-var(txn.cache.upstream) be_id is a number to HAProxy: two origins must stay two. */
START_TEST(numbers_where_bytes_are_expected)
{
    struct notify one, two, yes;

    wire_message(&out, "lookup", 2);
    wire_item_number(&out, "upstream", SPOP_INT64, 1);
    wire_item_number(&out, "mode", SPOP_INT64, 1);
    ck_assert(read_out(&one));
    buf_clear(&out);
    wire_message(&out, "lookup", 1);
    wire_item_number(&out, "upstream", SPOP_INT64, 2);
    ck_assert(read_out(&two));
    buf_clear(&out);
    wire_message(&out, "lookup", 1);
    wire_item_bool(&out, "upstream", true);
    ck_assert(read_out(&yes));
    ck_assert_msg(!str_eq(one.request.upstream, two.request.upstream),
                  "upstreams 1 and 2 are the same");
    ck_assert_msg(yes.request.upstream.len > 0, "upstream true is none");
    ck_assert_msg(policy_mode(one.request.mode) == MODE_BYPASS, "mode 1 is no mode");
}
END_TEST

START_TEST(wrong_types)
{
    struct notify n;

    wire_message(&out, "lookup", 3);
    wire_item_bytes(&out, "tenant", SPOP_IPV4, STR("\x0a\0\0\x01"));
    wire_item_number(&out, "whole", SPOP_INT64, 1);
    wire_item_bytes(&out, "exact", SPOP_STRING, STR("true"));
    ck_assert(read_out(&n));
    ck_assert(str_eq(n.request.tenant, STR("\x0a\0\0\x01")));
    ck_assert(!n.request.whole);
    ck_assert(!n.request.exact);

    buf_clear(&out);
    wire_message(&out, "store", 2);
    wire_item_bytes(&out, "code", SPOP_STRING, STR("200"));
    wire_item_bool(&out, "whole", false);
    ck_assert(read_out(&n));
    ck_assert_int_eq(n.response.code, 0);
    ck_assert(!n.response.whole);
}
END_TEST

/* Rows of the hostile-input table that the payload of a NOTIFY decides. */
START_TEST(malformed)
{
    static const struct str cases[] = {
        STR("\x06lookup"),     /* no number of arguments */
        STR("\x06lookup\x01"), /* more than there are */
        STR("\x06lookup\xff\x04mode\x08\x01x"),
        STR("\x06lookup\x01\x04mode"),          /* a name without a value */
        STR("\x06lookup\x01\x04mode\x08\x05x"), /* a string longer than the frame */
        STR("\x06lookup\x01\x04mode\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x0e"),
        STR("\x06lookup\x01\x04mode\x0a"), /* a type there is not */
        STR("\x06lookup\x01\x04mode\x06\x7f"),
        STR("\x06lookup\x01\x7fmode"),
        STR("\x06look"),
        STR("\xf0"),
        STR("\x06lookup\0\x01"),               /* half a message behind a good one */
        STR("\x05other\x01\x04mode\x08\x05x"), /* in a message that is skipped, too */
    };
    struct notify n;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(!notify_read(unit_guard(cases[i]), &n), "case %zu was accepted", i);
    ck_assert(notify_read(unit_guard(STR("\x06lookup\0")), &n));
    ck_assert_int_eq(n.kind, NOTIFY_LOOKUP);
}
END_TEST

START_TEST(cut_anywhere)
{
    struct notify n;

    wire_lookup(&out);
    for (size_t len = 1; len < out.len; len++) {
        ck_assert(!notify_read(unit_guard((struct str){out.ptr, len}), &n));
        unit_guard_release();
    }
}
END_TEST

Suite *suite_notify(void)
{
    Suite *suite = suite_create("notify");
    TCase *cases = tcase_create("notify");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_lookup);
    tcase_add_test(cases, a_store);
    tcase_add_test(cases, a_wait_and_a_release);
    tcase_add_test(cases, nothing_known);
    tcase_add_test(cases, unknown_arguments);
    tcase_add_test(cases, any_order);
    tcase_add_test(cases, first_of_two_messages);
    tcase_add_test(cases, null_and_empty_and_missing);
    tcase_add_test(cases, ttl_as_text);
    tcase_add_test(cases, ttl_as_number);
    tcase_add_test(cases, numbers_where_bytes_are_expected);
    tcase_add_test(cases, wrong_types);
    tcase_add_test(cases, malformed);
    tcase_add_test(cases, cut_anywhere);
    suite_add_tcase(suite, cases);
    return suite;
}
