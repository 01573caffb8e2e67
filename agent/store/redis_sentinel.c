#include "redis_route.h"

#include "net/log.h"
#include "redis_guide.h"
#include "redis_slot.h"

#include <stdlib.h>

struct sentinel {
    struct redis_route route;
    const struct redis_options *options;
    struct redis_guide *guide;
    struct redis_node *master; /* NULL: not known yet */
};

static struct str address_at(void *context, size_t n)
{
    const struct str_list *list = &((struct sentinel *)context)->options->sentinels;

    return n < list->count ? list->items[n] : STR("");
}

/* The nodes before are given up at once: what waits for them waits in vain. */
static void follow(struct sentinel *s, struct str host, struct str port)
{
    struct redis_pool *pool = s->route.pool;
    struct redis_node *before = s->master;
    char address[REDIS_ADDRESS_MAX];

    if (!redis_slot_address(address, host, port, STR("")))
        return;
    s->master = redis_pool_node(pool, str_of(address));
    if (s->master == before)
        return;
    log_write(LOG_LEVEL_INFO, "Sentinel names %s as the master", address);
    if (before) {
        pool->metrics->redis_failovers++;
        redis_pool_drop(pool, before);
    }
}

/* {"HOST", "PORT"}; a Sentinel that does not know the master says nil, and the next one is asked
 * in a second. */
static void on_master(redisAsyncContext *ac, void *answer, void *context)
{
    const redisReply *reply = answer;
    struct sentinel *s = context;

    (void)ac;
    if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
        return;
    redis_guide_answered(s->guide);
    follow(s, redis_words_string(reply->element[0]), redis_words_string(reply->element[1]));
}

/* {"message", "+switch-master", "NAME OLD-HOST OLD-PORT NEW-HOST NEW-PORT"} */
static void on_message(redisAsyncContext *ac, void *answer, void *context)
{
    const redisReply *reply = answer;
    struct sentinel *s = context;

    (void)ac;
    if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
        return;
    struct str rest = redis_words_string(reply->element[2]), words[5];
    for (size_t i = 0; i < 5; i++)
        words[i] = str_split(&rest, ' ');
    if (!str_eq(words[0], s->options->master))
        return;
    redis_guide_answered(s->guide); /* a Sentinel asked now might not have heard of it yet */
    follow(s, words[3], words[4]);
}

/* Both at once: so no switch is missed between them. */
static void ask(void *context, struct redis_conn *conn)
{
    struct sentinel *s = context;
    const struct str words[] = {STR("SENTINEL"), STR("get-master-addr-by-name"),
                                s->options->master};

    redis_words_send(conn, on_master, s, words, sizeof words / sizeof *words);
    redis_conn_send(conn, on_message, s, STR("*2\r\n$9\r\nSUBSCRIBE\r\n$14\r\n+switch-master\r\n"));
}

static struct redis_node *sentinel_node(struct redis_route *route, struct str key)
{
    (void)key;
    return ((struct sentinel *)route)->master;
}

static struct redis_node *sentinel_redirect(struct redis_route *route,
                                            const struct redis_node *from, struct str text)
{
    (void)route;
    (void)from;
    (void)text;
    return NULL;
}

static void sentinel_trouble(struct redis_route *route)
{
    redis_guide_ask(((struct sentinel *)route)->guide);
}

static bool sentinel_ready(const struct redis_route *route)
{
    const struct sentinel *s = (const struct sentinel *)route;

    return s->master && redis_node_ready(s->master);
}

static void sentinel_free(struct redis_route *route)
{
    redis_guide_free(((struct sentinel *)route)->guide);
    free(route);
}

struct redis_route *redis_route_sentinel(struct redis_pool *pool,
                                         const struct redis_options *options)
{
    static const struct redis_route_ops ops = {.node = sentinel_node,
                                               .redirect = sentinel_redirect,
                                               .trouble = sentinel_trouble,
                                               .ready = sentinel_ready,
                                               .free = sentinel_free};
    struct sentinel *s = malloc(sizeof *s);

    if (!s)
        return NULL;
    *s = (struct sentinel){.route = {&ops, pool}, .options = options};
    pool->conn.master = true;
    struct redis_guide_options guide = {
        .conn = {.what = "Sentinel",
                 .login = options->sentinel_login,
                 .tls = pool->conn.tls,
                 .connect_timeout = options->connect_timeout},
        .address = address_at,
        .ask = ask,
        .context = s,
    };
    s->guide = redis_guide_new(pool->loop, &guide);
    if (s->guide)
        return &s->route;
    free(s);
    return NULL;
}
