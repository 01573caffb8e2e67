/* jansson, asked whether our JSON reader and canonical writer are right. */
#ifndef TESTS_JANSSON_ORACLE_H
#define TESTS_JANSSON_ORACLE_H

/* its enumerators have our names; none is used here */
#define JSON_NULL JANSSON_NULL
#define JSON_FALSE JANSSON_FALSE
#define JSON_TRUE JANSSON_TRUE
#define JSON_STRING JANSSON_STRING
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_OBJECT JANSSON_OBJECT
#include <jansson.h>
#undef JSON_NULL
#undef JSON_FALSE
#undef JSON_TRUE
#undef JSON_STRING
#undef JSON_ARRAY
#undef JSON_OBJECT

#include "core/json.h"

/* The value, or NULL; *too_big when that is only because a number does not fit into its types. */
static inline json_t *oracle_read(struct str text, bool *too_big)
{
    json_error_t error = {0};
    json_t *value =
        json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

    *too_big = !value && json_error_code(&error) == json_error_numeric_overflow;
    return value;
}

/* What is wrong with our verdict on a text, or NULL. The two differ on purpose in numbers, which
 * we do not convert, in our limits, and in a NUL byte after a word or number, which jansson 2.14
 * skips: it takes "[true\0]". */
static inline const char *oracle_verdict(struct str text, enum json_error ours)
{
    bool too_big;
    json_t *value = oracle_read(text, &too_big);
    bool accepted = value != NULL;

    json_decref(value);
    if (ours == JSON_DEPTH || ours == JSON_SIZE || ours == JSON_MEMORY)
        return NULL;
    if (ours == JSON_OK)
        return accepted || too_big ? NULL : "we accept what jansson refuses";
    bool has_nul = text.len && memchr(text.ptr, '\0', text.len);
    return accepted && !has_nul ? "we refuse what jansson accepts" : NULL;
}

/* Whether two texts mean the same value, the order of members apart; true when jansson cannot
 * tell because of the size of a number. */
static inline bool oracle_equal(struct str a, struct str b)
{
    bool too_big;
    json_t *left = oracle_read(a, &too_big), *right = too_big ? NULL : oracle_read(b, &too_big);
    bool equal = too_big || json_equal(left, right);

    json_decref(left);
    json_decref(right);
    return equal;
}

#endif
