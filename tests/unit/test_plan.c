/* From request to decision, and from entry to hit. */
#include "core/plan.h"

#include "core_fixture.h"
#include "unit.h"

#include <stdio.h>

enum { FRAME = 16380, NOW = 1700000 };

static struct plan_scratch scratch;
static const struct purges purges; /* nothing was purged */
static struct key_secret secret;
static struct policy policy;
static struct buf stored;
static const struct hash128 nonce = {1, 2};

static void setup(void)
{
    plan_scratch_init(&scratch);
    stored = buf_new(1 << 20);
    secret = sample_secret();
    policy = sample_policy();
}

static void teardown(void)
{
    plan_scratch_free(&scratch);
    buf_free(&stored);
    unit_guard_release();
}

static struct plan plan_of(const struct request *request)
{
    struct plan plan;

    struct scope scope = sample_scope(&policy, request);

    plan_scratch_forget(&scratch); /* the policy may be another one */
    plan_request(&plan, &scratch, &secret, &scope, request, FRAME);
    return plan;
}

static struct plan plan_of_body(const char *body)
{
    struct request request = sample_request();

    request.body = unit_guard(str_of(body));
    return plan_of(&request);
}

static bool same_key(const struct plan *a, const struct plan *b)
{
    return a->has_key && b->has_key && str_eq(key_text(&a->key), key_text(&b->key));
}

START_TEST(a_request)
{
    struct request request = sample_request();
    struct plan plan = plan_of(&request);

    ck_assert_int_eq(plan.status, PLAN_MISS);
    ck_assert_int_eq(plan.reason, REASON_ABSENT);
    ck_assert(plan.look && plan.store && plan.has_key);
    ck_assert(str_starts(key_text(&plan.key), STR("sc:llm:")));
    ck_assert_int_eq(plan.ttl, 60000);
    ck_assert_uint_eq(plan.room, 5000);
    policy.max_body = 1 << 20;
    plan = plan_of(&request);
    ck_assert_uint_eq(plan.room, FRAME - PLAN_REPLY_MARGIN);
    struct scope scope = sample_scope(&policy, &request);
    plan_request(&plan, &scratch, &secret, &scope, &request, 256);
    ck_assert_uint_eq(plan.room, 0);
}
END_TEST

START_TEST(ttl_can_only_get_shorter)
{
    static const struct {
        int64_t asked, want;
    } cases[] = {{0, 60000}, {1000, 1000}, {59999, 59999}, {60000, 60000}, {INT64_MAX, 60000}};
    struct request request = sample_request();

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        request.ttl = cases[i].asked;
        ck_assert_int_eq(plan_of(&request).ttl, cases[i].want);
    }
    request.ttl = -1;
    ck_assert_int_eq(plan_of(&request).reason, REASON_TTL);
}
END_TEST

START_TEST(modes)
{
    static const struct {
        const char *mode;
        enum plan_status status;
        enum reason reason;
        bool look, store, has_key;
    } cases[] = {
        {"", PLAN_MISS, REASON_ABSENT, true, true, true},
        {"refresh", PLAN_MISS, REASON_MODE, false, true, true},
        {"readonly", PLAN_MISS, REASON_ABSENT, true, false, true},
        {"bypass", PLAN_BYPASS, REASON_MODE, false, false, false},
        {"what", PLAN_BYPASS, REASON_MODE, false, false, false},
    };
    struct request request = sample_request();

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        request.mode = str_of(cases[i].mode);
        struct plan plan = plan_of(&request);
        ck_assert_int_eq(plan.status, cases[i].status);
        ck_assert_int_eq(plan.reason, cases[i].reason);
        ck_assert(plan.look == cases[i].look && plan.store == cases[i].store);
        ck_assert(plan.has_key == cases[i].has_key);
    }
}
END_TEST

