#include "redis_conn.h"

#include "net/log.h"
#include "net/resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/adapters/libev.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/un.h>
#include <unistd.h>

/* The pause before attempt n is random between d and 2 d, where d doubles with every failure. */
static const double FIRST_PAUSE = 0.1, LONGEST_PAUSE = 2.5;

enum {
    READER_KEEPS = 1 << 20, /* memory kept for the next answer; by default 16 KiB */
    MOST_ELEMENTS = 1024,   /* of an array; no command here is answered with one */
};

enum conn_state {
    CONN_RESOLVING,  /* waiting for the address of a name */
    CONN_CONNECTING, /* waiting for the connection and the answers to the handshake */
    CONN_READY,      /* carrying commands */
    CONN_PAUSED,     /* waiting to try again */
};

struct redis_conn {
    struct ev_loop *loop;
    struct metrics *metrics;
    enum conn_state state;
    redisAsyncContext *ac; /* owned by hiredis, which frees it; NULL unless connecting or ready */
    struct resolver *resolver; /* owned; NULL unless resolving */
    struct resolver_result addresses;
    size_t next_address;
    ev_timer timer; /* the end of connecting or of the pause */
    ev_prepare flush;
    bool unsent;         /* commands were added since the last flush */
    const char *refused; /* why an answer was not taken, or NULL */
    char why[128];       /* the last failure that was logged; empty after a success */
    double pause;
    unsigned short random[3];
    redisReplyObjectFunctions standard, guarded;
    /* the options */
    struct str address, user, password;
    char *host; /* or the path of a unix socket */
    int port;   /* 0: a unix socket */
    int64_t database, connect_timeout;
    char texts[]; /* what the options point to */
};

static void connect_next(struct redis_conn *c, const char *why);

static void set_state(struct redis_conn *c, enum conn_state state, double seconds)
{
    c->state = state;
    c->metrics->redis_up = state == CONN_READY;
    ev_timer_stop(c->loop, &c->timer);
    if (seconds <= 0)
        return;
    ev_timer_set(&c->timer, seconds, 0.);
    ev_timer_start(c->loop, &c->timer);
}

/* Says why there is no connection, once for as long as the reason stays the same. */
static void pause_after(struct redis_conn *c, const char *why)
{
    if (strncmp(c->why, why, sizeof c->why - 1) != 0)
        log_write(LOG_LEVEL_WARNING, "Redis at %.*s is not available: %s", STR_ARGS(c->address),
                  why);
    snprintf(c->why, sizeof c->why, "%s", why);
    set_state(c, CONN_PAUSED, c->pause * (1 + erand48(c->random)));
    c->pause = c->pause * 2 < LONGEST_PAUSE ? c->pause * 2 : LONGEST_PAUSE;
}

/* The present connection is over, and c->ac no longer its business. */
static void failed(struct redis_conn *c, const char *why)
{
    c->ac = NULL;
    c->unsent = false;
    c->metrics->redis_failures++;
    if (c->state == CONN_CONNECTING)
        connect_next(c, why);
    else
        pause_after(c, why);
}

void redis_conn_drop(struct redis_conn *c, const char *why)
{
    redisAsyncContext *ac = c->ac;

    failed(c, why);
    redisAsyncFree(ac);
}

/* hiredis calls on_connect when connecting failed, on_disconnect when the connection ended; not
 * for one that was dropped here, which is no longer c->ac. */
static void ended(const redisAsyncContext *ac)
{
    struct redis_conn *c = ac->data;

    if (ac == c->ac)
        failed(c, c->refused ? c->refused : ac->c.errstr);
}

static void on_disconnect(const redisAsyncContext *ac, int status)
{
    (void)status;
    ended(ac);
}

static void on_connect(const redisAsyncContext *ac, int status)
{
    if (status != REDIS_OK)
        ended(ac);
}

/* hiredis asserts that an answer has a command, and so lets a server abort the process. What
 * follows stands before its makers of replies and refuses such an answer, which ends the
 * connection. An error is left to hiredis, which then ends it with the error's text. */
static struct redis_conn *conn_of(const redisReadTask *task)
{
    return ((redisAsyncContext *)task->privdata)->data;
}

static bool is_asked(const redisReadTask *task)
{
    redisAsyncContext *ac = task->privdata;

    if (task->parent || ac->replies.head || task->type == REDIS_REPLY_ERROR)
        return true;
    conn_of(task)->refused = "it sent an answer to no command";
    return false;
}

static void *make_string(const redisReadTask *task, char *text, size_t len)
{
    return is_asked(task) ? conn_of(task)->standard.createString(task, text, len) : NULL;
}

static void *make_array(const redisReadTask *task, int elements)
{
    if (elements > MOST_ELEMENTS)
        conn_of(task)->refused = "it sent an array, which nothing asked for";
    else if (is_asked(task))
        return conn_of(task)->standard.createArray(task, elements);
    return NULL;
}

