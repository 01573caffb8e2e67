/* What a configuration says of a request, from its text to the plan, and again after a reload. */
#include "core/plan.h"

#include "core_fixture.h"
#include "unit.h"

enum { FRAME = 16380, NOW = 1700000 };

static struct plan_scratch scratch;
static const struct purges purges; /* nothing was purged */
static struct key_secret secret;
static struct config *config;
static struct buf fields, stored;
static const struct hash128 nonce = {1, 2};

static void setup(void)
{
    plan_scratch_init(&scratch);
    secret = sample_secret();
    fields = buf_new(1 << 16);
    stored = buf_new(1 << 16);
}

static void teardown(void)
{
    plan_scratch_free(&scratch);
    buf_free(&fields);
    buf_free(&stored);
    config_unref(config);
    config = NULL;
    unit_guard_release();
}

/* As an agent reloads. */
static void configure(const char *text)
{
    struct buf errors = buf_new(4096);

    plan_scratch_forget(&scratch);
    config_unref(config);
    config = config_read(str_of(text), "test", &errors);
    ck_assert_msg(config && config_validate(config, &errors), "%.*s", STR_ARGS(buf_str(&errors)));
    buf_free(&errors);
}

static struct plan plan_of(const struct request *request)
{
    struct scope scope;
    struct plan plan;

    scope_find(&scope, config, &secret, request, &fields);
    plan_request(&plan, &scratch, &secret, &scope, request, FRAME);
    return plan;
}

static struct plan plan_at(const char *target, const char *body)
{
    struct request request = sample_request();

    request.target = str_of(target);
    request.body = unit_json(body);
    return plan_of(&request);
}

/* Clients write some characters of a path as %XX: the AWS SDKs the colon of a model's version. */
START_TEST(a_model_in_a_path)
{
    static const struct {
        const char *target;
        enum reason reason;
    } cases[] = {
        {"/model/anthropic.claude-v2:1/converse", REASON_OFF},
        {"/model/anthropic.claude-v2%3A1/converse", REASON_OFF},
        {"/model/anthropic.claude-v2%3a1/converse", REASON_OFF},
        {"/model/%61nthropic.claude-v2%3A1/converse", REASON_OFF},
        {"/model/anthropic.claude-v2%253A1/converse", REASON_ABSENT},
        {"/model/anthropic.claude-v2%3/converse", REASON_ABSENT},
        {"/model/anthropic.claude-v2%/converse", REASON_ABSENT},
        {"/model/anthropic.claude-v2%3A12/converse", REASON_ABSENT},
    };

    configure("[model anthropic.claude-v2:1]\ncache = off\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum reason reason = plan_at(cases[i].target, "{}").reason;
        ck_assert_msg(reason == cases[i].reason, "%s: %s", cases[i].target, reason_name(reason));
    }
}
END_TEST

/* Where the path says which model answers, the one in the body is not asked. */
START_TEST(a_model_in_path_and_body)
{
    static const char azure[] = "/openai/deployments/d/chat/completions";

    configure("[model d]\ncache = off\n");
    ck_assert_int_eq(plan_at(azure, "{}").reason, REASON_OFF);
    ck_assert_int_eq(plan_at(azure, "{'model':'another'}").reason, REASON_OFF);
    configure("[model another]\ncache = off\n");
    ck_assert_int_eq(plan_at(azure, "{'model':'another'}").reason, REASON_OFF);
    configure("[model d]\nttl = 60s\n[model another]\nttl = 30s\n");
    ck_assert_int_eq(plan_at(azure, "{'model':'another'}").ttl, 30000);
    ck_assert_int_eq(plan_at(azure, "{'model':'more'}").ttl, 60000);
    configure("[model another]\nttl = 60s\n[model d]\nttl = 30s\n");
    ck_assert_int_eq(plan_at(azure, "{'model':'another'}").ttl, 30000);
}
END_TEST

START_TEST(every_model)
{
    configure("[model all]\nmatch = *\ncache = off\n[model good]\n");
    ck_assert_int_eq(plan_at("/v1/messages", "{'model':'x'}").reason, REASON_OFF);
    ck_assert_int_eq(plan_at("/v1/messages", "{'model':'good'}").reason, REASON_ABSENT);
    ck_assert_int_eq(plan_at("/model/good/converse", "{}").reason, REASON_ABSENT);
    ck_assert_int_eq(plan_at("/v1/messages", "{}").reason, REASON_OFF);
    ck_assert_int_eq(plan_at("/v1/messages", "{'model':['good']}").reason, REASON_OFF);
}
END_TEST

