/* A store in Redis: one server, the master that Sentinels name, or a cluster. A key and its value
 * are one string, written by SET with PX. All commands to a node are pipelined over one
 * connection; redis_route.h says which node, redis_node.h what it takes. Reads are sent to masters
 * only. */
#ifndef STORE_REDIS_H
#define STORE_REDIS_H

#include "core/metrics.h"
#include "core/policy.h"
#include "redis_conn.h"
#include "store.h"

struct redis_options {
    /* One of these three is given. */
    struct str address;        /* "HOST:PORT", "[V6]:PORT" or "unix:PATH" */
    struct str_list sentinels; /* addresses, and the name they know the master by */
    struct str master;
    struct str_list cluster; /* addresses of some nodes */
    struct redis_login login, sentinel_login;
    int64_t database;                 /* for SELECT */
    int64_t timeout, connect_timeout; /* milliseconds */
    int64_t max_pending;              /* reads without an answer, of each node; as many writes */
    struct str own_keys; /* what all keys begin with, to find others by; empty: nothing is said
                          * about how a node is set up */
};

/* The store, connecting; it keeps the redis_* metrics. *options is copied. NULL when there is no
 * memory or the address is not an address (which it logs).
 *
 * A read that cannot be sent is answered before store_get() returns: STORE_DOWN without a
 * connection, or while the node is left alone because it failed again and again; STORE_BUSY when
 * max_pending reads wait; STORE_SLOW while a read waits that is past its deadline: so a frozen
 * Redis costs the first reads their deadline and the others nothing. Writes are refused in the
 * same cases, and when too many bytes wait to be taken. A key that holds something else than a
 * string is a miss, so that the answer replaces it.
 * It must not be freed from inside a callback of its own. The process must ignore SIGPIPE. */
struct store *redis_new(struct ev_loop *loop, const struct redis_options *options,
                        struct metrics *m);

#endif
