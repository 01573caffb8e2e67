/* Which node has a key: the one there is, the master that Sentinels name, or the node of a
 * cluster that serves the key's slot. */
#ifndef STORE_REDIS_ROUTE_H
#define STORE_REDIS_ROUTE_H

#include "redis.h"
#include "redis_node.h"

struct redis_route;

struct redis_route_ops {
    /* The node to ask about the key, or NULL when none is known. */
    struct redis_node *(*node)(struct redis_route *route, struct str key);
    /* The node that the text of a MOVED or ASK names, `from` having answered it; or NULL. */
    struct redis_node *(*redirect)(struct redis_route *route, const struct redis_node *from,
                                   struct str text);
    /* What the route knows may be wrong. From inside any callback. */
    void (*trouble)(struct redis_route *route);
    bool (*ready)(const struct redis_route *route);
    /* The nodes are the pool's, and free after this. */
    void (*free)(struct redis_route *route);
};

/* First member of every route. */
struct redis_route {
    const struct redis_route_ops *ops;
    struct redis_pool *pool;
};

/* One server; the master that Sentinels name; a cluster. The options live as long as the route.
 * NULL when there is no memory, or the address is none (which is logged). */
struct redis_route *redis_route_single(struct redis_pool *pool,
                                       const struct redis_options *options);
struct redis_route *redis_route_sentinel(struct redis_pool *pool,
                                         const struct redis_options *options);
struct redis_route *redis_route_cluster(struct redis_pool *pool,
                                        const struct redis_options *options);

#endif
