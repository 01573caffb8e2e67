/* One connection to one Redis or Sentinel, and what keeps it up: the name resolved, connected,
 * TLS begun, authenticated, the database selected, and all that again with growing pauses when it
 * ended. It knows neither the commands it carries nor their deadlines. It logs when it is up, and
 * when and why not. */
#ifndef STORE_REDIS_CONN_H
#define STORE_REDIS_CONN_H

#include "core/str.h"
#include "redis_tls.h"

#include <ev.h>
#include <hiredis/async.h>

/* Who logs in; empty fields: nobody, or the default user. */
struct redis_login {
    struct str user, password;
    struct str password_file; /* read for every attempt; what it held last counts if that fails */
};

/* What was said in the log, so that it is not said again and again. Starts as {0}. */
struct redis_conn_log {
    char why[128]; /* the last failure; empty after a success */
    int64_t said;  /* when that was */
    bool connected;
};

struct redis_conn_options {
    const char *what;   /* "Redis" or "Sentinel", for the log; static storage */
    struct str address; /* "HOST:PORT", "[V6]:PORT" or "unix:PATH" */
    struct redis_login login;
    int64_t database;           /* for SELECT */
    int64_t connect_timeout;    /* milliseconds */
    struct redis_tls *tls;      /* NULL: none; outlives the connection */
    bool master;                /* a replica will not do */
    bool quiet;                 /* beside another one: what it logs is for debugging */
    struct redis_conn_log *log; /* of several connections, outlives them; NULL: its own */
};

/* What the connection tells; never from inside redis_conn_new() or redis_conn_free(). */
struct redis_conn_events {
    void (*up)(void *context);
    /* An attempt failed, or the connection ended: so also without `up` before it. */
    void (*down)(void *context);
    void *context;
};

struct redis_conn;

/* Starts to connect in the next turn of the loop. Copies what it needs of the options. NULL when
 * there is no memory or the address is malformed (which it logs). */
struct redis_conn *redis_conn_new(struct ev_loop *loop, const struct redis_conn_options *options,
                                  const struct redis_conn_events *events);

/* Whether a command can be sent: connected and authenticated. */
bool redis_conn_ready(const struct redis_conn *c);

/* Sends the bytes of one command at the end of this turn of the loop; copies them. `reply` is
 * called exactly once, later, with NULL when the connection ended first (for SUBSCRIBE: once for
 * every message, and then with NULL); its reply is borrowed until it returns. False, and no call,
 * when the connection is not ready. */
bool redis_conn_send(struct redis_conn *c, redisCallbackFn *reply, void *context,
                     struct str command);

/* Ends the present connection, which is ready, and connects again: at once the first time, after
 * the usual pause soon after it. `why` goes to the log. From inside a reply callback, the other
 * ones are called after it returned. */
void redis_conn_drop(struct redis_conn *c, const char *why);

/* A random factor from 1 to 2, for pauses. */
double redis_conn_jitter(struct redis_conn *c);

/* Callbacks that wait are called with NULL first. Not from inside a callback. */
void redis_conn_free(struct redis_conn *c);

#endif
