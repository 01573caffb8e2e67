#include "redis_guide.h"

#include "net/clock.h"
#include "redis_slot.h"

#include <stdlib.h>

struct redis_guide {
    struct redis_guide_options options;
    struct ev_loop *loop;
    struct redis_conn *conn; /* NULL before the first and when there is no memory */
    size_t next;             /* address to try */
    int64_t opened;          /* when the present server was turned to */
    bool wanted;             /* the answer is still to come, or came and is wrong */
    struct redis_conn_log log;
    ev_timer timer; /* goes to the next server */
    char address[REDIS_ADDRESS_MAX];
};

static void set_timer(struct redis_guide *g, int64_t nanoseconds)
{
    ev_now_update(g->loop);
    ev_timer_stop(g->loop, &g->timer);
    ev_timer_set(&g->timer, nanoseconds > 0 ? (ev_tstamp)nanoseconds / 1e9 : 0., 0.);
    ev_timer_start(g->loop, &g->timer);
}

void redis_guide_ask(struct redis_guide *g)
{
    if (g->wanted)
        return;
    g->wanted = true;
    set_timer(g, g->opened + CLOCK_SECOND - clock_now());
}

void redis_guide_answered(struct redis_guide *g)
{
    g->wanted = false;
    ev_timer_stop(g->loop, &g->timer);
}

static void on_up(void *context)
{
    struct redis_guide *g = context;

    g->options.ask(g->options.context, g->conn);
}

static void on_down(void *context)
{
    redis_guide_ask(context);
}

/* Turns to the next address; the first one follows the last. */
static struct str next_address(struct redis_guide *g)
{
    struct str address = g->options.address(g->options.context, g->next++);

    if (address.len == 0) {
        g->next = 1;
        address = g->options.address(g->options.context, 0);
    }
    return address;
}

static void keep_address(struct redis_guide *g, struct str address)
{
    size_t len = address.len < sizeof g->address ? address.len : 0;

    if (len)
        memcpy(g->address, address.ptr, len);
    g->address[len] = '\0';
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
    struct redis_guide *g = w->data;
    struct redis_conn_options options = g->options.conn;
    struct redis_conn_events tell = {on_up, on_down, g};

    (void)events;
    if (g->conn)
        redis_conn_free(g->conn);
    options.log = &g->log;
    options.address = next_address(g);
    keep_address(g, options.address);
    g->conn = redis_conn_new(loop, &options, &tell);
    g->opened = clock_now();
    g->wanted = true;
    set_timer(g, CLOCK_SECOND);
}

struct redis_guide *redis_guide_new(struct ev_loop *loop, const struct redis_guide_options *options)
{
    struct redis_guide *g = calloc(1, sizeof *g);

    if (!g)
        return NULL;
    g->options = *options;
    g->loop = loop;
    g->wanted = true;
    ev_timer_init(&g->timer, on_timer, 0., 0.);
    g->timer.data = g;
    set_timer(g, 0);
    return g;
}

struct str redis_guide_address(const struct redis_guide *g)
{
    return str_of(g->address);
}

void redis_guide_free(struct redis_guide *g)
{
    ev_timer_stop(g->loop, &g->timer);
    if (g->conn)
        redis_conn_free(g->conn);
    free(g);
}