static void *make_integer(const redisReadTask *task, long long value)
{
    return is_asked(task) ? conn_of(task)->standard.createInteger(task, value) : NULL;
}

static void *make_nil(const redisReadTask *task)
{
    return is_asked(task) ? conn_of(task)->standard.createNil(task) : NULL;
}

static void guard_replies(struct redis_conn *c, redisReader *reader)
{
    c->refused = NULL;
    c->standard = *reader->fn;
    c->guarded = (redisReplyObjectFunctions){.createString = make_string,
                                             .createArray = make_array,
                                             .createInteger = make_integer,
                                             .createNil = make_nil,
                                             .freeObject = c->standard.freeObject};
    reader->fn = &c->guarded;
    reader->privdata = c->ac;
    reader->maxbuf = READER_KEEPS;
}

static void become_ready(struct redis_conn *c)
{
    c->pause = FIRST_PAUSE;
    c->why[0] = '\0';
    c->metrics->redis_connects++;
    set_state(c, CONN_READY, 0);
    log_write(LOG_LEVEL_INFO, "connected to Redis at %.*s", STR_ARGS(c->address));
}

/* Of an answer to AUTH only the first word, its code, may be shown: some servers repeat the
 * arguments of a command they do not know. */
static void handshake_failed(struct redis_conn *c, const char *command, const redisReply *reply)
{
    bool text = reply->type == REDIS_REPLY_ERROR || reply->type == REDIS_REPLY_STATUS;
    const char *answer = text ? reply->str : "something that is no answer to it";
    size_t len = strcmp(command, "AUTH") == 0 ? strcspn(answer, " ") : strlen(answer);
    char why[128];

    snprintf(why, sizeof why, "it answers %s with \"%.*s\"", command, (int)(len > 90 ? 90 : len),
             answer);
    redis_conn_drop(c, why);
}

/* The last command of the handshake is PING; a user who may not even use that is connected. */
static void on_handshake(redisAsyncContext *ac, void *answer, void *context)
{
    struct redis_conn *c = ac->data;
    const char *command = context;
    const redisReply *reply = answer;
    bool last = strcmp(command, "PING") == 0;

    if (ac != c->ac || !reply)
        return;
    bool status = reply->type == REDIS_REPLY_STATUS, error = reply->type == REDIS_REPLY_ERROR;
    if (!(status && strcmp(reply->str, last ? "PONG" : "OK") == 0) &&
        !(last && error && strncmp(reply->str, "NOPERM", 6) == 0))
        handshake_failed(c, command, reply);
    else if (last)
        become_ready(c);
}

static void send_handshake(struct redis_conn *c)
{
    const char *auth[] = {"AUTH", c->user.ptr, c->password.ptr};
    const size_t auth_lengths[] = {4, c->user.len, c->password.len};
    const char *only_password[] = {"AUTH", c->password.ptr};
    const size_t only_password_lengths[] = {4, c->password.len};

    if (c->user.len)
        redisAsyncCommandArgv(c->ac, on_handshake, "AUTH", 3, auth, auth_lengths);
    else if (c->password.len)
        redisAsyncCommandArgv(c->ac, on_handshake, "AUTH", 2, only_password, only_password_lengths);
    if (c->database)
        redisAsyncCommand(c->ac, on_handshake, "SELECT", "SELECT %lld", (long long)c->database);
    redisAsyncCommand(c->ac, on_handshake, "PING", "PING");
}

/* Begins to connect to one address. False, with the reason in *why, when that failed at once. */
static bool open_address(struct redis_conn *c, const char *address, char why[static 128])
{
    redisAsyncContext *ac =
        c->port ? redisAsyncConnect(address, c->port) : redisAsyncConnectUnix(c->host);

    if (ac && !ac->err && c->port)
        redisEnableKeepAlive(&ac->c);
    if (!ac || ac->c.err) {
        snprintf(why, 128, "%s", ac ? ac->c.errstr : "no memory");
        if (ac)
            redisAsyncFree(ac);
        return false;
    }
    fcntl(ac->c.fd, F_SETFD, FD_CLOEXEC);
    c->ac = ac;
    ac->data = c;
    redisLibevAttach(c->loop, ac);
    redisAsyncSetConnectCallback(ac, on_connect);
    redisAsyncSetDisconnectCallback(ac, on_disconnect);
    guard_replies(c, ac->c.reader);
    send_handshake(c);
    set_state(c, CONN_CONNECTING, (double)c->connect_timeout / 1000.);
    return true;
}

/* Tries the addresses that are left; pauses when there is none. */
static void connect_next(struct redis_conn *c, const char *why)
{
    char latest[128];

    snprintf(latest, sizeof latest, "%s", why);
    while (c->next_address < c->addresses.count) {
        if (open_address(c, c->addresses.address[c->next_address++], latest))
            return;
        c->metrics->redis_failures++;
    }
    pause_after(c, latest);
}

