/* Memory in front of Redis: what was read is kept, and served without asking again, for as long as
 * Redis would report that it changed (redis_listen()) and at most for the time it has left there.
 * It is never older than 100 ms: where reports are not heard, Redis is asked. */
#ifndef STORE_TIER_H
#define STORE_TIER_H

#include "core/metrics.h"
#include "store.h"

/* A store in front of `redis`, one of redis_new() with `watch` set, whose memory holds at most
 * max_bytes; it keeps the tier_* and memory_* metrics. It owns redis, unless NULL is returned: then
 * there was no memory. */
struct store *tier_new(struct store *redis, size_t max_bytes, struct metrics *m);

#endif
