/* Where the answers of an LLM API count tokens: what the answer cost, in its own words. */
#ifndef CORE_USAGE_H
#define CORE_USAGE_H

#include "api.h"
#include "json.h"

/* Tokens that the answer says were read and written, those of a prompt cache and of thoughts
 * included; -1: it does not say. */
struct usage {
    int64_t input, output;
};

/* Reads them from an answer of the API with that gate. GATE_NONE stands for any JSON, in which
 * only an object "usage" is looked at. */
struct usage usage_read(enum api_gate gate, const struct json_doc *answer);

/* How many places an API has at most. */
enum { USAGE_PLACES = 4 };

/* The value at the API's place `i` of USAGE_PLACES, all numbers in which, at any depth, count
 * what was used; NULL when the answer, or the API, has none there. No place is inside another. */
const struct json_node *usage_place(enum api_gate gate, const struct json_doc *answer, size_t i);

#endif
