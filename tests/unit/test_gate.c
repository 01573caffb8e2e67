#include "core/gate.h"
#include "gate_openai.h"
#include "gate_vendors.h"
#include "unit.h"

#include <stdio.h>

static struct json_doc doc;

static void teardown(void)
{
    json_free(&doc);
    unit_guard_release();
}

static struct gate_options options_of(unsigned let)
{
    return (struct gate_options){
        .finish_length = let & LET_LENGTH,
        .finish_filter = let & LET_FILTER,
        .finish_refusal = let & LET_REFUSAL,
        .tool_calls = let & LET_TOOLS,
    };
}

/* Reads the answer into `doc`; false when it is not JSON. */
static bool read_answer(const char *answer)
{
    return json_read(&doc, unit_json(answer)) == JSON_OK;
}

static void check_verdicts(enum api_gate gate, const struct verdict *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct gate_options options = options_of(cases[i].let);

        ck_assert_msg(read_answer(cases[i].answer), "not JSON: %s", cases[i].answer);
        enum reason reason = gate_judge(gate, &doc, cases[i].count, &options);
        ck_assert_msg(reason == cases[i].want, "gate %d, let %u, count %u: %s, want %s: %s", gate,
                      cases[i].let, cases[i].count, reason_name(reason), reason_name(cases[i].want),
                      cases[i].answer);
    }
}

static const struct verdict any[] = {
    {"{}", REASON_NONE, 3, 0},
    {"[]", REASON_NONE, 0, 0},
    {"null", REASON_NONE, 0, 0},
    {"'text'", REASON_NONE, 0, 0},
    {"{'choices':'none'}", REASON_NONE, 0, 0},
    {"{'error':null}", REASON_NONE, 0, 0},
    {"{'error':false}", REASON_NONE, 0, 0},
    {"{'error':''}", REASON_NONE, 0, 0},
    {"{'data':{'error':{}}}", REASON_NONE, 0, 0},
    {"[{'error':{}}]", REASON_ANSWER_ERROR, 0, 0},
    {"[{'candidates':[]},7,{'error':{'code':503}}]", REASON_ANSWER_ERROR, 0, 0},
    {"[{},{'stop_reason':'max_tokens'}]", REASON_ANSWER_CUT, 0, 0},
    {"[{'error':null},{'error':0}]", REASON_ANSWER_ERROR, 0, 0},
    {"[{'error':null},{'a':['error']}]", REASON_NONE, 0, 0},
    {"{'type':'error'}", REASON_ANSWER_ERROR, 0, 0},
    {"{'error':true}", REASON_ANSWER_ERROR, 0, 0},
    {"{'error':['busy']}", REASON_ANSWER_ERROR, 0, 0},
    {"{'error':false}", REASON_NONE, 0, 0},
    {"{'stop_reason':'max_tokens'}", REASON_ANSWER_CUT, 0, 0},
    {"{'stop_reason':'end_turn'}", REASON_NONE, 0, 0},
    {"{'error':{}}", REASON_ANSWER_ERROR, 0, 15},
    {"{'error':{'code':500}}", REASON_ANSWER_ERROR, 0, 15},
    {"{'error':'no'}", REASON_ANSWER_ERROR, 0, 15},
};

static const struct {
    enum api_gate gate;
    const struct verdict *cases;
    size_t count;
} tables[] = {
#define TABLE(gate, cases)                                                                         \
    {                                                                                              \
        gate, cases, sizeof(cases) / sizeof *(cases)                                               \
    }
    TABLE(GATE_NONE, any),
    TABLE(GATE_OPENAI_CHAT, chat),
    TABLE(GATE_OPENAI_CHAT, azure),
    TABLE(GATE_OPENAI_COMPLETIONS, completions),
    TABLE(GATE_OPENAI_RESPONSES, responses),
    TABLE(GATE_OPENAI_EMBEDDINGS, embeddings),
    TABLE(GATE_ANTHROPIC, anthropic),
    TABLE(GATE_GEMINI, gemini),
    TABLE(GATE_BEDROCK, bedrock),
    TABLE(GATE_BEDROCK_INVOKE, bedrock_invoke),
    TABLE(GATE_OLLAMA, ollama),
    TABLE(GATE_COHERE_CHAT, cohere_chat),
    TABLE(GATE_COHERE_EMBED, cohere_embed),
    TABLE(GATE_COHERE_RERANK, cohere_rerank),
};
enum { TABLES = sizeof tables / sizeof *tables };

START_TEST(verdicts)
{
    check_verdicts(tables[_i].gate, tables[_i].cases, tables[_i].count);
}
END_TEST

