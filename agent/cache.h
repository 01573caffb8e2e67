/* The one place where protocol, policy and store meet: each NOTIFY becomes a plan, the plan a read
 * or a write of the store, and the result an ACK. */
#ifndef CACHE_H
#define CACHE_H

#include "core/config.h"
#include "core/metrics.h"
#include "net/spop_conn.h"
#include "net/spop_server.h"
#include "store/lease.h"
#include "store/purge_book.h"
#include "store/store.h"

struct cache;

/* A cache over `store` and `leases`, whose purges are in `book`. The caller keeps them until after
 * cache_free() or until all that they owe it has been answered. It takes a reference to `config`.
 * NULL without memory, or when entries cannot be encrypted. */
struct cache *cache_new(struct ev_loop *loop, struct config *config, struct store *store,
                        struct leases *leases, struct purge_book *book, struct metrics *metrics);

/* Uses another configuration from the next request on; requests in flight end with theirs, but for
 * the keys of stored values. False, and nothing has changed, for the reasons of cache_new(). */
__attribute__((warn_unused_result)) bool cache_set_config(struct cache *cache,
                                                          struct config *config);

/* A key in Redis has changed, or may have. */
void cache_notice(struct cache *cache, struct str redis_key);

/* Any key may have changed. */
void cache_notice_all(struct cache *cache);

/* Whether changes that other agents make in Redis are noticed; while they are not, no request waits
 * for another. They are until this says otherwise. */
void cache_hear(struct cache *cache, bool hears);

/* Sends those who wait for others on, now and from now on. */
void cache_drain(struct cache *cache);

/* What the connections call. */
struct spop_handler cache_handler(struct cache *cache);

/* Frees it. No read may be waiting: free the connections and the store's reads first. */
void cache_free(struct cache *cache);

#endif