START_TEST(no_policy)
{
    struct request request = sample_request();
    struct scope scope = sample_scope(NULL, &request);
    struct plan plan;

    plan_request(&plan, &scratch, &secret, &scope, &request, FRAME);
    ck_assert_int_eq(plan.status, PLAN_BYPASS);
    ck_assert_int_eq(plan.reason, REASON_NO_POLICY);
    ck_assert(!plan.look && !plan.store && !plan.has_key);
}
END_TEST

START_TEST(bodies_that_bypass)
{
    static const struct {
        const char *body;
        enum reason want;
    } cases[] = {
        {"", REASON_REQUEST_JSON},
        {"{", REASON_REQUEST_JSON},
        {"[]", REASON_REQUEST_JSON},
        {"[{\"model\":\"m\"}]", REASON_REQUEST_JSON},
        {"\"text\"", REASON_REQUEST_JSON},
        {"{\"a\":1,\"a\":1}", REASON_REQUEST_JSON},
        {"{\"a\":{\"b\":1,\"\\u0062\":1}}", REASON_REQUEST_JSON},
        {"{\"a\":1} x", REASON_REQUEST_JSON},
        {"{\"a\":\"\xff\"}", REASON_REQUEST_JSON},
        {"{\"a\":NaN}", REASON_REQUEST_JSON},
        {"{\"stream\":true}", REASON_STREAM},
        {"{\"a\":1,\"str\\u0065am\": true }", REASON_STREAM},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan plan = plan_of_body(cases[i].body);
        ck_assert_msg(plan.reason == cases[i].want, "%s: %s", cases[i].body,
                      reason_name(plan.reason));
        ck_assert_int_eq(plan.status, PLAN_BYPASS);
        ck_assert(!plan.look && !plan.store && !plan.has_key);
    }
    ck_assert_int_eq(plan_of_body("{\"stream\":false}").status, PLAN_MISS);
    ck_assert_int_eq(plan_of_body("{\"x\":{\"stream\":true}}").status, PLAN_MISS);
}
END_TEST

static enum reason reason_at(const char *target, const char *body)
{
    struct request request = sample_request();

    request.target = str_of(target);
    request.body = unit_guard(str_of(body));
    return plan_of(&request).reason;
}

START_TEST(temperatures)
{
    static const struct {
        const char *target, *body, *max;
        bool zero; /* deterministic-only */
        enum reason want;
    } cases[] = {
        {"/v1/messages", "{\"temperature\":0.5}", "0.5", false, REASON_ABSENT},
        {"/v1/messages", "{\"temperature\":0.6}", "0.5", false, REASON_TEMPERATURE},
        {"/v1/messages", "{\"temperature\":\"0\"}", "0.5", false, REASON_TEMPERATURE},
        {"/v1/messages", "{}", "0.5", false, REASON_TEMPERATURE},
        {"/v1/messages", "{}", "", true, REASON_TEMPERATURE},
        {"/v1/messages", "{\"temperature\":0.0}", "", true, REASON_ABSENT},
        {"/v1/messages", "{\"temperature\":0.1}", "", true, REASON_TEMPERATURE},
        {"/v1/messages", "{\"temperature\":null}", "", true, REASON_TEMPERATURE},
        {"/v1/messages", "{\"temperature\":\"0\"}", "", true, REASON_TEMPERATURE},
        {"/v1/models/m:generateContent", "{\"generationConfig\":{\"temperature\":0}}", "0.5", true,
         REASON_ABSENT},
        {"/v1/models/m:generateContent", "{\"temperature\":0}", "", true, REASON_TEMPERATURE},
        {"/v1/embeddings", "{\"input\":\"a\"}", "0", true, REASON_ABSENT},
        {"/v2/rerank", "{\"query\":\"a\"}", "0", true, REASON_ABSENT},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        policy.max_temperature = str_of(cases[i].max);
        policy.deterministic_only = cases[i].zero;
        plan_scratch_forget(&scratch);
        enum reason reason = reason_at(cases[i].target, cases[i].body);
        ck_assert_msg(reason == cases[i].want, "%s: %s", cases[i].body, reason_name(reason));
    }
}
END_TEST