/* What the items of a Responses output are. */
START_TEST(output_items)
{
    static const struct {
        const char *type;
        enum reason want;
    } cases[] = {
        {"function_call", REASON_ANSWER_TOOLS},
        {"custom_tool_call", REASON_ANSWER_TOOLS},
        {"computer_call", REASON_ANSWER_TOOLS},
        {"local_shell_call", REASON_ANSWER_TOOLS},
        {"shell_call", REASON_ANSWER_TOOLS},
        {"apply_patch_call", REASON_ANSWER_TOOLS},
        {"mcp_approval_request", REASON_ANSWER_TOOLS},
        {"tool_use", REASON_ANSWER_TOOLS},
        {"refusal", REASON_ANSWER_REFUSAL},
        {"reasoning", REASON_ANSWER_EMPTY},
        {"thinking", REASON_ANSWER_EMPTY},
        {"redacted_thinking", REASON_ANSWER_EMPTY},
        {"compaction", REASON_ANSWER_EMPTY},
        {"image_generation_call", REASON_NONE},
    };
    struct gate_options options = options_of(0);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];

        snprintf(text, sizeof text, "{'status':'completed','output':[{'type':'%s','id':'x'}]}",
                 cases[i].type);
        ck_assert(read_answer(text));
        enum reason reason = gate_judge(GATE_OPENAI_RESPONSES, &doc, 0, &options);
        ck_assert_msg(reason == cases[i].want, "%s: %s", cases[i].type, reason_name(reason));
    }
}
END_TEST

/* An answer of one API is none of another's. */
START_TEST(other_gates)
{
    static const struct {
        enum api_gate gate;
        const char *answer;
    } cases[] = {
        {GATE_ANTHROPIC, CHAT("[" CHOICE(HELLO, "'stop'") "]")},
        {GATE_GEMINI, CHAT("[" CHOICE(HELLO, "'stop'") "]")},
        {GATE_OPENAI_CHAT, CLAUDE("[" BLOCK "]", "'end_turn'")},
        {GATE_OPENAI_RESPONSES, CHAT("[" CHOICE(HELLO, "'stop'") "]")},
        {GATE_OPENAI_EMBEDDINGS, GEMINI("[" CANDIDATE(PART, "'STOP'") "]")},
        {GATE_BEDROCK, CLAUDE("[" BLOCK "]", "'end_turn'")},
        {GATE_COHERE_CHAT, CHAT("[" CHOICE(HELLO, "'stop'") "]")},
        {GATE_COHERE_RERANK, "{'embeddings':[[0.1]]}"},
    };
    struct gate_options options = options_of(15);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert(read_answer(cases[i].answer));
        ck_assert_int_eq(gate_judge(cases[i].gate, &doc, 0, &options), REASON_ANSWER_UNKNOWN);
    }
}
END_TEST

START_TEST(not_objects)
{
    static const char *const answers[] = {"null", "true", "1", "''", "'choices'", "[]", "[{}]"};
    struct gate_options options = options_of(15);

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        ck_assert(read_answer(answers[i]));
        for (enum api_gate gate = GATE_NONE + 1; gate <= GATE_COHERE_RERANK; gate++)
            ck_assert_int_eq(gate_judge(gate, &doc, 0, &options), REASON_ANSWER_UNKNOWN);
    }
    ck_assert(!read_answer("{"));
    for (enum api_gate gate = GATE_NONE; gate <= GATE_COHERE_RERANK; gate++)
        ck_assert_int_eq(gate_judge(gate, &doc, 0, &options), REASON_ANSWER_UNKNOWN);
}
END_TEST

