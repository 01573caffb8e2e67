#include "gate_find.h"

static const struct gate_word *find_word(const struct gate_word *words, struct str text)
{
    for (; words->text; words++) {
        if (str_eq(text, str_of(words->text)))
            return words;
    }
    return NULL;
}

/* A reason, as the table has it; an answer without one is not finished. */
static unsigned judge_word(const struct gate_word *words, const struct json_node *node)
{
    const struct gate_word *word;

    if (!node)
        return FOUND(FOUND_UNFINISHED);
    word = node->type == JSON_STRING ? find_word(words, node->text) : NULL;
    return FOUND(word ? word->finding : FOUND_UNKNOWN);
}

/* What a part is, by its "type" (OpenAI, Anthropic, Cohere): the items of a Responses output that
 * ask the caller to act count as tools, those the provider ran itself do not. */
static const struct gate_word part_types[] = {
    {"refusal", FOUND_REFUSAL},
    {"tool_use", FOUND_TOOLS},
    {"function_call", FOUND_TOOLS},
    {"custom_tool_call", FOUND_TOOLS},
    {"computer_call", FOUND_TOOLS},
    {"local_shell_call", FOUND_TOOLS},
    {"shell_call", FOUND_TOOLS},
    {"apply_patch_call", FOUND_TOOLS},
    {"mcp_approval_request", FOUND_TOOLS},
    {"reasoning", FOUND_SILENCE},
    {"thinking", FOUND_SILENCE},
    {"redacted_thinking", FOUND_SILENCE},
    {"compaction", FOUND_SILENCE},
    {NULL, FOUND_SPEECH},
};

/* What it is by a member of it (Gemini, Bedrock). */
static const struct gate_word part_members[] = {
    {"functionCall", FOUND_TOOLS},
    {"toolUse", FOUND_TOOLS},
    {"reasoningContent", FOUND_SILENCE},
    {NULL, FOUND_SPEECH},
};

/* One part of a message. An empty text and the model's thoughts say nothing; a part of a type
 * that is not in the tables says something. */
static unsigned judge_part(const struct gate_answer *a, const struct json_node *part)
{
    const struct json_node *type = gate_member_set(a, part, "type"),
                           *text = gate_member_set(a, part, "text"),
                           *thought = gate_member(a, part, "thought");
    const struct gate_word *word;

    if (part->type != JSON_OBJECT || (type && type->type != JSON_STRING) ||
        (text && text->type != JSON_STRING))
        return FOUND(FOUND_UNKNOWN);
    word = type ? find_word(part_types, type->text) : NULL;
    if (word)
        return FOUND(word->finding);
    for (word = part_members; word->text; word++) {
        if (gate_member_set(a, part, word->text))
            return FOUND(word->finding);
    }
    if (thought && thought->type == JSON_TRUE)
        return 0;
    return (text ? text->text.len : part->count) ? FOUND(FOUND_SPEECH) : 0;
}

static unsigned judge_parts(const struct gate_answer *a, const struct json_node *parts)
{
    unsigned found = 0;

    for (const struct json_node *part = json_first(parts); part;
         part = json_next(a->doc, parts, part))
        found |= judge_part(a, part);
    return found & ~FOUND(FOUND_SILENCE);
}

static unsigned judge_voice(const struct gate_answer *a, const struct json_node *object,
                            const struct gate_voice *voice)
{
    const struct json_node *node = gate_member_set(a, object, voice->name);

    if (!node)
        return 0;
    if (!(voice->types & (1u << node->type)))
        return FOUND(FOUND_UNKNOWN);
    if (node->type == JSON_ARRAY && voice->finding == FOUND_SPEECH)
        return judge_parts(a, node);
    return (node->type == JSON_STRING ? node->text.len : node->count) ? FOUND(voice->finding) : 0;
}

/* Adds that nothing was said, when nothing was. */
static unsigned or_silent(unsigned found)
{
    return found & (FOUND(FOUND_SPEECH) | FOUND(FOUND_TOOLS) | FOUND(FOUND_REFUSAL))
               ? found
               : found | FOUND(FOUND_SILENCE);
}

static unsigned judge_message(const struct gate_answer *a, const struct gate_shape *shape,
                              const struct json_node *node)
{
    unsigned found = 0;

    for (const char *const *step = shape->path; step && *step; step++) {
        node = gate_member_set(a, node, *step);
        if (!node)
            return FOUND(FOUND_SILENCE);
        if (node->type != JSON_OBJECT)
            return FOUND(FOUND_UNKNOWN);
    }
    for (const struct gate_voice *voice = shape->voices; voice->name; voice++)
        found |= judge_voice(a, node, voice);
    return or_silent(found);
}

