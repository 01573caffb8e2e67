/* Who may be looked up and what may be stored, a row for each reason. */
#include "core/policy.h"

#include "core_fixture.h"
#include "unit.h"

static struct policy policy;

static void setup(void)
{
    policy = sample_policy();
}

#define JSON_TYPE "content-type: application/json\n"

/* A request as the sample but for what is set; what is NULL or 0 stays. */
struct lookup_case {
    enum reason want;
    const char *headers, *method, *tenant, *mode;
    int64_t ttl;
    size_t body;
    bool cut;
};

static enum reason may_lookup(const struct lookup_case *c)
{
    static char body[4096];
    struct request request = sample_request();

    if (c->headers)
        request.headers = headers_of(c->headers);
    if (c->method)
        request.method = unit_guard(str_of(c->method));
    if (c->tenant)
        request.tenant = str_of(c->tenant);
    if (c->mode)
        request.mode = unit_guard(str_of(c->mode));
    if (c->body)
        request.body = unit_guard((struct str){body, c->body});
    request.ttl = c->ttl;
    request.whole = !c->cut;
    return policy_may_lookup(&policy, &request);
}

static void check_lookups(const struct lookup_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum reason got = may_lookup(&cases[i]);
        ck_assert_msg(got == cases[i].want, "case %zu (%s): got %s, want %s", i,
                      cases[i].headers ? cases[i].headers : "", reason_name(got),
                      reason_name(cases[i].want));
    }
}

#define CHECK_LOOKUPS(cases) check_lookups(cases, sizeof cases / sizeof *cases)

START_TEST(lookups)
{
    static const struct lookup_case cases[] = {
        {.want = REASON_NONE},
        {.want = REASON_NONE, .mode = ""},
        {.want = REASON_NONE, .mode = "refresh"},
        {.want = REASON_NONE, .mode = "readonly"},
        {.want = REASON_MODE, .mode = "bypass"},
        {.want = REASON_MODE, .mode = "Refresh"},
        {.want = REASON_MODE, .mode = "readonly "},
        {.want = REASON_MODE, .mode = "x"},
        {.want = REASON_NONE, .ttl = 1},
        {.want = REASON_TTL, .ttl = -1},
        {.want = REASON_METHOD, .method = "GET"},
        {.want = REASON_METHOD, .method = "post"},
        {.want = REASON_METHOD, .method = "POSTS"},
        {.want = REASON_METHOD, .method = ""},
        {.want = REASON_NO_TENANT, .tenant = ""},
        {.want = REASON_REQUEST_CUT, .cut = true},
        {.want = REASON_NONE, .body = 1000},
        {.want = REASON_REQUEST_LARGE, .body = 1001},
        {.want = REASON_RANGE, .headers = JSON_TYPE "range: bytes=0-1\n"},
        {.want = REASON_RANGE, .headers = JSON_TYPE "range:\n"},
        {.want = REASON_NONE, .headers = JSON_TYPE "content-encoding: identity\n"},
        {.want = REASON_NONE, .headers = JSON_TYPE "content-encoding:\n"},
        {.want = REASON_REQUEST_ENCODING, .headers = JSON_TYPE "content-encoding: gzip\n"},
        {.want = REASON_REQUEST_ENCODING,
         .headers = JSON_TYPE "content-encoding: identity\ncontent-encoding: br\n"},
        {.want = REASON_REQUEST_ENCODING,
         .headers = JSON_TYPE "content-encoding: identity, gzip\n"},
        /* of several reasons the first in the order of the code counts */
        {.want = REASON_MODE, .mode = "bypass", .ttl = -1, .method = "GET"},
        {.want = REASON_NO_TENANT, .tenant = "", .cut = true},
    };

    CHECK_LOOKUPS(cases);
}
END_TEST

