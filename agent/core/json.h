/* Strict JSON (RFC 8259, one value, UTF-8) read into a flat array of nodes in document order.
 * It converts nothing: a number keeps the text it was written with. Anything a second parser
 * might read otherwise is an error: duplicate names at any depth, invalid UTF-8, a lone
 * surrogate, an escaped NUL, a byte order mark, bytes after the value. No recursion. */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include "str.h"
#include <stdint.h>

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

enum json_error {
    JSON_OK,
    JSON_SYNTAX,    /* not JSON */
    JSON_CUT,       /* ends inside the value */
    JSON_TRAILING,  /* something follows the value */
    JSON_ENCODING,  /* invalid UTF-8, a lone surrogate, an escaped NUL, or a byte order mark */
    JSON_DUPLICATE, /* a name stands twice in one object */
    JSON_DEPTH,     /* nested deeper than JSON_MAX_DEPTH */
    JSON_SIZE,      /* more than JSON_MAX_NODES values, or JSON_MAX_MEMBERS in one object */
    JSON_MEMORY,
};

enum {
    JSON_MAX_DEPTH = 128,
    JSON_MAX_NODES = 1 << 18,
    JSON_MAX_MEMBERS = 1 << 14,
};

/* A value. The nodes of an array's elements or an object's members follow it directly; the
 * first sibling after a node and all it contains stands at index `next`. */
struct json_node {
    struct str name; /* decoded name, when its parent is an object; else empty */
    struct str text; /* string: decoded contents; number: as written; else empty */
    uint32_t next;
    uint32_t count; /* elements of an array, members of an object */
    enum json_type type;
};

/* A document and its memory, reusable for the next. */
struct json_doc {
    struct json_node *nodes; /* owned; nodes[0] is the value */
    size_t count, cap;
    char *decoded; /* owned: strings that had escapes, decoded */
    size_t decoded_len, decoded_cap;
    uint32_t *order; /* owned: scratch for sorting members, with room for `cap` indexes */
};

/* Reads text into *doc, which starts as {0} and is reused as it is. Its slices point into
 * `text` and into the document: they live until either changes. On an error the document holds
 * nothing. */
__attribute__((warn_unused_result)) enum json_error json_read(struct json_doc *doc,
                                                              struct str text);

/* A phrase for messages; static storage. */
const char *json_error_name(enum json_error error);

/* The member called `name` of an object node, or NULL. */
const struct json_node *json_member(const struct json_doc *doc, const struct json_node *object,
                                    struct str name);

/* The first element of an array or member of an object, or NULL when there is none. */
static inline const struct json_node *json_first(const struct json_node *parent)
{
    return parent->count ? parent + 1 : NULL;
}

/* The element or member of `parent` that follows `child`, or NULL. */
static inline const struct json_node *
json_next(const struct json_doc *doc, const struct json_node *parent, const struct json_node *child)
{
    return child->next < parent->next ? &doc->nodes[child->next] : NULL;
}

/* Frees what the document holds; it is {0} again. */
void json_free(struct json_doc *doc);

#endif
