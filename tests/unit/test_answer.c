/* The variables of spoe/README.md: which are set when, of what type. */
#include "core/answer.h"

#include "core_fixture.h"
#include "unit.h"

enum { NOW = 1700000, FRAME = 16380 };

static struct key_secret secret;
static struct policy policy;
static struct ack_reader ack;

static void setup(void)
{
    secret = sample_secret();
    policy = sample_policy();
}

/* What answer_lookup() says, in `ack`. */
static void answer_with(const struct plan *given, const struct policy *p, const struct entry *entry,
                        int64_t now)
{
    struct buf out = buf_new(1 << 16);
    struct plan plan = *given;
    struct spop_ack writing;

    spop_ack_begin(&writing, &out, FRAME, 7, 3);
    plan.policy = p;
    answer_lookup(&writing, &plan, entry, &secret, now);
    ck_assert(spop_ack_end(&writing));
    ack_read(&ack, buf_str(&out));
    ck_assert_uint_eq(ack.frame.stream_id, 7);
    ck_assert_uint_eq(ack.frame.frame_id, 3);
    buf_free(&out);
}

static struct plan sample_plan(enum plan_status status, enum reason reason)
{
    struct plan plan;
    struct plan_scratch scratch;
    struct request request = sample_request();
    struct scope scope = sample_scope(&policy, &request);

    plan_scratch_init(&scratch);
    plan_request(&plan, &scratch, &secret, &scope, &request, FRAME);
    plan_scratch_free(&scratch);
    plan.status = status;
    plan.reason = reason;
    return plan;
}

static struct entry sample_entry(void)
{
    return (struct entry){
        .created = NOW - 5500,
        .fresh_until = NOW + 54500,
        .sum = 0xfedcba9876543210,
        .code = 404,
        .content_type = STR("application/json"),
        .headers = STR("openai-model: m-1\r\ncontent-language: en\r\n"),
        .body = STR("{\"id\":1}\0"),
    };
}

static void string_is(const char *name, const char *want)
{
    const struct spop_data *value = ack_variable(&ack, name);

    ck_assert_int_eq(value->type, SPOP_STRING);
    ck_assert_str_is(value->bytes, want);
}

static void int_is(const char *name, int64_t want)
{
    const struct spop_data *value = ack_variable(&ack, name);

    ck_assert_int_eq(value->type, SPOP_INT64);
    ck_assert_int_eq((int64_t)value->number, want);
}

static void bool_is(const char *name, bool want)
{
    const struct spop_data *value = ack_variable(&ack, name);

    ck_assert_int_eq(value->type, SPOP_BOOL);
    ck_assert_uint_eq(value->number, want);
}

#define KEY_COUNT 32
#define ALL_EMITTED "x-cache-status x-cache-key age cache-status"

/* The Cache-Status with the key put in for KEY. */
static void cache_status_is(const struct plan *plan, const char *before, const char *after)
{
    struct buf want = buf_new(200);

    buf_printf(&want, "%s%.*s%s", before, STR_ARGS(key_hash(&plan->key)), after);
    buf_append_byte(&want, '\0');
    string_is("cache_status", want.ptr);
    buf_free(&want);
}

START_TEST(a_hit)
{
    struct plan plan = sample_plan(PLAN_HIT, REASON_NONE);
    struct entry entry = sample_entry();

    plan.store = false;
    answer_with(&plan, &policy, &entry, NOW);
    ack_names_are(&ack, "status emit cache_status key hit code ctype age ttl h_openai_model "
                        "h_content_language body sum");
    string_is("status", "HIT");
    string_is("emit", ALL_EMITTED);
    cache_status_is(&plan, "spoa-cache; hit; ttl=54; key=\"", "\"");
    ck_assert(str_eq(ack_variable(&ack, "key")->bytes, key_hash(&plan.key)));
    ck_assert_uint_eq(ack_variable(&ack, "key")->bytes.len, KEY_COUNT);
    bool_is("hit", true);
    int_is("code", 404);
    string_is("ctype", "application/json");
    int_is("age", 5);
    int_is("ttl", 54);
    string_is("h_openai_model", "m-1");
    string_is("h_content_language", "en");
    ck_assert_int_eq(ack_variable(&ack, "body")->type, SPOP_BINARY);
    ck_assert(str_eq(ack_variable(&ack, "body")->bytes, STR("{\"id\":1}\0")));
    int_is("sum", (int64_t)0xfedcba9876543210);
    plan.exact = false;
    answer_with(&plan, &policy, &entry, NOW);
    ck_assert_int_eq(ack_variable(&ack, "body")->type, SPOP_STRING);
    ck_assert(str_eq(ack_variable(&ack, "body")->bytes, STR("{\"id\":1}\0")));
}
END_TEST

