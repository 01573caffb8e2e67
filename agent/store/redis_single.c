#include "redis_route.h"

#include <stdlib.h>

struct single {
    struct redis_route route;
    struct redis_node *node;
};

static struct redis_node *single_node(struct redis_route *route, struct str key)
{
    (void)key;
    return ((struct single *)route)->node;
}

static struct redis_node *single_redirect(struct redis_route *route, const struct redis_node *from,
                                          struct str text)
{
    (void)route;
    (void)from;
    (void)text;
    return NULL;
}

static void single_trouble(struct redis_route *route)
{
    (void)route;
}

static bool single_ready(const struct redis_route *route)
{
    return redis_node_ready(((const struct single *)route)->node);
}

static void single_free(struct redis_route *route)
{
    free(route);
}

struct redis_route *redis_route_single(struct redis_pool *pool, const struct redis_options *options)
{
    static const struct redis_route_ops ops = {.node = single_node,
                                               .redirect = single_redirect,
                                               .trouble = single_trouble,
                                               .ready = single_ready,
                                               .free = single_free};
    struct single *s = malloc(sizeof *s);

    if (!s)
        return NULL;
    *s = (struct single){{&ops, pool}, redis_pool_node(pool, options->address)};
    if (s->node)
        return &s->route;
    free(s);
    return NULL;
}
