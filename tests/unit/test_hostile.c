/* Bodies that two parsers may read differently, that no parser should accept, or that are made to
 * take long: each is a bypass with its reason, or means one thing only. */
#include "../hostile_json.h"
#include "core/plan.h"
#include "core_fixture.h"
#include "unit.h"

#include <time.h>

enum { FRAME = 1 << 21, BODY_MAX = 1 << 20 };

static struct plan_scratch scratch;
static struct json_doc doc;
static struct key_secret secret;
static struct policy policy;
static struct buf text, canonical;

static void setup(void)
{
    plan_scratch_init(&scratch);
    secret = sample_secret();
    policy = sample_policy();
    policy.max_request = BODY_MAX;
    text = buf_new(2 * BODY_MAX);
    canonical = buf_new(16 * BODY_MAX);
}

static void teardown(void)
{
    plan_scratch_free(&scratch);
    json_free(&doc);
    buf_free(&text);
    buf_free(&canonical);
    unit_guard_release();
}

/* The plan for a body, which is behind no guard itself. */
static struct plan plan_of(struct str body)
{
    struct request request;
    struct plan plan;

    unit_guard_release();
    request = sample_request();
    request.body = unit_guard(body);
    struct scope scope = sample_scope(&policy, &request);
    plan_request(&plan, &scratch, &secret, &scope, &request, FRAME);
    return plan;
}

struct refused {
    struct str body;
    enum json_error error;
};

static void check_refused(struct str body, enum json_error want)
{
    enum json_error error = json_read(&doc, unit_guard(body));

    ck_assert_msg(error == want, "%.*s: %s, want %s", STR_ARGS(body), json_error_name(error),
                  json_error_name(want));
    struct plan plan = plan_of(body);
    ck_assert_msg(plan.reason == REASON_REQUEST_JSON, "%.*s: %s", STR_ARGS(body),
                  reason_name(plan.reason));
    ck_assert_int_eq(plan.status, PLAN_BYPASS);
    ck_assert(!plan.look && !plan.store && !plan.has_key);
}

static void check_all_refused(const struct refused *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_refused(cases[i].body, cases[i].error);
}

#define CHECK_REFUSED(cases) check_all_refused(cases, sizeof(cases) / sizeof *(cases))
#define CHAT(content) STR("{\"messages\":[{\"role\":\"user\",\"content\":" content "}]}")
#define SEED(number) STR("{\"seed\":" number "}")

START_TEST(names_that_stand_twice)
{
    static const struct refused cases[] = {
        {STR("{\"model\":\"a\",\"model\":\"b\"}"), JSON_DUPLICATE},
        {STR("{\"model\":\"a\",\"model\":\"a\"}"), JSON_DUPLICATE},
        {STR("{\"model\":\"a\",\"n\":1,\"m\\u006fdel\":\"b\"}"), JSON_DUPLICATE},
        {STR("{\"a\":0,\"\\u0061\":1}"), JSON_DUPLICATE},
        {STR("{\"/\":0,\"\\/\":1}"), JSON_DUPLICATE},
        {STR("{\"\xf0\x9f\x98\x80\":0,\"\\uD83D\\ude00\":1}"), JSON_DUPLICATE},
        {STR("{\"\":0,\"\":1}"), JSON_DUPLICATE},
        {STR("{\"user\":\"dropped\",\"user\":\"or not\"}"), JSON_DUPLICATE},
        {STR("{\"messages\":[{\"role\":\"user\",\"role\":\"system\"}]}"), JSON_DUPLICATE},
        {CHAT("[{\"type\":\"text\",\"text\":\"a\",\"text\":\"b\"}]"), JSON_DUPLICATE},
        {STR("{\"metadata\":{\"a\":{\"b\":[{\"c\":1,\"c\":2}]}}}"), JSON_DUPLICATE},
        {STR("{\"tools\":[{\"function\":{\"parameters\":{\"p\":{\"x\":1,\"x\":1}}}}]}"),
         JSON_DUPLICATE},
        {STR("{\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"8\":0,\"9\":0,\"3\":0}"),
         JSON_DUPLICATE},
    };
    CHECK_REFUSED(cases);
}
END_TEST

