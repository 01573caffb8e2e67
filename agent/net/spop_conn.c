#include "spop_private.h"

#include "log.h"
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONN_MAGIC = 0x5b0bc044,
    READS_PER_TURN = 8,     /* so that one connection cannot keep the loop to itself */
    OUTPUT_MARK = 1 << 20,  /* above it a connection is not read until its output is gone */
    OUTPUT_MAX = 256 << 20, /* EXCHANGES_MAX answers of 1 MB; what has no room is a miss */
    EXCHANGES_MAX = 256,    /* above it a connection is not read until some are answered */
};
static const double LINGER_SECONDS = 2., KEEP_SECONDS = 1., CROWDED_SECONDS = 1.;

static struct spop_conn *conn_of(ev_io *io)
{
    struct spop_conn *conn = io->data;

    if (!conn || conn->magic != CONN_MAGIC)
        abort();
    return conn;
}

/* Flushing, and closing, happens once, at the end of the turn. */
void spop_conn_mark(struct spop_conn *conn)
{
    if (conn->dirty)
        return;
    conn->dirty = true;
    conn->next_dirty = conn->server->dirty;
    conn->server->dirty = conn;
}

static void exchange_unlink(struct spop_exchange *ex)
{
    *ex->link = ex->next;
    if (ex->next)
        ex->next->link = ex->link;
    ex->conn->exchange_count--;
    ex->conn->server->metrics->spop_inflight--;
    ex->conn = NULL;
}

/* Nobody waits any more for what this connection has been asked. */
static void abandon_exchanges(struct spop_conn *conn)
{
    while (conn->exchanges)
        exchange_unlink(conn->exchanges);
}

void spop_conn_close(struct spop_conn *conn)
{
    if (conn->state == CONN_CLOSED)
        return;
    conn->state = CONN_CLOSED;
    abandon_exchanges(conn);
    ev_io_stop(conn->server->loop, &conn->readable);
    ev_io_stop(conn->server->loop, &conn->writable);
    close(conn->readable.fd);
    conn->server->metrics->spop_connections--;
    *conn->link = conn->next;
    if (conn->next)
        conn->next->link = conn->link;
    spop_conn_mark(conn);
}

void spop_conn_free(struct spop_conn *conn)
{
    buf_free(&conn->input);
    buf_free(&conn->output);
    conn->magic = 0;
    free(conn);
}

/* Says why, and closes once that is written. */
static void conn_disconnect(struct spop_conn *conn, enum spop_error error)
{
    if (error != SPOP_NORMAL) {
        metrics_count_spop_error(conn->server->metrics, (int)error);
        log_write(LOG_LEVEL_WARNING, "closing a connection from HAProxy: %s",
                  spop_error_name(error));
    }
    spop_disconnect_write(&conn->output, error);
    abandon_exchanges(conn);
    conn->state = CONN_CLOSING;
    spop_conn_mark(conn);
}

/* "late": HAProxy has given up waiting for the previous ACK of a connection without pipelining, for
 * it has sent the next NOTIFY. Were both answers to reach it in one piece, they could fill its
 * buffer and stop the connection for good. So what is not yet written is dropped; and when
 * something was written that HAProxy has not read, the connection is closed, which costs that
 * request a miss. False: close. */
static bool drop_late_answers(struct spop_conn *conn)
{
    int unread = 0;

    if (!conn->asked)
        return conn->asked = true;
    if (conn->exchange_count) {
        conn->server->metrics->spop_acks_dropped += conn->exchange_count;
        abandon_exchanges(conn);
    }
    if (conn->sent == 0 && conn->output.len) {
        conn->server->metrics->spop_acks_dropped++;
        buf_clear(&conn->output);
    }
    return conn->output.len == 0 &&
           (ioctl(conn->readable.fd, SIOCOUTQ, &unread) != 0 || unread == 0);
}

static bool is_one_too_many(const struct spop_server *server)
{
    return server->metrics->spop_connections > server->limits.max_connections;
}

