/* The texts of a store's options, kept as long as the store. */
#ifndef STORE_REDIS_OPTIONS_H
#define STORE_REDIS_OPTIONS_H

#include "core/arena.h"
#include "redis.h"

/* Copies every text that the options point to, but for those of TLS, into the arena. False when
 * there is no memory. */
bool redis_options_keep(struct redis_options *o, struct arena *texts);

#endif