START_TEST(a_miss)
{
    struct plan plan = sample_plan(PLAN_MISS, REASON_ABSENT);
    struct ticket ticket;

    answer_with(&plan, &policy, NULL, NOW);
    ack_names_are(&ack, "status reason emit cache_status key store ticket room");
    string_is("status", "MISS");
    string_is("reason", "absent");
    cache_status_is(&plan, "spoa-cache; fwd=miss; key=\"", "\"; detail=absent");
    bool_is("store", true);
    int_is("room", (int64_t)plan.room);
    ck_assert_int_eq(ack_variable(&ack, "ticket")->type, SPOP_STRING);
    ck_assert(ticket_read(ack_variable(&ack, "ticket")->bytes, &secret, &ticket));
    ck_assert(str_eq(key_text(&ticket.key), key_text(&plan.key)));
    ck_assert_uint_eq(ticket.key.digest.high, plan.key.digest.high);
    ck_assert_uint_eq(ticket.key.tenant, plan.key.tenant);
    ck_assert_str_is(ticket.policy, "llm");
    ck_assert_int_eq(ticket.ttl, plan.ttl);
}
END_TEST

/* The one who asks the origin, and one who may wait for it. */
START_TEST(a_miss_that_coalesces)
{
    struct plan plan = sample_plan(PLAN_MISS, REASON_ABSENT);
    struct ticket ticket;

    plan.lease = NOW + 1000;
    answer_with(&plan, &policy, NULL, NOW);
    ack_names_are(&ack, "status reason emit cache_status key store ticket room lead");
    bool_is("lead", true);
    ck_assert(ticket_read(ack_variable(&ack, "ticket")->bytes, &secret, &ticket));
    ck_assert_int_eq(ticket.lease, NOW + 1000);
    ck_assert_int_eq(ticket.max_age, plan.max_age);
    plan.lease = 0;
    plan.wait = plan.deaf = true;
    answer_with(&plan, &policy, NULL, NOW);
    ack_names_are(&ack, "status reason emit cache_status key store ticket room wait");
    string_is("status", "MISS");
    bool_is("wait", true);
    bool_is("store", true);
    ck_assert(ticket_read(ack_variable(&ack, "ticket")->bytes, &secret, &ticket));
    ck_assert_int_eq(ticket.lease, 0);
    ck_assert(ticket.deaf);
}
END_TEST

START_TEST(after_a_wait)
{
    struct plan plan = sample_plan(PLAN_HIT, REASON_NONE);
    struct entry entry = sample_entry();

    plan.waited = true;
    plan.store = false;
    answer_with(&plan, &policy, &entry, NOW);
    string_is("status", "COALESCED");
    string_is("reason", "coalesced");
    cache_status_is(&plan, "spoa-cache; hit; ttl=54; key=\"", "\"; detail=coalesced");
    bool_is("hit", true);
    bool_is("store", false);
    plan.deaf = true;
    answer_with(&plan, &policy, &entry, NOW);
    string_is("reason", "coalesced+controls-ignored");
    plan = sample_plan(PLAN_MISS, REASON_WAIT_OVER);
    plan.waited = true;
    answer_with(&plan, &policy, NULL, NOW);
    ack_names_are(&ack, "status reason emit cache_status key store ticket room");
    string_is("status", "MISS");
    string_is("reason", "wait-over");
    bool_is("store", true);
    plan.store = false; /* what is there, this HAProxy cannot return: it is not stored again */
    plan.reason = REASON_UNSAFE_BYTES;
    answer_with(&plan, &policy, NULL, NOW);
    bool_is("store", false);
}
END_TEST

