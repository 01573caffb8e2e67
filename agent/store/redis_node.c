#include "redis_node.h"

#include "net/clock.h"
#include "net/log.h"
#include "redis.h"
#include "redis_advice.h"
#include "redis_breaker.h"

#include <stdlib.h>

enum {
    MOST_NODES = 1024,
    MOST_PUT_BYTES = 16 << 20, /* that wait: hiredis moves them to the front after each write */
};

static const int64_t SAY_AGAIN = 60LL * CLOCK_SECOND; /* the same error */
static const int64_t RENEW_AGAIN = 10LL * CLOCK_SECOND;

struct redis_node {
    struct redis_pool *pool;
    struct redis_node *next; /* in the pool */
    struct redis_conn *conn;
    struct redis_watch *watch; /* NULL: not watched */
    bool up, advised, mark;
    size_t reads, writes, put_bytes, late; /* what waits, and reads of it that are late */
    int64_t heard;                         /* when it answered last, or began to be waited for */
    int64_t sent;                          /* when a command was sent last */
    int64_t renewed; /* when a connection was ended that was not the right one */
    int64_t said[RESP_ERROR_COUNT];
    ev_timer life; /* it has to answer by then */
    struct redis_breaker breaker;
    ev_timer retry;         /* the next try of an open breaker, or the end of one */
    bool trying, try_waits; /* a try counts still; its answer has not come */
    size_t address_len;
    char address[];
};

static bool has_waiting(const struct redis_node *n)
{
    return n->reads + n->writes > 0;
}

static void set_timer(struct redis_node *n, ev_timer *timer, int64_t nanoseconds)
{
    ev_timer_stop(n->pool->loop, timer);
    ev_timer_set(timer, nanoseconds > 0 ? (ev_tstamp)nanoseconds / 1e9 : 0., 0.);
    ev_timer_start(n->pool->loop, timer);
}

/* How long it may be silent while something waits. */
static int64_t patience(const struct redis_pool *p)
{
    return p->timeout + (p->timeout > 50LL * CLOCK_MS ? p->timeout * 20 : CLOCK_SECOND);
}

static void on_life(struct ev_loop *loop, ev_timer *w, int events)
{
    struct redis_node *n = w->data;
    int64_t left = n->heard + patience(n->pool) - clock_now();

    (void)loop;
    (void)events;
    if (!has_waiting(n))
        return;
    if (left > 0)
        set_timer(n, w, left);
    else if (redis_conn_ready(n->conn))
        redis_conn_drop(n->conn, "it does not answer");
}

static bool is_due(int64_t *last, int64_t every)
{
    int64_t now = clock_now();

    if (*last && now - *last < every)
        return false;
    *last = now;
    return true;
}

/* The connection leads to a node that is not, or not any more, what was wanted. */
static void renew(struct redis_node *n, const char *why)
{
    if (redis_conn_ready(n->conn) && is_due(&n->renewed, RENEW_AGAIN))
        redis_conn_drop(n->conn, why);
}

static void wait_to_retry(struct redis_node *n)
{
    set_timer(n, &n->retry, (int64_t)((double)n->breaker.pause * redis_conn_jitter(n->conn)));
}

static void failed(struct redis_node *n)
{
    if (!redis_breaker_failed(&n->breaker, clock_now()))
        return;
    n->pool->metrics->redis_breaker_open++;
    n->pool->metrics->redis_breaker_opens++;
    log_write(LOG_LEVEL_WARNING, "Redis at %s failed again and again: it is not asked for %d ms",
              n->address, (int)(n->breaker.pause / CLOCK_MS));
    n->trying = false;
    wait_to_retry(n);
}

/* How a try went: an open breaker closes, or waits for the next one. */
static void tried(struct redis_node *n, bool good)
{
    n->trying = false;
    redis_breaker_tried(&n->breaker, clock_now(), good);
    if (good) {
        ev_timer_stop(n->pool->loop, &n->retry);
        n->pool->metrics->redis_breaker_open--;
        log_write(LOG_LEVEL_INFO, "Redis at %s is asked again", n->address);
    } else {
        wait_to_retry(n);
    }
}

/* A user who may not use PING was answered all the same. */
static void on_try(redisAsyncContext *ac, void *answer, void *context)
{
    const redisReply *reply = answer;
    struct redis_node *n = context;

    (void)ac;
    n->try_waits = false;
    if (n->trying)
        tried(n, reply && (reply->type == REDIS_REPLY_STATUS ||
                           (reply->type == REDIS_REPLY_ERROR &&
                            resp_error_of(str_of(reply->str)) == RESP_NOPERM)));
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int events)
{
    struct redis_node *n = w->data;
    bool can_try = !n->try_waits && !n->late;

    (void)loop;
    (void)events;
    if (n->trying) {
        tried(n, false);
    } else if (can_try && redis_conn_send(n->conn, on_try, n, STR("*1\r\n$4\r\nPING\r\n"))) {
        n->trying = n->try_waits = true;
        set_timer(n, w, n->pool->timeout);
    } else {
        wait_to_retry(n);
    }
}

