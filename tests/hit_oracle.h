/* jansson, asked whether the body of a hit is the stored one but for its usage and its id. Where
 * those stand is written here once more, apart from the agent's tables. */
#ifndef TESTS_HIT_ORACLE_H
#define TESTS_HIT_ORACLE_H

#include "core/hit_body.h"
#include "jansson_oracle.h"

static inline void oracle_zero_all(json_t *value)
{
    const char *name;
    json_t *child;
    size_t i;

    json_object_foreach(value, name, child)
    {
        if (json_is_number(child))
            json_object_set_new(value, name, json_integer(0));
        else
            oracle_zero_all(child);
    }
    json_array_foreach(value, i, child)
    {
        if (json_is_number(child))
            json_array_set_new(value, i, json_integer(0));
        else
            oracle_zero_all(child);
    }
}

static inline void oracle_zero_object(json_t *value)
{
    if (json_typeof(value) == JANSSON_OBJECT)
        oracle_zero_all(value);
}

static inline void oracle_zero_member(json_t *object, const char *name)
{
    if (json_is_number(json_object_get(object, name)))
        json_object_set_new(object, name, json_integer(0));
}

static inline bool oracle_is_cohere(enum api_gate gate)
{
    return gate == GATE_COHERE_CHAT || gate == GATE_COHERE_EMBED || gate == GATE_COHERE_RERANK;
}

static inline void oracle_zero_usage(json_t *answer, enum api_gate gate)
{
    json_t *none = json_null(), *meta = json_object_get(answer, "meta");
    json_t *usage = json_object_get(answer, gate == GATE_GEMINI ? "usageMetadata" : "usage");

    if (gate == GATE_OLLAMA) {
        oracle_zero_member(answer, "prompt_eval_count");
        oracle_zero_member(answer, "prompt_eval_cached_count");
        oracle_zero_member(answer, "eval_count");
        return;
    }
    oracle_zero_object(usage ? usage : none);
    if (oracle_is_cohere(gate) && meta) {
        json_t *billed = json_object_get(meta, "billed_units"),
               *tokens = json_object_get(meta, "tokens");
        oracle_zero_object(billed ? billed : none);
        oracle_zero_object(tokens ? tokens : none);
        oracle_zero_member(meta, "cached_tokens");
    }
}

static inline const char *oracle_id_name(enum api_gate gate)
{
    if (gate == GATE_NONE || gate == GATE_BEDROCK || gate == GATE_OLLAMA)
        return NULL;
    return gate == GATE_GEMINI ? "responseId" : "id";
}

/* Gives `answer` the id that `hit` has, where it may have another one. */
static inline void oracle_take_id(json_t *answer, json_t *hit, enum api_gate gate)
{
    const char *name = oracle_id_name(gate);
    json_t *old = name ? json_object_get(answer, name) : NULL;
    json_t *new = name ? json_object_get(hit, name) : NULL;

    /* json_is_string() would mean our JSON_STRING */
    if (json_string_value(old) && json_string_length(old) == json_string_length(new))
        json_object_set(answer, name, new);
}

/* The change of one byte: a digit of a number, or a character of an id. */
static inline bool oracle_may_become(char from, char to)
{
    const char *alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return from == to || (from && strchr("0123456789.+-eE", from) && (to == ' ' || to == '0')) ||
           (from && to && strchr(alphabet, from) && strchr(alphabet, to));
}

/* What is wrong with `hit`, made of the JSON text `stored`; or NULL, also when jansson cannot
 * tell because of the size of a number. */
static inline const char *oracle_hit(struct str stored, struct str hit, enum api_gate gate,
                                     const struct hit_body_options *options)
{
    bool too_big;

    if (stored.len != hit.len)
        return "another length";
    for (size_t i = 0; i < hit.len; i++)
        if (!oracle_may_become(stored.ptr[i], hit.ptr[i]))
            return "a byte that is neither a digit nor of an id";
    json_t *left = oracle_read(stored, &too_big);
    if (too_big)
        return NULL;
    json_t *right = oracle_read(hit, &too_big);
    if (options->zero_usage)
        oracle_zero_usage(left, gate);
    if (options->new_id)
        oracle_take_id(left, right, gate);
    const char *wrong = !right ? "not JSON" : !json_equal(left, right) ? "another meaning" : NULL;
    json_decref(left);
    json_decref(right);
    return wrong;
}

#endif
