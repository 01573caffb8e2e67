/* One connection to one Redis, and what keeps it up: the name resolved, connected, authenticated,
 * the database selected, and all that again with growing pauses when it ended. It knows neither
 * the commands it carries nor their deadlines. It logs when it is up, and when and why not. */
#ifndef STORE_REDIS_CONN_H
#define STORE_REDIS_CONN_H

#include "core/metrics.h"
#include "core/str.h"

#include <ev.h>
#include <hiredis/async.h>

struct redis_options {
    struct str address;               /* "HOST:PORT", "[V6]:PORT" or "unix:PATH" */
    struct str user, password;        /* empty: none */
    int64_t database;                 /* for SELECT */
    int64_t timeout, connect_timeout; /* milliseconds */
    int64_t max_pending;              /* commands without an answer */
};

struct redis_conn;

/* Starts to connect. Copies what it needs of *options. NULL when there is no memory or the
 * address is malformed (which it logs). */
struct redis_conn *redis_conn_new(struct ev_loop *loop, const struct redis_options *options,
                                  struct metrics *m);

/* Whether a command can be sent: connected and authenticated. */
bool redis_conn_ready(const struct redis_conn *c);

/* Sends a command at the end of this turn of the loop; copies the arguments. `reply` is called
 * exactly once, later, with NULL when the connection ended first; its reply is borrowed until it
 * returns. False, and no call, when the connection is not ready. */
bool redis_conn_send(struct redis_conn *c, redisCallbackFn *reply, void *context, int argc,
                     const char **argv, const size_t *lengths);

/* Ends the present connection; a new one follows. `why` goes to the log. From outside of reply
 * callbacks only, and only while it is ready; those that wait are called before this returns. */
void redis_conn_drop(struct redis_conn *c, const char *why);

/* Callbacks that wait are called with NULL first. Not from inside a callback. */
void redis_conn_free(struct redis_conn *c);

#endif