static void say_error(struct redis_node *n, enum resp_error error, const char *text)
{
    if (is_due(&n->said[error], SAY_AGAIN))
        log_write(LOG_LEVEL_WARNING, "Redis at %s answers \"%.100s\"", n->address, text);
}

static void on_error(struct redis_node *n, enum resp_error error, const char *text)
{
    n->pool->metrics->redis_errors[error]++;
    if (!n->pool->redirects || (error != RESP_MOVED && error != RESP_ASK))
        say_error(n, error, text);
    switch (error) {
    case RESP_LOADING:
    case RESP_BUSY:
        failed(n);
        break;
    case RESP_READONLY:
    case RESP_MASTERDOWN:
        renew(n, "it is a replica");
        n->pool->trouble(n->pool->context);
        break;
    case RESP_NOAUTH:
    case RESP_WRONGPASS:
        renew(n, "it wants another login");
        break;
    case RESP_MOVED:
    case RESP_CLUSTERDOWN:
        n->pool->trouble(n->pool->context);
        break;
    default:
        break;
    }
}

static void account(struct redis_command *c, int change)
{
    struct redis_node *n = c->node;
    size_t more = (size_t)change; /* or less: it wraps */

    if (c->write)
        n->writes += more, n->put_bytes += more * c->put_bytes;
    else
        n->reads += more;
    n->pool->metrics->redis_pending += (uint64_t)change;
}

static void judge(struct redis_node *n, const struct redis_command *c, const redisReply *reply)
{
    bool value = reply->type == c->answer ||
                 (reply->type == REDIS_REPLY_NIL && c->answer != REDIS_REPLY_INTEGER);

    if (reply->type == REDIS_REPLY_ERROR)
        on_error(n, resp_error_of(str_of(reply->str)), reply->str);
    else if (!c->write && !value)
        on_error(n, RESP_OTHER, c->answer == REDIS_REPLY_INTEGER ? "no number" : "no string");
    else if (!c->write && !c->late)
        redis_breaker_passed(&n->breaker);
}

static void count_time(struct metrics *m, const struct redis_command *c, int64_t now)
{
    histogram_count(c->write ? &m->redis_write_time : &m->redis_read_time, &histogram_times,
                    (uint64_t)(now - c->sent));
}

static void on_reply(redisAsyncContext *ac, void *answer, void *context)
{
    struct redis_command *c = context;
    struct redis_node *n = c->node;

    (void)ac;
    account(c, -1);
    n->late -= c->late;
    if (answer) {
        n->heard = clock_now();
        count_time(n->pool->metrics, c, n->heard);
        judge(n, c, answer);
    }
    c->node = NULL;
    n->pool->answered(n->pool->context, n, c, answer);
}

static void on_up(void *context)
{
    struct redis_node *n = context;

    n->up = true;
    n->pool->metrics->redis_up++;
    n->pool->metrics->redis_connects++;
    if (n->watch)
        redis_watch_compare(n->watch, n->conn);
    if (n->pool->own_keys.len && !n->advised)
        redis_advice_ask(n->conn, n->address, n->pool->own_keys);
    n->advised = true;
    if (n->breaker.open && !n->trying)
        set_timer(n, &n->retry, 0);
}

static void on_down(void *context)
{
    struct redis_node *n = context;

    n->pool->metrics->redis_up -= n->up;
    n->pool->metrics->redis_failures++;
    n->up = false;
    n->pool->trouble(n->pool->context);
}

static void init_timer(struct redis_node *n, ev_timer *timer,
                       void (*callback)(struct ev_loop *, ev_timer *, int))
{
    ev_timer_init(timer, callback, 0., 0.);
    /* An answer that came in the same turn is taken first. */
    ev_set_priority(timer, EV_MINPRI);
    timer->data = n;
}

/* False when there is no memory or the address is none. */
static bool open_connections(struct redis_node *n)
{
    const struct redis_pool *p = n->pool;
    struct redis_conn_options options = p->conn;
    struct redis_conn_events events = {on_up, on_down, n};

    options.address = redis_node_address(n);
    n->conn = redis_conn_new(p->loop, &options, &events);
    if (!n->conn || !p->watch.changed)
        return n->conn != NULL;
    n->watch = redis_watch_new(p->loop, &options, p->own_keys, &p->watch);
    if (n->watch)
        return true;
    redis_conn_free(n->conn);
    return false;
}

