/* What is known of purges, and how surely. Over the memory store the book is the only one. Over
 * Redis it is a copy of one hash there, which every agent reads and changes by purge_script.h.
 *
 * The copy is as good as the time when it was last compared, and no answer that Redis gives is
 * served by one that is older than PURGE_BOOK_SURE: that is the bound within which a purge takes
 * effect everywhere, and it rests on nothing that could be lost without notice, as a message
 * could. To compare is one short command before the GET, in the same pipeline, and only when the
 * last one was PURGE_BOOK_RENEW ago; while it fails, nothing is served. Where Redis reports what
 * changes (redis_listen()), the book is compared at once; and a few times a second in any case, so
 * that an agent that rests can tell what a failover has lost. */
#ifndef STORE_PURGE_BOOK_H
#define STORE_PURGE_BOOK_H

#include "core/metrics.h"
#include "core/purge.h"
#include "store.h"

#include <ev.h>

struct purge_book;

enum { PURGE_BOOK_RENEW = 40, PURGE_BOOK_SURE = 90, PURGE_BOOK_REST = 250 }; /* milliseconds */

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
    struct str scope;
    bool repairs;
    struct store_read read;
};

/* The book of a store in Redis, which is borrowed until it is freed, or with NULL one of its own,
 * which begins now. It keeps the purge metrics. NULL when there is no memory, or no random number.
 */
struct purge_book *purge_book_new(struct ev_loop *loop, struct store *redis,
                                  struct metrics *metrics);

/* What is known. */
const struct purges *purge_book_purges(const struct purge_book *book);

/* Before a lookup: compares the book when that is due. */
void purge_book_renew(struct purge_book *book);

/* Whether what is known holds good now. */
bool purge_book_sure(const struct purge_book *book);

/* Waits until it does; for the comparison that is under way, or for one that begins now, unless one
 * has failed just now. */
void purge_book_wait(struct purge_book *book, struct purge_wait *wait);

/* Purges a scope, see purge.h; it stays in place until `done` is called. */
void purge_book_purge(struct purge_book *book, struct str scope, struct purge_order *order);

/* Frees it. Nobody may wait: free the Redis store first. */
void purge_book_free(struct purge_book *book);

#endif
