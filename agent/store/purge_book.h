/* What is known of purges, and how surely. Over the memory store the book is the only one. Over
 * Redis it is a copy of one hash there, "sc:purges", which every agent reads and a script changes:
 *
 *   HGETALL sc:purges    epoch 1700000000000  all 1690000000000  model:gpt-4o 1700000000000
 *
 * The copy is as good as the time when it was last compared, and no answer that Redis gives is
 * served by one that is older than PURGE_BOOK_SURE: that is the bound within which a purge takes
 * effect everywhere, and it rests on nothing that could be lost without notice, as a message
 * could. To compare is one short command before the GET, in the same pipeline, and only when the
 * last one was PURGE_BOOK_RENEW ago; while it fails, nothing is served. Where Redis reports what
 * changes (redis_listen()), the book is compared at once.
 *
 * When the hash is gone, or older than an agent knows (evicted, deleted, a failover that lost the
 * last writes), nobody knows what was purged: then everything was. */
#ifndef STORE_PURGE_BOOK_H
#define STORE_PURGE_BOOK_H

#include "core/key.h"
#include "core/metrics.h"
#include "core/purge.h"
#include "store.h"

#define PURGE_BOOK_KEY KEY_PREFIX "purges"

struct purge_book;

enum { PURGE_BOOK_RENEW = 40, PURGE_BOOK_SURE = 90 }; /* milliseconds; together below 150 */

/* Somebody who waits; the memory is theirs and stays in place until `done` has been called. */
struct purge_wait {
    /* STORE_HIT: the book is sure. Otherwise what to say of the store. Called exactly once, perhaps
     * before purge_book_wait() returns. */
    void (*done)(struct purge_wait *wait, enum store_result result);
    struct purge_wait *next; /* the book's */
};

struct purge_order {
    /* STORE_HIT: it was purged, at `epoch`. Otherwise it is not known whether it was; `error` is
     * what the store said, or empty. Called exactly once, perhaps before purge_book_purge()
     * returns. */
    void (*done)(struct purge_order *order, enum store_result result, int64_t epoch,
                 struct str error);
    struct purge_book *book; /* these are the book's */
    struct store_read read;
};

/* The book of a store in Redis, which is borrowed until it is freed, or with NULL one of its own,
 * which begins at the time `now` (ms since 1970). It keeps the purge metrics. NULL when there is no
 * memory. */
struct purge_book *purge_book_new(struct store *redis, struct metrics *metrics, int64_t now);

/* What is known. */
const struct purges *purge_book_purges(const struct purge_book *book);

/* Before a lookup: compares the book when that is due. */
void purge_book_renew(struct purge_book *book, int64_t now);

/* Whether what is known holds good now. */
bool purge_book_sure(const struct purge_book *book);

/* Waits until it does; for the comparison that is under way, when there is one. */
void purge_book_wait(struct purge_book *book, struct purge_wait *wait);

/* Purges a scope, see purge.h. */
void purge_book_purge(struct purge_book *book, struct str scope, int64_t now,
                      struct purge_order *order);

/* Frees it. Nobody may wait: free the Redis store first. */
void purge_book_free(struct purge_book *book);

#endif