/* Wherever in the tree the two stand, and whatever stands between them. */
START_TEST(names_that_stand_twice_at_any_depth)
{
    for (unsigned depth = 0; depth < JSON_MAX_DEPTH; depth++) {
        for (unsigned between = 0; between < 80; between += 13) {
            buf_clear(&text);
            for (unsigned i = 0; i < depth; i++)
                buf_append(&text, i % 2 ? STR("[") : STR("{\"a\":"));
            buf_append(&text, STR("{\"name\":0,"));
            for (unsigned i = 0; i < between; i++)
                buf_printf(&text, "\"name%u\":{},", i * 7);
            buf_append(&text, STR("\"n\\u0061me\":1}"));
            for (unsigned i = depth; i-- > 0;)
                buf_append(&text, i % 2 ? STR("]") : STR("}"));
            check_refused(buf_str(&text),
                          depth + 1 == JSON_MAX_DEPTH && between ? JSON_DEPTH : JSON_DUPLICATE);
        }
    }
}
END_TEST

/* A parser that takes names in any case takes one of them; we cannot know which. */
START_TEST(names_that_differ_in_case)
{
    static const struct str cases[] = {
        STR("{\"model\":\"a\",\"Model\":\"b\"}"),
        STR("{\"model\":\"a\",\"\\u004dODEL\":\"b\"}"),
        STR("{\"messages\":[{\"role\":\"user\",\"Role\":\"system\"}]}"),
        CHAT("[{\"type\":\"text\",\"TEXT\":\"a\",\"text\":\"b\"}]"),
        STR("{\"user\":\"dropped\",\"User\":\"kept\"}"),
        STR("{\"x\":1,\"X\":null}"),
        STR("{\"Stream\":true,\"stream\":false}"),
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan plan = plan_of(cases[i]);
        ck_assert_msg(plan.status == PLAN_BYPASS && plan.reason == REASON_FIELD && !plan.has_key,
                      "%.*s: %s", STR_ARGS(cases[i]), reason_name(plan.reason));
    }
}
END_TEST

START_TEST(text_that_is_no_utf8)
{
    static const struct refused cases[] = {
        {CHAT("\"\x80\""), JSON_ENCODING},
        {CHAT("\"\xc0\xaf\""), JSON_ENCODING},
        {CHAT("\"\xc1\xbf\""), JSON_ENCODING},
        {CHAT("\"\xe0\x80\xaf\""), JSON_ENCODING},
        {CHAT("\"\xf0\x80\x80\xaf\""), JSON_ENCODING},
        {CHAT("\"\xc0\x80\""), JSON_ENCODING}, /* NUL, as Java writes it */
        {CHAT("\"\xed\xa0\x80\""), JSON_ENCODING},
        {CHAT("\"\xed\xb0\x80\""), JSON_ENCODING},
        {CHAT("\"\xed\xa0\xbd\xed\xb8\x80\""), JSON_ENCODING}, /* CESU-8 */
        {CHAT("\"\xf4\x90\x80\x80\""), JSON_ENCODING},
        {CHAT("\"\xf5\x80\x80\x80\""), JSON_ENCODING},
        {CHAT("\"\xf8\x88\x80\x80\x80\""), JSON_ENCODING},
        {CHAT("\"\xff\""), JSON_ENCODING},
        {CHAT("\"\xc3\""), JSON_ENCODING},
        {CHAT("\"\xe2\x82\""), JSON_ENCODING},
        {CHAT("\"\xf0\x9f\x98\""), JSON_ENCODING},
        {CHAT("\"caf\xe9\""), JSON_ENCODING}, /* Latin-1 */
        {STR("{\"\xff\":1}"), JSON_ENCODING},
        {STR("{\"a\":1}\xff"), JSON_TRAILING},
        {STR("\xff\xfe{\0\"\0a\0\"\0:\0001\0}\0"), JSON_SYNTAX}, /* UTF-16 */
        {STR("{\0\"\0a\0\"\0:\0001\0}\0"), JSON_SYNTAX},
        {STR("\xef\xbb\xbf{\"a\":1}"), JSON_ENCODING},
        {STR("{\"a\":1}\xef\xbb\xbf"), JSON_TRAILING},
    };
    CHECK_REFUSED(cases);
}
END_TEST

