#include "gate.h"

#include "gate_find.h"
#include "usage.h"

/* Why an answer is not kept, by what was found in it. */
static const enum reason reasons[] = {
    [FOUND_ERROR] = REASON_ANSWER_ERROR,     [FOUND_UNCHECKED] = REASON_ANSWER_FILTERED,
    [FOUND_FILTER] = REASON_ANSWER_FILTERED, [FOUND_UNKNOWN] = REASON_ANSWER_UNKNOWN,
    [FOUND_UNFINISHED] = REASON_ANSWER_CUT,  [FOUND_LENGTH] = REASON_ANSWER_CUT,
    [FOUND_REFUSAL] = REASON_ANSWER_REFUSAL, [FOUND_TOOLS] = REASON_ANSWER_TOOLS,
    [FOUND_COUNT] = REASON_ANSWER_COUNT,     [FOUND_SILENCE] = REASON_ANSWER_EMPTY,
    [FOUND_SMALL] = REASON_ANSWER_SMALL,
};

enum {
    TEXT = 1 << JSON_STRING,
    LIST = 1 << JSON_ARRAY,
    OBJECT = 1 << JSON_OBJECT,
};

/* OpenAI, chat completions and completions: "finish_reason" of a choice. "error" is what
 * OpenRouter adds. */
static const struct gate_word openai_finishes[] = {
    {"stop", FOUND_END},      {"tool_calls", FOUND_TOOLS}, {"function_call", FOUND_TOOLS},
    {"length", FOUND_LENGTH}, {"error", FOUND_ERROR},      {"content_filter", FOUND_FILTER},
    {NULL, FOUND_SPEECH},
};
/* A content of parts is what some compatible servers answer with. */
static const struct gate_voice openai_voices[] = {
    {"content", FOUND_SPEECH, TEXT | LIST}, {"audio", FOUND_SPEECH, OBJECT},
    {"tool_calls", FOUND_TOOLS, LIST},      {"function_call", FOUND_TOOLS, OBJECT},
    {"refusal", FOUND_REFUSAL, TEXT},       {NULL, FOUND_SPEECH, 0},
};
static const char *const in_message[] = {"message", NULL};
static const struct gate_shape openai_chat[] = {
    {.mark = "choices",
     .judge = gate_find_choices,
     .finish = "finish_reason",
     .words = openai_finishes,
     .path = in_message,
     .voices = openai_voices},
    {.mark = NULL},
};

static const struct gate_voice completion_voices[] = {{"text", FOUND_SPEECH, TEXT},
                                                      {NULL, FOUND_SPEECH, 0}};
static const struct gate_shape openai_completions[] = {
    {.mark = "choices",
     .judge = gate_find_choices,
     .finish = "finish_reason",
     .words = openai_finishes,
     .voices = completion_voices},
    {.mark = NULL},
};

/* OpenAI, Responses: "status" of the whole. */
static const struct gate_word response_statuses[] = {
    {"completed", FOUND_END},     {"incomplete", FOUND_UNFINISHED},
    {"failed", FOUND_ERROR},      {"in_progress", FOUND_UNFINISHED},
    {"queued", FOUND_UNFINISHED}, {"cancelled", FOUND_UNFINISHED},
    {NULL, FOUND_SPEECH},
};
static const struct gate_shape openai_responses[] = {
    {.mark = "output", .judge = gate_find_output, .finish = "status", .words = response_statuses},
    {.mark = NULL},
};

static const struct gate_shape openai_embeddings[] = {
    {.mark = "data", .judge = gate_find_vectors, .vector = "embedding"},
    {.mark = NULL},
};

/* Anthropic, Messages: "stop_reason". */
static const struct gate_word anthropic_stops[] = {
    {"end_turn", FOUND_END},
    {"stop_sequence", FOUND_END},
    {"tool_use", FOUND_TOOLS},
    {"max_tokens", FOUND_LENGTH},
    {"pause_turn", FOUND_UNFINISHED},
    {"model_context_window_exceeded", FOUND_UNFINISHED},
    {"compaction", FOUND_UNFINISHED},
    {"refusal", FOUND_REFUSAL},
    {NULL, FOUND_SPEECH},
};
static const struct gate_voice content_parts[] = {{"content", FOUND_SPEECH, LIST},
                                                  {NULL, FOUND_SPEECH, 0}};
static const struct gate_shape anthropic[] = {
    {.mark = "content",
     .judge = gate_find_whole,
     .type = "message",
     .finish = "stop_reason",
     .words = anthropic_stops,
     .voices = content_parts},
    {.mark = NULL},
};

