/* The daemons of libmicrohttpd in our loop, one for each address: who fills one up keeps nobody off
 * another. What clients do must not cost lookups their time: after each turn the door rests for
 * REST times as long as that took, and does not even accept; and when TURN is over, the daemon that
 * runs begins no second action, and those not run yet are first in the next. */
#include "http_private.h"

#include "clock.h"
#include "listener.h"
#include <stdlib.h>

enum {
    IDLE_SECONDS = 10, /* without a byte */
    LIFE = 20,         /* seconds for a request, from the first byte to the last */
    TURN = CLOCK_MS,
    REST = 9,
};

/* An address. */
struct http_entrance {
    struct http_door *door;
    struct listener listener;
    struct MHD_Daemon *daemon;
    ev_io ready;
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

    for (size_t i = 0; i < door->entrance_count; i++) {
        ev_io_stop(door->loop, &door->entrances[i].ready);
        listener_pause(&door->entrances[i].listener, seconds);
    }
    ev_timer_stop(door->loop, &door->rest);
    ev_timer_set(&door->rest, seconds, 0.);
    ev_timer_start(door->loop, &door->rest);
}

/* Lets the next daemon do something. It reads a piece of a long body at a time, and says by its
 * timeout that it knows of more: epoll does not say that again. Where turn follows turn, the loop
 * does not come to look who waits at the listener. */
static void run_next(struct http_door *door)
{
    struct http_entrance *entrance = &door->entrances[door->next];
    MHD_UNSIGNED_LONG_LONG timeout;

    door->next = (door->next + 1) % door->entrance_count;
    door->acted = false;
    listener_accept(&entrance->listener);
    MHD_run(entrance->daemon);
    door->again |= MHD_get_timeout(entrance->daemon, &timeout) == MHD_YES && timeout == 0;
}

/* A turn. */
static void run(struct http_door *door)
{
    int64_t began = clock_now();
    size_t left = door->entrance_count;

    door->again = false;
    door->turn_ends = began + TURN;
    http_client_resume(door);
    do
        run_next(door);
    while (--left && clock_now() <= door->turn_ends);
    door->again |= left > 0;
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
    for (size_t i = 0; i < door->entrance_count; i++)
        ev_io_start(loop, &door->entrances[i].ready);
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
    struct http_entrance *entrance = ctx;
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof peer;

    getpeername(fd, (struct sockaddr *)&peer, &len);
    /* takes the descriptor over, and closes it when there are too many */
    MHD_add_connection(entrance->daemon, fd, (struct sockaddr *)&peer, len);
    http_door_wake(entrance->door);
}

static struct MHD_Daemon *start_daemon(struct http_door *door)
{
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0,
                            NULL, NULL, http_client_request, door, MHD_OPTION_NOTIFY_COMPLETED,
                            on_completed, door, MHD_OPTION_NOTIFY_CONNECTION, on_connection, door,
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_DOOR_CONNECTIONS,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_END);
}

static void watch_daemon(struct http_entrance *entrance)
{
    int fd = MHD_get_daemon_info(entrance->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;

    ev_io_init(&entrance->ready, on_ready, fd, EV_READ);
    ev_set_priority(&entrance->ready, EV_MINPRI); /* lookups first */
    entrance->ready.data = entrance->door;
    ev_io_start(entrance->door->loop, &entrance->ready);
}

/* NULL, or what failed; then nothing is left of it. */
static const char *open_entrance(struct http_entrance *entrance, struct http_door *door,
                                 struct str address)
{
    const char *error;

    *entrance = (struct http_entrance){.door = door, .daemon = start_daemon(door)};
    if (!entrance->daemon)
        return "out of memory";
    error = listener_open(&entrance->listener, door->loop, address, on_accepted, entrance);
    if (error)
        MHD_stop_daemon(entrance->daemon);
    else
        watch_daemon(entrance);
    return error;
}

static void close_entrance(struct http_entrance *entrance)
{
    listener_close(&entrance->listener);
    ev_io_stop(entrance->door->loop, &entrance->ready);
    MHD_stop_daemon(entrance->daemon);
}

/* NULL, or what failed. */
static const char *open_entrances(struct http_door *door, const struct str_list *addresses,
                                  struct str *where)
{
    const char *error = NULL;

    door->entrances = calloc(addresses->count, sizeof *door->entrances);
    if (!door->entrances)
        return "out of memory";
    for (size_t i = 0; i < addresses->count && !error; i++) {
        *where = addresses->items[i];
        error = open_entrance(&door->entrances[i], door, *where);
        if (!error)
            door->entrance_count++;
    }
    return error;
}

static void start_timers(struct http_door *door)
{
    ev_timer_init(&door->tick, on_tick, 1., 1.);
    ev_timer_init(&door->rest, on_rested, 0., 0.);
    door->tick.data = door->rest.data = door;
    ev_timer_start(door->loop, &door->tick);
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
    start_timers(door);
    *error = open_entrances(door, options->addresses, where);
    if (!*error)
        return door;
    http_door_close(door);
    return NULL;
}

void http_door_close(struct http_door *door)
{
    if (!door)
        return;
    ev_timer_stop(door->loop, &door->tick);
    ev_timer_stop(door->loop, &door->rest);
    http_client_release(door);
    while (door->entrance_count)
        close_entrance(&door->entrances[--door->entrance_count]);
    free(door->entrances);
    free(door);
}