START_TEST(escapes_that_are_no_text)
{
    static const struct refused cases[] = {
        {CHAT("\"\\ud800\""), JSON_ENCODING},
        {CHAT("\"\\udbff\""), JSON_ENCODING},
        {CHAT("\"\\udc00\""), JSON_ENCODING},
        {CHAT("\"\\udfff\""), JSON_ENCODING},
        {CHAT("\"\\ude00\\ud83d\""), JSON_ENCODING},
        {CHAT("\"\\ud83d\\ud83d\\ude00\""), JSON_ENCODING},
        {CHAT("\"\\ud83d \\ude00\""), JSON_ENCODING},
        {CHAT("\"\\ud83d\\u0041\""), JSON_ENCODING},
        {CHAT("\"\\ud83dA\""), JSON_ENCODING},
        {CHAT("\"\\ud83d\xf0\x9f\x98\x80\""), JSON_ENCODING},
        {STR("{\"\\ud83d\":1}"), JSON_ENCODING},
        {CHAT("\"\\u0000\""), JSON_ENCODING},
        {STR("{\"model\\u0000x\":1}"), JSON_ENCODING},
        {CHAT("\"\\x41\""), JSON_SYNTAX},
        {CHAT("\"\\0\""), JSON_SYNTAX},
        {CHAT("\"\\'\""), JSON_SYNTAX},
        {CHAT("\"\\v\""), JSON_SYNTAX},
        {CHAT("\"\\u{41}\""), JSON_SYNTAX},
        {CHAT("\"\\u 041\""), JSON_SYNTAX},
        {CHAT("\"\\U0001F600\""), JSON_SYNTAX},
        {CHAT("\"\\\n\""), JSON_SYNTAX},
    };
    CHECK_REFUSED(cases);
}
END_TEST

START_TEST(syntax_that_some_parsers_take)
{
    static const struct refused cases[] = {
        {STR("{\"a\":1}x"), JSON_TRAILING},
        {STR("{\"a\":1}{\"a\":1}"), JSON_TRAILING},
        {STR("{\"a\":1}\n{\"a\":1}"), JSON_TRAILING},
        {STR("{\"a\":1},"), JSON_TRAILING},
        {STR("{\"a\":1}}"), JSON_TRAILING},
        {STR("{\"a\":1}\0"), JSON_TRAILING},
        {STR("{\"a\":1}// more"), JSON_TRAILING},
        {STR("\0{\"a\":1}"), JSON_SYNTAX},
        {STR("{\"a\":\0 1}"), JSON_SYNTAX},
        {STR("{\"a\":tru\0e}"), JSON_SYNTAX},
        {CHAT("\"a\0b\""), JSON_SYNTAX},
        {CHAT("\"a\nb\""), JSON_SYNTAX},
        {CHAT("\"a\tb\""), JSON_SYNTAX},
        {CHAT("\"a\x1f\""), JSON_SYNTAX},
        {STR("{'a':1}"), JSON_SYNTAX},
        {STR("{\"a\":'b'}"), JSON_SYNTAX},
        {STR("{a:1}"), JSON_SYNTAX},
        {STR("{\"a\":1,}"), JSON_SYNTAX},
        {STR("{,\"a\":1}"), JSON_SYNTAX},
        {STR("{\"a\":[1,]}"), JSON_SYNTAX},
        {STR("{\"a\":[1,,2]}"), JSON_SYNTAX},
        {STR("{\"a\":[1 2]}"), JSON_SYNTAX},
        {STR("{\"a\" 1}"), JSON_SYNTAX},
        {STR("{\"a\"=1}"), JSON_SYNTAX},
        {STR("{\"a\":1;\"b\":2}"), JSON_SYNTAX},
        {STR("{\"a\":1 \"b\":2}"), JSON_SYNTAX},
        {STR("{\"a\"}"), JSON_SYNTAX},
        {STR("{1:2}"), JSON_SYNTAX},
        {STR("{null:2}"), JSON_SYNTAX},
        {STR("{\"a\":[1}]"), JSON_SYNTAX},
        {STR("{/* what */\"a\":1}"), JSON_SYNTAX},
        {STR("// what\n{\"a\":1}"), JSON_SYNTAX},
        {STR("# what\n{\"a\":1}"), JSON_SYNTAX},
        {STR(")]}'\n{\"a\":1}"), JSON_SYNTAX},
        {STR("\x1e{\"a\":1}\n"), JSON_SYNTAX},
        {STR("{\"a\":1\xc2\xa0}"), JSON_SYNTAX},
        {STR("{\"a\":\v1}"), JSON_SYNTAX},
        {STR("{\"a\":\f1}"), JSON_SYNTAX},
        {STR("{\"a\":True}"), JSON_SYNTAX},
        {STR("{\"a\":NULL}"), JSON_SYNTAX},
        {STR("{\"a\":undefined}"), JSON_SYNTAX},
        {STR("{\"a\":\"b\" \"c\"}"), JSON_SYNTAX},
        {STR(""), JSON_CUT},
        {STR(" "), JSON_CUT},
    };
    CHECK_REFUSED(cases);
}
END_TEST