/* Each case is judged with the limit just at its tokens and one above. */
START_TEST(output_tokens)
{
    static const struct {
        enum api_gate gate;
        int64_t tokens; /* -1: not counted */
        const char *answer;
    } cases[] = {
        {GATE_OPENAI_CHAT, 10, CHAT("[" CHOICE(HELLO, "'stop'") "]")},
        {GATE_OPENAI_RESPONSES, 87, RESPONSE(COMPLETED, "[" MESSAGE(OUTPUT_TEXT) "]")},
        {GATE_ANTHROPIC, 6, CLAUDE("[" BLOCK "]", "'end_turn'")},
        {GATE_GEMINI, 7, GEMINI("[" CANDIDATE(PART, "'STOP'") "]")},
        {GATE_BEDROCK, 9, CONVERSE("[{'text':'Three songs.'}]", "'end_turn'")},
        {GATE_BEDROCK_INVOKE, 4, LLAMA("'stop'")},
        {GATE_BEDROCK_INVOKE, 11, COMMAND_R("'text':'It rains.'", "'COMPLETE'")},
        {GATE_OLLAMA, 8, OLLAMA("'content':'Hello!'", DONE)},
        {GATE_COHERE_CHAT, 11, COHERE(COMMAND, "'COMPLETE'")},
#define COMPLETION(usage) "{'choices':[{'text':'a','finish_reason':'stop'}],'usage':" usage "}"
        {GATE_OPENAI_COMPLETIONS, 2, COMPLETION("{'completion_tokens':2.0}")},
        {GATE_OPENAI_COMPLETIONS, 0, COMPLETION("{'completion_tokens':0}")},
        {GATE_OPENAI_COMPLETIONS, -1, COMPLETION("{'completion_tokens':'2'}")},
        {GATE_OPENAI_COMPLETIONS, -1, COMPLETION("{'completion_tokens':-2}")},
        {GATE_OPENAI_COMPLETIONS, -1, COMPLETION("{'completion_tokens':2e0}")},
        {GATE_OPENAI_COMPLETIONS, -1, COMPLETION("{'completion_tokens':null}")},
        {GATE_OPENAI_COMPLETIONS, -1, COMPLETION("{'completion_tokens':99999999999999999999999}")},
        {GATE_OPENAI_COMPLETIONS, -1, COMPLETION("null")},
        {GATE_OPENAI_COMPLETIONS, -1, COMPLETION("[2]")},
        {GATE_OPENAI_EMBEDDINGS, -1,
         "{'data':[{'embedding':[1]}],'usage':{'completion_tokens':0}}"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t tokens = cases[i].tokens, most = tokens < 0 ? 1000000 : tokens;
        struct gate_options options = {.min_output_tokens = most};

        ck_assert(read_answer(cases[i].answer));
        enum reason reason = gate_judge(cases[i].gate, &doc, 0, &options);
        ck_assert_msg(reason == REASON_NONE, "%s: %s", reason_name(reason), cases[i].answer);
        options.min_output_tokens = most + 1;
        reason = gate_judge(cases[i].gate, &doc, 0, &options);
        ck_assert_msg(reason == (tokens < 0 ? REASON_NONE : REASON_ANSWER_SMALL), "%s: %s",
                      reason_name(reason), cases[i].answer);
    }
}
END_TEST

static uint32_t random_next(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* The answer with one value, from some value's start on, replaced by another: still JSON most of
 * the time. */
static void mutate(char *text, size_t size, uint32_t *state)
{
    static const char *const values[] = {"null",   "true",   "false",    "7",    "''",
                                         "'stop'", "[]",     "{}",       "[[]]", "[{}]",
                                         "-1",     "[null]", "{'a':[]}", "1e9"};
    const char *value = values[random_next(state) % (sizeof values / sizeof *values)];
    size_t len = strlen(text), from = random_next(state) % len, to, depth = 0;

    while (from < len && (from == 0 || !strchr(":[,", text[from - 1])))
        from++;
    for (to = from; to < len; to++) {
        if (strchr("[{", text[to]))
            depth++;
        else if (strchr("]}", text[to]) && depth-- == 0)
            break;
        else if (text[to] == ',' && depth == 0)
            break;
    }
    if (from >= len || from + strlen(value) + (len - to) >= size)
        return;
    memmove(text + from + strlen(value), text + to, len - to + 1);
    memcpy(text + from, value, strlen(value));
}

/* Whatever stands where: an answer or a reason that judges answers, and no crash; what no switch
 * lets pass is not kept either without switches. */
START_TEST(mutations)
{
    enum { ROUNDS = 10000 };
    uint32_t state = 20261122;
    size_t read = 0, kept = 0;

    for (size_t i = 0; i < ROUNDS; i++) {
        size_t table = random_next(&state) % TABLES;
        const struct verdict *sample =
            &tables[table].cases[random_next(&state) % tables[table].count];
        char text[4096];

        ck_assert_uint_lt(strlen(sample->answer), sizeof text);
        strcpy(text, sample->answer);
        for (uint32_t n = random_next(&state) % 3 + 1; n; n--)
            mutate(text, sizeof text, &state);
        if (!read_answer(text))
            continue;
        read++;
        for (enum api_gate gate = GATE_NONE; gate <= GATE_COHERE_RERANK; gate++) {
            struct gate_options all = options_of(15), none = {.min_output_tokens = 0};
            enum reason lax = gate_judge(gate, &doc, sample->count, &all);
            enum reason strict = gate_judge(gate, &doc, sample->count, &none);
            ck_assert_msg(lax == REASON_NONE || strict != REASON_NONE, "gate %d: %s", gate, text);
            ck_assert(strict == REASON_NONE ||
                      (strict >= REASON_ANSWER_ERROR && strict <= REASON_ANSWER_SMALL));
            kept += gate != GATE_NONE && strict == REASON_NONE;
        }
    }
    ck_assert_uint_gt(read, ROUNDS / 2);
    ck_assert_uint_gt(kept, ROUNDS / 100);
}
END_TEST

Suite *suite_gate(void)
{
    Suite *suite = suite_create("gate");
    TCase *cases = tcase_create("gate");

    tcase_add_checked_fixture(cases, NULL, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, verdicts, 0, TABLES);
    tcase_add_test(cases, output_items);
    tcase_add_test(cases, other_gates);
    tcase_add_test(cases, not_objects);
    tcase_add_test(cases, output_tokens);
    tcase_add_test(cases, mutations);
    suite_add_tcase(suite, cases);
    return suite;
}
