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
    /* text for the model: a string, a list of strings, or such members of objects inside, when
     * each member on the way from the root is marked so */
    API_TEXT = 16,
    API_ZERO_BYPASSES = 32, /* API_BYPASS when the value is the number 0 */
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
    /* the same the other way about: the types that the provider does not run, ended by NULL; any
     * other "type" is a bypass. NULL: any may be */
    const char *const *own_types;
    /* one of these members says what it is; without one that is not null it points to what the
     * provider keeps, a bypass. Ended by NULL; NULL: it need not say */
    const char *const *told_by;
    /* a member that is not named above is a bypass */
    bool only_fields;
    /* documented: an array of exactly one text part {"type":"text","text":T} is the string T when
     * it is the member named here; NULL: nothing */
    const char *text_parts;
    /* the model has not got it from its user when its member "role" is one of these, ended by
     * NULL: nothing inside is API_TEXT then. NULL: there are none */
    const char *const *tool_roles;
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

/* A member of a request that says something beside the key. Lists end with one without a name. */
struct api_place {
    const char *object; /* of this member of the request; NULL: of the request itself */
    const char *name;
    bool list; /* its elements count; a text or a list of tokens is one */
};

enum { API_COUNT = 15 };

struct api {
    const char *name;                /* as in the configuration: "openai-chat" */
    const char *const *paths;        /* ends of a path that recognise it, ended by NULL */
    const char *const *stream_paths; /* the same, for requests whose answer is a stream; or NULL */
    const struct api_object *request;
    enum api_gate gate;     /* how to judge its answers, see gate.h */
    bool stream_by_default; /* a request without "stream" is one for a stream */
    /* how many answers there must be: the product of these numbers and lists; NULL: not known */
    const struct api_place *counts;
    const struct api_place *temperatures; /* NULL: its answers do not depend on one */
    const char *model_after; /* what stands before the model's name in a path, or NULL */
    /* names of models whose answers depend on more than the request, ended by NULL: * is any text,
     * the case of letters does not matter. NULL: there are none */
    const char *const *live_models;
    /* a request that asks for an answer has one of these members, not empty; others make the
     * provider do something. Ended by NULL; NULL: all ask */
    const char *const *asks;
};

/* The API of that name, or NULL. */
const struct api *api_named(struct str name);

/* The API whose path ends so, the query left out; api_generic() when none does. */
const struct api *api_of_path(struct str target);

/* The path of a target: without the query and slashes at the end. */
struct str api_path(struct str target);

/* How long the longest of `ends` (ended by NULL, or NULL) is that the path ends with; 0: none. */
size_t api_path_end(struct str path, const char *const *ends);

/* Which of the APIs it is, from 0 to API_COUNT - 1, in the order of api_names(). */
size_t api_index(const struct api *api);

/* Any JSON: every field in the key, the envelope sorted, answers judged as JSON only. */
const struct api *api_generic(void);

/* All names, "auto" left out, in the order of the documentation; NULL at the end. */
const char *const *api_names(void);

/* What is known of the member `name` of an envelope, or NULL. `object` may be NULL. */
const struct api_field *api_field(const struct api_object *object, struct str name);

#endif