START_TEST(numbers_that_some_parsers_take)
{
    static const struct refused cases[] = {
        {SEED("01"), JSON_SYNTAX},        {SEED("-01"), JSON_SYNTAX},
        {SEED("00"), JSON_SYNTAX},        {SEED("+1"), JSON_SYNTAX},
        {SEED(".5"), JSON_SYNTAX},        {SEED("5."), JSON_SYNTAX},
        {SEED("-"), JSON_SYNTAX},         {SEED("--1"), JSON_SYNTAX},
        {SEED("1e"), JSON_SYNTAX},        {SEED("1e+"), JSON_SYNTAX},
        {SEED("1e1.5"), JSON_SYNTAX},     {SEED("0x1F"), JSON_SYNTAX},
        {SEED("0b1"), JSON_SYNTAX},       {SEED("0o7"), JSON_SYNTAX},
        {SEED("1_000"), JSON_SYNTAX},     {SEED("1 000"), JSON_SYNTAX},
        {SEED("1,5"), JSON_SYNTAX},       {SEED("NaN"), JSON_SYNTAX},
        {SEED("nan"), JSON_SYNTAX},       {SEED("Infinity"), JSON_SYNTAX},
        {SEED("-Infinity"), JSON_SYNTAX}, {SEED("inf"), JSON_SYNTAX},
        {SEED("1f"), JSON_SYNTAX},        {SEED("1L"), JSON_SYNTAX},
        {SEED("\xd9\xa1"), JSON_SYNTAX}, /* an Arabic 1 */
    };
    CHECK_REFUSED(cases);
}
END_TEST

START_TEST(depth_bombs)
{
    static const char *const kinds[][3] = {
        {"{\"a\":", "[", "]"}, {"{\"a\":", "{\"a\":", "}"}, {"{\"a\":", "[{\"\":", "}]"}};

    for (size_t i = 0; i < 3; i++) {
        for (unsigned closed = 0; closed < 2; closed++) {
            buf_clear(&text);
            buf_append(&text, str_of(kinds[i][0]));
            for (unsigned n = 0; n < 100000; n++)
                buf_append(&text, str_of(kinds[i][1]));
            for (unsigned n = 0; closed && n < 100000; n++)
                buf_append(&text, str_of(kinds[i][2]));
            buf_append(&text, closed ? STR("}") : STR(""));
            ck_assert(buf_ok(&text) && text.len <= BODY_MAX);
            check_refused(buf_str(&text), JSON_DEPTH);
        }
    }
}
END_TEST

/* Whatever is missing at its end, and whatever byte that no JSON has stands anywhere in it. */
START_TEST(every_cut_and_every_bad_byte)
{
    static const struct str body =
        STR("{\"model\":\"m-1\",\"temperature\":-1.5e-3,\"stream\":false,\"messages\":[{\"role\":"
            "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"caf\xc3\xa9 \\\"\\u00e9\\ud83d"
            "\\ude00\\n\xf0\x9f\x98\x80\"}]}],\"stop\":[null,true,{}]}");
    static const char bad[] = {'\0', '\x01', '\x1f', '\xc0', '\xed', '\xf5', '\xff'};
    static const char inserted[] = "\x80\xbf\"\\}]";

    ck_assert_int_eq(plan_of(body).status, PLAN_MISS);
    for (size_t len = 0; len < body.len; len++)
        check_refused((struct str){body.ptr, len}, JSON_CUT);
    for (size_t at = 0; at < body.len; at++) {
        for (size_t i = 0; i < sizeof bad; i++) {
            buf_clear(&text);
            buf_append(&text, body);
            text.ptr[at] = bad[i];
            struct plan plan = plan_of(buf_str(&text));
            ck_assert_msg(plan.reason == REASON_REQUEST_JSON && !plan.has_key, "%02x at %zu",
                          (unsigned char)bad[i], at);
        }
    }
    for (size_t i = 0; i + 1 < sizeof inserted; i++) {
        buf_clear(&text);
        buf_append(&text, body);
        buf_append_byte(&text, (uint8_t)inserted[i]);
        check_refused(buf_str(&text), JSON_TRAILING);
    }
}
END_TEST

static bool share(struct str a, struct str b)
{
    struct plan first = plan_of(a), second = plan_of(b);

    ck_assert_msg(first.has_key && second.has_key, "%.*s, %.*s: %s, %s", STR_ARGS(a), STR_ARGS(b),
                  reason_name(first.reason), reason_name(second.reason));
    return str_eq(key_text(&first.key), key_text(&second.key));
}

