/* Random requests to an API, as trees: to be written in any way that means the same, and to be
 * changed in one place so that they mean something else. What means the same they take from the
 * API's tables. */
#ifndef TESTS_RANDOM_REQUEST_H
#define TESTS_RANDOM_REQUEST_H

#include "core/api.h"
#include "core/buf.h"
#include "core/json.h"

enum { REQUEST_VALUES = 400, REQUEST_CHILDREN = 16 };

struct request_value {
    enum json_type type;
    char name[48];                     /* of a member */
    char text[48];                     /* of a string, a number */
    const struct api_object *envelope; /* what the object is, or the array's elements; or NULL */
    bool known;                        /* its name is one of its parent's table */
    bool dropped;                      /* it means nothing, nor what is in it */
    bool by_value;                     /* a number that counts by its value */
    uint32_t children[REQUEST_CHILDREN], count;
};

struct random_request {
    struct request_value values[REQUEST_VALUES]; /* the first one is the request */
    uint32_t count, serial;
};

enum request_change {
    CHANGE_CHARACTER,
    CHANGE_DIGIT,
    CHANGE_LITERAL,
    CHANGE_ELEMENT_ADDED,
    CHANGE_ELEMENT_MOVED,
    CHANGE_MEMBER_ADDED,
    CHANGE_MEMBER_REMOVED,
    CHANGE_MEMBER_RENAMED,
    CHANGE_MEMBER_MOVED, /* where the order counts */
    CHANGE_KINDS,
};

/* Makes a new one. */
void request_random(struct random_request *r, const struct api *api);

/* Appends it in a random spelling: white space, escapes, the order of members of envelopes, and
 * any of the members that mean nothing. */
void request_write(const struct random_request *r, struct buf *out);

/* Changes one value, at random among those that mean something, and says how. The request may be
 * one then that is not cached. */
enum request_change request_change(struct random_request *r);

#endif