static unsigned judge_filtered(const struct gate_answer *a, const struct json_node *verdict)
{
    const struct json_node *filtered = gate_member_set(a, verdict, "filtered");

    if (!filtered || filtered->type == JSON_FALSE)
        return 0;
    return FOUND(filtered->type == JSON_TRUE ? FOUND_FILTER : FOUND_UNKNOWN);
}

/* Azure's verdict of one category: an object with "filtered", or an older array of them. */
static unsigned judge_category(const struct gate_answer *a, const struct json_node *category)
{
    unsigned found = judge_filtered(a, category);

    for (const struct json_node *one = json_first(category); one;
         one = json_next(a->doc, category, one))
        found |= category->type == JSON_ARRAY ? judge_filtered(a, one) : 0;
    return found;
}

/* Azure's annotations beside a choice or of a prompt; the name without "s" stands in answers
 * whose filter failed. */
static unsigned judge_filter(const struct gate_answer *a, const struct json_node *object)
{
    static const char *const names[] = {"content_filter_results", "content_filter_result"};
    unsigned found = 0;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct json_node *results = gate_member_set(a, object, names[i]);
        if (!results)
            continue;
        if (results->type != JSON_OBJECT)
            return FOUND(FOUND_UNKNOWN);
        if (gate_member_set(a, results, "error"))
            found |= FOUND(FOUND_UNCHECKED);
        for (const struct json_node *category = json_first(results); category;
             category = json_next(a->doc, results, category))
            found |= judge_category(a, category);
    }
    return found;
}

unsigned gate_find_prompt(const struct gate_answer *a)
{
    static const char *const lists[] = {"prompt_filter_results", "content_filters"};
    const struct json_node *feedback = gate_member_set(a, a->root, "promptFeedback"),
                           *guard = gate_member_set(a, a->root, "amazon-bedrock-guardrailAction");
    unsigned found = 0;

    if (guard && !gate_is_text(guard, "NONE"))
        found |= FOUND(guard->type == JSON_STRING ? FOUND_FILTER : FOUND_UNKNOWN);
    if (feedback && feedback->type != JSON_OBJECT)
        found |= FOUND(FOUND_UNKNOWN);
    else if (feedback && gate_member_set(a, feedback, "blockReason"))
        found |= FOUND(FOUND_FILTER);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const struct json_node *list = gate_member_set(a, a->root, lists[i]);
        if (list && list->type != JSON_ARRAY)
            return FOUND(FOUND_UNKNOWN);
        for (const struct json_node *one = list ? json_first(list) : NULL; one;
             one = json_next(a->doc, list, one))
            found |= judge_filter(a, one);
    }
    return found;
}

/* One answer: a choice, a candidate, or the whole. */
static unsigned judge_one(const struct gate_answer *a, const struct gate_shape *shape,
                          const struct json_node *one)
{
    unsigned found = 0;

    if (one->type != JSON_OBJECT)
        return FOUND(FOUND_UNKNOWN);
    if (gate_member_set(a, one, "error"))
        found |= FOUND(FOUND_ERROR);
    found |= judge_word(shape->words, gate_member_set(a, one, shape->finish));
    found |= judge_filter(a, one);
    return found | judge_message(a, shape, one);
}

unsigned gate_find_whole(const struct gate_answer *a, const struct gate_shape *shape,
                         const struct json_node *marked)
{
    const struct json_node *done = shape->done ? gate_member_set(a, a->root, shape->done) : NULL;
    unsigned found = judge_one(a, shape, a->root);

    (void)marked;
    if (shape->type && !gate_is_text(gate_member(a, a->root, "type"), shape->type))
        found |= FOUND(FOUND_UNKNOWN);
    if (shape->done && (!done || done->type == JSON_FALSE))
        found |= FOUND(FOUND_UNFINISHED);
    else if (shape->done && done->type != JSON_TRUE)
        found |= FOUND(FOUND_UNKNOWN);
    return found;
}

unsigned gate_find_choices(const struct gate_answer *a, const struct gate_shape *shape,
                           const struct json_node *choices)
{
    unsigned found = 0;

    if (choices->type != JSON_ARRAY)
        return FOUND(FOUND_UNKNOWN);
    if (choices->count < a->count)
        found |= FOUND(FOUND_COUNT);
    if (!choices->count)
        found |= FOUND(FOUND_SILENCE);
    for (const struct json_node *one = json_first(choices); one;
         one = json_next(a->doc, choices, one))
        found |= judge_one(a, shape, one);
    return found;
}