/* The path counts as well as the body, whatever is remembered of the body. */
START_TEST(models_that_search)
{
    static const char azure[] = "/openai/deployments/gpt-4o%s/chat/completions";
    char target[64];

    ck_assert_int_eq(reason_at("/v1/chat/completions", "{\"model\":\"sonar\"}"), REASON_FIELD);
    for (int i = 0; i < 4; i++) {
        snprintf(target, sizeof target, azure, i & 1 ? "-search-preview" : "");
        ck_assert_int_eq(reason_at(target, "{}"), i & 1 ? REASON_FIELD : REASON_ABSENT);
    }
}
END_TEST

START_TEST(paths_that_stream)
{
    static const char target[] = "/v1beta/models/m:streamGenerateContent";

    ck_assert_int_eq(reason_at(target, "{}"), REASON_STREAM);
    policy.api = STR("gemini");
    ck_assert_int_eq(reason_at(target, "{\"stream\":false}"), REASON_STREAM);
}
END_TEST

/* How many answers there must be goes with the ticket. */
START_TEST(answers_wanted)
{
    struct request request = sample_request();

    request.target = STR("/v1/completions");
    request.body = STR("{\"prompt\":[\"a\",\"b\"],\"n\":3}");
    ck_assert_int_eq(plan_of(&request).count, 6);
    ck_assert_int_eq(plan_of(&request).count, 6);
}
END_TEST