/* Gemini and Vertex: "finishReason" of a candidate. */
static const struct gate_word gemini_finishes[] = {
    {"STOP", FOUND_END},
    {"MAX_TOKENS", FOUND_LENGTH},
    {"SAFETY", FOUND_FILTER},
    {"RECITATION", FOUND_FILTER},
    {"BLOCKLIST", FOUND_FILTER},
    {"PROHIBITED_CONTENT", FOUND_FILTER},
    {"SPII", FOUND_FILTER},
    {"MODEL_ARMOR", FOUND_FILTER},
    {"IMAGE_SAFETY", FOUND_FILTER},
    {"IMAGE_PROHIBITED_CONTENT", FOUND_FILTER},
    {"IMAGE_RECITATION", FOUND_FILTER},
    {"FINISH_REASON_UNSPECIFIED", FOUND_UNFINISHED},
    {"LANGUAGE", FOUND_UNFINISHED},
    {"OTHER", FOUND_UNFINISHED},
    {"IMAGE_OTHER", FOUND_UNFINISHED},
    {"NO_IMAGE", FOUND_SILENCE},
    {"MALFORMED_FUNCTION_CALL", FOUND_ERROR},
    {"MALFORMED_RESPONSE", FOUND_ERROR},
    {"MISSING_THOUGHT_SIGNATURE", FOUND_ERROR},
    {"UNEXPECTED_TOOL_CALL", FOUND_ERROR},
    {"TOO_MANY_TOOL_CALLS", FOUND_ERROR},
    {NULL, FOUND_SPEECH},
};
static const char *const in_content[] = {"content", NULL};
static const struct gate_voice gemini_voices[] = {{"parts", FOUND_SPEECH, LIST},
                                                  {NULL, FOUND_SPEECH, 0}};
static const struct gate_shape gemini[] = {
    {.mark = "candidates",
     .judge = gate_find_choices,
     .finish = "finishReason",
     .words = gemini_finishes,
     .path = in_content,
     .voices = gemini_voices},
    {.mark = "embedding", .judge = gate_find_vector, .vector = "values"},
    {.mark = "embeddings", .judge = gate_find_vectors, .vector = "values"},
    {.mark = NULL},
};

/* Amazon Bedrock, Converse: "stopReason". */
static const struct gate_word bedrock_stops[] = {
    {"end_turn", FOUND_END},
    {"stop_sequence", FOUND_END},
    {"tool_use", FOUND_TOOLS},
    {"max_tokens", FOUND_LENGTH},
    {"model_context_window_exceeded", FOUND_UNFINISHED},
    {"guardrail_intervened", FOUND_FILTER},
    {"content_filtered", FOUND_FILTER},
    {"malformed_model_output", FOUND_ERROR},
    {"malformed_tool_use", FOUND_ERROR},
    {NULL, FOUND_SPEECH},
};
static const char *const in_output_message[] = {"output", "message", NULL};
static const struct gate_shape bedrock[] = {
    {.mark = "output",
     .judge = gate_find_whole,
     .finish = "stopReason",
     .words = bedrock_stops,
     .path = in_output_message,
     .voices = content_parts},
    {.mark = NULL},
};

/* Ollama, /api/chat, /api/generate, /api/embed and the older /api/embeddings: "done_reason". */
static const struct gate_word ollama_reasons[] = {
    {"stop", FOUND_END},       {"length", FOUND_LENGTH}, {"load", FOUND_SILENCE},
    {"unload", FOUND_SILENCE}, {NULL, FOUND_SPEECH},
};
static const struct gate_voice ollama_voices[] = {
    {"content", FOUND_SPEECH, TEXT}, {"tool_calls", FOUND_TOOLS, LIST}, {NULL, FOUND_SPEECH, 0}};
static const struct gate_voice generate_voices[] = {{"response", FOUND_SPEECH, TEXT},
                                                    {NULL, FOUND_SPEECH, 0}};
static const struct gate_shape ollama[] = {
    {.mark = "message",
     .judge = gate_find_whole,
     .done = "done",
     .finish = "done_reason",
     .words = ollama_reasons,
     .path = in_message,
     .voices = ollama_voices},
    {.mark = "response",
     .judge = gate_find_whole,
     .done = "done",
     .finish = "done_reason",
     .words = ollama_reasons,
     .voices = generate_voices},
    {.mark = "embeddings", .judge = gate_find_vectors},
    {.mark = "embedding", .judge = gate_find_vector},
    {.mark = NULL},
};

