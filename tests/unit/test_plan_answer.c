/* From answer to entry: what is refused, and which headers are kept. */
#include "core/plan.h"
#include "core_fixture.h"
#include "unit.h"

enum { NOW = 1700000 };

static struct plan_scratch scratch;
static const struct purges purges; /* nothing was purged */
static struct policy policy;
static struct buf stored;

static void setup(void)
{
    plan_scratch_init(&scratch);
    stored = buf_new(1 << 20);
    policy = sample_policy();
}

static void teardown(void)
{
    plan_scratch_free(&scratch);
    buf_free(&stored);
    unit_guard_release();
}

static struct ticket sample_ticket(void)
{
    struct key_secret secret = sample_secret();
    struct request request = sample_request();
    struct plan plan;

    struct scope scope = sample_scope(&policy, &request);

    plan_request(&plan, &scratch, &secret, &scope, &request, 16380);
    return (struct ticket){.key = plan.key, .ttl = 1000, .room = 5000};
}

static enum reason answer(const struct policy *p, const struct response *response)
{
    struct ticket ticket = sample_ticket();

    return plan_answer(&scratch, p, &purges, &ticket, response, NOW, &stored);
}

START_TEST(answers_refused)
{
    struct response response = sample_response();

    ck_assert_int_eq(answer(&policy, &response), REASON_NONE);
    ck_assert_int_eq(answer(NULL, &response), REASON_NO_POLICY);
    response.body = STR("{\"id\":1");
    ck_assert_int_eq(answer(&policy, &response), REASON_JSON);
    response.body = STR("{\"id\":1}}");
    ck_assert_int_eq(answer(&policy, &response), REASON_JSON);
    response.headers = headers_of("content-type: text/plain\n");
    ck_assert_int_eq(answer(&policy, &response), REASON_NONE);
    response.whole = false;
    ck_assert_int_eq(answer(&policy, &response), REASON_RESPONSE_CUT);
    response = sample_response();
    response.headers = headers_of("content-type: application/json;\x01\n");
    ck_assert_int_eq(answer(&policy, &response), REASON_TYPE);
    response.headers = headers_in(STR("\x01"));
    ck_assert_int_eq(answer(&policy, &response), REASON_RESPONSE_HEADERS);
}
END_TEST

/* What a hit will save is what the answer says that it cost, by the rules of its API. */
START_TEST(tokens_of_the_answer)
{
    static const struct {
        const char *api, *body;
        int64_t prompt, completion;
    } answers[] = {
        {"", "{'usage':{'prompt_tokens':9,'completion_tokens':12}}", 9, 12},
        {"generic", "{'usage':{'input_tokens':9,'output_tokens':12}}", 9, 12},
        {"ollama-embed", "{'embeddings':[[0.5]],'prompt_eval_count':7}", 7, 0},
        {"generic", "{'prompt_eval_count':7}", 0, 0},
        {"generic", "{'usage':{'prompt_tokens':-9,'completion_tokens':1e3}}", 0, 0},
        {"generic", "{'usage':{'prompt_tokens':100000001,'completion_tokens':5}}", 0, 5},
        {"generic", "{}", 0, 0},
    };

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct response response = sample_response();
        struct ticket ticket = sample_ticket();
        struct entry entry;
        ticket.api = str_of(answers[i].api);
        ticket.count = 0;
        response.body = unit_json(answers[i].body);
        ck_assert_int_eq(plan_answer(&scratch, &policy, &purges, &ticket, &response, NOW, &stored),
                         REASON_NONE);
        ck_assert(entry_read(buf_str(&stored), &entry));
        ck_assert_int_eq(entry.prompt_tokens, answers[i].prompt);
        ck_assert_int_eq(entry.completion_tokens, answers[i].completion);
    }
}
END_TEST

/* Type and replayed headers have a share of HAProxy's buffer; what is longer is never stored. */
START_TEST(headers_at_their_limit)
{
    const size_t others = strlen("text/plain"
                                 "openai-model: \r\n");
    struct response response = sample_response();
    char lines[2 * PLAN_HEADERS_MAX] = "content-type: text/plain\nopenai-model: ";
    char *end = lines + strlen(lines);

    memset(end, 'x', PLAN_HEADERS_MAX - others);
    response.headers = headers_of(lines);
    ck_assert_int_eq(answer(&policy, &response), REASON_NONE);
    memset(end, 'x', PLAN_HEADERS_MAX - others + 1);
    response.headers = headers_of(lines);
    ck_assert_int_eq(answer(&policy, &response), REASON_LARGE);
    policy.replay.count = 0; /* what does not come back does not count */
    ck_assert_int_eq(answer(&policy, &response), REASON_NONE);
}
END_TEST

