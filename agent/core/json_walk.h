/* Visits the nodes of a document in their order, and knows where in the document it is. */
#ifndef CORE_JSON_WALK_H
#define CORE_JSON_WALK_H

#include "buf.h"
#include "json.h"

/* On the way from the root to a node: an array or object, and which of its children is next. */
struct json_step {
    const struct json_node *parent;
    uint32_t index;
};

struct json_walk {
    const struct json_doc *doc;   /* borrowed; one that was read */
    const struct json_node *node; /* where it is; NULL: at the end */
    size_t depth;                 /* arrays and objects that the node is in */
    struct json_step path[JSON_MAX_DEPTH];
};

/* Begins at the root. */
void json_walk_begin(struct json_walk *walk, const struct json_doc *doc);

/* Goes on to the next node, which is the first one inside of an array or object that has any. */
void json_walk_next(struct json_walk *walk);

/* The same, but passes over what is inside of the node. */
void json_walk_skip(struct json_walk *walk);

/* Leaves the array or object that the node is in, of which there must be one. */
void json_walk_leave(struct json_walk *walk);

/* Appends where the node is: messages[0].content, or ["a.b"] for a name that is not letters,
 * digits, _ and -, cut when it is long. The root is $, and an element of a root that is an array
 * $[0]. */
void json_walk_path(const struct json_walk *walk, struct buf *out);

#endif
