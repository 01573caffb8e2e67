#include "spop_private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHECKS = 16 }; /* connections above the limit, so that health checks still get an answer */
static const double SWEEP_SECONDS = 1.;

static void report_drained(struct spop_server *server)
{
    void (*drained)(void *ctx) = server->drained;

    if (!server->draining || server->conns || !drained)
        return;
    server->drained = NULL;
    drained(server->drained_ctx);
}

static void settle_all(struct ev_loop *loop, ev_prepare *prepare, int events)
{
    struct spop_server *server = prepare->data;

    (void)loop;
    (void)events;
    while (server->dirty) {
        struct spop_conn *conn = server->dirty;
        server->dirty = conn->next_dirty;
        conn->dirty = false;
        if (conn->state != CONN_CLOSED)
            spop_conn_settle(conn);
        if (conn->state == CONN_CLOSED && !conn->dirty)
            spop_conn_free(conn);
    }
    report_drained(server);
}

static void sweep(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct spop_server *server = timer->data;
    struct spop_conn *next;

    (void)events;
    for (struct spop_conn *conn = server->conns; conn; conn = next) {
        next = conn->next;
        spop_conn_expire(conn, ev_now(loop));
    }
}

struct spop_server *spop_server_new(struct ev_loop *loop, const struct spop_handler *handler,
                                    struct metrics *metrics)
{
    struct spop_server *server = calloc(1, sizeof *server);

    if (!server)
        return NULL;
    *server = (struct spop_server){.loop = loop, .handler = *handler, .metrics = metrics};
    server->scratch = malloc(SPOP_READ_SIZE);
    if (!server->scratch) {
        free(server);
        return NULL;
    }
    ev_prepare_init(&server->settle, settle_all);
    server->settle.data = server;
    ev_prepare_start(loop, &server->settle);
    ev_timer_init(&server->sweep, sweep, SWEEP_SECONDS, SWEEP_SECONDS);
    server->sweep.data = server;
    ev_timer_start(loop, &server->sweep);
    return server;
}

void spop_server_set_limits(struct spop_server *server, const struct spop_limits *limits)
{
    server->limits = *limits;
}

/* Small answers leave at once; an HAProxy that vanished without a word is noticed. All of it fails
 * on a unix socket, which needs none of it. */
static void tune(int fd)
{
    const int on = 1, idle = 60, interval = 10, count = 3; /* seconds, seconds, probes */

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

void spop_server_accept(void *ctx, int fd)
{
    struct spop_server *server = ctx;

    tune(fd);
    if (server->metrics->spop_connections < server->limits.max_connections + CHECKS &&
        spop_conn_new(server, fd))
        return;
    server->metrics->spop_rejected++;
    close(fd);
}

void spop_server_fail_checks(struct spop_server *server)
{
    server->failing_checks = true;
}

void spop_server_drain(struct spop_server *server, void (*done)(void *ctx), void *ctx)
{
    server->draining = true;
    server->drained = done;
    server->drained_ctx = ctx;
    for (struct spop_conn *conn = server->conns; conn; conn = conn->next)
        spop_conn_mark(conn);
    report_drained(server);
}

void spop_server_free(struct spop_server *server)
{
    while (server->conns)
        spop_conn_close(server->conns);
    server->draining = false;
    settle_all(server->loop, &server->settle, 0);
    ev_prepare_stop(server->loop, &server->settle);
    ev_timer_stop(server->loop, &server->sweep);
    free(server->scratch);
    free(server);
}
