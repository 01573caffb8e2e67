/* Request bodies made to take as long as they can: for the unit test that nothing is quadratic, and
 * for the bench that says how long a megabyte holds the loop. */
#ifndef TESTS_HOSTILE_JSON_H
#define TESTS_HOSTILE_JSON_H

#include "core/buf.h"
#include "core/json.h"

enum hostile_order { HOSTILE_PLAIN, HOSTILE_RISING, HOSTILE_FALLING, HOSTILE_MIXED };

/* A body is `open`, then units in groups of `most`, then `close`. A unit is `times` times `before`,
 * `inner` or a number of five hex digits, and `times` times `after`. Units, and groups, have commas
 * between them unless they are a `run`. */
struct hostile_body {
    const char *name, *api;
    const char *open, *group, *before, *inner, *after, *group_end, *close;
    unsigned most, times;
    enum hostile_order order;
    bool run;
};

/* Objects, as elements of an array, with `most` members each. */
#define OBJECTS(name_, api_, open_, most_, order_, before_)                                        \
    {                                                                                              \
        .name = (name_), .api = (api_), .open = (open_), .group = "{", .before = (before_),        \
        .inner = "", .after = "\":0", .group_end = "}", .close = "]}", .most = (most_),            \
        .times = 1, .order = (order_)                                                              \
    }
#define MESSAGES(name_, most_, order_, before_)                                                    \
    OBJECTS(name_, "openai-chat", "{\"messages\":[", most_, order_, before_)

/* Elements of an array. */
#define ELEMENTS(name_, api_, field_, times_, before_, inner_, after_)                             \
    {                                                                                              \
        .name = (name_), .api = (api_), .open = "{\"" field_ "\":[", .group = "",                  \
        .before = (before_), .inner = (inner_), .after = (after_), .group_end = "", .close = "]}", \
        .times = (times_)                                                                          \
    }

/* One string. */
#define STRING(name_, character_)                                                                  \
    {                                                                                              \
        .name = (name_), .api = "generic", .open = "{\"x\":\"", .group = "", .before = "",         \
        .inner = (character_), .after = "", .group_end = "", .close = "\"}", .run = true           \
    }

#define A20 "aaaaaaaaaaaaaaaaaaaa"
#define SAMPLING(n) "{\"topK\":" n ",\"topP\":" n ",\"top_k\":" n ",\"top_p\":" n "}"

static const struct hostile_body hostile_bodies[] = {
    MESSAGES("names at random", JSON_MAX_MEMBERS, HOSTILE_MIXED, "\""),
    MESSAGES("names in order", JSON_MAX_MEMBERS, HOSTILE_RISING, "\""),
    MESSAGES("names in reverse order", JSON_MAX_MEMBERS, HOSTILE_FALLING, "\""),
    MESSAGES("names with one beginning", JSON_MAX_MEMBERS, HOSTILE_MIXED, "\"aaaaaaaa"),
    MESSAGES("names with a long beginning", JSON_MAX_MEMBERS, HOSTILE_MIXED, "\"" A20 A20 A20 A20),
    MESSAGES("names with an escape", JSON_MAX_MEMBERS, HOSTILE_MIXED, "\"\\u0061"),
    OBJECTS("names almost known", "gemini", "{\"generationConfig\":[", JSON_MAX_MEMBERS,
            HOSTILE_MIXED, "\"presence"),
    MESSAGES("objects of 64 names", 64, HOSTILE_FALLING, "\""),
    MESSAGES("objects of 8 names", 8, HOSTILE_FALLING, "\""),
    ELEMENTS("empty objects", "openai-chat", "messages", 1, "{ ", "", "}"),
    ELEMENTS("tiny numbers", "generic", "x", 1, "", "1234", ""),
    ELEMENTS("tiny strings", "generic", "x", 1, "", "\"ab\"", ""),
    ELEMENTS("tiny strings with an escape", "generic", "x", 1, "", "\"\\n\"", ""),
    ELEMENTS("deepest arrays", "generic", "x", JSON_MAX_DEPTH - 2, "[    ", "", "]"),
    ELEMENTS("deepest objects", "generic", "x", JSON_MAX_DEPTH - 2, "{\"a\":", "1", "}"),
    ELEMENTS("deepest contents", "anthropic", "messages", JSON_MAX_DEPTH / 2 - 1, "{\"content\":[",
             "", "]}"),
    ELEMENTS("dropped blocks", "bedrock", "system", 1, "{\"cachePoint\":", "0", "}"),
    ELEMENTS("numbers", "generic", "x", 1, "", "-1.5e-7", ""),
    ELEMENTS("numbers by value", "gemini", "generationConfig", 1, "", SAMPLING("1e300"), ""),
    STRING("a string", "x"),
    STRING("a string of \\n", "\\n"),
    STRING("a string of \\\"", "\\\""),
    STRING("a string of \\u00e9", "\\u00e9"),
    STRING("a string of \\ud83d\\ude00", "\\ud83d\\ude00"),
    STRING("a string of \xc3\xa9", "\xc3\xa9"),
};

enum { HOSTILE_BODIES = sizeof hostile_bodies / sizeof *hostile_bodies };

/* A number of five hex digits that no other i below 2^20 has. */
static inline uint32_t hostile_number(enum hostile_order order, uint32_t i)
{
    const uint32_t mask = 0xfffff;

    if (order == HOSTILE_RISING)
        return i & mask;
    if (order == HOSTILE_FALLING)
        return mask - (i & mask);
    i = i * 0x9e375 & mask;
    i ^= i >> 10;
    i = i * 0x85ebb & mask;
    return i ^ i >> 9;
}

static inline void hostile_unit(struct buf *out, const struct hostile_body *body, uint32_t i)
{
    for (unsigned n = 0; n < body->times; n++)
        buf_append(out, str_of(body->before));
    if (body->order == HOSTILE_PLAIN)
        buf_append(out, str_of(body->inner));
    else
        buf_printf(out, "%05x", hostile_number(body->order, i));
    for (unsigned n = 0; n < body->times; n++)
        buf_append(out, str_of(body->after));
}

/* Writes the body with some `size` bytes in all; *out is overwritten. */
static inline void hostile_write(struct buf *out, const struct hostile_body *body, size_t size)
{
    struct str comma = body->run ? STR("") : STR(",");

    buf_clear(out);
    buf_append(out, str_of(body->open));
    buf_append(out, str_of(body->group));
    for (uint32_t i = 0; buf_ok(out) && out->len < size; i++) {
        bool first = body->most && i && i % body->most == 0;
        if (first)
            buf_append(out, str_of(body->group_end));
        if (i)
            buf_append(out, comma);
        if (first)
            buf_append(out, str_of(body->group));
        hostile_unit(out, body, i);
    }
    buf_append(out, str_of(body->group_end));
    buf_append(out, str_of(body->close));
}

#undef OBJECTS
#undef MESSAGES
#undef ELEMENTS
#undef STRING
#undef A20
#undef SAMPLING

#endif