START_TEST(misses_and_bypasses)
{
    static const struct {
        enum plan_status status;
        enum reason reason;
        bool store;
        const char *forward, *detail;
    } cases[] = {
        {PLAN_MISS, REASON_ABSENT, false, "spoa-cache; fwd=miss; key=\"", "\"; detail=absent"},
        {PLAN_MISS, REASON_MODE, true, "spoa-cache; fwd=request; key=\"", "\"; detail=mode"},
        {PLAN_MISS, REASON_EXPIRED, true, "spoa-cache; fwd=stale; key=\"", "\"; detail=expired"},
        {PLAN_MISS, REASON_MISMATCH, true, "spoa-cache; fwd=miss; key=\"", "\"; detail=mismatch"},
        {PLAN_BYPASS, REASON_STORE_DOWN, false, "spoa-cache; fwd=bypass; key=\"",
         "\"; detail=store-down"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan plan = sample_plan(cases[i].status, cases[i].reason);
        plan.store = cases[i].store;
        answer_with(&plan, &policy, NULL, NOW);
        ack_names_are(&ack, cases[i].store ? "status reason emit cache_status key store ticket room"
                                           : "status reason emit cache_status key");
        string_is("status", cases[i].status == PLAN_MISS ? "MISS" : "BYPASS");
        string_is("reason", reason_name(cases[i].reason));
        cache_status_is(&plan, cases[i].forward, cases[i].detail);
    }
}
END_TEST

START_TEST(a_bypass_without_key)
{
    struct plan plan = {.status = PLAN_BYPASS, .reason = REASON_NO_TENANT};

    answer_with(&plan, &policy, NULL, NOW);
    ack_names_are(&ack, "status reason emit cache_status");
    string_is("status", "BYPASS");
    string_is("reason", "no-tenant");
    string_is("emit", ALL_EMITTED);
    string_is("cache_status", "spoa-cache; fwd=bypass; detail=no-tenant");
}
END_TEST

/* The contract: `emit` is always set, also when it names nothing. */
START_TEST(nothing_to_emit)
{
    struct plan plan = {.status = PLAN_BYPASS, .reason = REASON_NO_POLICY};

    answer_with(&plan, NULL, NULL, NOW);
    ack_names_are(&ack, "status reason emit");
    string_is("reason", "no-policy");
    string_is("emit", "");
    policy.emit.count = 0;
    plan = sample_plan(PLAN_MISS, REASON_ABSENT);
    answer_with(&plan, &policy, NULL, NOW);
    ack_names_are(&ack, "status reason emit key store ticket room");
    string_is("emit", "");
}
END_TEST

START_TEST(subsets_of_emit)
{
    static const struct {
        const char *emit;
        bool cache_status;
    } cases[] = {
        {"x-cache-status", false},
        {"age x-cache-key", false},
        {"cache-status", true},
        {"cache-status age", true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan plan = sample_plan(PLAN_MISS, REASON_ABSENT);
        policy.emit = list_of(cases[i].emit);
        answer_with(&plan, &policy, NULL, NOW);
        ack_names_are(&ack, cases[i].cache_status
                                ? "status reason emit cache_status key store ticket room"
                                : "status reason emit key store ticket room");
        string_is("emit", cases[i].emit);
    }
}
END_TEST

START_TEST(times)
{
    static const struct {
        int64_t created, fresh_until, now, age, ttl;
    } cases[] = {
        {1000, 61000, 1000, 0, 60},  {1000, 61000, 1999, 0, 59}, {1000, 61000, 2000, 1, 59},
        {1000, 61000, 60999, 59, 0}, {5000, 65000, 1000, 0, 64}, /* a clock that is behind */
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan plan = sample_plan(PLAN_HIT, REASON_NONE);
        struct entry entry = sample_entry();
        entry.created = cases[i].created;
        entry.fresh_until = cases[i].fresh_until;
        answer_with(&plan, &policy, &entry, cases[i].now);
        int_is("age", cases[i].age);
        int_is("ttl", cases[i].ttl);
    }
}
END_TEST

/* The longest name that the configuration takes (50) still makes a variable HAProxy keeps
 * (63 with "txn.cache."). */
START_TEST(long_names_of_replayed_headers)
{
    struct plan plan = sample_plan(PLAN_HIT, REASON_NONE);
    struct entry entry = sample_entry();

    entry.headers = STR("x-34567890123456789012345678901234567890123456789-: 50\r\n"
                        "x-345678901234567890123456789012345678901234567890123: 53\r\n");
    answer_with(&plan, &policy, &entry, NOW);
    string_is("h_x_34567890123456789012345678901234567890123456789_", "50");
    for (size_t i = 0; i < ack.count; i++)
        ck_assert_uint_lt(strlen("txn.cache.") + ack.variables[i].name.len, 64);
}
END_TEST

START_TEST(a_hit_that_does_not_fit_says_nothing)
{
    struct plan plan = sample_plan(PLAN_HIT, REASON_NONE);
    struct entry entry = sample_entry();
    struct buf out = buf_new(1 << 16);
    struct spop_ack writing;

    spop_ack_begin(&writing, &out, 256, 7, 3);
    answer_lookup(&writing, &plan, &entry, &secret, NOW);
    ck_assert(!spop_ack_end(&writing));
    ack_read(&ack, buf_str(&out));
    ck_assert_uint_eq(ack.count, 0);
    buf_free(&out);
}
END_TEST

START_TEST(answers_to_a_store)
{
    for (int reason = REASON_NONE; reason < REASON_COUNT; reason++) {
        struct buf out = buf_new(1000);
        struct spop_ack writing;

        spop_ack_begin(&writing, &out, FRAME, 1, 1);
        answer_store(&writing, (enum reason)reason);
        ck_assert(spop_ack_end(&writing));
        ack_read(&ack, buf_str(&out));
        ack_names_are(&ack, reason == REASON_NONE ? "stored" : "stored store_reason");
        bool_is("stored", reason == REASON_NONE);
        if (reason != REASON_NONE)
            string_is("store_reason", reason_name((enum reason)reason));
        buf_free(&out);
    }
}
END_TEST

Suite *suite_answer(void)
{
    Suite *suite = suite_create("answer");
    TCase *cases = tcase_create("answer");

    tcase_add_checked_fixture(cases, setup, unit_guard_release);
    tcase_add_test(cases, a_hit);
    tcase_add_test(cases, a_miss);
    tcase_add_test(cases, a_miss_that_coalesces);
    tcase_add_test(cases, after_a_wait);
    tcase_add_test(cases, misses_and_bypasses);
    tcase_add_test(cases, a_bypass_without_key);
    tcase_add_test(cases, nothing_to_emit);
    tcase_add_test(cases, subsets_of_emit);
    tcase_add_test(cases, times);
    tcase_add_test(cases, long_names_of_replayed_headers);
    tcase_add_test(cases, a_hit_that_does_not_fit_says_nothing);
    tcase_add_test(cases, answers_to_a_store);
    suite_add_tcase(suite, cases);
    return suite;
}
