/* What is known of LLM APIs, as tables: a new API is a table, not code. For each: how it is
 * recognised, what each field of its request means for the key, and where its answers say that
 * they are finished. A field that no table names is part of the key, in the order it came.
 * Sources stand beside each table. */
#ifndef CORE_API_H
#define CORE_API_H

#include "str.h"

/* What a field means for the key. */
enum api_class {
    API_KEY,    /* changes the answer: part of the key */
    API_DROP,   /* does not change what the answer means: left out */
    API_BYPASS, /* the answer depends on what the request does not hold: not cached */
};

enum api_flag {
    API_FALSE_IS_ABSENT = 1, /* `false` says what its absence says */
    API_ONE_IS_ABSENT = 2,   /* so does the number 1 */
    API_BY_VALUE = 4,        /* a number: 0, 0.0 and 0e0 are the same */
    API_IF_NOT_FALSE = 8,    /* API_BYPASS unless the value is false */
};

/* An object whose members may be written in any order, and what is known of its members; or an
 * array of such objects. */
struct api_object {
    const struct api_field *fields; /* ended by one without a name */
    /* `null` says what absence says, for every member named above */
    bool null_is_absent;
    /* its members are not sorted: a model sees them in the order they came in */
    bool keep_order;
    /* as an element of an array, it is none when all of its members are dropped */
    bool empty_is_absent;
    /* its member "type" names what the provider does itself (a search, code it runs): prefixes of
     * such types, ended by NULL; one of them is a bypass. NULL: there are none */
    const char *const *bypass_types;
    /* documented: an array of exactly one text part {"type":"text","text":T} is the string T when
     * it is the member named here; NULL: nothing */
    const char *text_parts;
};

struct api_field {
    const char *name;
    enum api_class class;
    unsigned flags;                  /* enum api_flag */
    const struct api_object *object; /* an envelope too, or NULL: kept in the order it came */
};

enum api_gate {
    GATE_NONE,
    GATE_OPENAI_CHAT,
    GATE_OPENAI_COMPLETIONS,
    GATE_OPENAI_RESPONSES,
    GATE_OPENAI_EMBEDDINGS,
    GATE_ANTHROPIC,
    GATE_GEMINI,
    GATE_BEDROCK,
    GATE_BEDROCK_INVOKE,
    GATE_OLLAMA,
    GATE_COHERE_CHAT,
    GATE_COHERE_EMBED,
    GATE_COHERE_RERANK,
};

struct api {
    const char *name;         /* as in the configuration: "openai-chat" */
    const char *const *paths; /* ends of a path that recognise it, ended by NULL */
    const struct api_object *request;
    enum api_gate gate;      /* how to judge its answers, see gate.h */
    bool stream_by_default;  /* a request without "stream" is one for a stream */
    const char *count_field; /* of the request: how many answers there must be; or NULL */
};

/* The API of that name, or NULL. */
const struct api *api_named(struct str name);

/* The API whose path ends so, the query left out; api_generic() when none does. */
const struct api *api_of_path(struct str target);

/* Any JSON: every field in the key, the envelope sorted, answers judged as JSON only. */
const struct api *api_generic(void);

/* All names, "auto" left out, in the order of the documentation; NULL at the end. */
const char *const *api_names(void);

/* What is known of the member `name` of an envelope, or NULL. `object` may be NULL. */
const struct api_field *api_field(const struct api_object *object, struct str name);

#endif
