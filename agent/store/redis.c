#include "redis.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* What may wait to be taken by Redis: hiredis moves it to the front after each write. */
enum { MOST_PUT_BYTES = 16 << 20 };

/* One command without an answer. */
struct command {
    struct command *next; /* sent after this one; or unused like this one */
    struct redis *redis;
    struct store_read *read; /* NULL: a write, or a read that nobody waits for any more */
    int64_t deadline;
    size_t put_bytes;
};

/* Commands stand in the order they were sent in, which is that of their answers and, since all
 * have the same time, of their deadlines:
 *
 *     oldest -> ... -> due -> ... -> newest
 *     |  too late    |  in time           |
 */
struct redis {
    struct store store;
    struct ev_loop *loop;
    struct metrics *metrics;
    struct redis_conn *conn;
    int64_t timeout, grace; /* nanoseconds; grace: how long a connection may be late */
    size_t max_pending, pending, put_bytes;
    struct command *oldest, *due, *newest;
    struct command *unused;
    ev_timer timer;
    int64_t wake; /* when it fires */
};

/* Nanoseconds of the clock that nobody sets: libev's ev_now() is the time of day. */
static int64_t monotonic(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool is_stalled(const struct redis *r)
{
    return r->oldest && r->oldest->deadline <= monotonic();
}

/* Has the timer fire for the next deadline, or for the end of the grace. */
static void arm(struct redis *r)
{
    if (!r->oldest) {
        ev_timer_stop(r->loop, &r->timer);
        return;
    }
    int64_t wake = r->due ? r->due->deadline : r->oldest->deadline + r->grace;
    if (ev_is_active(&r->timer) && r->wake <= wake)
        return;
    r->wake = wake;
    ev_timer_stop(r->loop, &r->timer);
    ev_timer_set(&r->timer, (ev_tstamp)(wake - monotonic()) / 1e9, 0.);
    ev_timer_start(r->loop, &r->timer);
}

static void finish(struct store_read *read, enum store_result result, struct str value)
{
    read->pending = NULL;
    read->done(read, result, value);
}

static struct command *command_new(struct redis *r)
{
    struct command *c = r->unused;

    if (c)
        r->unused = c->next;
    else
        c = malloc(sizeof *c);
    return c;
}

static void command_release(struct redis *r, struct command *c)
{
    c->next = r->unused;
    r->unused = c;
}

static void append(struct redis *r, struct command *c)
{
    *(r->newest ? &r->newest->next : &r->oldest) = c;
    r->newest = c;
    if (!r->due)
        r->due = c;
    r->put_bytes += c->put_bytes;
    r->metrics->redis_pending = ++r->pending;
    r->metrics->redis_commands++;
}

static void take_oldest(struct redis *r)
{
    struct command *c = r->oldest;

    r->oldest = c->next;
    if (r->due == c)
        r->due = c->next;
    if (r->newest == c)
        r->newest = NULL;
    r->put_bytes -= c->put_bytes;
    r->metrics->redis_pending = --r->pending;
}

static enum store_result result_of(const redisReply *reply)
{
    if (!reply)
        return STORE_DOWN;
    if (reply->type == REDIS_REPLY_STRING)
        return STORE_HIT;
    return reply->type == REDIS_REPLY_NIL ? STORE_MISS : STORE_ERROR;
}

static void on_reply(redisAsyncContext *ac, void *answer, void *context)
{
    struct command *c = context;
    struct redis *r = c->redis;
    struct store_read *read = c->read;
    const redisReply *reply = answer;
    enum store_result result = result_of(reply);

    (void)ac;
    assert(r->oldest == c);
    take_oldest(r);
    command_release(r, c);
    if (reply && (reply->type == REDIS_REPLY_ERROR || (read && result == STORE_ERROR)))
        r->metrics->redis_errors++;
    if (read)
        finish(read, result, result == STORE_HIT ? (struct str){reply->str, reply->len} : STR(""));
}

static bool submit(struct redis *r, struct store_read *read, size_t put_bytes, int argc,
                   const char **argv, const size_t *lengths)
{
    struct command *c = command_new(r);

    if (!c)
        return false;
    *c = (struct command){
        .redis = r, .read = read, .put_bytes = put_bytes, .deadline = monotonic() + r->timeout};
    if (!redis_conn_send(r->conn, on_reply, c, argc, argv, lengths)) {
        command_release(r, c);
        return false;
    }
    if (read)
        read->pending = c;
    append(r, c);
    arm(r);
    return true;
}

static void redis_get(struct store *store, struct str key, int64_t now, struct store_read *read)
{
    struct redis *r = (struct redis *)store;
    const char *argv[] = {"GET", key.ptr};
    const size_t lengths[] = {3, key.len};

    (void)now;
    if (!redis_conn_ready(r->conn))
        finish(read, STORE_DOWN, STR(""));
    else if (is_stalled(r))
        finish(read, STORE_SLOW, STR(""));
    else if (r->pending >= r->max_pending)
        finish(read, STORE_BUSY, STR(""));
    else if (!submit(r, read, 0, 2, argv, lengths))
        finish(read, STORE_DOWN, STR(""));
}

static bool redis_put(struct store *store, struct str key, struct str value, int64_t now,
                      int64_t ttl)
{
    struct redis *r = (struct redis *)store;
    char milliseconds[24];
    size_t digits = (size_t)snprintf(milliseconds, sizeof milliseconds, "%" PRId64, ttl);
    const char *argv[] = {"SET", key.ptr, value.ptr, "PX", milliseconds};
    const size_t lengths[] = {3, key.len, value.len, 2, digits};

    (void)now;
    if (ttl <= 0 || value.len > MOST_PUT_BYTES - r->put_bytes || r->pending >= r->max_pending)
        return false;
    return redis_conn_ready(r->conn) && !is_stalled(r) &&
           submit(r, NULL, value.len, 5, argv, lengths);
}

static void redis_cancel(struct store *store, struct store_read *read)
{
    struct command *c = read->pending;

    (void)store;
    if (c)
        c->read = NULL;
    read->pending = NULL;
}

static bool redis_ready(const struct store *store)
{
    const struct redis *r = (const struct redis *)store;

    return redis_conn_ready(r->conn) && !is_stalled(r);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
    struct redis *r = w->data;
    int64_t now = monotonic();

    (void)loop;
    (void)events;
    while (r->due && r->due->deadline <= now) {
        struct store_read *read = r->due->read;
        r->due->read = NULL;
        r->due = r->due->next;
        r->metrics->redis_timeouts++;
        if (read)
            finish(read, STORE_SLOW, STR(""));
    }
    if (r->oldest && r->oldest->deadline + r->grace <= now)
        redis_conn_drop(r->conn, "it does not answer");
    arm(r);
}

static void redis_free(struct store *store)
{
    struct redis *r = (struct redis *)store;

    redis_conn_free(r->conn);
    ev_timer_stop(r->loop, &r->timer);
    for (struct command *c = r->unused, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(r);
}

struct store *redis_new(struct ev_loop *loop, const struct redis_options *options,
                        struct metrics *metrics)
{
    static const struct store_ops ops = {.get = redis_get,
                                         .put = redis_put,
                                         .cancel = redis_cancel,
                                         .ready = redis_ready,
                                         .free = redis_free};
    struct redis *r = malloc(sizeof *r);
    int64_t timeout = options->timeout * 1000000;

    if (!r)
        return NULL;
    *r = (struct redis){.store.ops = &ops,
                        .loop = loop,
                        .metrics = metrics,
                        .timeout = timeout,
                        .grace = timeout > 50000000 ? timeout * 20 : 1000000000,
                        .max_pending = (size_t)options->max_pending};
    ev_timer_init(&r->timer, on_timer, 0., 0.);
    /* An answer that came in the same turn as the deadline is taken first. */
    ev_set_priority(&r->timer, EV_MINPRI);
    r->timer.data = r;
    r->conn = redis_conn_new(loop, options, metrics);
    if (!r->conn) {
        free(r);
        return NULL;
    }
    return &r->store;
}
