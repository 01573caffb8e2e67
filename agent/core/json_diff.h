/* Where two documents differ, one difference after the other, in their order. */
#ifndef CORE_JSON_DIFF_H
#define CORE_JSON_DIFF_H

#include "json_walk.h"

enum json_difference {
    JSON_SAME,        /* no more */
    JSON_VALUE,       /* two values at one place */
    JSON_ONLY_FIRST,  /* a member or an element that the second does not have */
    JSON_ONLY_SECOND, /* or the first */
    JSON_ORDER,       /* members of an object come in another order: where the first such are */
};

struct json_diff {
    struct json_walk first, second; /* where they are; their nodes are the values */
    enum json_difference found;
};

/* Begins with two documents that were read. Borrows them. */
void json_diff_begin(struct json_diff *diff, const struct json_doc *first,
                     const struct json_doc *second);

/* Goes to the next difference and returns it. */
enum json_difference json_diff_next(struct json_diff *diff);

#endif
