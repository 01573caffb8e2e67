/* What a request says to the cache itself, where its policy allows it: Cache-Control (RFC 9111
 * 5.2.1) or X-Cache-Control with the same words, X-Cache-TTL, X-Cache-Namespace. */
#ifndef CORE_CONTROL_H
#define CORE_CONTROL_H

#include "headers.h"

struct control {
    bool any;            /* it says something */
    bool no_store;       /* neither look up nor store */
    bool no_cache;       /* do not serve what is stored; store the answer */
    bool only_if_cached; /* do not ask the origin */
    int64_t max_age;     /* milliseconds: serve nothing older; -1: not said */
    int64_t ttl;         /* milliseconds: keep the answer no longer; 0: not said */
    struct str space;    /* X-Cache-Namespace: shares with its like only; borrowed */
};

/* Reads them. A number that is none counts as 0 for max-age, and as not to be stored for the
 * others, as do two namespaces; of two numbers the less counts: in doubt, a miss. */
void control_read(struct control *out, const struct headers *headers);

#endif