START_TEST(request_content_types)
{
    static const struct lookup_case cases[] = {
        {.want = REASON_NONE, .headers = "content-type: application/json\n"},
        {.want = REASON_NONE, .headers = "content-type: Application/JSON\n"},
        {.want = REASON_NONE, .headers = "content-type: application/vnd.api+json\n"},
        {.want = REASON_NONE, .headers = "content-type: application/json; charset=utf-8\n"},
        {.want = REASON_NONE, .headers = "content-type: application/json;charset=UTF-8\n"},
        {.want = REASON_NONE,
         .headers = "content-type: application/json ; Charset=\"utf-8\" ; x=y\n"},
        {.want = REASON_NONE, .headers = "content-type: application/json;\n"},
        {.want = REASON_REQUEST_TYPE, .headers = ""},
        {.want = REASON_REQUEST_TYPE, .headers = "content-type:\n"},
        {.want = REASON_REQUEST_TYPE, .headers = "content-type: text/plain\n"},
        {.want = REASON_REQUEST_TYPE, .headers = "content-type: application/jsonx\n"},
        {.want = REASON_REQUEST_TYPE, .headers = "content-type: +json\n"},
        {.want = REASON_REQUEST_TYPE, .headers = "content-type: text/plain; x=application/json\n"},
        {.want = REASON_REQUEST_TYPE, .headers = "content-type: application/json, text/plain\n"},
        {.want = REASON_REQUEST_TYPE,
         .headers = "content-type: application/json; charset=latin1\n"},
        {.want = REASON_REQUEST_TYPE, .headers = "content-type: application/json; charset=\n"},
        {.want = REASON_REQUEST_TYPE, .headers = "content-type: application/json; charset\n"},
        {.want = REASON_REQUEST_TYPE,
         .headers = "content-type: application/json; charset=utf-16\n"},
        {.want = REASON_REQUEST_TYPE,
         .headers = "content-type: application/json; charset=\"utf-8\n"},
        {.want = REASON_REQUEST_TYPE,
         .headers = "content-type: application/json; charset=utf-8; charset=utf-7\n"},
        {.want = REASON_REQUEST_TYPE, .headers = JSON_TYPE JSON_TYPE},
        {.want = REASON_REQUEST_TYPE, .headers = JSON_TYPE "content-type: text/plain\n"},
    };

    CHECK_LOOKUPS(cases);
    policy.json = false; /* then any type will do, and none */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_int_eq(may_lookup(&(struct lookup_case){.headers = cases[i].headers}),
                         REASON_NONE);
}
END_TEST

START_TEST(broken_request_headers)
{
    struct request request = sample_request();

    request.headers = headers_in(STR("\x01"
                                     "a"));
    ck_assert_int_eq(policy_may_lookup(&policy, &request), REASON_REQUEST_HEADERS);
}
END_TEST

/* HAProxy's block has an end even when it is empty: none at all means it could not be made, and
 * vary headers, ranges and codings would go unseen. */
START_TEST(no_request_headers)
{
    struct request request = sample_request();

    policy.json = false;
    request.headers = headers_in((struct str){NULL, 0});
    ck_assert_int_eq(policy_may_lookup(&policy, &request), REASON_REQUEST_HEADERS);
}
END_TEST

START_TEST(shared_scope_needs_no_tenant)
{
    policy.shared = true;
    ck_assert_int_eq(may_lookup(&(struct lookup_case){.tenant = ""}), REASON_NONE);
    ck_assert_int_eq(may_lookup(&(struct lookup_case){.want = REASON_NONE}), REASON_NONE);
}
END_TEST

START_TEST(modes)
{
    ck_assert_int_eq(policy_mode(STR("")), MODE_NORMAL);
    ck_assert_int_eq(policy_mode((struct str){NULL, 0}), MODE_NORMAL);
    ck_assert_int_eq(policy_mode(STR("refresh")), MODE_REFRESH);
    ck_assert_int_eq(policy_mode(STR("readonly")), MODE_READONLY);
    ck_assert_int_eq(policy_mode(STR("bypass")), MODE_BYPASS);
    ck_assert_int_eq(policy_mode(STR("shadow")), MODE_BYPASS);
    ck_assert_int_eq(policy_mode(STR("read")), MODE_BYPASS);
}
END_TEST

