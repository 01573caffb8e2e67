#include "usage.h"

#include "decimal.h"

/* A value of the answer: the names that lead to it, ended by NULL, and what it must be. */
struct place {
    const char *path[3];
    enum json_type type;
};

/* One way to count: the members of an object that add up to what went in and what came out. Each
 * list is ended by NULL. */
struct count {
    const char *object[3];
    const char *input[4], *output[3];
};

/* Anthropic (Messages, "usage") and Amazon (Converse, TokenUsage) count what a prompt cache read
 * and wrote apart from the rest of the input; OpenAI's prompt_tokens and input_tokens hold all of
 * it. What is called generic may be any of them. */
static const struct place in_usage[USAGE_PLACES] = {{{"usage"}, JSON_OBJECT}};
static const struct count of_usage[] = {
    {{"usage"}, {"prompt_tokens"}, {"completion_tokens"}},
    {{"usage"},
     {"input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"},
     {"output_tokens"}},
    {{"usage"}, {"inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"}, {"outputTokens"}},
    {{NULL}, {NULL}, {NULL}},
};

/* Amazon, InvokeModel: as above, or as Llama, Titan and Cohere count. */
static const struct place in_invoke[USAGE_PLACES] = {
    {{"usage"}, JSON_OBJECT},
    {{"prompt_token_count"}, JSON_NUMBER},
    {{"generation_token_count"}, JSON_NUMBER},
    {{"inputTextTokenCount"}, JSON_NUMBER},
};
static const struct count of_invoke[] = {
    {{"usage"}, {"prompt_tokens"}, {"completion_tokens"}},
    {{"usage"},
     {"input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"},
     {"output_tokens"}},
    {{"usage"}, {"inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"}, {"outputTokens"}},
    {{NULL}, {"prompt_token_count"}, {"generation_token_count"}},
    {{"meta", "tokens"}, {"input_tokens"}, {"output_tokens"}},
    {{NULL}, {NULL}, {NULL}},
};

/* Gemini API, UsageMetadata: totalTokenCount is the sum of these four; the prompt's holds the
 * cached ones. */
static const struct place in_gemini[USAGE_PLACES] = {{{"usageMetadata"}, JSON_OBJECT}};
static const struct count of_gemini[] = {
    {{"usageMetadata"},
     {"promptTokenCount", "toolUsePromptTokenCount"},
     {"candidatesTokenCount", "thoughtsTokenCount"}},
    {{NULL}, {NULL}, {NULL}},
};

/* Ollama, docs/api.md: counts stand beside times ("total_duration" and others). Times are no
 * usage, and clients divide by them: eval_count / eval_duration is the documented speed. */
static const struct place in_ollama[USAGE_PLACES] = {
    {{"prompt_eval_count"}, JSON_NUMBER},
    {{"prompt_eval_cached_count"}, JSON_NUMBER},
    {{"eval_count"}, JSON_NUMBER},
};
static const struct count of_ollama[] = {
    {{NULL}, {"prompt_eval_count"}, {"eval_count"}},
    {{NULL}, {NULL}, {NULL}},
};

/* Cohere: "usage" of a v2 chat, "meta" (ApiMeta, which has a version too) of all else. What the
 * model read and wrote goes before what was billed; embeddings have only the latter. */
static const struct place in_cohere[USAGE_PLACES] = {
    {{"usage"}, JSON_OBJECT},
    {{"meta", "billed_units"}, JSON_OBJECT},
    {{"meta", "tokens"}, JSON_OBJECT},
    {{"meta", "cached_tokens"}, JSON_NUMBER},
};
static const struct count of_cohere[] = {
    {{"usage", "tokens"}, {"input_tokens"}, {"output_tokens"}},
    {{"usage", "billed_units"}, {"input_tokens"}, {"output_tokens"}},
    {{"meta", "tokens"}, {"input_tokens"}, {"output_tokens"}},
    {{"meta", "billed_units"}, {"input_tokens"}, {"output_tokens"}},
    {{NULL}, {NULL}, {NULL}},
};

static const struct {
    const struct place *places;
    const struct count *counts; /* ended by one without input */
} usages[] = {
    [GATE_NONE] = {in_usage, of_usage},
    [GATE_OPENAI_CHAT] = {in_usage, of_usage},
    [GATE_OPENAI_COMPLETIONS] = {in_usage, of_usage},
    [GATE_OPENAI_RESPONSES] = {in_usage, of_usage},
    [GATE_OPENAI_EMBEDDINGS] = {in_usage, of_usage},
    [GATE_ANTHROPIC] = {in_usage, of_usage},
    [GATE_GEMINI] = {in_gemini, of_gemini},
    [GATE_BEDROCK] = {in_usage, of_usage},
    [GATE_BEDROCK_INVOKE] = {in_invoke, of_invoke},
    [GATE_OLLAMA] = {in_ollama, of_ollama},
    [GATE_COHERE_CHAT] = {in_cohere, of_cohere},
    [GATE_COHERE_EMBED] = {in_cohere, of_cohere},
    [GATE_COHERE_RERANK] = {in_cohere, of_cohere},
};

static const struct json_node *find(const struct json_doc *doc, const char *const *path)
{
    const struct json_node *node = doc->count ? doc->nodes : NULL;

    for (; node && *path; path++)
        node = json_member(doc, node, str_of(*path));
    return node;
}

/* The whole part of a number (Cohere's are doubles); false for one that is negative, has an
 * exponent, or is so large that some could not be added. */
static bool whole_part(struct str number, int64_t *out)
{
    struct str whole = str_split(&number, '.');

    return !memchr(number.ptr, 'e', number.len) && !memchr(number.ptr, 'E', number.len) &&
           decimal_read(whole, out);
}

/* The sum of those members that are there, or -1. */
static int64_t sum(const struct json_doc *doc, const struct json_node *object,
                   const char *const *names)
{
    int64_t all = -1, tokens;

    for (; *names; names++) {
        const struct json_node *node = json_member(doc, object, str_of(*names));
        if (node && node->type == JSON_NUMBER && whole_part(node->text, &tokens))
            all = (all < 0 ? 0 : all) + tokens;
    }
    return all;
}

struct usage usage_read(enum api_gate gate, const struct json_doc *answer)
{
    for (const struct count *c = usages[gate].counts; *c->input; c++) {
        const struct json_node *object = find(answer, c->object);
        if (!object)
            continue;
        struct usage usage = {sum(answer, object, c->input), sum(answer, object, c->output)};
        if (usage.input >= 0 || usage.output >= 0)
            return usage;
    }
    return (struct usage){-1, -1};
}

const struct json_node *usage_place(enum api_gate gate, const struct json_doc *answer, size_t i)
{
    const struct place *place = &usages[gate].places[i];
    const struct json_node *node = *place->path ? find(answer, place->path) : NULL;

    return node && node->type == place->type ? node : NULL;
}