/* Cohere: "finish_reason". */
static const struct gate_word cohere_finishes[] = {
    {"COMPLETE", FOUND_END},      {"STOP_SEQUENCE", FOUND_END}, {"TOOL_CALL", FOUND_TOOLS},
    {"MAX_TOKENS", FOUND_LENGTH}, {"ERROR", FOUND_ERROR},       {"ERROR_TOXIC", FOUND_ERROR},
    {"ERROR_LIMIT", FOUND_ERROR}, {"TIMEOUT", FOUND_ERROR},     {"USER_CANCEL", FOUND_ERROR},
    {NULL, FOUND_SPEECH},
};
/* Cohere v1 has the text at the top, and so it has on Bedrock. */
static const struct gate_voice cohere_v1_voices[] = {
    {"text", FOUND_SPEECH, TEXT}, {"tool_calls", FOUND_TOOLS, LIST}, {NULL, FOUND_SPEECH, 0}};
static const struct gate_voice cohere_voices[] = {
    {"content", FOUND_SPEECH, LIST}, {"tool_calls", FOUND_TOOLS, LIST}, {NULL, FOUND_SPEECH, 0}};
static const struct gate_shape cohere_chat[] = {
    {.mark = "message",
     .judge = gate_find_whole,
     .finish = "finish_reason",
     .words = cohere_finishes,
     .path = in_message,
     .voices = cohere_voices},
    {.mark = "text",
     .judge = gate_find_whole,
     .finish = "finish_reason",
     .words = cohere_finishes,
     .voices = cohere_v1_voices},
    {.mark = NULL},
};
static const struct gate_shape cohere_embed[] = {
    {.mark = "embeddings", .judge = gate_find_formats},
    {.mark = NULL},
};
static const struct gate_shape cohere_rerank[] = {
    {.mark = "results", .judge = gate_find_results},
    {.mark = NULL},
};

/* Amazon Bedrock, InvokeModel: each model answers in its own form. */
static const struct gate_word titan_reasons[] = {
    {"FINISHED", FOUND_END},
    {"FINISH", FOUND_END},
    {"STOP_CRITERIA_MET", FOUND_END},
    {"LENGTH", FOUND_LENGTH},
    {"CONTENT_FILTERED", FOUND_FILTER},
    {"RAG_QUERY_WHEN_RAG_DISABLED", FOUND_ERROR},
    {NULL, FOUND_SPEECH},
};
static const struct gate_voice completion_voice[] = {{"completion", FOUND_SPEECH, TEXT},
                                                     {NULL, FOUND_SPEECH, 0}};
static const struct gate_voice generation_voice[] = {{"generation", FOUND_SPEECH, TEXT},
                                                     {NULL, FOUND_SPEECH, 0}};
static const struct gate_voice titan_voice[] = {{"outputText", FOUND_SPEECH, TEXT},
                                                {NULL, FOUND_SPEECH, 0}};
static const struct gate_shape bedrock_invoke[] = {
    /* Anthropic: messages, and the older completions */
    {.mark = "content",
     .judge = gate_find_whole,
     .type = "message",
     .finish = "stop_reason",
     .words = anthropic_stops,
     .voices = content_parts},
    {.mark = "completion",
     .judge = gate_find_whole,
     .finish = "stop_reason",
     .words = anthropic_stops,
     .voices = completion_voice},
    /* Nova, as Converse */
    {.mark = "output",
     .judge = gate_find_whole,
     .finish = "stopReason",
     .words = bedrock_stops,
     .path = in_output_message,
     .voices = content_parts},
    /* Llama */
    {.mark = "generation",
     .judge = gate_find_whole,
     .finish = "stop_reason",
     .words = openai_finishes,
     .voices = generation_voice},
    /* those that answer as OpenAI does, Mistral's chat, DeepSeek's completions */
    {.mark = "choices",
     .in_first = "finish_reason",
     .judge = gate_find_choices,
     .finish = "finish_reason",
     .words = openai_finishes,
     .path = in_message,
     .voices = openai_voices},
    {.mark = "choices",
     .in_first = "message",
     .judge = gate_find_choices,
     .finish = "stop_reason",
     .words = openai_finishes,
     .path = in_message,
     .voices = openai_voices},
    {.mark = "choices",
     .judge = gate_find_choices,
     .finish = "stop_reason",
     .words = openai_finishes,
     .voices = completion_voices},
    /* Mistral's completions */
    {.mark = "outputs",
     .judge = gate_find_choices,
     .finish = "stop_reason",
     .words = openai_finishes,
     .voices = completion_voices},
    /* Titan */
    {.mark = "results",
     .in_first = "outputText",
     .judge = gate_find_choices,
     .finish = "completionReason",
     .words = titan_reasons,
     .voices = titan_voice},
    {.mark = "embedding", .judge = gate_find_vector},
    /* Nova's vectors */
    {.mark = "embeddings",
     .in_first = "embedding",
     .judge = gate_find_vectors,
     .vector = "embedding"},
    /* Cohere: the older completions, chat, vectors, reranking */
    {.mark = "generations",
     .judge = gate_find_choices,
     .finish = "finish_reason",
     .words = cohere_finishes,
     .voices = completion_voices},
    {.mark = "text",
     .judge = gate_find_whole,
     .finish = "finish_reason",
     .words = cohere_finishes,
     .voices = cohere_v1_voices},
    {.mark = "embeddings", .judge = gate_find_formats},
    {.mark = "results", .in_first = "relevance_score", .judge = gate_find_results},
    {.mark = NULL},
};

