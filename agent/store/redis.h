/* A store in one Redis: a key and its value are one string, written by SET with PX. All commands
 * are pipelined over one connection, each with a deadline; see redis_conn.h for its life. */
#ifndef STORE_REDIS_H
#define STORE_REDIS_H

#include "core/metrics.h"
#include "redis_conn.h"
#include "store.h"

/* The store, connecting; it keeps the redis_* metrics. *options is copied. NULL when there is no
 * memory or the address is not an address (which it logs).
 *
 * A read that cannot be sent is answered before store_get() returns: STORE_DOWN without a
 * connection, STORE_BUSY when max_pending commands wait, STORE_SLOW while the oldest command is
 * past its deadline: so a frozen Redis costs the first reads their deadline and the others
 * nothing. Writes are refused in the same cases, and when too many bytes wait to be taken.
 * It must not be freed from inside a callback of its own. The process must ignore SIGPIPE. */
struct store *redis_new(struct ev_loop *loop, const struct redis_options *options,
                        struct metrics *m);

#endif