START_TEST(bodies_that_share)
{
    static const struct {
        const char *one, *other;
        bool same;
    } cases[] = {
        {"{\"a\":1,\"b\":2}", "{ \"b\" : 2,\n\t\"a\" : 1 }\r\n", true},
        {"{\"a\":\"\\u0041\"}", "{\"a\":\"A\"}", true},
        {"{\"a\":1}", "{\"a\":2}", false},
        {"{\"a\":1}", "{\"a\":\"1\"}", false},
        {"{\"a\":[1,2]}", "{\"a\":[2,1]}", false},
        {"{\"a\":\"x\"}", "{\"a\":\"X\"}", false},
        {"{\"a\":\"x\"}", "{\"a\":\"x \"}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":null}", false},
        {"{\"x\":{\"a\":1,\"b\":2}}", "{\"x\":{\"b\":2,\"a\":1}}", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan one = plan_of_body(cases[i].one), other = plan_of_body(cases[i].other);
        ck_assert(one.has_key && other.has_key);
        ck_assert_msg(same_key(&one, &other) == cases[i].same, "%s", cases[i].other);
    }
}
END_TEST

START_TEST(bodies_byte_by_byte)
{
    struct request request = sample_request();

    policy.json = false;
    request.headers = headers_of("");
    request.body = STR("{\"a\":1}");
    struct plan one = plan_of(&request);
    request.body = STR("{\"a\": 1}");
    struct plan other = plan_of(&request);
    ck_assert(one.has_key && other.has_key && !same_key(&one, &other));
    request.body = (struct str){NULL, 0};
    ck_assert(plan_of(&request).has_key);
    request.body = STR("{\"stream\":true,");
    ck_assert(plan_of(&request).has_key);
}
END_TEST

/* Stores an answer to the sample request, and plans that request again. */
static struct plan stored_plan(const struct response *response)
{
    struct request request = sample_request();
    struct plan plan = plan_of(&request);
    struct ticket ticket = {.key = plan.key, .ttl = plan.ttl, .room = FRAME};

    enum reason reason = plan_answer(&scratch, &policy, &purges, &ticket, response, NOW, &stored);
    ck_assert_msg(reason == REASON_NONE, "not stored: %s", reason_name(reason));
    return plan_of(&request);
}

START_TEST(answer_to_hit)
{
    struct response response = sample_response();
    struct plan plan = stored_plan(&response);
    struct entry entry;

    for (int exact = 0; exact < 2; exact++) {
        plan.exact = exact;
        plan_found(&plan, &scratch, &purges, unit_guard(buf_str(&stored)), NOW + 5000, nonce,
                   &entry);
        ck_assert_int_eq(plan.status, PLAN_HIT);
        ck_assert_int_eq(plan.reason, REASON_NONE);
        ck_assert(!plan.store);
        ck_assert_str_is(entry.body, "{\"id\":1}");
        ck_assert_uint_eq(entry.code, 200);
        ck_assert_str_is(entry.content_type, "application/json");
        ck_assert_str_is(entry.headers, "openai-model: m-1\r\n");
        ck_assert_uint_eq(entry.sum, entry_sum(STR("{\"id\":1}")));
        ck_assert_int_eq(entry.created, NOW);
        ck_assert_int_eq(entry.fresh_until, NOW + 60000);
    }
}
END_TEST

START_TEST(fresh_to_the_last_millisecond)
{
    struct response response = sample_response();
    struct plan plan = stored_plan(&response);
    struct entry entry;

    plan.exact = true;
    plan_found(&plan, &scratch, &purges, buf_str(&stored), NOW + 59999, nonce, &entry);
    ck_assert_int_eq(plan.status, PLAN_HIT);
    plan.store = true;
    plan.exact = true;
    plan_found(&plan, &scratch, &purges, buf_str(&stored), NOW + 60000, nonce, &entry);
    ck_assert_int_eq(plan.status, PLAN_MISS);
    ck_assert_int_eq(plan.reason, REASON_EXPIRED);
    ck_assert(plan.store);
    /* written by an agent whose clock is ahead */
    plan.exact = true;
    plan_found(&plan, &scratch, &purges, buf_str(&stored), NOW - 10000, nonce, &entry);
    ck_assert_int_eq(plan.status, PLAN_HIT);
}
END_TEST

START_TEST(another_requests_entry)
{
    static const char *const bodies[] = {"{\"model\":\"n\",\"messages\":[]}", "{}"};
    struct response response = sample_response();
    struct entry entry;

    stored_plan(&response);
    for (size_t i = 0; i < 2; i++) {
        struct plan other = plan_of_body(bodies[i]);
        other.exact = true;
        plan_found(&other, &scratch, &purges, buf_str(&stored), NOW, nonce, &entry);
        ck_assert_int_eq(other.status, PLAN_MISS);
        ck_assert_int_eq(other.reason, REASON_MISMATCH);
        ck_assert(other.store);
    }
}
END_TEST

/* Each part of the proof alone is enough to refuse. */
START_TEST(every_part_of_the_proof_counts)
{
    struct response response = sample_response();
    struct plan plan = stored_plan(&response);

    for (int part = 0; part < 5; part++) {
        struct plan other = plan;
        struct entry entry;
        other.key.digest.high ^= part == 0;
        other.key.digest.low ^= part == 1;
        other.key.length ^= part == 2;
        other.key.tenant ^= part == 3;
        other.exact = true;
        plan_found(&other, &scratch, &purges, buf_str(&stored), NOW, nonce, &entry);
        ck_assert_int_eq(other.status, part < 4 ? PLAN_MISS : PLAN_HIT);
        ck_assert_int_eq(other.reason, part < 4 ? REASON_MISMATCH : REASON_NONE);
    }
}
END_TEST

START_TEST(damaged_entries)
{
    struct response response = sample_response();
    struct plan plan = stored_plan(&response);
    struct entry entry;

    plan_found(&plan, &scratch, &purges, (struct str){stored.ptr, stored.len - 1}, NOW, nonce,
               &entry);
    ck_assert_int_eq(plan.status, PLAN_MISS);
    ck_assert_int_eq(plan.reason, REASON_CORRUPT);
    ck_assert(plan.store);
    plan.exact = true;
    plan_found(&plan, &scratch, &purges, STR(""), NOW, nonce, &entry);
    ck_assert_int_eq(plan.reason, REASON_CORRUPT);
}
END_TEST

START_TEST(bytes_that_old_haproxy_encodes)
{
    struct response response = sample_response();
    struct entry entry;

    response.body = STR("{\n \"a\": \"\x7f\"\r\n}\n");
    struct plan plan = stored_plan(&response);
    plan.exact = true;
    plan_found(&plan, &scratch, &purges, buf_str(&stored), NOW, nonce, &entry);
    ck_assert_int_eq(plan.status, PLAN_HIT);
    ck_assert_str_is(entry.body, "{\n \"a\": \"\x7f\"\r\n}\n");
    ck_assert_uint_eq(entry.sum, entry_sum(entry.body));
    plan.exact = false;
    plan_found(&plan, &scratch, &purges, buf_str(&stored), NOW, nonce, &entry);
    ck_assert_int_eq(plan.status, PLAN_HIT);
    ck_assert_str_is(entry.body, "{  \"a\": \"\\u007f\"  } ");
    ck_assert_uint_eq(entry.sum, entry_sum(entry.body));

    response.headers = headers_of("content-type: text/plain\n");
    response.body = STR("two\nlines");
    plan = stored_plan(&response);
    plan.exact = false;
    plan_found(&plan, &scratch, &purges, buf_str(&stored), NOW, nonce, &entry);
    ck_assert_int_eq(plan.status, PLAN_MISS);
    ck_assert_int_eq(plan.reason, REASON_UNSAFE_BYTES);
    ck_assert(!plan.store);
    plan.exact = true;
    plan_found(&plan, &scratch, &purges, buf_str(&stored), NOW, nonce, &entry);
    ck_assert_int_eq(plan.status, PLAN_HIT);
    ck_assert_str_is(entry.body, "two\nlines");
}
END_TEST

/* `room` is what HAProxy is told to offer: what is offered and stored must come back. */
START_TEST(a_body_as_long_as_there_is_room)
{
    static char body[FRAME];
    struct response response = sample_response();
    struct request request = sample_request();
    struct entry entry;

    response.headers = headers_of("content-type: text/plain\nopenai-model: m-1\n");
    memset(body, 'x', sizeof body);
    static const int64_t limits[] = {5000, FRAME};
    for (size_t i = 0; i < 2; i++) {
        policy.max_body = limits[i];
        response.body = (struct str){body, plan_of(&request).room};
        struct plan plan = stored_plan(&response);
        plan.exact = true;
        plan_found(&plan, &scratch, &purges, buf_str(&stored), NOW, nonce, &entry);
        ck_assert_msg(plan.status == PLAN_HIT, "a body of %zu bytes, room %zu: %s",
                      response.body.len, plan.room, reason_name(plan.reason));
    }
    /* stored by an agent behind a larger HAProxy */
    struct plan plan;
    response.body = (struct str){body, FRAME - PLAN_REPLY_MARGIN + 1};
    plan = stored_plan(&response);
    plan.exact = true;
    plan_found(&plan, &scratch, &purges, buf_str(&stored), NOW, nonce, &entry);
    ck_assert_int_eq(plan.status, PLAN_MISS);
    ck_assert_int_eq(plan.reason, REASON_FRAME_SMALL);
    ck_assert(!plan.store);
}
END_TEST

static void coalesce(void)
{
    policy.coalesce_methods = list_of("POST");
    policy.coalesce_wait = 1000;
}

START_TEST(who_coalesces)
{
    static const char *const others[] = {"refresh", "readonly", "bypass"};
    struct request request = sample_request();
    struct plan plan = plan_of(&request);

    ck_assert(!plan_coalesces(&plan));
    coalesce();
    plan = plan_of(&request);
    ck_assert(plan_coalesces(&plan));
    plan.store = false;
    ck_assert(!plan_coalesces(&plan));
    plan.store = plan.only = true; /* it will not go to the origin */
    ck_assert(!plan_coalesces(&plan));
    plan.only = false;
    plan.max_age = 0; /* nothing that it could wait for would do */
    ck_assert(!plan_coalesces(&plan));
    plan.max_age = 1;
    plan.status = PLAN_BYPASS;
    ck_assert(!plan_coalesces(&plan));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        request.mode = str_of(others[i]);
        plan = plan_of(&request);
        ck_assert(!plan_coalesces(&plan));
    }
    request = sample_request();
    policy.methods = list_of("POST GET");
    request.method = STR("GET");
    plan = plan_of(&request);
    ck_assert(!plan_coalesces(&plan));
    request.method = STR("POST");
    policy.shadow = true;
    plan = plan_of(&request);
    ck_assert(!plan_coalesces(&plan));
    policy.shadow = false;
    policy.coalesce_wait = 0;
    plan = plan_of(&request);
    ck_assert(!plan_coalesces(&plan));
}
END_TEST