START_TEST(json_media_types)
{
    static const struct {
        const char *type;
        bool json;
    } cases[] = {
        {"application/json", true},
        {"APPLICATION/json;charset=x", true},
        {" application/json ", true},
        {"application/problem+json", true},
        {"application/problem+JSON", true},
        {"text/json", false},
        {"application/json-seq", false},
        {"application/ld+jsons", false},
        {"+json", false},
        {"json", false},
        {"", false},
        {";application/json", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(media_type_is_json(unit_guard(str_of(cases[i].type))) == cases[i].json, "%s",
                      cases[i].type);
    ck_assert(!media_type_is_json((struct str){NULL, 0}));
}
END_TEST

/* An answer as the sample but for what is set. */
struct store_case {
    enum reason want;
    const char *headers;
    int64_t code;
    size_t body;
    bool cut, empty;
};

static enum reason may_store(const struct store_case *c)
{
    static char body[8192];
    struct response response = sample_response();

    if (c->headers)
        response.headers = headers_of(c->headers);
    if (c->code)
        response.code = c->code;
    if (c->body || c->empty)
        response.body = unit_guard((struct str){body, c->body});
    response.whole = !c->cut;
    return policy_may_store(&policy, &response);
}

static void check_stores(const struct store_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum reason got = may_store(&cases[i]);
        ck_assert_msg(got == cases[i].want, "case %zu (%s): got %s, want %s", i,
                      cases[i].headers ? cases[i].headers : "", reason_name(got),
                      reason_name(cases[i].want));
    }
}

#define CHECK_STORES(cases) check_stores(cases, sizeof cases / sizeof *cases)

START_TEST(stores)
{
    static const struct store_case cases[] = {
        {.want = REASON_NONE},
        {.want = REASON_RESPONSE_CUT, .cut = true},
        {.want = REASON_NONE, .code = 404},
        {.want = REASON_STATUS, .code = 201},
        {.want = REASON_STATUS, .code = 500},
        {.want = REASON_STATUS, .code = 20},
        {.want = REASON_STATUS, .code = 2000},
        {.want = REASON_STATUS, .code = 200 + ((int64_t)1 << 32)},
        {.want = REASON_STATUS, .code = -200},
        {.want = REASON_STATUS, .code = INT64_MIN},
        {.want = REASON_EMPTY, .empty = true},
        {.want = REASON_NONE, .body = 5000},
        {.want = REASON_LARGE, .body = 5001},
        {.want = REASON_RESPONSE_CUT, .cut = true, .code = 500},
    };

    CHECK_STORES(cases);
}
END_TEST

START_TEST(response_content_types)
{
    static const struct store_case cases[] = {
        {.want = REASON_NONE, .headers = "content-type: application/json\n"},
        {.want = REASON_NONE, .headers = "content-type: Application/Json;charset=utf-8\n"},
        {.want = REASON_NONE, .headers = "content-type: text/plain ; charset=latin1\n"},
        {.want = REASON_TYPE, .headers = ""},
        {.want = REASON_TYPE, .headers = "content-type:\n"},
        {.want = REASON_TYPE, .headers = "content-type: text/event-stream\n"},
        {.want = REASON_TYPE, .headers = "content-type: application/jsonx\n"},
        {.want = REASON_TYPE, .headers = "content-type: application/json, text/plain\n"},
        {.want = REASON_TYPE, .headers = JSON_TYPE JSON_TYPE},
        {.want = REASON_TYPE, .headers = JSON_TYPE "content-type: text/plain\n"},
    };

    CHECK_STORES(cases);
}
END_TEST

START_TEST(response_codings)
{
    static const struct store_case cases[] = {
        {.want = REASON_NONE, .headers = JSON_TYPE "content-encoding: identity\n"},
        {.want = REASON_NONE, .headers = JSON_TYPE "content-encoding: Identity\n"},
        {.want = REASON_NONE, .headers = JSON_TYPE "content-encoding:\n"},
        {.want = REASON_ENCODING, .headers = JSON_TYPE "content-encoding: gzip\n"},
        {.want = REASON_ENCODING, .headers = JSON_TYPE "content-encoding: identity, gzip\n"},
        {.want = REASON_ENCODING,
         .headers = JSON_TYPE "content-encoding: identity\ncontent-encoding: br\n"},
    };

    CHECK_STORES(cases);
}
END_TEST

START_TEST(vary)
{
    static const struct store_case cases[] = {
        {.want = REASON_NONE, .headers = JSON_TYPE "vary:\n"},
        {.want = REASON_NONE, .headers = JSON_TYPE "vary: , ,\n"},
        {.want = REASON_NONE, .headers = JSON_TYPE "vary: OpenAI-Beta\n"},
        {.want = REASON_NONE, .headers = JSON_TYPE "vary: accept-encoding\n"},
        {.want = REASON_NONE, .headers = JSON_TYPE "vary: Origin,x-version , Accept-Encoding\n"},
        {.want = REASON_NONE, .headers = JSON_TYPE "vary: origin\nvary: x-version\n"},
        {.want = REASON_VARY, .headers = JSON_TYPE "vary: *\n"},
        {.want = REASON_VARY, .headers = JSON_TYPE "vary: origin, *\n"},
        {.want = REASON_VARY, .headers = JSON_TYPE "vary: cookie\n"},
        {.want = REASON_VARY, .headers = JSON_TYPE "vary: origin\nvary: cookie\n"},
        {.want = REASON_VARY, .headers = JSON_TYPE "vary: x-versions\n"},
        {.want = REASON_VARY, .headers = JSON_TYPE "vary: x-version x-version\n"},
        {.want = REASON_VARY, .headers = JSON_TYPE "vary: x-version; q=1\n"},
    };

    CHECK_STORES(cases);
}
END_TEST

START_TEST(content_lengths)
{
    static const struct store_case cases[] = {
        {.want = REASON_NONE, .headers = JSON_TYPE "content-length: 8\n"},
        {.want = REASON_NONE, .headers = JSON_TYPE "content-length: 8\ncontent-length: 8\n"},
        {.want = REASON_NONE, .headers = JSON_TYPE "content-length: 008\n"},
        {.want = REASON_LENGTH, .headers = JSON_TYPE "content-length: 7\n"},
        {.want = REASON_LENGTH, .headers = JSON_TYPE "content-length: 9\n"},
        {.want = REASON_LENGTH, .headers = JSON_TYPE "content-length: 8\ncontent-length: 9\n"},
        {.want = REASON_LENGTH, .headers = JSON_TYPE "content-length: 9\ncontent-length: 8\n"},
        {.want = REASON_LENGTH, .headers = JSON_TYPE "content-length: 8, 9\n"},
        {.want = REASON_LENGTH, .headers = JSON_TYPE "content-length: 8, 8\n"},
        {.want = REASON_LENGTH, .headers = JSON_TYPE "content-length:\n"},
        {.want = REASON_LENGTH, .headers = JSON_TYPE "content-length: -8\n"},
        {.want = REASON_LENGTH, .headers = JSON_TYPE "content-length: +8\n"},
        {.want = REASON_LENGTH, .headers = JSON_TYPE "content-length: 0x8\n"},
        {.want = REASON_LENGTH, .headers = JSON_TYPE "content-length: 18446744073709551624\n"},
    };

    ck_assert_uint_eq(sample_response().body.len, 8);
    CHECK_STORES(cases);
}
END_TEST

START_TEST(broken_response_headers)
{
    struct response response = sample_response();

    response.headers = headers_in(STR("\0\0\0"));
    ck_assert_int_eq(policy_may_store(&policy, &response), REASON_RESPONSE_HEADERS);
}
END_TEST

Suite *suite_policy(void)
{
    Suite *suite = suite_create("policy");
    TCase *cases = tcase_create("policy");

    tcase_add_checked_fixture(cases, setup, unit_guard_release);
    tcase_add_test(cases, lookups);
    tcase_add_test(cases, request_content_types);
    tcase_add_test(cases, broken_request_headers);
    tcase_add_test(cases, no_request_headers);
    tcase_add_test(cases, shared_scope_needs_no_tenant);
    tcase_add_test(cases, modes);
    tcase_add_test(cases, json_media_types);
    tcase_add_test(cases, stores);
    tcase_add_test(cases, response_content_types);
    tcase_add_test(cases, response_codings);
    tcase_add_test(cases, vary);
    tcase_add_test(cases, content_lengths);
    tcase_add_test(cases, broken_response_headers);
    suite_add_tcase(suite, cases);
    return suite;
}
