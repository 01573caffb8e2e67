/* What an answer says it cost. */
#include "core/usage.h"

#include "answers.h"
#include "unit.h"

static struct json_doc doc;

static void teardown(void)
{
    json_free(&doc);
    unit_guard_release();
}

static struct usage usage_of(enum api_gate gate, const char *answer)
{
    ck_assert_msg(json_read(&doc, unit_json(answer)) == JSON_OK, "%s", answer);
    return usage_read(gate, &doc);
}

static void check(enum api_gate gate, const char *answer, struct usage want)
{
    struct usage got = usage_of(gate, answer);

    ck_assert_msg(got.input == want.input && got.output == want.output,
                  "gate %d: %lld and %lld, want %lld and %lld: %s", gate, (long long)got.input,
                  (long long)got.output, (long long)want.input, (long long)want.output, answer);
}

START_TEST(vendors)
{
    check(samples[_i].gate, samples[_i].answer, samples[_i].usage);
}
END_TEST

START_TEST(one_side)
{
    check(GATE_OPENAI_CHAT, "{'usage':{'prompt_tokens':3}}", (struct usage){3, -1});
    check(GATE_OPENAI_CHAT, "{'usage':{'completion_tokens':0}}", (struct usage){-1, 0});
    check(GATE_GEMINI, "{'usageMetadata':{'promptTokenCount':4,'thoughtsTokenCount':6}}",
          (struct usage){4, 6});
    check(GATE_ANTHROPIC, "{'usage':{'cache_read_input_tokens':9,'output_tokens':1}}",
          (struct usage){9, 1});
    check(GATE_COHERE_CHAT,
          "{'usage':{'tokens':{},'billed_units':{'input_tokens':5,'output_tokens':4}}}",
          (struct usage){5, 4});
}
END_TEST

/* Servers that answer like OpenAI and count like others. */
START_TEST(compatible_servers)
{
    check(GATE_OPENAI_CHAT, "{'usage':{'input_tokens':3,'output_tokens':4}}", (struct usage){3, 4});
    check(GATE_OPENAI_CHAT,
          "{'usage':{'prompt_tokens':30,'completion_tokens':4,'input_tokens':3,'output_tokens':5,"
          "'cache_read_input_tokens':27}}",
          (struct usage){30, 4});
}
END_TEST

START_TEST(numbers)
{
    static const struct {
        const char *answer;
        int64_t want;
    } cases[] = {
        {"{'usage':{'prompt_tokens':0}}", 0},
        {"{'usage':{'prompt_tokens':2.0}}", 2},
        {"{'usage':{'prompt_tokens':2.9}}", 2},
        {"{'usage':{'prompt_tokens':999999999999999999}}", 999999999999999999},
        {"{'usage':{'prompt_tokens':9999999999999999999}}", -1},
        {"{'usage':{'prompt_tokens':-2}}", -1},
        {"{'usage':{'prompt_tokens':2e3}}", -1},
        {"{'usage':{'prompt_tokens':2.5E3}}", -1},
        {"{'usage':{'prompt_tokens':'2'}}", -1},
        {"{'usage':{'prompt_tokens':null}}", -1},
        {"{'usage':{'prompt_tokens':[2]}}", -1},
        {"{'usage':[2]}", -1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(GATE_OPENAI_EMBEDDINGS, cases[i].answer, (struct usage){cases[i].want, -1});
    check(GATE_ANTHROPIC,
          "{'usage':{'input_tokens':999999999999999999,'cache_read_input_tokens':"
          "999999999999999999,'cache_creation_input_tokens':999999999999999999}}",
          (struct usage){2999999999999999997, -1});
}
END_TEST

START_TEST(nothing_read)
{
    ck_assert(json_read(&doc, STR("{")) != JSON_OK);
    for (enum api_gate gate = GATE_NONE; gate <= GATE_COHERE_RERANK; gate++) {
        struct usage usage = usage_read(gate, &doc);
        ck_assert(usage.input == -1 && usage.output == -1);
    }
}
END_TEST

Suite *suite_usage(void)
{
    Suite *suite = suite_create("usage");
    TCase *cases = tcase_create("usage");

    tcase_add_checked_fixture(cases, NULL, teardown);
    tcase_add_loop_test(cases, vendors, 0, SAMPLES);
    tcase_add_test(cases, one_side);
    tcase_add_test(cases, compatible_servers);
    tcase_add_test(cases, numbers);
    tcase_add_test(cases, nothing_read);
    suite_add_tcase(suite, cases);
    return suite;
}