static void on_hello(struct spop_conn *conn, const struct spop_frame *frame)
{
    struct spop_hello hello;
    enum spop_error error = spop_hello_read(frame->payload, &hello);

    if (error == SPOP_NORMAL && !hello.healthcheck && is_one_too_many(conn->server)) {
        conn->server->metrics->spop_rejected++;
        error = SPOP_RESOURCES;
    }
    if (error != SPOP_NORMAL || conn->server->draining ||
        (hello.healthcheck && conn->server->failing_checks)) {
        conn_disconnect(conn, error);
        return;
    }
    uint32_t ours = conn->server->limits.max_frame_size;
    conn->frame_size = hello.max_frame_size < ours ? hello.max_frame_size : ours;
    conn->legacy = hello.async;
    conn->pipelining = hello.pipelining && hello.async;
    conn->state = hello.healthcheck ? CONN_CLOSING : CONN_RUNNING;
    conn->server->metrics->spop_healthchecks += hello.healthcheck;
    if (!hello.healthcheck)
        conn->server->metrics
            ->spop_engines[conn->legacy ? METRICS_ENGINE_OLD : METRICS_ENGINE_NEW]++;
    spop_hello_write(&conn->output, conn->frame_size, conn->pipelining);
    spop_conn_mark(conn);
}

static void on_notify(struct spop_conn *conn, const struct spop_frame *frame)
{
    if (!conn->pipelining && !drop_late_answers(conn)) {
        spop_conn_close(conn);
        return;
    }
    enum spop_error error = conn->server->handler.notify(conn->server->handler.ctx, conn, frame);
    if (error != SPOP_NORMAL)
        conn_disconnect(conn, error);
}

static void on_disconnect(struct spop_conn *conn, const struct spop_frame *frame)
{
    uint64_t status = spop_disconnect_read(frame->payload);

    /* HAProxy <= 3.0 calls the end of an idle connection a timeout */
    if (status != SPOP_NORMAL && status != SPOP_TIMEOUT)
        log_write(LOG_LEVEL_WARNING, "HAProxy ends a connection: %s (%llu)",
                  spop_error_name((enum spop_error)status), (unsigned long long)status);
    conn_disconnect(conn, SPOP_NORMAL);
}

static void on_frame(struct spop_conn *conn, const struct spop_frame *frame)
{
    conn->server->metrics->spop_frames++;
    if (frame->type == SPOP_HAPROXY_DISCONNECT)
        on_disconnect(conn, frame);
    else if (!(frame->flags & SPOP_FIN))
        conn_disconnect(conn, SPOP_FRAGMENTED);
    else if (conn->state == CONN_HELLO && frame->type == SPOP_HAPROXY_HELLO)
        on_hello(conn, frame);
    else if (conn->state == CONN_HELLO || frame->type == SPOP_HAPROXY_HELLO)
        conn_disconnect(conn, SPOP_INVALID);
    else if (frame->type == SPOP_NOTIFY && !(frame->flags & SPOP_ABORT))
        on_notify(conn, frame);
    /* a frame of an unknown type is skipped, and so is an aborted one: nobody waits for it */
}

/* Before HELLO nothing is agreed: the most that we could agree to. */
static size_t frame_limit(const struct spop_conn *conn)
{
    return conn->state == CONN_HELLO ? conn->server->limits.max_frame_size : conn->frame_size;
}

static bool wants_input(const struct spop_conn *conn)
{
    return (conn->state == CONN_HELLO || conn->state == CONN_RUNNING) &&
           conn->output.len < OUTPUT_MARK && conn->exchange_count < EXCHANGES_MAX;
}

/* Handles every whole frame in `in`; returns how many bytes that were. */
static size_t handle_frames(struct spop_conn *conn, struct str in)
{
    struct str rest = in;
    struct spop_frame frame;
    ptrdiff_t taken = 1;

    while (wants_input(conn) && (taken = spop_frame_read(rest, frame_limit(conn), &frame)) > 0) {
        rest = str_from(rest, (size_t)taken);
        on_frame(conn, &frame);
    }
    if (taken < 0)
        conn_disconnect(conn, (enum spop_error)(-taken));
    conn->held = rest.len > 0 && !wants_input(conn);
    return in.len - rest.len;
}

/* Keeps what is left over for the next read. */
static void keep_input(struct spop_conn *conn, struct str rest)
{
    buf_append(&conn->input, rest);
    size_t whole = spop_frame_length(buf_str(&conn->input));
    if (whole > conn->input.len && whole <= frame_limit(conn) + SPOP_LENGTH_PREFIX &&
        !buf_reserve(&conn->input, whole - conn->input.len))
        conn_disconnect(conn, SPOP_RESOURCES);
}

