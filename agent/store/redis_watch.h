/* Follows what changes in one node: a connection of its own, subscribed to the messages by which
 * Redis invalidates what clients keep (redis.io, "Client-side caching reference": RESP2, broadcast
 * mode, redirected to itself). It begins anew whenever the connection ends, and asks often whether
 * it still lives. What a node holds may be kept while redis_watch_is_fresh(). */
#ifndef STORE_REDIS_WATCH_H
#define STORE_REDIS_WATCH_H

#include "redis_conn.h"

#include <stdint.h>

struct redis_watch_events {
    /* Somebody wrote or deleted the key, or it expired. Borrowed until it returns. */
    void (*changed)(void *context, struct str key);
    /* Any key may have changed. */
    void (*flushed)(void *context);
    /* All changes are reported from now on; or not any more: some may have been missed. */
    void (*covers)(void *context, bool begins);
    void *context;
};

struct redis_watch;

/* Follows the keys that begin with prefix, which stays in place, in the node that the options lead
 * to. NULL when there is no memory. */
struct redis_watch *redis_watch_new(struct ev_loop *loop, const struct redis_conn_options *options,
                                    struct str prefix, const struct redis_watch_events *events);

/* Makes sure that `data`, a connection to the same address that just became ready, leads to the
 * same server: before its next answer is there, the watch knows. The connection is freed before
 * the watch. */
void redis_watch_compare(struct redis_watch *w, struct redis_conn *data);

/* 0 when changes may be missed, else a number that is another one after each such time. */
uint32_t redis_watch_coverage(const struct redis_watch *w);

/* Whether it covers, and has reported all that changed up to 100 ms ago. */
bool redis_watch_is_fresh(const struct redis_watch *w);

/* Calls nobody. */
void redis_watch_free(struct redis_watch *w);

#endif
