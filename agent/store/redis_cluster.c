#include "redis_route.h"

#include "core/decimal.h"
#include "net/clock.h"
#include "net/log.h"
#include "redis_guide.h"
#include "redis_slot.h"

#include <stdlib.h>

/* A node that the map does not name any more may still be named by redirects. */
static const int64_t KEEP_IDLE = 10LL * CLOCK_SECOND;

struct cluster {
    struct redis_route route;
    const struct redis_options *options;
    struct redis_guide *guide;
    struct redis_node *slots[REDIS_SLOTS]; /* NULL: nobody serves it */
};

static const struct redis_node *nth_node(const struct redis_pool *pool, size_t n)
{
    const struct redis_node *node = pool->nodes;

    while (node && n--)
        node = redis_node_next(node);
    return node;
}

/* The configured ones, then those that the last map named. */
static struct str address_at(void *context, size_t n)
{
    const struct cluster *c = context;
    const struct str_list *seeds = &c->options->cluster;

    if (n < seeds->count)
        return seeds->items[n];
    const struct redis_node *node = nth_node(c->route.pool, n - seeds->count);
    return node ? redis_node_address(node) : STR("");
}

/* What CLUSTER SLOTS says of one run of slots: first, last and {HOST or nil, PORT, ...} of the
 * master; then replicas. */
struct run {
    long long first, last;
    char address[REDIS_ADDRESS_MAX];
};

static bool read_run(const redisReply *reply, struct str asked, struct run *out)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 3)
        return false;
    const redisReply *first = reply->element[0], *last = reply->element[1];
    const redisReply *master = reply->element[2];
    if (first->type != REDIS_REPLY_INTEGER || last->type != REDIS_REPLY_INTEGER ||
        first->integer < 0 || first->integer > last->integer || last->integer >= REDIS_SLOTS ||
        master->type != REDIS_REPLY_ARRAY || master->elements < 2 ||
        master->element[1]->type != REDIS_REPLY_INTEGER)
        return false;
    struct decimal_text port;
    out->first = first->integer;
    out->last = last->integer;
    return redis_slot_address(out->address, redis_words_string(master->element[0]),
                              decimal_write(&port, master->element[1]->integer), asked);
}

static bool is_map(const redisReply *reply, struct str asked)
{
    struct run run;

    if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements == 0)
        return false;
    for (size_t i = 0; i < reply->elements; i++)
        if (!read_run(reply->element[i], asked, &run))
            return false;
    return true;
}

/* A frozen or dead node keeps what waits for it until the deadlines; so only idle ones go. */
static void drop_unnamed(struct redis_pool *pool)
{
    for (struct redis_node *n = pool->nodes, *next; n; n = next) {
        next = redis_node_next(n);
        if (!*redis_node_mark(n) && redis_node_idle(n, KEEP_IDLE))
            redis_pool_drop(pool, n);
    }
}

static void on_map(redisAsyncContext *ac, void *answer, void *context)
{
    struct cluster *c = context;
    const redisReply *reply = answer;
    struct redis_pool *pool = c->route.pool;
    struct str asked = redis_guide_address(c->guide);
    struct redis_node *slots[REDIS_SLOTS];
    struct run run;

    (void)ac;
    if (!is_map(reply, asked))
        return;
    redis_guide_answered(c->guide);
    memset(slots, 0, sizeof slots);
    for (struct redis_node *n = pool->nodes; n; n = redis_node_next(n))
        *redis_node_mark(n) = false;
    for (size_t i = 0; i < reply->elements && read_run(reply->element[i], asked, &run); i++) {
        struct redis_node *n = redis_pool_node(pool, str_of(run.address));
        for (long long slot = run.first; slot <= run.last; slot++)
            slots[slot] = n;
        if (n)
            *redis_node_mark(n) = true;
    }
    bool moved = memcmp(c->slots, slots, sizeof slots) != 0;
    memcpy(c->slots, slots, sizeof slots);
    drop_unnamed(pool);
    if (moved)
        pool->moved(pool->context);
}

static void ask(void *context, struct redis_conn *conn)
{
    redis_conn_send(conn, on_map, context, STR("*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n"));
}

static struct redis_node *cluster_node(struct redis_route *route, struct str key)
{
    struct cluster *c = (struct cluster *)route;
    struct redis_node *n = c->slots[redis_slot_of(key)];

    if (!n)
        redis_guide_ask(c->guide);
    return n;
}

static struct redis_node *cluster_redirect(struct redis_route *route, const struct redis_node *from,
                                           struct str text)
{
    char address[REDIS_ADDRESS_MAX];

    if (!redis_slot_redirect(address, text, redis_node_address(from)))
        return NULL;
    return redis_pool_node(route->pool, str_of(address));
}

static void cluster_trouble(struct redis_route *route)
{
    redis_guide_ask(((struct cluster *)route)->guide);
}

/* A read has a chance when any node of the map can be asked. */
static bool cluster_ready(const struct redis_route *route)
{
    for (struct redis_node *n = route->pool->nodes; n; n = redis_node_next(n))
        if (*redis_node_mark(n) && redis_node_ready(n))
            return true;
    return false;
}

static void cluster_free(struct redis_route *route)
{
    redis_guide_free(((struct cluster *)route)->guide);
    free(route);
}

struct redis_route *redis_route_cluster(struct redis_pool *pool,
                                        const struct redis_options *options)
{
    static const struct redis_route_ops ops = {.node = cluster_node,
                                               .redirect = cluster_redirect,
                                               .trouble = cluster_trouble,
                                               .ready = cluster_ready,
                                               .free = cluster_free};
    struct cluster *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->route = (struct redis_route){&ops, pool};
    c->options = options;
    pool->redirects = true;
    struct redis_guide_options guide = {
        .conn = {.what = "Redis",
                 .login = options->login,
                 .tls = pool->conn.tls,
                 .connect_timeout = options->connect_timeout},
        .address = address_at,
        .ask = ask,
        .context = c,
    };
    c->guide = redis_guide_new(pool->loop, &guide);
    if (c->guide)
        return &c->route;
    free(c);
    return NULL;
}