static struct redis_node *node_new(struct redis_pool *p, struct str address)
{
    struct redis_node *n = calloc(1, sizeof *n + address.len + 1);

    if (!n)
        return NULL;
    n->pool = p;
    n->address_len = address.len;
    if (address.len)
        memcpy(n->address, address.ptr, address.len);
    init_timer(n, &n->life, on_life);
    init_timer(n, &n->retry, on_retry);
    if (open_connections(n)) {
        p->metrics->redis_nodes++;
        return n;
    }
    free(n);
    return NULL;
}

struct redis_node *redis_pool_node(struct redis_pool *p, struct str address)
{
    struct redis_node **at = &p->nodes;
    size_t count = 0;

    for (; *at; at = &(*at)->next, count++)
        if (str_eq(redis_node_address(*at), address))
            return *at;
    if (count < MOST_NODES)
        *at = node_new(p, address);
    return *at;
}

void redis_pool_drop(struct redis_pool *p, struct redis_node *n)
{
    struct redis_node **at = &p->nodes;

    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    bool covered = redis_node_coverage(n) != 0;
    redis_conn_free(n->conn);
    if (n->watch)
        redis_watch_free(n->watch);
    ev_timer_stop(p->loop, &n->life);
    ev_timer_stop(p->loop, &n->retry);
    p->metrics->redis_nodes--;
    p->metrics->redis_up -= n->up;
    p->metrics->redis_breaker_open -= n->breaker.open;
    free(n);
    if (covered)
        p->watch.covers(p->watch.context, false);
}

void redis_pool_free(struct redis_pool *p)
{
    while (p->nodes)
        redis_pool_drop(p, p->nodes);
}

bool redis_node_ready(const struct redis_node *n)
{
    return redis_conn_ready(n->conn) && !n->late && !n->breaker.open;
}

bool redis_node_takes_read(const struct redis_node *n, enum store_result *why)
{
    bool full = n->reads >= n->pool->max_pending;

    if (redis_node_ready(n) && !full)
        return true;
    if (!redis_conn_ready(n->conn) || n->breaker.open)
        *why = STORE_DOWN;
    else
        *why = n->late ? STORE_SLOW : STORE_BUSY;
    return false;
}

bool redis_node_takes_write(const struct redis_node *n, size_t bytes)
{
    return redis_node_ready(n) && n->writes < n->pool->max_pending &&
           n->put_bytes <= MOST_PUT_BYTES && bytes <= MOST_PUT_BYTES - n->put_bytes;
}

bool redis_node_send(struct redis_node *n, struct redis_command *c, bool asking)
{
    if (asking && !redis_conn_send(n->conn, NULL, NULL, STR("*1\r\n$6\r\nASKING\r\n")))
        return false;
    if (!redis_conn_send(n->conn, on_reply, c, (struct str){c->bytes, c->len}))
        return false;
    n->sent = clock_now();
    if (!has_waiting(n)) {
        n->heard = n->sent;
        if (!ev_is_active(&n->life))
            set_timer(n, &n->life, patience(n->pool));
    }
    c->node = n;
    c->sent = n->sent;
    c->coverage = redis_node_coverage(n);
    account(c, 1);
    n->pool->metrics->redis_commands++;
    return true;
}

void redis_node_late(struct redis_command *command)
{
    struct redis_node *n = command->node;

    command->late = true;
    if (n->late++ == 0)
        failed(n);
}

uint32_t redis_node_coverage(const struct redis_node *n)
{
    return n->watch ? redis_watch_coverage(n->watch) : 0;
}

bool redis_node_is_fresh(const struct redis_node *n)
{
    return n->watch && redis_watch_is_fresh(n->watch);
}

size_t redis_pool_states(const struct redis_pool *p, struct redis_state *out, size_t max)
{
    size_t count = 0;

    for (const struct redis_node *n = p->nodes; n; n = n->next, count++)
        if (count < max)
            out[count] = (struct redis_state){redis_node_address(n), n->up, n->breaker.open,
                                              n->reads + n->writes};
    return count;
}

struct str redis_node_address(const struct redis_node *n)
{
    return (struct str){n->address, n->address_len};
}

struct redis_node *redis_node_next(const struct redis_node *n)
{
    return n->next;
}

bool *redis_node_mark(struct redis_node *n)
{
    return &n->mark;
}

bool redis_node_idle(const struct redis_node *n, int64_t nanoseconds)
{
    return !has_waiting(n) && clock_now() - n->sent >= nanoseconds;
}
