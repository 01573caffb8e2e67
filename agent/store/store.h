/* What remembers: the interface that memory and Redis implement. Keys and values are bytes; a
 * store knows nothing of HTTP or SPOP. Everything runs in the one event loop; nothing blocks. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "core/str.h"
#include <stdint.h>

enum store_result {
    STORE_HIT,
    STORE_MISS,
    STORE_DOWN,  /* not connected */
    STORE_BUSY,  /* too much is already waiting */
    STORE_SLOW,  /* no answer within the deadline */
    STORE_ERROR, /* the store answered with an error */
};

/* One read. The caller owns the memory and keeps it in place until `done` has been called or
 * store_cancel() has. */
struct store_read {
    /* Called exactly once, perhaps before store_get() returns. `value` is borrowed until `done`
     * returns: what was found, or for STORE_ERROR what the store said, or empty. */
    void (*done)(struct store_read *read, enum store_result result, struct str value);
    void *pending; /* of the store: what waits for the answer; NULL when nothing does */
    /* Of the store when `done` is called: it will tell when the value changes (redis_listen()). */
    bool watched;
};

struct store;

struct store_ops {
    /* Looks `key` up. `now` is the time in milliseconds since the epoch. */
    void (*get)(struct store *store, struct str key, int64_t now, struct store_read *read);
    /* Remembers value under key for ttl milliseconds, or not: nobody waits. Copies both. False
     * when it was refused at once. */
    bool (*put)(struct store *store, struct str key, struct str value, int64_t now, int64_t ttl);
    /* Forgets a read that waits: `done` will not be called. */
    void (*cancel)(struct store *store, struct store_read *read);
    /* Whether a read has a chance of an answer. */
    bool (*ready)(const struct store *store);
    /* Frees the store; reads that wait get STORE_DOWN first. */
    void (*free)(struct store *store);
};

/* First member of every store. */
struct store {
    const struct store_ops *ops;
    bool own; /* what comes back is what was put: nobody else can write to it */
};

#endif
