/* The daemon of libmicrohttpd in our loop. What its clients do must not cost lookups their time:
 * after each turn of the daemon the door rests for REST times as long as that took, and does not
 * even accept; and within a turn no second action begins after TURN. */
#include "http_private.h"

#include "clock.h"
#include <stdlib.h>

enum {
    CONNECTIONS = 64,
    IDLE_SECONDS = 10, /* without a byte */
    LIFE = 20,         /* seconds for a request, from the first byte to the last */
    TURN = CLOCK_MS,
    REST = 9,
};

/* A connection, among all of a door. */
struct http_peer {
    struct MHD_Connection *connection;
    int64_t since; /* clock_now() when it began, or its last request ended */
    struct http_peer **at, *next;
};

static void peer_open(struct http_door *door, struct MHD_Connection *connection, void **context)
{
    struct http_peer *peer = malloc(sizeof *peer);

    *context = peer;
    if (!peer)
        return;
    *peer = (struct http_peer){connection, clock_now(), &door->peers, door->peers};
    if (peer->next)
        peer->next->at = &peer->next;
    door->peers = peer;
}

static void peer_close(void **context)
{
    struct http_peer *peer = *context;

    *context = NULL;
    if (!peer)
        return;
    *peer->at = peer->next;
    if (peer->next)
        peer->next->at = peer->at;
    free(peer);
}

static void on_connection(void *door, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        peer_open(door, connection, context);
    else
        peer_close(context);
}

static void on_completed(void *door, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_peer *peer = info ? info->socket_context : NULL;

    (void)door;
    (void)why;
    if (peer)
        peer->since = clock_now();
    http_client_completed(*state);
    *state = NULL;
}

/* The daemon ends who is silent; who sends a byte now and then would stay. */
static void end_slow(struct http_door *door)
{
    int64_t oldest = clock_now() - (int64_t)LIFE * CLOCK_SECOND;

    for (struct http_peer *peer = door->peers; peer; peer = peer->next)
        if (peer->since < oldest)
            shutdown(MHD_get_connection_info(peer->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
                         ->connect_fd,
                     SHUT_RDWR);
}

static void begin_rest(struct http_door *door, int64_t nanoseconds)
{
    double seconds = (double)nanoseconds / CLOCK_SECOND;

    ev_io_stop(door->loop, &door->ready);
    for (size_t i = 0; i < door->listener_count; i++)
        listener_pause(&door->listeners[i], seconds);
    ev_timer_stop(door->loop, &door->rest);
    ev_timer_set(&door->rest, seconds, 0.);
    ev_timer_start(door->loop, &door->rest);
}

/* Lets the daemon do something. It reads a piece of a long body at a time, and says by its timeout
 * that it knows of more: epoll does not say that again. */
static void run(struct http_door *door)
{
    MHD_UNSIGNED_LONG_LONG timeout;
    int64_t began = clock_now();

    door->again = door->acted = false;
    door->turn_ends = began + TURN;
    http_client_resume(door);
    MHD_run(door->daemon);
    door->again |= MHD_get_timeout(door->daemon, &timeout) == MHD_YES && timeout == 0;
    begin_rest(door, (clock_now() - began) * REST);
}

static void on_ready(struct ev_loop *loop, ev_io *io, int events)
{
    (void)loop;
    (void)events;
    run(io->data);
}

static void on_rested(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct http_door *door = timer->data;

    (void)events;
    ev_io_start(loop, &door->ready);
    if (door->again)
        run(door);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct http_door *door = timer->data;

    (void)loop;
    (void)events;
    end_slow(door);
    http_door_wake(door);
}

void http_door_wake(struct http_door *door)
{
    door->again = true;
    if (!ev_is_active(&door->rest))
        begin_rest(door, 0);
}

static void on_accepted(void *ctx, int fd)
{
    struct http_door *door = ctx;
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof peer;

    getpeername(fd, (struct sockaddr *)&peer, &len);
    /* takes the descriptor over, and closes it when there are too many */
    MHD_add_connection(door->daemon, fd, (struct sockaddr *)&peer, len);
    http_door_wake(door);
}

static bool start_daemon(struct http_door *door)
{
    door->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0,
                         NULL, NULL, http_client_request, door, MHD_OPTION_NOTIFY_COMPLETED,
                         on_completed, door, MHD_OPTION_NOTIFY_CONNECTION, on_connection, door,
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_END);
    return door->daemon != NULL;
}

static void watch_daemon(struct http_door *door)
{
    int fd = MHD_get_daemon_info(door->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;

    ev_io_init(&door->ready, on_ready, fd, EV_READ);
    ev_set_priority(&door->ready, EV_MINPRI); /* lookups first */
    ev_timer_init(&door->tick, on_tick, 1., 1.);
    ev_timer_init(&door->rest, on_rested, 0., 0.);
    door->ready.data = door->tick.data = door->rest.data = door;
    ev_io_start(door->loop, &door->ready);
    ev_timer_start(door->loop, &door->tick);
}

/* NULL, or what failed. */
static const char *listen_at(struct http_door *door, const struct str_list *addresses,
                             struct str *where)
{
    const char *error = NULL;

    for (size_t i = 0; i < addresses->count && !error; i++) {
        *where = addresses->items[i];
        error = listener_open(&door->listeners[i], door->loop, *where, on_accepted, door);
        if (!error)
            door->listener_count++;
    }
    return error;
}

struct http_door *http_door_open(struct ev_loop *loop, const struct http_door_options *options,
                                 struct str *where, const char **error)
{
    struct http_door *door = calloc(1, sizeof *door);

    *where = options->addresses->items[0];
    *error = "out of memory";
    if (!door)
        return NULL;
    *door = (struct http_door){.options = *options, .loop = loop};
    door->listeners = calloc(options->addresses->count, sizeof *door->listeners);
    if (!door->listeners || !start_daemon(door)) {
        free(door->listeners);
        free(door);
        return NULL;
    }
    watch_daemon(door);
    *error = listen_at(door, options->addresses, where);
    if (!*error)
        return door;
    http_door_close(door);
    return NULL;
}

void http_door_close(struct http_door *door)
{
    if (!door)
        return;
    while (door->listener_count)
        listener_close(&door->listeners[--door->listener_count]);
    ev_io_stop(door->loop, &door->ready);
    ev_timer_stop(door->loop, &door->tick);
    ev_timer_stop(door->loop, &door->rest);
    http_client_release(door);
    MHD_stop_daemon(door->daemon);
    free(door->listeners);
    free(door);
}