static struct request request_of(const char *tenant, const char *headers)
{
    struct request request = sample_request();
    struct buf lines = buf_new(1 << 10);

    buf_printf(&lines, "content-type: application/json\n%s%c", headers, '\0');
    request.tenant = str_of(tenant);
    request.headers = headers_of(lines.ptr);
    buf_free(&lines);
    return request;
}

/* By way of HAProxy, and by the policy of that name as it is now. More headers may stand behind the
 * type. */
static enum reason store(const struct plan *plan, const char *type, const char *body)
{
    struct response response = sample_response();
    struct buf line = buf_new(200), text = buf_new(TICKET_MAX);
    struct ticket ticket = {.key = plan->key,
                            .ttl = plan->ttl,
                            .api = str_of(plan->api->name),
                            .count = plan->count,
                            .room = (int64_t)plan->room};

    ticket_write(&text, &secret, &ticket);
    ck_assert(ticket_read(unit_guard(buf_str(&text)), &secret, &ticket));
    buf_printf(&line, "content-type: %s\n%c", type, '\0');
    response.headers = headers_of(line.ptr);
    response.body = unit_json(body);
    buf_free(&line);
    buf_free(&text);
    return plan_answer(&scratch, config_policy(config, ticket.policy), &purges, &ticket, &response,
                       NOW, &stored);
}

static const char answer[] = "{'choices':[{'finish_reason':'stop','message':{'content':'Hi'}}]}";

/* A tenant's own time ends what others of its group keep longer, and the client is told so. */
START_TEST(time_left)
{
    struct request request = request_of("slow", "");
    struct entry entry;

    configure("[policy llm]\nttl = 1h\nallow-controls = yes\n[tenant slow]\ngroup = g\n"
              "[tenant fast]\ngroup = g\nttl = 60s\n");
    struct plan plan = plan_of(&request);
    ck_assert_int_eq(store(&plan, "application/json", answer), REASON_NONE);
    plan_found(&plan, &scratch, &purges, buf_str(&stored), NOW + 10000, nonce, &entry);
    ck_assert_int_eq(plan.status, PLAN_HIT);
    ck_assert_int_eq(entry.fresh_until, NOW + 3600000);
    request = request_of("fast", "");
    plan = plan_of(&request);
    plan_found(&plan, &scratch, &purges, buf_str(&stored), NOW + 10000, nonce, &entry);
    ck_assert_int_eq(plan.status, PLAN_HIT);
    ck_assert_int_eq(entry.fresh_until, NOW + 60000);
    plan_found(&plan, &scratch, &purges, buf_str(&stored), NOW + 60000, nonce, &entry);
    ck_assert_int_eq(plan.reason, REASON_EXPIRED);
    request = request_of("slow", "cache-control: max-age=30\n");
    plan = plan_of(&request);
    plan_found(&plan, &scratch, &purges, buf_str(&stored), NOW + 10000, nonce, &entry);
    ck_assert_int_eq(plan.status, PLAN_HIT);
    ck_assert_int_eq(entry.fresh_until, NOW + 30000);
}
END_TEST

/* An answer is never younger than now, whatever the clock of the agent that wrote it says. */
START_TEST(no_age_at_all_is_too_old)
{
    struct request request = request_of("acme", "");
    struct entry entry;

    configure("[policy llm]\nallow-controls = yes\n");
    struct plan plan = plan_of(&request);
    ck_assert_int_eq(store(&plan, "application/json", answer), REASON_NONE);
    request = request_of("acme", "cache-control: max-age=0\n");
    for (int64_t ahead = -1; ahead <= 1000; ahead += 1001) {
        plan = plan_of(&request);
        plan_found(&plan, &scratch, &purges, buf_str(&stored), NOW - ahead, nonce, &entry);
        ck_assert_int_eq(plan.status, PLAN_MISS);
        ck_assert_int_eq(plan.reason, REASON_EXPIRED);
    }
}
END_TEST

