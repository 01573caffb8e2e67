/* What cache.c and lookup.c share; nobody else includes it. */
#ifndef CACHE_PRIVATE_H
#define CACHE_PRIVATE_H

#include "cache.h"

#include "core/notify.h"
#include "core/plan.h"
#include "core/seal.h"
#include "flight.h"

struct cache {
    struct ev_loop *loop;
    struct store *store;
    struct leases *leases;
    struct purge_book *book;
    struct flights *flights; /* owned */
    struct metrics *metrics;
    struct config *config; /* a reference */
    struct key_secret secret;
    struct plan_scratch scratch;
    struct buf stored;
    size_t held_back;    /* bytes of values that wait until it is known what was purged */
    struct seal *seal;   /* owned; for stores that others can read and write */
    uint64_t nonce[2];   /* random at first, then counted on: no other agent has the same */
    struct lookup *free; /* lookups to be used again */
};

/* Milliseconds since 1970. */
static inline int64_t cache_now(const struct cache *cache)
{
    return (int64_t)(ev_now(cache->loop) * 1000.);
}

/* Answers a lookup or a wait, now or later. False, and nothing is opened, without memory. */
__attribute__((warn_unused_result)) bool lookup_start(struct cache *cache, struct notify *notify,
                                                      struct spop_conn *conn,
                                                      const struct spop_frame *frame);

/* An ACK without variables: every NOTIFY gets one. */
void cache_answer_nothing(struct spop_exchange *exchange);

/* Frees those kept to be used again. */
void lookups_free(struct cache *cache);

#endif