/* Why a Responses object is incomplete. */
static const struct gate_word response_incomplete[] = {
    {"max_output_tokens", FOUND_LENGTH},
    {"content_filter", FOUND_FILTER},
    {NULL, FOUND_SPEECH},
};

static unsigned judge_status(const struct gate_answer *a, const struct gate_shape *shape)
{
    const struct json_node *status = gate_member_set(a, a->root, shape->finish),
                           *details = gate_member_set(a, a->root, "incomplete_details");

    if (details && gate_is_text(status, "incomplete"))
        return judge_word(response_incomplete, gate_member_set(a, details, "reason"));
    return judge_word(shape->words, status) | (details ? FOUND(FOUND_UNFINISHED) : 0);
}

unsigned gate_find_output(const struct gate_answer *a, const struct gate_shape *shape,
                          const struct json_node *output)
{
    unsigned found = judge_status(a, shape);

    if (output->type != JSON_ARRAY)
        return FOUND(FOUND_UNKNOWN);
    for (const struct json_node *item = json_first(output); item;
         item = json_next(a->doc, output, item)) {
        const struct json_node *content = gate_member_set(a, item, "content");
        const struct json_node *status = gate_member_set(a, item, "status");
        if (status && !gate_is_text(status, "completed"))
            found |= FOUND(FOUND_UNFINISHED);
        if (!gate_is_text(gate_member(a, item, "type"), "message"))
            found |= judge_part(a, item) & ~FOUND(FOUND_SILENCE);
        else if (content && content->type == JSON_ARRAY)
            found |= judge_parts(a, content);
        else
            found |= FOUND(FOUND_UNKNOWN);
    }
    return or_silent(found);
}

static unsigned judge_vector(const struct gate_answer *a, const struct gate_shape *shape,
                             const struct json_node *item)
{
    const struct json_node *vector = shape->vector ? gate_member_set(a, item, shape->vector) : item;

    if (!vector || (vector->type != JSON_ARRAY && vector->type != JSON_STRING))
        return FOUND(FOUND_UNKNOWN);
    for (const struct json_node *number = json_first(vector); number;
         number = json_next(a->doc, vector, number)) {
        if (number->type != JSON_NUMBER)
            return FOUND(FOUND_UNKNOWN);
    }
    return FOUND(vector->count || vector->text.len ? FOUND_SPEECH : FOUND_SILENCE);
}

unsigned gate_find_vectors(const struct gate_answer *a, const struct gate_shape *shape,
                           const struct json_node *list)
{
    unsigned found = 0;

    if (list->type != JSON_ARRAY)
        return FOUND(FOUND_UNKNOWN);
    if (a->count && list->count != a->count)
        found |= FOUND(FOUND_COUNT);
    if (!list->count)
        found |= FOUND(FOUND_SILENCE);
    for (const struct json_node *item = json_first(list); item;
         item = json_next(a->doc, list, item))
        found |= judge_vector(a, shape, item);
    return found;
}

unsigned gate_find_vector(const struct gate_answer *a, const struct gate_shape *shape,
                          const struct json_node *item)
{
    return judge_vector(a, shape, item) | (a->count > 1 ? FOUND(FOUND_COUNT) : 0);
}

unsigned gate_find_formats(const struct gate_answer *a, const struct gate_shape *shape,
                           const struct json_node *formats)
{
    unsigned found = 0;

    if (formats->type != JSON_OBJECT)
        return gate_find_vectors(a, shape, formats);
    for (const struct json_node *list = json_first(formats); list;
         list = json_next(a->doc, formats, list))
        found |= list->type == JSON_NULL ? 0 : gate_find_vectors(a, shape, list);
    return or_silent(found);
}

unsigned gate_find_results(const struct gate_answer *a, const struct gate_shape *shape,
                           const struct json_node *results)
{
    (void)shape;
    if (results->type != JSON_ARRAY)
        return FOUND(FOUND_UNKNOWN);
    for (const struct json_node *one = json_first(results); one;
         one = json_next(a->doc, results, one)) {
        if (one->type != JSON_OBJECT)
            return FOUND(FOUND_UNKNOWN);
    }
    return FOUND(results->count ? FOUND_SPEECH : FOUND_SILENCE);
}
