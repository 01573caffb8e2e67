/* The one place where protocol, policy and store meet: each NOTIFY becomes a plan, the plan a read
 * or a write of the store, and the result an ACK. */
#ifndef CACHE_H
#define CACHE_H

#include "core/config.h"
#include "core/metrics.h"
#include "net/spop_conn.h"
#include "net/spop_server.h"
#include "store/store.h"

struct cache;

/* A cache over `store`, which the caller keeps until after cache_free(). It takes a reference
 * to `config`. NULL without memory, or when entries cannot be encrypted. */
struct cache *cache_new(struct ev_loop *loop, struct config *config, struct store *store,
                        struct metrics *metrics);

/* Uses another configuration from the next request on; requests in flight end with theirs, but for
 * the keys of stored values. False, and nothing has changed, for the reasons of cache_new(). */
__attribute__((warn_unused_result)) bool cache_set_config(struct cache *cache,
                                                          struct config *config);

/* What the connections call. */
struct spop_handler cache_handler(struct cache *cache);

/* Frees it. No read may be waiting: free the connections and the store's reads first. */
void cache_free(struct cache *cache);

#endif