static void on_resolved(void *context, const struct resolver_result *result)
{
    struct redis_conn *c = context;

    c->resolver = NULL;
    c->addresses = *result;
    connect_next(c, result->error);
}

/* A name is looked up again for every attempt: it may have moved. */
static void start(struct redis_conn *c)
{
    c->next_address = 0;
    if (!c->port)
        c->addresses.count = 1;
    if (!c->port || resolver_numeric(&c->addresses, c->host)) {
        connect_next(c, "");
        return;
    }
    set_state(c, CONN_RESOLVING, 0);
    c->resolver = resolver_start(c->loop, c->host, on_resolved, c);
    if (!c->resolver)
        pause_after(c, "no memory to look its name up");
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
    struct redis_conn *c = w->data;

    (void)loop;
    (void)events;
    if (c->state == CONN_PAUSED)
        start(c);
    else
        redis_conn_drop(c, "it does not answer in time to connect");
}

/* Writes now what this turn of the loop added: sooner than hiredis would, and in one write. */
static void on_prepare(struct ev_loop *loop, ev_prepare *w, int events)
{
    struct redis_conn *c = w->data;

    (void)loop;
    (void)events;
    if (c->unsent && redis_conn_ready(c))
        redisAsyncHandleWrite(c->ac);
    c->unsent = false;
}

/* Splits "HOST:PORT", "[V6]:PORT" or "unix:PATH", and ends the host within its text. */
static bool parse_address(struct redis_conn *c, char *text)
{
    char *colon = strrchr(text, ':'), *end = colon;

    c->host = text;
    if (strncmp(text, "unix:", 5) == 0) {
        c->host = text + 5;
        return *c->host && strlen(c->host) < sizeof((struct sockaddr_un *)NULL)->sun_path;
    }
    if (!colon)
        return false;
    if (*text == '[') {
        c->host++;
        end = colon - 1;
        if (*end != ']')
            return false;
    }
    *end = '\0';
    long port = strtol(colon + 1, &end, 10);
    c->port = (int)port;
    return *c->host && end != colon + 1 && *end == '\0' && port > 0 && port <= 65535;
}

/* Copies a text, ended by a NUL, to *at and moves that on. */
static struct str keep(char **at, struct str text)
{
    struct str copy = {*at, text.len};

    if (text.len)
        memcpy(*at, text.ptr, text.len);
    (*at)[text.len] = '\0';
    *at += text.len + 1;
    return copy;
}

static struct redis_conn *conn_new(const struct redis_options *options)
{
    size_t texts = 2 * options->address.len + options->user.len + options->password.len + 4;
    struct redis_conn *c = calloc(1, sizeof *c + texts);

    if (!c)
        return NULL;
    char *at = c->texts;
    c->address = keep(&at, options->address);
    c->user = keep(&at, options->user);
    c->password = keep(&at, options->password);
    if (parse_address(c, (char *)keep(&at, options->address).ptr))
        return c;
    log_write(LOG_LEVEL_ERROR, "\"%.*s\" is not the address of a Redis", STR_ARGS(c->address));
    free(c);
    return NULL;
}

struct redis_conn *redis_conn_new(struct ev_loop *loop, const struct redis_options *options,
                                  struct metrics *metrics)
{
    struct redis_conn *c = conn_new(options);

    if (!c)
        return NULL;
    c->loop = loop;
    c->metrics = metrics;
    c->database = options->database;
    c->connect_timeout = options->connect_timeout;
    c->pause = FIRST_PAUSE;
    if (getrandom(c->random, sizeof c->random, GRND_NONBLOCK) < 0)
        c->random[0] = (unsigned short)getpid();
    ev_timer_init(&c->timer, on_timer, 0., 0.);
    ev_prepare_init(&c->flush, on_prepare);
    /* Before what writes to HAProxy: a failure found here is answered in the same turn. */
    ev_set_priority(&c->flush, EV_MAXPRI);
    c->timer.data = c->flush.data = c;
    ev_prepare_start(loop, &c->flush);
    ev_now_update(loop);
    start(c);
    return c;
}

bool redis_conn_ready(const struct redis_conn *c)
{
    return c->state == CONN_READY && !(c->ac->c.flags & (REDIS_DISCONNECTING | REDIS_FREEING));
}

bool redis_conn_send(struct redis_conn *c, redisCallbackFn *reply, void *context, int argc,
                     const char **argv, const size_t *lengths)
{
    if (!redis_conn_ready(c))
        return false;
    c->unsent = true;
    return redisAsyncCommandArgv(c->ac, reply, context, argc, argv, lengths) == REDIS_OK;
}

void redis_conn_free(struct redis_conn *c)
{
    redisAsyncContext *ac = c->ac;

    c->ac = NULL;
    set_state(c, CONN_PAUSED, 0);
    ev_prepare_stop(c->loop, &c->flush);
    if (c->resolver)
        resolver_cancel(c->resolver);
    if (ac)
        redisAsyncFree(ac);
    free(c);
}
