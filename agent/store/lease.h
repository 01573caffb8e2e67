/* Which of several requests for the same key asks the origin: the one that takes its lease. A lease
 * ends by itself; it is given back when there is an answer, or a note stays in its place for a
 * moment that says that the answer was not stored. A lease decides only who waits, never what
 * anybody is served. */
#ifndef STORE_LEASE_H
#define STORE_LEASE_H

#include "store.h"

enum lease_state { LEASE_FREE, LEASE_TAKEN, LEASE_REFUSED };

enum { LEASE_NOTE_MS = 1000 }; /* how long the note stays */

struct leases;

/* `now` is in milliseconds since the epoch; `read` as in store.h, but freed by `cancel` here. */
struct lease_ops {
    /* Takes the lease for so many milliseconds. STORE_HIT: taken; STORE_MISS: it is not free. After
     * STORE_SLOW it may be taken all the same. */
    void (*take)(struct leases *leases, struct str key, int64_t now, int64_t ms,
                 struct store_read *read);
    /* Asks about the lease. STORE_HIT with what lease_state_of() reads, or STORE_MISS: free. */
    void (*peek)(struct leases *leases, struct str key, int64_t now, struct store_read *read);
    /* Gives it back, with the note when the answer was refused. */
    void (*release)(struct leases *leases, struct str key, int64_t now, bool refused);
    /* Forgets a read that waits. */
    void (*cancel)(struct leases *leases, struct store_read *read);
    void (*free)(struct leases *leases);
};

/* First member of all leases. */
struct leases {
    const struct lease_ops *ops;
};

#define LEASE_TAKEN_TEXT "taken"
#define LEASE_REFUSED_TEXT "refused"

/* What an answer to `peek` means. */
static inline enum lease_state lease_state_of(enum store_result result, struct str value)
{
    if (result != STORE_HIT)
        return LEASE_FREE;
    return str_eq(value, STR(LEASE_REFUSED_TEXT)) ? LEASE_REFUSED : LEASE_TAKEN;
}

/* Leases of this process. NULL without memory. */
struct leases *leases_in_memory(void);

/* Leases of all who use the same Redis; `redis` is a store that redis_new() made and outlives them.
 * NULL without memory. */
struct leases *leases_in_redis(struct store *redis);

/* The key that a key of Redis is the lease of; empty when it is none. A slice of it. */
struct str lease_subject(struct str redis_key);

#endif