/* Handles what the connection kept and could not handle before, or could only now complete. */
static void handle_kept(struct spop_conn *conn)
{
    buf_consume(&conn->input, handle_frames(conn, buf_str(&conn->input)));
    if (conn->input.len == 0 || conn->state == CONN_CLOSED)
        buf_free(&conn->input);
    else
        keep_input(conn, STR(""));
}

static void handle_scratch(struct spop_conn *conn, size_t len)
{
    struct str in = {conn->server->scratch, len};
    size_t taken = handle_frames(conn, in);

    if (taken < len && conn->state != CONN_CLOSED)
        keep_input(conn, str_from(in, taken));
}

/* Reads and forgets until the other side has closed. */
static void read_away(struct spop_conn *conn)
{
    ssize_t n = read(conn->readable.fd, conn->server->scratch, SPOP_READ_SIZE);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        spop_conn_close(conn);
}

/* One read. Most of the time whole frames arrive and are handled in the server's buffer; only the
 * beginning of a frame is kept with the connection, and completed there. True: there may be more.
 */
static bool read_once(struct spop_conn *conn)
{
    bool kept = conn->input.len > 0;
    char *to = conn->server->scratch;
    size_t room = SPOP_READ_SIZE;

    if (kept) {
        if (!buf_reserve(&conn->input, conn->input.cap > conn->input.len ? 1 : 4096)) {
            conn_disconnect(conn, SPOP_RESOURCES);
            return false;
        }
        to = conn->input.ptr + conn->input.len;
        room = conn->input.cap - conn->input.len;
    }
    ssize_t n = read(conn->readable.fd, to, room);
    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            spop_conn_close(conn);
        return false;
    }
    conn->active = ev_now(conn->server->loop);
    if (kept) {
        conn->input.len += (size_t)n;
        handle_kept(conn);
    } else {
        handle_scratch(conn, (size_t)n);
    }
    return (size_t)n == room;
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
    struct spop_conn *conn = conn_of(io);

    (void)loop;
    (void)events;
    if (conn->state == CONN_LINGER) {
        read_away(conn);
        return;
    }
    for (int i = 0; i < READS_PER_TURN && wants_input(conn) && read_once(conn); i++)
        ;
    if (!wants_input(conn))
        spop_conn_mark(conn); /* which stops the watcher */
}

static void on_writable(struct ev_loop *loop, ev_io *io, int events)
{
    (void)loop;
    (void)events;
    spop_conn_mark(conn_of(io));
}