#define D100 "1234567890" D90
#define D90                                                                                        \
    "123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"

/* What a parser that makes doubles of numbers would take for one. */
START_TEST(numbers_beyond_a_double)
{
    static const struct str pairs[][2] = {
        {SEED("1e400"), SEED("1e401")},
        {SEED("1e400"), SEED("-1e400")},
        {SEED("1e-400"), SEED("1e-401")},
        {SEED("1e-400"), SEED("0")},
        {SEED("9007199254740992"), SEED("9007199254740993")},
        {SEED("18446744073709551615"), SEED("18446744073709551616")},
        {SEED("18446744073709551616"), SEED("0")},
        {SEED("0.1"), SEED("0.10000000000000000001")},
        {SEED(D100 D100 D100 D100 "1"), SEED(D100 D100 D100 D100 "2")},
        {SEED("0." D100 D100 D100 D100 "1"), SEED("0." D100 D100 D100 D100 "2")},
        {SEED("0"), SEED("-0")},
        {SEED("1"), SEED("1.0")},
        {SEED("1e2"), SEED("100")},
        {SEED("1E2"), SEED("1e2")},
        {SEED("1"), SEED("\"1\"")},
        {STR("{\"temperature\":1e400}"), STR("{\"temperature\":1e401}")},
        {STR("{\"temperature\":1e-400}"), STR("{\"temperature\":0}")},
        {STR("{\"temperature\":0." D100 "1}"), STR("{\"temperature\":0." D100 "2}")},
    };
    static const struct str same[][2] = {
        {STR("{\"temperature\":1e400}"), STR("{\"temperature\":10E+399}")},
        {STR("{\"temperature\":-0}"), STR("{\"temperature\":0.0}")},
    };

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        ck_assert_msg(!share(pairs[i][0], pairs[i][1]), "%.*s, %.*s", STR_ARGS(pairs[i][0]),
                      STR_ARGS(pairs[i][1]));
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        ck_assert_msg(share(same[i][0], same[i][1]), "%.*s, %.*s", STR_ARGS(same[i][0]),
                      STR_ARGS(same[i][1]));
}
END_TEST

static double processor_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Seconds for a body of so many bytes. */
static double time_of(const struct hostile_body *hostile, size_t size)
{
    struct meaning meaning;

    hostile_write(&text, hostile, size);
    ck_assert(buf_ok(&text));
    double start = processor_seconds();
    meaning_read(&meaning, &doc, &canonical, &secret, &policy, api_named(str_of(hostile->api)),
                 buf_str(&text));
    double took = processor_seconds() - start;
    ck_assert_msg(meaning.reason == REASON_NONE, "%s, %zu bytes: %s", hostile->name, text.len,
                  reason_name(meaning.reason));
    return took;
}

/* Eight times the bytes take eight times as long, or on a bad day some more: what is quadratic
 * takes 64 times as long, on any day. */
START_TEST(nothing_is_quadratic)
{
    enum { STEPS = 3, TRIES = 8, GROWTH = 8, TOLERATED = 24 };
    const struct hostile_body *hostile = &hostile_bodies[_i];
    double least[STEPS] = {1e9, 1e9, 1e9};
    bool linear = false;

    for (int i = 0; i < TRIES && !linear; i++) {
        size_t size = 1 << 14;
        for (int step = 0; step < STEPS; step++, size *= GROWTH) {
            double took = time_of(hostile, size);
            least[step] = took < least[step] ? took : least[step];
        }
        linear = least[1] < TOLERATED * least[0] && least[2] < TOLERATED * least[1];
    }
    ck_assert_msg(linear, "%s: %.6f s for 16 KB, %.6f for 128 KB, %.6f for 1 MB", hostile->name,
                  least[0], least[1], least[2]);
}
END_TEST

Suite *suite_hostile(void)
{
    Suite *s = suite_create("hostile");
    TCase *t = tcase_create("hostile");
    const TTest *const tests[] = {
        names_that_stand_twice,         names_that_stand_twice_at_any_depth,
        names_that_differ_in_case,      text_that_is_no_utf8,
        escapes_that_are_no_text,       syntax_that_some_parsers_take,
        numbers_that_some_parsers_take, depth_bombs,
        every_cut_and_every_bad_byte,   numbers_beyond_a_double};

    tcase_add_checked_fixture(t, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(t, tests[i]);
    tcase_add_loop_test(t, nothing_is_quadratic, 0, HOSTILE_BODIES);
    suite_add_tcase(s, t);
    return s;
}
