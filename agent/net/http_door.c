#include "http_door.h"

#include "listener.h"
#include <microhttpd.h>
#include <stdlib.h>

enum { DOOR_CONNECTIONS = 64, DOOR_TIMEOUT_SECONDS = 10, DOOR_PAGE_MAX = 1 << 20 };

struct http_door {
    struct http_door_options options;
    struct ev_loop *loop;
    struct listener listener;
    struct MHD_Daemon *daemon;
    ev_io ready;
    ev_timer tick; /* lets connections time out */
};

static enum MHD_Result reply(struct MHD_Connection *client, unsigned code, struct str body,
                             const char *content_type)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body.len, (void *)(uintptr_t)body.ptr, MHD_RESPMEM_MUST_COPY);

    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", content_type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    enum MHD_Result result = MHD_queue_response(client, code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result reply_metrics(struct http_door *door, struct MHD_Connection *client)
{
    struct buf page = buf_new(DOOR_PAGE_MAX);

    metrics_render(door->options.metrics, door->options.version, &page);
    enum MHD_Result result =
        reply(client, MHD_HTTP_OK, buf_str(&page), "text/plain; version=0.0.4; charset=utf-8");
    buf_free(&page);
    return result;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *client, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    static const char text[] = "text/plain; charset=utf-8";
    struct http_door *door = ctx;

    (void)version;
    (void)upload;
    (void)upload_size;
    (void)state;
    if (strcmp(method, "GET") != 0)
        return reply(client, MHD_HTTP_METHOD_NOT_ALLOWED, STR("only GET\n"), text);
    if (strcmp(path, "/metrics") == 0)
        return reply_metrics(door, client);
    if (strcmp(path, "/healthz") == 0)
        return reply(client, MHD_HTTP_OK, STR("alive\n"), text);
    if (strcmp(path, "/readyz") == 0 && door->options.ready(door->options.ctx))
        return reply(client, MHD_HTTP_OK, STR("ready\n"), text);
    if (strcmp(path, "/readyz") == 0)
        return reply(client, MHD_HTTP_SERVICE_UNAVAILABLE, STR("the store is not ready\n"), text);
    return reply(client, MHD_HTTP_NOT_FOUND, STR("/metrics /healthz /readyz\n"), text);
}

static void on_ready(struct ev_loop *loop, ev_io *io, int events)
{
    struct http_door *door = io->data;

    (void)loop;
    (void)events;
    MHD_run(door->daemon);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct http_door *door = timer->data;

    (void)loop;
    (void)events;
    MHD_run(door->daemon);
}

static void on_accepted(void *ctx, int fd)
{
    struct http_door *door = ctx;
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof peer;

    getpeername(fd, (struct sockaddr *)&peer, &len);
    /* takes the descriptor over, and closes it when there are too many */
    MHD_add_connection(door->daemon, fd, (struct sockaddr *)&peer, len);
    MHD_run(door->daemon);
}

static bool start_daemon(struct http_door *door)
{
    door->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL,
                                    on_request, door, MHD_OPTION_CONNECTION_LIMIT,
                                    (unsigned)DOOR_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
                                    (unsigned)DOOR_TIMEOUT_SECONDS, MHD_OPTION_END);
    return door->daemon != NULL;
}

static void watch_daemon(struct http_door *door)
{
    int fd = MHD_get_daemon_info(door->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;

    ev_io_init(&door->ready, on_ready, fd, EV_READ);
    door->ready.data = door;
    ev_io_start(door->loop, &door->ready);
    ev_timer_init(&door->tick, on_tick, 1., 1.);
    door->tick.data = door;
    ev_timer_start(door->loop, &door->tick);
}

struct http_door *http_door_open(struct ev_loop *loop, const struct http_door_options *options,
                                 const char **error)
{
    struct http_door *door = calloc(1, sizeof *door);

    *error = "out of memory";
    if (!door)
        return NULL;
    *door = (struct http_door){.options = *options, .loop = loop};
    if (!start_daemon(door)) {
        free(door);
        return NULL;
    }
    *error = listener_open(&door->listener, loop, options->address, on_accepted, door);
    if (*error) {
        MHD_stop_daemon(door->daemon);
        free(door);
        return NULL;
    }
    watch_daemon(door);
    return door;
}

void http_door_close(struct http_door *door)
{
    if (!door)
        return;
    listener_close(&door->listener);
    ev_io_stop(door->loop, &door->ready);
    ev_timer_stop(door->loop, &door->tick);
    MHD_stop_daemon(door->daemon);
    free(door);
}
