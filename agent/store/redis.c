#include "redis.h"

#include "core/arena.h"
#include "core/decimal.h"
#include "net/clock.h"
#include "redis_options.h"
#include "redis_route.h"

#include <stdlib.h>

enum { MOST_REDIRECTS = 3 };

/* Reads that wait stand in the order of their deadlines, which is that in which they came, since
 * all have the same time; a redirect changes the node they wait at and not their place here. */
struct redis {
    struct store store;
    struct redis_options options;
    struct arena texts; /* owned: what the options point to */
    struct redis_pool pool;
    struct redis_route *route;
    struct redis_command *earliest, *latest;
    struct redis_command *unused;     /* by `later` */
    struct redis_listener *listeners; /* by `next` */
    bool closing, watching;
    ev_timer timer;
    int64_t wake; /* when it fires */
};

/* Has the timer fire for the next deadline; it may fire too early. */
static void arm(struct redis *r)
{
    if (!r->earliest) {
        ev_timer_stop(r->pool.loop, &r->timer);
        return;
    }
    int64_t wake = r->earliest->deadline;
    if (ev_is_active(&r->timer) && r->wake <= wake)
        return;
    r->wake = wake;
    ev_timer_stop(r->pool.loop, &r->timer);
    ev_timer_set(&r->timer, (ev_tstamp)(wake - clock_now()) / 1e9, 0.);
    ev_timer_start(r->pool.loop, &r->timer);
}

static void finish(struct store_read *read, enum store_result result, struct str value)
{
    read->pending = NULL;
    read->done(read, result, value);
}

static void finish_number(struct store_read *read, int64_t number)
{
    struct decimal_text text;

    finish(read, STORE_HIT, decimal_write(&text, number));
}

static struct redis_command *command_new(struct redis *r, const struct str *words, size_t count)
{
    struct redis_command *c = r->unused;

    if (c)
        r->unused = c->later;
    else
        c = malloc(sizeof *c);
    if (!c)
        return NULL;
    *c = (struct redis_command){0};
    c->len = redis_words_format(&c->bytes, words, count);
    if (c->len)
        return c;
    free(c);
    return NULL;
}

static void command_release(struct redis *r, struct redis_command *c)
{
    if (c->bytes)
        redisFreeCommand(c->bytes);
    c->later = r->unused;
    r->unused = c;
}

/* Its bytes are needed again only where it may be redirected. */
static bool send_command(struct redis *r, struct redis_node *n, struct redis_command *c,
                         bool asking)
{
    if (!redis_node_send(n, c, asking))
        return false;
    if (!r->pool.redirects) {
        redisFreeCommand(c->bytes);
        c->bytes = NULL;
    }
    return true;
}

static void begin_wait(struct redis *r, struct redis_command *c, struct store_read *read)
{
    c->read = read;
    c->deadline = clock_now() + r->pool.timeout;
    c->earlier = r->latest;
    *(r->latest ? &r->latest->later : &r->earliest) = c;
    r->latest = c;
    read->pending = c;
    arm(r);
}

/* Nobody waits for it any more; what waited is returned, or NULL. */
static struct store_read *end_wait(struct redis *r, struct redis_command *c)
{
    struct store_read *read = c->read;

    if (!read)
        return NULL;
    *(c->earlier ? &c->earlier->later : &r->earliest) = c->later;
    *(c->later ? &c->later->earlier : &r->latest) = c->earlier;
    c->earlier = c->later = NULL;
    c->read = NULL;
    read->pending = NULL;
    return read;
}

static enum store_result result_of(const struct redis_command *c, const redisReply *reply)
{
    if (!reply)
        return STORE_DOWN;
    if (reply->type == c->answer)
        return STORE_HIT;
    if (reply->type == REDIS_REPLY_ERROR && c->answer == REDIS_REPLY_STRING &&
        resp_error_of(str_of(reply->str)) == RESP_WRONGTYPE)
        return STORE_MISS;
    return reply->type == REDIS_REPLY_NIL ? STORE_MISS : STORE_ERROR;
}

/* Sends a command again when the answer says where to, and somebody still wants it. */
static bool redirect(struct redis *r, const struct redis_node *from, struct redis_command *c,
                     const redisReply *reply)
{
    enum store_result why;

    if (!reply || reply->type != REDIS_REPLY_ERROR || !c->bytes || c->late ||
        (!c->write && !c->read) || c->redirects >= MOST_REDIRECTS)
        return false;
    struct str text = {reply->str, reply->len};
    enum resp_error error = resp_error_of(text);
    if (error != RESP_MOVED && error != RESP_ASK)
        return false;
    struct redis_node *to = r->route->ops->redirect(r->route, from, text);
    if (!to ||
        !(c->write ? redis_node_takes_write(to, c->put_bytes) : redis_node_takes_read(to, &why)))
        return false;
    c->redirects++;
    r->pool.metrics->redis_redirects++;
    return redis_node_send(to, c, error == RESP_ASK);
}