/* Who waited is served what a lookup of its own would be, by all the same proofs. */
START_TEST(resumes)
{
    struct request request = sample_request();
    struct response response = sample_response();
    struct plan plan, resumed;
    struct entry entry;

    coalesce();
    plan = plan_of(&request);
    struct ticket ticket = {.key = plan.key,
                            .ttl = plan.ttl,
                            .max_age = 5000,
                            .room = 5000,
                            .api = STR(""),
                            .models = STR("gpt-4o ")};
    ck_assert(!plan_resume(&resumed, NULL, &ticket, true, FRAME));
    policy.shadow = true;
    ck_assert(!plan_resume(&resumed, &policy, &ticket, true, FRAME));
    policy.shadow = false;
    policy.coalesce_wait = 0;
    ck_assert(!plan_resume(&resumed, &policy, &ticket, true, FRAME));
    coalesce();
    policy.rules++; /* what was found by other rules is not served by these */
    ck_assert(!plan_resume(&resumed, &policy, &ticket, true, FRAME));
    policy.rules--;
    ck_assert_int_eq(plan_answer(&scratch, &policy, &purges, &ticket, &response, NOW, &stored),
                     REASON_NONE);
    for (int change = 0; change < 6; change++) {
        static const enum reason want[] = {REASON_NONE,    REASON_MISMATCH,    REASON_MISMATCH,
                                           REASON_EXPIRED, REASON_FRAME_SMALL, REASON_NONE};
        struct ticket other = ticket;
        if (change == 1)
            other.key.tenant++;
        if (change == 2)
            other.key.digest.low++;
        ck_assert(plan_resume(&resumed, &policy, &other, change != 5, change == 4 ? 256 : FRAME));
        ck_assert(resumed.waited && resumed.store);
        ck_assert_str_is(((struct str){resumed.models, resumed.models_len}), "gpt-4o ");
        plan_found(&resumed, &scratch, &purges, buf_str(&stored), NOW + (change == 3 ? 5000 : 4999),
                   nonce, &entry);
        ck_assert_int_eq(resumed.reason, want[change]);
        ck_assert_int_eq(resumed.status, want[change] == REASON_NONE ? PLAN_HIT : PLAN_MISS);
    }
}
END_TEST

Suite *suite_plan(void)
{
    Suite *suite = suite_create("plan");
    TCase *cases = tcase_create("plan");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_request);
    tcase_add_test(cases, who_coalesces);
    tcase_add_test(cases, resumes);
    tcase_add_test(cases, ttl_can_only_get_shorter);
    tcase_add_test(cases, modes);
    tcase_add_test(cases, no_policy);
    tcase_add_test(cases, bodies_that_bypass);
    tcase_add_test(cases, temperatures);
    tcase_add_test(cases, models_that_search);
    tcase_add_test(cases, paths_that_stream);
    tcase_add_test(cases, answers_wanted);
    tcase_add_test(cases, bodies_that_share);
    tcase_add_test(cases, bodies_byte_by_byte);
    tcase_add_test(cases, answer_to_hit);
    tcase_add_test(cases, fresh_to_the_last_millisecond);
    tcase_add_test(cases, another_requests_entry);
    tcase_add_test(cases, every_part_of_the_proof_counts);
    tcase_add_test(cases, damaged_entries);
    tcase_add_test(cases, bytes_that_old_haproxy_encodes);
    tcase_add_test(cases, a_body_as_long_as_there_is_room);
    suite_add_tcase(suite, cases);
    return suite;
}
