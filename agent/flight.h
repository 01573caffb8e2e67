/* Requests that wait for the answer to an identical one, which somebody else asks the origin for.
 * It knows keys, leases and what the store holds, not what is in it.
 *
 *   the entry or the lease changed,
 *   or the lease must have ended
 *              │
 *          peek at the lease, then read the key, in this order
 *              │
 *              ├─ something new is there ─────── all get it, a few in each turn of the loop
 *              ├─ the answer was not stored ──── all go to the origin
 *              ├─ the lease is free ──────────── the last takes it and goes, the others wait on
 *              ├─ the lease is taken ─────────── all wait on
 *              └─ the store does not say ─────── all go to the origin
 */
#ifndef FLIGHT_H
#define FLIGHT_H

#include "core/key.h"
#include "core/metrics.h"
#include "store/lease.h"
#include <ev.h>

enum flight_end {
    FLIGHT_LANDED,  /* something new is stored under the key */
    FLIGHT_LED,     /* it has the lease now, and goes to the origin */
    FLIGHT_REFUSED, /* the answer was not stored */
    FLIGHT_OVER,    /* it has waited for as long as it may */
    FLIGHT_ENDED,   /* nobody can wait now, or not one more */
};

/* What waits; embedded in what its owner keeps for it. */
struct waiter {
    /* Called exactly once. `value` is what is stored, when the flight has landed; borrowed until it
     * returns. It must not wait again before it returns. */
    void (*done)(struct waiter *w, enum flight_end end, struct str value);
    uint64_t seen; /* flight_hash() of what was there before, and was of no use; 0: nothing */
    struct flight *flight;
    struct waiter *next, **link; /* of the flight's list */
    ev_timer timer;              /* the end of its time */
};

struct flight_options {
    struct str key;
    int64_t wait, lease; /* milliseconds */
    size_t max, max_all; /* how many may wait for this key, and for any */
};

struct flights;

/* What a stored value is known by. */
uint64_t flight_hash(struct str value);

/* Nobody waits yet. `store` and `leases` are the caller's. NULL without memory. */
struct flights *flights_new(struct ev_loop *loop, struct store *store, struct leases *leases,
                            struct metrics *metrics);

/* Whether one more request may wait. */
bool flights_have_room(const struct flights *flights, const struct flight_options *options);

/* Has a request wait; it may be done before this returns. */
void flights_wait(struct flights *flights, const struct flight_options *options,
                  struct waiter *waiter);

/* What is stored under the key, or its lease, may have changed: it is looked at in the next turn of
 * the loop. */
void flights_notice(struct flights *flights, struct str key);

/* Any key, or its lease, may have changed. */
void flights_notice_all(struct flights *flights);

/* Whether changes by others are noticed. While they are not nobody waits: those who do are sent
 * on; nor for the time of a lease after they were not, since a lease may be left of somebody who
 * could not give it back. They are noticed until this says otherwise. */
void flights_hear(struct flights *flights, bool hears);

/* From now on nobody waits. */
void flights_close(struct flights *flights);

/* Frees it; those who wait are sent on first. What the store or the leases owe it is forgotten: so
 * both have to be there, or to have answered. */
void flights_free(struct flights *flights);

enum flight_move { FLIGHT_LAND, FLIGHT_REFUSE, FLIGHT_TAKE, FLIGHT_STAY, FLIGHT_GIVE_UP };

/* What to do when `peeked` is how the lease was asked about, `lease` what was found, and `found`
 * how the key was read after that, or STORE_MISS when nothing new was there. Pure. */
enum flight_move flight_decide(enum store_result peeked, enum lease_state lease,
                               enum store_result found);

#endif
