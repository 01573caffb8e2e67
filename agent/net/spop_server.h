/* All connections from HAProxy in one process: accepts, settles, expires and drains them. */
#ifndef NET_SPOP_SERVER_H
#define NET_SPOP_SERVER_H

#include "core/metrics.h"
#include "core/spop.h"
#include <ev.h>

struct spop_conn;
struct spop_server;

struct spop_handler {
    /* Reads the payload of a NOTIFY; the frame and its slices live until it returns. It opens an
     * exchange (spop_conn.h) and returns SPOP_NORMAL, or opens none and returns the code to
     * disconnect with. */
    enum spop_error (*notify)(void *ctx, struct spop_conn *conn, const struct spop_frame *frame);
    void *ctx;
};

/* What may change while the server runs; times in milliseconds, 0 for never. */
struct spop_limits {
    uint32_t max_frame_size;
    size_t max_connections;
    int64_t hello_timeout, idle_timeout;
};

/* A server without connections and without limits. NULL without memory. */
struct spop_server *spop_server_new(struct ev_loop *loop, const struct spop_handler *handler,
                                    struct metrics *metrics);

/* Limits for what comes from now on. */
void spop_server_set_limits(struct spop_server *server, const struct spop_limits *limits);

/* Takes over a connected descriptor that does not block. Fits listener_open(). */
void spop_server_accept(void *server, int fd);

/* From now on health checks fail, and HAProxy stops asking; all else goes on. */
void spop_server_fail_checks(struct spop_server *server);

/* From now on connections close as soon as they owe nothing. `done` is called when none is left,
 * perhaps at once. */
void spop_server_drain(struct spop_server *server, void (*done)(void *ctx), void *ctx);

/* Closes everything at once and frees it; exchanges still open lose their connection. */
void spop_server_free(struct spop_server *server);

#endif
