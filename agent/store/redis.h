/* A store in Redis: one server, the master that Sentinels name, or a cluster. A key and its value
 * are one string, written by SET with PX. All commands to a node are pipelined over one
 * connection; redis_route.h says which node, redis_node.h what it takes. Reads are sent to masters
 * only. */
#ifndef STORE_REDIS_H
#define STORE_REDIS_H

#include "core/metrics.h"
#include "core/policy.h"
#include "redis_words.h"
#include "store.h"

struct redis_options {
    /* One of these three is given. */
    struct str address;        /* "HOST:PORT", "[V6]:PORT" or "unix:PATH" */
    struct str_list sentinels; /* addresses, and the name they know the master by */
    struct str master;
    struct str_list cluster; /* addresses of some nodes */
    struct redis_login login, sentinel_login;
    struct redis_tls_options tls;     /* with Sentinels too */
    int64_t database;                 /* for SELECT */
    int64_t timeout, connect_timeout; /* milliseconds */
    int64_t max_pending;              /* reads without an answer, of each node; as many writes */
    struct str own_keys; /* what all keys begin with, to find others by; empty: nothing is said
                          * about how a node is set up */
    bool watch; /* follow what changes of own_keys: over one more connection to each node */
};

/* The store, connecting; it keeps the redis_* metrics. *options is copied. NULL when there is no
 * memory, the address is not an address or TLS cannot be had (which it logs).
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

/* Like store_get(), for the milliseconds that the key has left, in decimal and ended by a NUL: -1
 * when it stays, -2 when there is no such key. */
void redis_get_ttl(struct store *redis, struct str key, struct store_read *read);

/* Somebody who wants to know what changes in Redis, whoever changed it: this agent too. Functions
 * may be NULL, and may read, write and cancel, but not free the store. */
struct redis_listener {
    /* Somebody wrote or deleted a key that begins with own_keys, or it expired. Borrowed until it
     * returns. Comes soon, in the order of the changes at each node; not always once for each. */
    void (*changed)(void *context, struct str key);
    /* Any key may have changed: all were deleted, or changes may have been missed. */
    void (*flushed)(void *context);
    /* Whether all changes are reported from now on. When it ends, `flushed` was called before. At
     * first they are not. */
    void (*watching)(void *context, bool watching);
    void *context;
    struct redis_listener *next; /* the store's */
};

/* The store keeps the listener until it is freed; nothing is called from inside that. It tells
 * nothing unless `watch` is set. */
void redis_listen(struct store *redis, struct redis_listener *listener);

/* What `watching` said last. */
bool redis_is_watching(const struct store *redis);

/* Whether all that happened to the key up to 100 ms ago has been reported: what was read of it
 * before, with `watched` set, is what Redis holds if no report came since. */
bool redis_is_fresh(const struct store *redis, struct str key);

/* A node, for who looks at it. */
struct redis_state {
    struct str address; /* borrowed until the loop goes on */
    bool up;            /* connected and logged in */
    bool left_alone;    /* it failed again and again, and is not asked for now */
    size_t waiting;     /* commands without an answer */
};

/* Those of at most so many nodes; returns how many there are. */
size_t redis_states(const struct store *redis, struct redis_state *out, size_t max);

/* Sends a command with a deadline, as a read of the store is, to where `key` is. STORE_HIT: a
 * string, or the OK of a SET; STORE_MISS: nil. Copies the words, at most REDIS_WORDS_MAX. Commands
 * about keys of one node are carried out in the order of the calls. */
void redis_ask(struct store *redis, struct str key, const struct str *words, size_t count,
               struct store_read *read);

/* Sends a command about the key that is its second word, whose answer nobody waits for; the third
 * word counts as a value. False when it was refused at once, as a write of the store is. */
bool redis_tell(struct store *redis, const struct str *words, size_t count);

#endif
