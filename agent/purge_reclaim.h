/* Gives back the space of what was purged, which nobody would find any more. */
#ifndef PURGE_RECLAIM_H
#define PURGE_RECLAIM_H

#include "core/config.h"

/* Looks at all keys of ours in the Redis of the configuration, at no more than `rate` a second, and
 * unlinks the entries that were purged; other keys are left alone. Prints its progress to standard
 * error and its result to standard output. False when it did not come to its end. Blocks. */
__attribute__((warn_unused_result)) bool purge_reclaim(const struct config *config, int64_t rate,
                                                       bool json);

#endif