/* Where the operator has switched the cache off the origin answers, whatever the client says. */
START_TEST(off_is_no_504)
{
    struct request request = request_of("closed", "cache-control: only-if-cached\n");

    configure("[policy llm]\nallow-controls = yes\n[tenant closed]\ncache = off\n[tenant open]\n"
              "[model m]\ncache = off\n");
    ck_assert_int_eq(plan_of(&request).reason, REASON_OFF);
    ck_assert(!plan_of(&request).only);
    request.tenant = STR("open");
    ck_assert_int_eq(plan_of(&request).reason, REASON_OFF);
    ck_assert(!plan_of(&request).only);
    request.body = STR("{}");
    ck_assert_int_eq(plan_of(&request).reason, REASON_ABSENT);
    ck_assert(plan_of(&request).only);
}
END_TEST

/* What an API answers is judged; what cannot be judged is not kept, whatever its type. */
START_TEST(answers_that_cannot_be_judged)
{
    struct request request = request_of("acme", "");

    configure("[policy llm]\ncontent-types = application/json text/plain text/event-stream\n");
    struct plan plan = plan_of(&request);
    ck_assert_int_eq(store(&plan, "application/json", answer), REASON_NONE);
    ck_assert_int_eq(store(&plan, "text/plain", answer), REASON_TYPE);
    ck_assert_int_eq(store(&plan, "text/event-stream", "data: {'error':{}}"), REASON_TYPE);
    request.target = STR("/translate");
    plan = plan_of(&request);
    ck_assert_int_eq(store(&plan, "text/plain", "Hi"), REASON_NONE);
}
END_TEST

/* One key of the policy, before and after a reload: what was kept by the one rule is not served by
 * the other, and an answer that was asked for by the one is not kept by the other. */
static const struct {
    const char *before, *after;
} changes[] = {
    {"", "store-tool-calls = no"},
    {"store-finish = length refusal", ""},
    {"store-finish = length", "store-finish = refusal"},
    {"", "min-output-tokens = 5"},
    {"ignore-vary = accept-language", ""},
    {"", "vary = origin accept-language"},
    {"scope = shared", ""},
    {"", "scope = shared"},
};

static void configure_policy(const char *line)
{
    struct buf text = buf_new(1000);

    buf_printf(&text, "[policy llm]\n%s\n%c", line, '\0');
    configure(text.ptr);
    buf_free(&text);
}

START_TEST(rules_that_change)
{
    struct request request = request_of("acme", "");

    configure_policy(changes[_i].before);
    struct plan before = plan_of(&request);
    ck_assert_int_eq(store(&before, "application/json", answer), REASON_NONE);
    configure_policy(changes[_i].after);
    struct plan after = plan_of(&request);
    ck_assert(!str_eq(key_text(&before.key), key_text(&after.key)));
    ck_assert_int_eq(store(&before, "application/json", answer), REASON_TICKET);
    ck_assert_int_eq(store(&after, "application/json", answer), REASON_NONE);
}
END_TEST

START_TEST(rules_that_do_not_matter)
{
    static const char *const lines[] = {"ttl = 5m",      "ttl-jitter = 5",  "max-body = 1kb",
                                        "emit = age",    "hit-id = new",    "allow-controls = yes",
                                        "mode = shadow", "replay = x-model"};
    struct request request = request_of("acme", "");

    configure("");
    struct plan before = plan_of(&request);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        configure_policy(lines[i]);
        struct plan after = plan_of(&request);
        ck_assert_msg(str_eq(key_text(&before.key), key_text(&after.key)), "%s", lines[i]);
        ck_assert_int_eq(store(&before, "application/json", answer), REASON_NONE);
    }
}
END_TEST

Suite *suite_plan_rules(void)
{
    Suite *suite = suite_create("plan_rules");
    TCase *cases = tcase_create("plan_rules");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_model_in_a_path);
    tcase_add_test(cases, a_model_in_path_and_body);
    tcase_add_test(cases, every_model);
    tcase_add_test(cases, time_left);
    tcase_add_test(cases, no_age_at_all_is_too_old);
    tcase_add_test(cases, off_is_no_504);
    tcase_add_test(cases, answers_that_cannot_be_judged);
    tcase_add_loop_test(cases, rules_that_change, 0, sizeof changes / sizeof *changes);
    tcase_add_test(cases, rules_that_do_not_matter);
    suite_add_tcase(suite, cases);
    return suite;
}