/* Writes what there is; false when the connection is broken. */
static bool write_output(struct spop_conn *conn)
{
    while (conn->sent < conn->output.len) {
        ssize_t n = send(conn->readable.fd, conn->output.ptr + conn->sent,
                         conn->output.len - conn->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        conn->sent += (size_t)n;
    }
    conn->sent = 0;
    buf_clear(&conn->output);
    return true;
}

/* While draining, a connection that owes no answer is told so and closed. */
static void say_goodbye(struct spop_conn *conn)
{
    if (!conn->server->draining || conn->exchange_count || conn->input.len)
        return;
    if (conn->state == CONN_RUNNING)
        conn_disconnect(conn, SPOP_NORMAL);
    else if (conn->state == CONN_HELLO)
        spop_conn_close(conn);
}

/* Closing at once, with input unread, would throw away what the other side has not read yet. */
static void linger(struct spop_conn *conn)
{
    if (conn->state != CONN_CLOSING || conn->output.len)
        return;
    conn->state = CONN_LINGER;
    conn->active = ev_now(conn->server->loop);
    shutdown(conn->readable.fd, SHUT_WR);
}

static void set_watcher(struct ev_loop *loop, ev_io *io, bool wanted)
{
    if (wanted && !ev_is_active(io))
        ev_io_start(loop, io);
    else if (!wanted && ev_is_active(io))
        ev_io_stop(loop, io);
}

/* What a turn of the loop leaves to do for a connection: frames held back, one write, watchers. */
void spop_conn_settle(struct spop_conn *conn)
{
    struct ev_loop *loop = conn->server->loop;

    if (conn->held && wants_input(conn))
        handle_kept(conn);
    say_goodbye(conn);
    if (conn->state == CONN_CLOSED)
        return;
    if (!buf_ok(&conn->output) || !write_output(conn)) {
        spop_conn_close(conn);
        return;
    }
    linger(conn);
    if (conn->held && wants_input(conn))
        spop_conn_mark(conn); /* again in this turn: its output is gone */
    set_watcher(loop, &conn->readable, wants_input(conn) || conn->state == CONN_LINGER);
    set_watcher(loop, &conn->writable, conn->output.len > 0);
}

/* HAProxy keeps what many requests have waited on for longer than a minute: then it has to make way
 * before there is no room for lookups. */
static bool is_in_the_way(const struct spop_conn *conn, ev_tstamp now)
{
    const struct spop_server *server = conn->server;

    return server->metrics->spop_connections > server->limits.max_connections / 2 &&
           now - conn->active > CROWDED_SECONDS;
}

static bool timed_out(const struct spop_conn *conn, ev_tstamp now)
{
    const struct spop_limits *limits = &conn->server->limits;
    int64_t limit = conn->state == CONN_RUNNING ? limits->idle_timeout : limits->hello_timeout;

    if (conn->state == CONN_LINGER)
        return now - conn->active > LINGER_SECONDS;
    if (conn->state == CONN_RUNNING && conn->exchange_count)
        return false;
    if (conn->state == CONN_RUNNING && is_in_the_way(conn, now))
        return true;
    return limit && (now - conn->active) * 1000. > (double)limit;
}

/* A busy connection keeps its output buffer, since growing a new one for each large answer costs
 * more than sending it; an idle one gives it back. */
static void trim_output(struct spop_conn *conn, ev_tstamp now)
{
    if (conn->output.len == 0 && now - conn->active > KEEP_SECONDS)
        buf_free(&conn->output);
}

void spop_conn_expire(struct spop_conn *conn, ev_tstamp now)
{
    trim_output(conn, now);
    if (!timed_out(conn, now))
        return;
    if (conn->state == CONN_CLOSING || conn->state == CONN_LINGER)
        spop_conn_close(conn); /* it does not even read why */
    else
        conn_disconnect(conn, conn->state == CONN_RUNNING ? SPOP_NORMAL : SPOP_TIMEOUT);
}

struct spop_conn *spop_conn_new(struct spop_server *server, int fd)
{
    size_t input_max = server->limits.max_frame_size + SPOP_READ_SIZE + SPOP_LENGTH_PREFIX;
    struct spop_conn *conn = malloc(sizeof *conn);

    if (!conn)
        return NULL;
    *conn = (struct spop_conn){.magic = CONN_MAGIC,
                               .server = server,
                               .next = server->conns,
                               .link = &server->conns,
                               .input = buf_new(input_max),
                               .output = buf_new(OUTPUT_MAX),
                               .active = ev_now(server->loop)};
    if (conn->next)
        conn->next->link = &conn->next;
    server->conns = conn;
    ev_io_init(&conn->readable, on_readable, fd, EV_READ);
    ev_io_init(&conn->writable, on_writable, fd, EV_WRITE);
    conn->readable.data = conn->writable.data = conn;
    ev_io_start(server->loop, &conn->readable);
    server->metrics->spop_connections++;
    server->metrics->spop_accepted++;
    return conn;
}

size_t spop_conn_frame_size(const struct spop_conn *conn)
{
    return conn->frame_size;
}

bool spop_conn_is_legacy(const struct spop_conn *conn)
{
    return conn->legacy;
}

void spop_exchange_open(struct spop_exchange *ex, struct spop_conn *conn,
                        const struct spop_frame *frame)
{
    *ex = (struct spop_exchange){.conn = conn,
                                 .stream_id = frame->stream_id,
                                 .frame_id = frame->frame_id,
                                 .next = conn->exchanges,
                                 .link = &conn->exchanges};
    if (ex->next)
        ex->next->link = &ex->next;
    conn->exchanges = ex;
    conn->exchange_count++;
    conn->server->metrics->spop_inflight++;
}

bool spop_exchange_ack(struct spop_exchange *ex, struct spop_ack *ack)
{
    if (!ex->conn)
        return false;
    /* One byte less than agreed: a frame that fills HAProxy's buffer to the brim stops >= 3.1 */
    spop_ack_begin(ack, &ex->conn->output, ex->conn->frame_size - 1, ex->stream_id, ex->frame_id);
    return true;
}

void spop_exchange_end(struct spop_exchange *ex, struct spop_ack *ack)
{
    struct spop_conn *conn = ex->conn;

    if (!conn)
        return;
    conn->active = ev_now(conn->server->loop);
    if (!spop_ack_end(ack))
        conn->server->metrics->spop_acks_oversize++;
    exchange_unlink(ex);
    spop_conn_mark(conn);
}
