/* Connections to the Redis that a configuration names, for commands: everything blocks. */
#ifndef STORE_REDIS_SYNC_H
#define STORE_REDIS_SYNC_H

#include "core/config.h"
#include "redis_tls.h"

enum { REDIS_SYNC_NODES = 1000 };

/* The masters, which have all keys. */
struct redis_sync {
    redisContext *nodes[REDIS_SYNC_NODES];
    size_t count;
    struct redis_tls *tls;           /* NULL: none */
    char error[REDIS_TLS_WHY + 256]; /* what went wrong */
};

/* Connects and logs in. False, with `error` set, and nothing to close, when a node cannot be
 * reached, or not over TLS where that is wanted. */
__attribute__((warn_unused_result)) bool redis_sync_open(struct redis_sync *r,
                                                         const struct config *config,
                                                         const struct redis_tls_options *tls);

/* Ends the connections and keeps the error; what is closed or {0} may be closed again. */
void redis_sync_close(struct redis_sync *r);

#endif
