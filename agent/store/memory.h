/* A store in the agent's own memory: bounded in bytes, S3-FIFO decides what stays. It has no clock
 * and no thread, and what it keeps depends on nothing but the calls; nothing in it waits, so
 * store_cancel() has nothing to do. Every call takes constant time, but for what it frees. */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

#include "core/metrics.h"
#include "store.h"

/* A store that holds at most max_bytes, all it allocates included; it keeps the memory_* metrics.
 * A value larger than a tenth of that is refused, and so is a ttl below 1; whatever the key held
 * before is gone then too. `done` must have finished with a value before it puts into the same
 * store or removes from it. NULL when there is no memory. */
struct store *memory_new(size_t max_bytes, struct metrics *m);

/* Forgets what the key holds, if anything. `store` is one that memory_new() made. */
void memory_remove(struct store *store, struct str key);

/* What the key holds, if anything, is forgotten at another time than that which its ttl said: a
 * time like `now` of store_get(). `store` is one that memory_new() made. */
void memory_expire(struct store *store, struct str key, int64_t when);

/* Nothing put before is served any more. Takes no time however much there is: the space comes back
 * as later calls need it, and memory_bytes and memory_entries count it until then. `store` is one
 * that memory_new() made. */
void memory_clear(struct store *store);

#endif
