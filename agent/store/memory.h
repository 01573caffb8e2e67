/* A store in the agent's own memory: bounded in bytes, least recently used out first. It has no
 * clock and no thread; nothing in it waits, so store_cancel() has nothing to do. */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

#include "core/metrics.h"
#include "store.h"

/* A store that holds at most max_bytes, all it allocates included; it keeps the memory_* metrics.
 * A value that cannot fit is refused, and so is a ttl below 1; whatever the key held before is
 * gone then too. `done` must have finished with a value before it puts into the same store.
 * NULL when there is no memory. */
struct store *memory_new(size_t max_bytes, struct metrics *m);

#endif