static void on_answered(void *context, struct redis_node *from, struct redis_command *c,
                        const redisReply *reply)
{
    struct redis *r = context;

    if (!r->closing && redirect(r, from, c, reply))
        return;
    struct store_read *read = end_wait(r, c);
    enum store_result result = result_of(c, reply);
    bool text = result == STORE_HIT || (result == STORE_ERROR && reply->str);
    /* A redirected answer comes from elsewhere than redis_is_fresh() looks. */
    bool watched = c->coverage && c->coverage == redis_node_coverage(from) && c->redirects == 0;
    command_release(r, c);
    if (!read)
        return;
    read->watched = watched;
    if (result == STORE_HIT && reply->type == REDIS_REPLY_INTEGER)
        finish_number(read, reply->integer);
    else
        finish(read, result, text ? (struct str){reply->str, reply->len} : STR(""));
}

static void on_trouble(void *context)
{
    struct redis *r = context;

    r->route->ops->trouble(r->route);
}

static void on_changed(void *context, struct str key)
{
    struct redis *r = context;

    r->pool.metrics->redis_changes++;
    for (struct redis_listener *l = r->listeners; l; l = l->next)
        if (l->changed)
            l->changed(l->context, key);
}

static void on_flushed(void *context)
{
    struct redis *r = context;

    for (struct redis_listener *l = r->listeners; l && !r->closing; l = l->next)
        if (l->flushed)
            l->flushed(l->context);
}

/* Whether every node that keys are at is covered. */
static bool covers_all(const struct redis_pool *p)
{
    bool covered = false;

    for (struct redis_node *n = p->nodes; n; n = redis_node_next(n)) {
        bool used = !p->redirects || *redis_node_mark(n);
        if (used && !redis_node_coverage(n))
            return false;
        covered |= used;
    }
    return covered;
}

/* Tells when it began or ended that all changes are reported. */
static void settle_watching(struct redis *r)
{
    bool watching = !r->closing && covers_all(&r->pool);

    if (watching == r->watching)
        return;
    r->watching = watching;
    for (struct redis_listener *l = r->listeners; l && !r->closing; l = l->next)
        if (l->watching)
            l->watching(l->context, watching);
}

static void on_moved(void *context)
{
    on_flushed(context);
    settle_watching(context);
}

static void on_covers(void *context, bool begins)
{
    struct redis *r = context;

    r->pool.metrics->redis_watched += begins ? 1 : (uint64_t)-1;
    if (!begins)
        on_flushed(r);
    settle_watching(r);
}

static struct redis_node *node_of(struct redis *r, struct str key)
{
    return r->closing ? NULL : r->route->ops->node(r->route, key);
}

/* `answer` is the type of reply that is a hit. */
static void ask(struct redis *r, struct str key, const struct str *words, size_t count, int answer,
                struct store_read *read)
{
    struct redis_node *node = node_of(r, key);
    enum store_result why = STORE_DOWN;
    struct redis_command *c = NULL;

    read->watched = false;
    if (node && redis_node_takes_read(node, &why))
        c = command_new(r, words, count);
    if (c)
        c->answer = answer;
    if (c && send_command(r, node, c, false)) {
        begin_wait(r, c, read);
        return;
    }
    if (c)
        command_release(r, c);
    finish(read, why, STR(""));
}

void redis_ask(struct store *store, struct str key, const struct str *words, size_t count,
               struct store_read *read)
{
    int answer = str_eq(words[0], STR("SET")) ? REDIS_REPLY_STATUS : REDIS_REPLY_STRING;

    ask((struct redis *)store, key, words, count, answer, read);
}

void redis_get_ttl(struct store *store, struct str key, struct store_read *read)
{
    ask((struct redis *)store, key, (struct str[]){STR("PTTL"), key}, 2, REDIS_REPLY_INTEGER, read);
}

bool redis_tell(struct store *store, const struct str *words, size_t count)
{
    struct redis *r = (struct redis *)store;
    struct redis_node *node = node_of(r, words[1]);
    size_t bytes = count > 2 ? words[2].len : 0;

    if (!node || !redis_node_takes_write(node, bytes))
        return false;
    struct redis_command *c = command_new(r, words, count);
    if (!c)
        return false;
    c->write = true;
    c->put_bytes = bytes;
    if (send_command(r, node, c, false))
        return true;
    command_release(r, c);
    return false;
}

