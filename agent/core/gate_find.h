/* What can be found in an answer of an LLM API, and how to look for it: the machinery behind
 * gate.h, whose tables tell it where to look. It knows no policy. */
#ifndef CORE_GATE_FIND_H
#define CORE_GATE_FIND_H

#include "json.h"

/* What is found in an answer. All that is found is collected; the first, in this order, that the
 * policy does not let pass is the reason. */
enum gate_finding {
    FOUND_ERROR,     /* an error in a 200 */
    FOUND_UNCHECKED, /* the content filter did not run */
    FOUND_FILTER,
    FOUND_UNKNOWN, /* wrongly typed, missing or undocumented */
    FOUND_UNFINISHED,
    FOUND_LENGTH, /* cut at the limit of tokens */
    FOUND_REFUSAL,
    FOUND_TOOLS,
    FOUND_COUNT,   /* not as many answers as were asked for */
    FOUND_SILENCE, /* says nothing */
    FOUND_SMALL,
    FOUND_SPEECH, /* something worth keeping */
    FOUND_END,    /* finished as it should; this and speech are no reason to refuse */
};

/* Findings are collected as a set of these bits. */
#define FOUND(finding) (1u << (finding))

/* A word that an API documents, and what it tells. Tables end with one without text. */
struct gate_word {
    const char *text;
    enum gate_finding finding;
};

/* A member that may hold what the model says, and in which JSON types. */
struct gate_voice {
    const char *name;
    enum gate_finding finding;
    unsigned types; /* bits of enum json_type; an array that speaks holds parts */
};

/* An answer under judgement. All is borrowed. */
struct gate_answer {
    const struct json_doc *doc;
    const struct json_node *root; /* an object */
    uint32_t count;               /* of answers or vectors asked for; 0: not known */
};

/* One form of the answers of an API. */
struct gate_shape {
    const char *mark;     /* the member of the answer that only this form has, */
    const char *in_first; /* and a member of its first element; NULL: that does not matter */
    /* one of the functions below */
    unsigned (*judge)(const struct gate_answer *a, const struct gate_shape *shape,
                      const struct json_node *marked);
    const char *type;                /* what the member "type" must be, or NULL */
    const char *done;                /* a member that must be true, or NULL */
    const char *finish;              /* where the finish reason stands in each answer */
    const struct gate_word *words;   /* what it may be */
    const char *const *path;         /* from an answer to what speaks, ended by NULL */
    const struct gate_voice *voices; /* members that speak */
    const char *vector; /* where the vector stands in each item; NULL: the item itself */
};

/* The member of an object, whatever its type, or NULL. */
static inline const struct json_node *gate_member(const struct gate_answer *a,
                                                  const struct json_node *object, const char *name)
{
    return json_member(a->doc, object, str_of(name));
}

/* The member, but NULL for one that is null: both say that there is none. */
static inline const struct json_node *
gate_member_set(const struct gate_answer *a, const struct json_node *object, const char *name)
{
    const struct json_node *node = gate_member(a, object, name);

    return node && node->type != JSON_NULL ? node : NULL;
}

/* Whether the node, which may be NULL, is the string `text`. */
static inline bool gate_is_text(const struct json_node *node, const char *text)
{
    return node && node->type == JSON_STRING && str_eq(node->text, str_of(text));
}

/* Each judges what the mark of the shape holds, which is never NULL, and what of the answer belongs
 * to it; the set of what is found.
 * _whole: the whole answer is what the model says.
 * _choices: an array of answers, at least a->count.
 * _output: an OpenAI Responses output, an array of items.
 * _vectors: an array of vectors, exactly a->count.
 * _vector: the only vector of the answer.
 * _formats: Cohere's vectors, the same ones in each of the number formats that were asked for;
 *   or, as its first version answers, an array of them.
 * _results: what a reranking found: as many as there are documents or as top_n says, whichever
 *   are fewer, so they are not counted. */
unsigned gate_find_whole(const struct gate_answer *a, const struct gate_shape *shape,
                         const struct json_node *marked);
unsigned gate_find_choices(const struct gate_answer *a, const struct gate_shape *shape,
                           const struct json_node *choices);
unsigned gate_find_output(const struct gate_answer *a, const struct gate_shape *shape,
                          const struct json_node *output);
unsigned gate_find_vectors(const struct gate_answer *a, const struct gate_shape *shape,
                           const struct json_node *list);
unsigned gate_find_vector(const struct gate_answer *a, const struct gate_shape *shape,
                          const struct json_node *vector);
unsigned gate_find_formats(const struct gate_answer *a, const struct gate_shape *shape,
                           const struct json_node *formats);
unsigned gate_find_results(const struct gate_answer *a, const struct gate_shape *shape,
                           const struct json_node *results);

/* What the provider says of the prompt, beside the answers. */
unsigned gate_find_prompt(const struct gate_answer *a);

#endif
