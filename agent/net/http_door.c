#include "http_door.h"

#include "listener.h"
#include <microhttpd.h>
#include <stdlib.h>

enum {
    DOOR_CONNECTIONS = 64,
    DOOR_TIMEOUT_SECONDS = 10,
    DOOR_PAGE_MAX = 1 << 20,
    DOOR_CALL_MAX = 1 << 20,   /* bytes of the body of a POST */
    DOOR_TEXT_MAX = 256 << 20, /* of what an action says */
    DOOR_TOO_LARGE = 413,      /* whose name differs between versions of libmicrohttpd */
};

static const char text_plain[] = "text/plain; charset=utf-8";

/* A call under way. It belongs to its connection, and to its action once that has put off the
 * answer: who lets go last frees it. */
struct http_client {
    struct http_door *door;
    struct MHD_Connection *connection; /* suspended while it waits; NULL: gone */
    struct http_client **at, *next;    /* among those that wait */
    struct buf body, text;
    unsigned code; /* of the answer; 0: none yet */
    bool owed;     /* by the action */
};

struct http_door {
    struct http_door_options options;
    struct ev_loop *loop;
    struct listener listener;
    struct MHD_Daemon *daemon;
    ev_io ready;
    ev_timer tick; /* lets connections time out */
    ev_timer more; /* to go on, in the next turn of the loop */
    struct http_client *waiting;
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

static enum MHD_Result reply_text(struct MHD_Connection *client, unsigned code, struct str text)
{
    return reply(client, code, text, text_plain);
}

static enum MHD_Result look(struct http_door *door, struct MHD_Connection *client, const char *path)
{
    if (strcmp(path, "/metrics") == 0)
        return reply_metrics(door, client);
    if (strcmp(path, "/healthz") == 0)
        return reply_text(client, MHD_HTTP_OK, STR("alive\n"));
    if (strcmp(path, "/readyz") == 0 && door->options.ready(door->options.ctx))
        return reply_text(client, MHD_HTTP_OK, STR("ready\n"));
    if (strcmp(path, "/readyz") == 0)
        return reply_text(client, MHD_HTTP_SERVICE_UNAVAILABLE, STR("the store is not ready\n"));
    return reply_text(client, MHD_HTTP_NOT_FOUND, STR("/metrics /healthz /readyz\n"));
}

static const struct http_action *find_action(const struct http_door *door, const char *path)
{
    for (const struct http_action *action = door->options.actions; action->path; action++)
        if (strcmp(action->path, path) == 0)
            return action;
    return NULL;
}

/* One argument more; there is room for one too many. */
static enum MHD_Result add_argument(void *call_, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    struct http_call *call = call_;

    (void)kind;
    if (call->count == HTTP_CALL_ARGUMENTS)
        return MHD_NO;
    call->arguments[call->count++] =
        (struct http_argument){str_of(name), value ? str_of(value) : STR("")};
    return MHD_YES;
}

/* Leaves the connection alone until there is an answer. */
static void begin_wait(struct http_client *client)
{
    struct http_door *door = client->door;

    client->at = &door->waiting;
    client->next = door->waiting;
    if (client->next)
        client->next->at = &client->next;
    door->waiting = client;
    MHD_suspend_connection(client->connection);
}

/* The daemon comes back to the connection when it is run. */
static void end_wait(struct http_client *client)
{
    *client->at = client->next;
    if (client->next)
        client->next->at = client->at;
    client->at = NULL;
    MHD_resume_connection(client->connection);
}

static void client_free(struct http_client *client)
{
    buf_free(&client->body);
    buf_free(&client->text);
    free(client);
}

void http_door_answer(struct http_client *client, unsigned code, struct str text)
{
    client->owed = false;
    if (!client->connection) {
        client_free(client);
        return;
    }
    client->code = code;
    buf_append(&client->text, text);
    if (client->at) {
        end_wait(client);
        ev_timer_start(client->door->loop, &client->door->more);
    }
}

static void run_action(const struct http_action *action, struct http_client *client)
{
    struct http_call call = {.body = buf_str(&client->body), .client = client};

    if (MHD_get_connection_values(client->connection, MHD_GET_ARGUMENT_KIND, add_argument, &call) >
        (int)call.count) {
        client->code = MHD_HTTP_BAD_REQUEST;
        buf_append(&client->text, STR("too many arguments\n"));
        return;
    }
    client->owed = true;
    unsigned code = action->run(action->ctx, &call, &client->text);
    if (code) {
        client->owed = false;
        client->code = code;
    }
}

/* Called again when an answer that was put off is there. */
static enum MHD_Result act(const struct http_action *action, struct http_client *client)
{
    if (client->code == 0 && !client->owed)
        run_action(action, client);
    if (client->code == 0) {
        begin_wait(client);
        return MHD_YES;
    }
    return buf_ok(&client->text)
               ? reply_text(client->connection, client->code, buf_str(&client->text))
               : MHD_NO;
}

static bool is_private(const struct http_door *door)
{
    return str_starts(door->options.address, STR("unix:"));
}

/* A body is read to its end, also one that is not wanted: who is still sending may miss the answer.
 */
static enum MHD_Result begin_body(struct http_door *door, struct MHD_Connection *connection,
                                  void **state)
{
    struct http_client *client = malloc(sizeof *client);

    if (!client)
        return MHD_NO;
    *client = (struct http_client){.door = door,
                                   .connection = connection,
                                   .body = buf_new(is_private(door) ? DOOR_CALL_MAX : 0),
                                   .text = buf_new(DOOR_TEXT_MAX)};
    *state = client;
    return MHD_YES;
}

static enum MHD_Result end_body(const struct http_action *action, const char *method,
                                struct http_client *client)
{
    if (strcmp(method, "POST") != 0)
        return reply_text(client->connection, MHD_HTTP_METHOD_NOT_ALLOWED, STR("only POST\n"));
    if (!is_private(client->door))
        return reply_text(client->connection, MHD_HTTP_FORBIDDEN,
                          STR("admin calls need the unix socket: status = unix:PATH\n"));
    if (!buf_ok(&client->body))
        return reply_text(client->connection, DOOR_TOO_LARGE, STR("the body is too long\n"));
    return act(action, client);
}

/* Called when there is the head of a request, then for each piece of its body, then once more. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *piece,
                                  size_t *piece_len, void **state)
{
    struct http_door *door = ctx;
    const struct http_action *action = find_action(door, path);
    struct http_client *client = *state;

    (void)version;
    if (!action && strcmp(method, "GET") != 0)
        return reply_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, STR("only GET\n"));
    if (!action)
        return look(door, connection, path);
    if (!client)
        return begin_body(door, connection, state);
    if (*piece_len == 0)
        return end_body(action, method, client);
    buf_append(&client->body, (struct str){piece, *piece_len});
    *piece_len = 0;
    return MHD_YES;
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct http_client *client = *state;

    (void)ctx;
    (void)connection;
    (void)why;
    *state = NULL;
    if (!client)
        return;
    client->connection = NULL;
    if (!client->owed)
        client_free(client);
}

/* Lets the daemon do something. It reads a piece of a long body at a time, and says by its timeout
 * that it knows of more: epoll does not say that again. */
static void run(struct http_door *door)
{
    MHD_UNSIGNED_LONG_LONG timeout;

    MHD_run(door->daemon);
    if (MHD_get_timeout(door->daemon, &timeout) == MHD_YES && timeout == 0)
        ev_timer_start(door->loop, &door->more);
}

static void on_ready(struct ev_loop *loop, ev_io *io, int events)
{
    (void)loop;
    (void)events;
    run(io->data);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    run(timer->data);
}

static void on_accepted(void *ctx, int fd)
{
    struct http_door *door = ctx;
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof peer;

    getpeername(fd, (struct sockaddr *)&peer, &len);
    /* takes the descriptor over, and closes it when there are too many */
    MHD_add_connection(door->daemon, fd, (struct sockaddr *)&peer, len);
    run(door);
}

static bool start_daemon(struct http_door *door)
{
    door->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        on_request, door, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)DOOR_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)DOOR_TIMEOUT_SECONDS, MHD_OPTION_END);
    return door->daemon != NULL;
}

static void watch_daemon(struct http_door *door)
{
    int fd = MHD_get_daemon_info(door->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;

    ev_io_init(&door->ready, on_ready, fd, EV_READ);
    door->ready.data = door;
    ev_io_start(door->loop, &door->ready);
    ev_timer_init(&door->tick, on_timer, 1., 1.);
    ev_timer_init(&door->more, on_timer, 0., 0.);
    door->tick.data = door->more.data = door;
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
    ev_timer_stop(door->loop, &door->more);
    while (door->waiting)
        end_wait(door->waiting);
    MHD_stop_daemon(door->daemon);
    free(door);
}