static const struct gate_shape *const gates[] = {
    [GATE_OPENAI_CHAT] = openai_chat,
    [GATE_OPENAI_COMPLETIONS] = openai_completions,
    [GATE_OPENAI_RESPONSES] = openai_responses,
    [GATE_OPENAI_EMBEDDINGS] = openai_embeddings,
    [GATE_ANTHROPIC] = anthropic,
    [GATE_GEMINI] = gemini,
    [GATE_BEDROCK] = bedrock,
    [GATE_BEDROCK_INVOKE] = bedrock_invoke,
    [GATE_OLLAMA] = ollama,
    [GATE_COHERE_CHAT] = cohere_chat,
    [GATE_COHERE_EMBED] = cohere_embed,
    [GATE_COHERE_RERANK] = cohere_rerank,
};

static bool has_shape(const struct gate_answer *a, const struct gate_shape *shape)
{
    const struct json_node *marked = gate_member_set(a, a->root, shape->mark), *first;

    if (!marked || !shape->in_first)
        return marked;
    first = marked->type == JSON_ARRAY ? json_first(marked) : NULL;
    return first && gate_member(a, first, shape->in_first);
}

static unsigned judge(const struct gate_answer *a, enum api_gate gate, int64_t min)
{
    const struct gate_shape *shape = gates[gate];
    unsigned found = gate_find_prompt(a);
    int64_t tokens = usage_read(gate, a->doc).output;

    if (gate_member_set(a, a->root, "error") ||
        gate_is_text(gate_member(a, a->root, "type"), "error"))
        found |= FOUND(FOUND_ERROR);
    while (shape->mark && !has_shape(a, shape))
        shape++;
    if (!shape->mark)
        return found | FOUND(FOUND_UNKNOWN);
    if (shape->words && tokens >= 0 && tokens < min) /* vectors have no tokens of output */
        found |= FOUND(FOUND_SMALL);
    return found | shape->judge(a, shape, gate_member(a, a->root, shape->mark));
}

/* An object of which nothing is known: plainly an error, or with a stop_reason that is no end. */
static enum reason judge_plain(const struct gate_answer *a, const struct json_node *object)
{
    static const char *const ends[] = {"end_turn", "stop_sequence", "tool_use", "stop", "COMPLETE"};
    const struct json_node *error = gate_member_set(a, object, "error");
    const struct json_node *end = gate_member_set(a, object, "stop_reason");
    bool ended = !end;

    if (gate_is_text(gate_member(a, object, "type"), "error") ||
        (error && error->type != JSON_FALSE &&
         (error->type == JSON_OBJECT || error->count || error->text.len ||
          error->type == JSON_TRUE)))
        return REASON_ANSWER_ERROR;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        ended |= gate_is_text(end, ends[i]);
    return ended ? REASON_NONE : REASON_ANSWER_CUT;
}

/* An answer of an API without a gate, or each of a list of them. */
static enum reason judge_any(const struct gate_answer *a)
{
    const struct json_node *one = a->root->type == JSON_ARRAY ? json_first(a->root) : NULL;
    enum reason reason = judge_plain(a, a->root);

    for (; one && reason == REASON_NONE; one = json_next(a->doc, a->root, one))
        reason = judge_plain(a, one);
    return reason;
}

static bool lets_pass(const struct gate_options *options, enum gate_finding finding)
{
    switch (finding) {
    case FOUND_LENGTH:
        return options->finish_length;
    case FOUND_FILTER:
        return options->finish_filter;
    case FOUND_REFUSAL:
        return options->finish_refusal;
    case FOUND_TOOLS:
        return options->tool_calls;
    default:
        return false;
    }
}

enum reason gate_judge(enum api_gate gate, const struct json_doc *answer, uint32_t count,
                       const struct gate_options *options)
{
    struct gate_answer a = {answer, answer->nodes, count};

    if (!answer->count)
        return REASON_ANSWER_UNKNOWN;
    if (gate == GATE_NONE)
        return judge_any(&a);
    if (a.root->type != JSON_OBJECT)
        return REASON_ANSWER_UNKNOWN;
    unsigned found = judge(&a, gate, options->min_output_tokens);
    for (enum gate_finding finding = FOUND_ERROR; finding < FOUND_SPEECH; finding++) {
        if (found & FOUND(finding) && !lets_pass(options, finding))
            return reasons[finding];
    }
    return REASON_NONE;
}