START_TEST(no_memory_for_the_entry)
{
    struct response response = sample_response();
    struct ticket ticket = sample_ticket();

    for (size_t max = 0; max < 300; max++) {
        struct buf small = buf_new(max);
        enum reason reason =
            plan_answer(&scratch, &policy, &purges, &ticket, &response, NOW, &small);
        ck_assert(reason == (buf_ok(&small) ? REASON_NONE : REASON_INTERNAL));
        buf_free(&small);
    }
}
END_TEST

START_TEST(headers_that_come_back)
{
    static const struct {
        const char *headers, *connection, *want;
    } cases[] = {
        {"openai-model: a\ncontent-language: en\n", "",
         "openai-model: a\r\ncontent-language: en\r\n"},
        {"openai-model:a  \n", "", "openai-model: a\r\n"},
        {"openai-model: a\ncontent-language: en\nopenai-model: b\n", "",
         "openai-model: a, b\r\ncontent-language: en\r\n"},
        {"openai-model:\n", "", "openai-model: \r\n"},
        {"x-other: a\nset-cookie: s=1\ndate: now\n", "", ""},
        {"openai-model: a\ncontent-language: en\n", "close, OpenAI-Model",
         "content-language: en\r\n"},
        {"openai-model: a\n", "openai-model", ""},
        {"openai-model: a\n", ",,openai-mode, openai-models,", "openai-model: a\r\n"},
        {"openai-model: a\rb\n", "", ""},
        {"openai-model: a\x01\n", "", ""},
        {"openai-model: a\tb\n", "", "openai-model: a\tb\r\n"},
        {"openai-model: \xc3\xa4\n", "", "openai-model: \xc3\xa4\r\n"},
    };
    struct response response = sample_response();
    struct entry entry;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf lines = buf_new(1000);
        buf_printf(&lines, "content-type: text/plain\n%s", cases[i].headers);
        buf_append_byte(&lines, '\0');
        response.headers = headers_of(lines.ptr);
        response.connection = str_of(cases[i].connection);
        ck_assert_int_eq(answer(&policy, &response), REASON_NONE);
        ck_assert(entry_read(buf_str(&stored), &entry));
        ck_assert_str_is(entry.headers, cases[i].want);
        buf_free(&lines);
    }
    /* a policy that asks for what may never be replayed does not get it */
    policy.replay = list_of("set-cookie x-ratelimit-limit date x-ok");
    response.connection = (struct str){NULL, 0};
    response.headers = headers_of("content-type: text/plain\nset-cookie: a\nx-ratelimit-limit: 1\n"
                                  "date: now\nx-ok: 1\n");
    ck_assert_int_eq(answer(&policy, &response), REASON_NONE);
    ck_assert(entry_read(buf_str(&stored), &entry));
    ck_assert_str_is(entry.headers, "x-ok: 1\r\n");
    /* a value in two lines, or a NUL */
    struct buf block = buf_new(1000);
    wire_string(&block, STR("content-type"));
    wire_string(&block, STR("text/plain"));
    wire_string(&block, STR("x-ok"));
    wire_string(&block, STR("a\r\nset-cookie: x"));
    wire_string(&block, STR("x-ok"));
    wire_string(&block, STR("a\0b"));
    buf_append(&block, STR("\0\0"));
    response.headers = headers_in(buf_str(&block));
    buf_free(&block);
    ck_assert_int_eq(answer(&policy, &response), REASON_NONE);
    ck_assert(entry_read(buf_str(&stored), &entry));
    ck_assert_str_is(entry.headers, "");
}
END_TEST

Suite *suite_plan_answer(void)
{
    Suite *suite = suite_create("plan_answer");
    TCase *cases = tcase_create("plan_answer");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, answers_refused);
    tcase_add_test(cases, tokens_of_the_answer);
    tcase_add_test(cases, headers_at_their_limit);
    tcase_add_test(cases, no_memory_for_the_entry);
    tcase_add_test(cases, headers_that_come_back);
    suite_add_tcase(suite, cases);
    return suite;
}