static void redis_get(struct store *store, struct str key, int64_t now, struct store_read *read)
{
    (void)now;
    redis_ask(store, key, (struct str[]){STR("GET"), key}, 2, read);
}

static bool redis_put(struct store *store, struct str key, struct str value, int64_t now,
                      int64_t ttl)
{
    struct decimal_text milliseconds;
    const struct str words[] = {STR("SET"), key, value, STR("PX"),
                                decimal_write(&milliseconds, ttl)};

    (void)now;
    return ttl > 0 && redis_tell(store, words, sizeof words / sizeof *words);
}

static void redis_cancel(struct store *store, struct store_read *read)
{
    if (read->pending)
        end_wait((struct redis *)store, read->pending);
}

static bool redis_ready(const struct store *store)
{
    const struct redis *r = (const struct redis *)store;

    return r->route->ops->ready(r->route);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
    struct redis *r = w->data;
    int64_t now = clock_now();

    (void)loop;
    (void)events;
    while (r->earliest && r->earliest->deadline <= now) {
        struct redis_command *c = r->earliest;
        struct store_read *read = end_wait(r, c);
        redis_node_late(c);
        r->pool.metrics->redis_timeouts++;
        finish(read, STORE_SLOW, STR(""));
    }
    arm(r);
}

static void redis_free(struct store *store)
{
    struct redis *r = (struct redis *)store;

    r->closing = true;
    redis_pool_free(&r->pool);
    if (r->route)
        r->route->ops->free(r->route);
    ev_timer_stop(r->pool.loop, &r->timer);
    for (struct redis_command *c; (c = r->unused); free(c))
        r->unused = c->later;
    redis_tls_free(r->pool.conn.tls);
    arena_free(&r->texts);
    free(r);
}

static void init_pool(struct redis *r, struct ev_loop *loop, struct metrics *metrics)
{
    const struct redis_options *o = &r->options;

    r->pool = (struct redis_pool){
        .loop = loop,
        .metrics = metrics,
        .conn = {.what = "Redis",
                 .login = o->login,
                 .tls = redis_tls_open(&o->tls),
                 .database = o->database,
                 .connect_timeout = o->connect_timeout},
        .timeout = o->timeout * CLOCK_MS,
        .max_pending = (size_t)o->max_pending,
        .own_keys = o->own_keys,
        .answered = on_answered,
        .trouble = on_trouble,
        .moved = on_moved,
        .context = r,
    };
    if (o->watch)
        r->pool.watch = (struct redis_watch_events){on_changed, on_flushed, on_covers, r};
}

static struct redis_route *open_route(struct redis *r)
{
    if (r->options.cluster.count)
        return redis_route_cluster(&r->pool, &r->options);
    if (r->options.sentinels.count)
        return redis_route_sentinel(&r->pool, &r->options);
    return redis_route_single(&r->pool, &r->options);
}

struct store *redis_new(struct ev_loop *loop, const struct redis_options *options,
                        struct metrics *metrics)
{
    static const struct store_ops ops = {.get = redis_get,
                                         .put = redis_put,
                                         .cancel = redis_cancel,
                                         .ready = redis_ready,
                                         .free = redis_free};
    struct redis *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->store.ops = &ops;
    r->options = *options;
    ev_timer_init(&r->timer, on_timer, 0., 0.);
    /* An answer that came in the same turn as the deadline is taken first. */
    ev_set_priority(&r->timer, EV_MINPRI);
    r->timer.data = r;
    bool kept = redis_options_keep(&r->options, &r->texts);
    init_pool(r, loop, metrics);
    if (kept && (r->pool.conn.tls || !options->tls.on) && (r->route = open_route(r)) != NULL)
        return &r->store;
    redis_free(&r->store);
    return NULL;
}

void redis_listen(struct store *store, struct redis_listener *l)
{
    struct redis *r = (struct redis *)store;

    l->next = r->listeners;
    r->listeners = l;
}

bool redis_is_watching(const struct store *store)
{
    return ((const struct redis *)store)->watching;
}

bool redis_is_fresh(const struct store *store, struct str key)
{
    const struct redis *r = (const struct redis *)store;
    const struct redis_node *n = r->route->ops->node(r->route, key);

    return n && redis_node_is_fresh(n);
}

size_t redis_states(const struct store *store, struct redis_state *out, size_t max)
{
    return redis_pool_states(&((const struct redis *)store)->pool, out, max);
}
