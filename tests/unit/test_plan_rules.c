/* What a configuration says of a request, from its text to the plan, and again after a reload. */
#include "core/plan.h"

#include "core_fixture.h"
#include "unit.h"

enum { FRAME = 16380 };

static struct plan_scratch scratch;
static struct key_secret secret;
static struct config *config;
static struct buf fields, stored;

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

Suite *suite_plan_rules(void)
{
    Suite *suite = suite_create("plan_rules");
    TCase *cases = tcase_create("plan_rules");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_model_in_a_path);
    tcase_add_test(cases, a_model_in_path_and_body);
    tcase_add_test(cases, every_model);
    suite_add_tcase(suite, cases);
    return suite;
}
