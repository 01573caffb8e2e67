/* Brings the configuration together: file, environment, files of secrets. Logs nothing. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "core/config.h"
#include "store/redis.h"

/* The configuration in the file at `path` (NULL: the defaults), with the environment's
 * SPOA_CACHE_* over it, secrets read from their files, and validated. The caller has the one
 * reference to it. NULL, with a line per mistake in *errors, when anything is wrong. Reads files
 * and so may block: for start and reload only. */
__attribute__((warn_unused_result)) struct config *settings_load(const char *path,
                                                                 struct buf *errors);

/* What the configuration says of Redis; borrowed from it. */
struct redis_options settings_redis(const struct config *c);

#endif
