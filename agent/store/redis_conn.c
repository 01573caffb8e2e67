#include "redis_conn.h"

#include "core/decimal.h"
#include "net/address.h"
#include "net/clock.h"
#include "net/file.h"
#include "net/log.h"
#include "net/resolver.h"
#include "redis_guard.h"

#include <fcntl.h>
#include <hiredis/adapters/libev.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/un.h>
#include <unistd.h>

/* The pause before attempt n is random between d and 2 d, where d doubles with every failure. */
static const double FIRST_PAUSE = 0.1, LONGEST_PAUSE = 1;
static const double AT_ONCE = 0, UNTIMED = -1;

/* A connection that lived for this long was a good one: the next one is made at once. */
static const int64_t GOOD_LIFE = 10LL * CLOCK_SECOND;
static const int64_t SAY_AGAIN = 60LL * CLOCK_SECOND;

enum {
    READER_KEEPS = 1 << 20, /* memory kept for the next answer; by default 16 KiB */
    MOST_PASSWORD = 4096 + 2,
};

enum conn_state {
    CONN_RESOLVING,  /* waiting for the address of a name */
    CONN_CONNECTING, /* waiting for the connection and the answers to the handshake */
    CONN_READY,      /* carrying commands */
    CONN_PAUSED,     /* waiting to try again */
};

struct redis_conn {
    struct ev_loop *loop;
    struct redis_conn_events events;
    enum conn_state state;
    redisAsyncContext *ac; /* owned by hiredis, which frees it; NULL unless connecting or ready */
    struct ssl_st *ssl;    /* of *ac, which owns it; NULL: no TLS */
    struct resolver *resolver; /* owned; NULL unless resolving */
    struct resolver_result addresses;
    size_t next_address;
    ev_timer timer; /* the end of connecting or of the pause */
    ev_prepare flush;
    bool unsent; /* commands were added since the last flush */
    struct redis_conn_log log;
    int64_t since; /* when it became ready */
    double pause;
    unsigned short random[3];
    struct redis_guard guard;
    struct redis_conn_options options; /* the texts are in `texts` */
    struct buf password;               /* what its file held */
    char *host;                        /* or the path of a unix socket */
    int port;                          /* 0: a unix socket */
    char texts[];
};

static void connect_next(struct redis_conn *c, const char *why);

static void set_state(struct redis_conn *c, enum conn_state state, double seconds)
{
    c->state = state;
    ev_timer_stop(c->loop, &c->timer);
    if (seconds < 0)
        return;
    ev_timer_set(&c->timer, seconds, 0.);
    ev_timer_start(c->loop, &c->timer);
}

/* Says why there is no connection: when the reason changed, else once a minute. */
static void say_why(struct redis_conn *c, const char *why)
{
    struct redis_conn_log *log = c->options.log;
    int64_t now = clock_now();

    if (strncmp(log->why, why, sizeof log->why - 1) == 0 && now - log->said < SAY_AGAIN)
        return;
    log_write(c->options.quiet ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING,
              "%s at %.*s is not available: %s", c->options.what, STR_ARGS(c->options.address),
              why);
    snprintf(log->why, sizeof log->why, "%s", why);
    log->said = now;
}

static void pause_after(struct redis_conn *c, const char *why)
{
    say_why(c, why);
    set_state(c, CONN_PAUSED, c->pause * redis_conn_jitter(c));
    c->pause = c->pause * 2 < LONGEST_PAUSE ? c->pause * 2 : LONGEST_PAUSE;
}

/* The present connection is over, and c->ac no longer its business. */
static void failed(struct redis_conn *c, const char *why)
{
    c->ac = NULL;
    c->unsent = false;
    if (c->state == CONN_CONNECTING) {
        connect_next(c, why);
    } else if (clock_now() - c->since >= GOOD_LIFE) {
        say_why(c, why);
        c->pause = FIRST_PAUSE;
        set_state(c, CONN_PAUSED, AT_ONCE);
    } else {
        pause_after(c, why);
    }
    c->events.down(c->events.context);
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
    char why[REDIS_TLS_WHY];

    if (ac != c->ac)
        return;
    if (c->guard.refused)
        failed(c, c->guard.refused);
    else
        failed(c, c->ssl ? redis_tls_why(c->ssl, ac->c.errstr, why) : ac->c.errstr);
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

static void become_ready(struct redis_conn *c)
{
    struct redis_conn_log *log = c->options.log;
    bool news = (log->why[0] || !log->connected) && !c->options.quiet;

    c->since = clock_now();
    set_state(c, CONN_READY, UNTIMED);
    log_write(news ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "connected to %s at %.*s", c->options.what,
              STR_ARGS(c->options.address));
    *log = (struct redis_conn_log){.connected = true};
    c->events.up(c->events.context);
}

/* What the answer says, or NULL: of one to ROLE its first word. */
static const char *text_of(const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements)
        reply = reply->element[0];
    return reply->type == REDIS_REPLY_ERROR || reply->type == REDIS_REPLY_STATUS ||
                   reply->type == REDIS_REPLY_STRING
               ? reply->str
               : NULL;
}

/* Of an answer to AUTH only the first word, its code, may be shown: some servers repeat the
 * arguments of a command they do not know. */
static void handshake_failed(struct redis_conn *c, const char *command, const redisReply *reply)
{
    const char *answer = text_of(reply) ? text_of(reply) : "something that is no answer to it";
    size_t len = strcmp(command, "AUTH") == 0 ? strcspn(answer, " ") : strlen(answer);
    char why[128];

    snprintf(why, sizeof why, "it answers %s with \"%.*s\"", command, (int)(len > 90 ? 90 : len),
             answer);
    redis_conn_drop(c, why);
}

/* A user who may use neither PING nor ROLE is connected. */
static bool is_right(const char *command, const redisReply *reply)
{
    static const struct {
        const char *command, *answer;
        int type;
    } right[] = {{"PING", "PONG", REDIS_REPLY_STATUS}, {"ROLE", "master", REDIS_REPLY_ARRAY}};
    const char *text = text_of(reply);

    for (size_t i = 0; text && i < sizeof right / sizeof *right; i++)
        if (strcmp(command, right[i].command) == 0)
            return (reply->type == right[i].type && strcmp(text, right[i].answer) == 0) ||
                   (reply->type == REDIS_REPLY_ERROR && strncmp(text, "NOPERM", 6) == 0);
    return text && reply->type == REDIS_REPLY_STATUS && strcmp(text, "OK") == 0;
}

/* The last command of the handshake is PING. */
static void on_handshake(redisAsyncContext *ac, void *answer, void *context)
{
    struct redis_conn *c = ac->data;
    const char *command = context;
    const redisReply *reply = answer;

    if (!reply || ac != c->ac)
        return;
    if (!is_right(command, reply))
        handshake_failed(c, command, reply);
    else if (strcmp(command, "PING") == 0)
        become_ready(c);
}

/* What is in the file now; what was there before when it cannot be read or is empty. */
static struct str password_of(struct redis_conn *c)
{
    struct buf now = buf_new(MOST_PASSWORD);

    if (c->options.login.password_file.len) {
        bool good = file_read_secret(c->options.login.password_file.ptr, &now) && now.len;
        file_wipe(good ? &c->password : &now);
        if (good)
            c->password = now;
    }
    return c->password.len ? buf_str(&c->password) : c->options.login.password;
}

static void send_auth(struct redis_conn *c)
{
    struct str user = c->options.login.user, password = password_of(c);
    const char *words[] = {"AUTH", user.ptr, password.ptr};
    const size_t lengths[] = {4, user.len, password.len};
    const char *only_password[] = {"AUTH", password.ptr};
    const size_t only_password_lengths[] = {4, password.len};

    if (user.len)
        redisAsyncCommandArgv(c->ac, on_handshake, "AUTH", 3, words, lengths);
    else if (password.len)
        redisAsyncCommandArgv(c->ac, on_handshake, "AUTH", 2, only_password, only_password_lengths);
}

static void send_handshake(struct redis_conn *c)
{
    send_auth(c);
    if (c->options.database)
        redisAsyncCommand(c->ac, on_handshake, "SELECT", "SELECT %lld",
                          (long long)c->options.database);
    if (c->options.master)
        redisAsyncCommand(c->ac, on_handshake, "ROLE", "ROLE");
    redisAsyncCommand(c->ac, on_handshake, "PING", "PING");
}

/* A connection that hiredis begins to make, or NULL with the reason in `why`. */
static redisAsyncContext *connect_to(struct redis_conn *c, const char *address,
                                     char why[static REDIS_TLS_WHY])
{
    redisAsyncContext *ac =
        c->port ? redisAsyncConnect(address, c->port) : redisAsyncConnectUnix(c->host);

    snprintf(why, REDIS_TLS_WHY, "%s", ac ? ac->c.errstr : "no memory");
    if (ac && !ac->c.err) {
        fcntl(ac->c.fd, F_SETFD, FD_CLOEXEC);
        if (c->port)
            redisEnableKeepAlive(&ac->c);
        c->ssl = c->options.tls ? redis_tls_begin(c->options.tls, &ac->c, c->host, why) : NULL;
        if (c->ssl || !c->options.tls)
            return ac;
    }
    if (ac)
        redisAsyncFree(ac);
    return NULL;
}

/* Begins to connect to one address. False, with the reason in `why`, when that failed at once. */
static bool open_address(struct redis_conn *c, const char *address, char why[static REDIS_TLS_WHY])
{
    redisAsyncContext *ac = connect_to(c, address, why);

    if (!ac)
        return false;
    c->ac = ac;
    ac->data = c;
    redisLibevAttach(c->loop, ac);
    redisAsyncSetConnectCallback(ac, on_connect);
    redisAsyncSetDisconnectCallback(ac, on_disconnect);
    redis_guard_attach(&c->guard, ac);
    ac->c.reader->maxbuf = READER_KEEPS;
    send_handshake(c);
    set_state(c, CONN_CONNECTING, (double)c->options.connect_timeout / 1000.);
    return true;
}

/* Tries the addresses that are left; pauses when there is none. */
static void connect_next(struct redis_conn *c, const char *why)
{
    char latest[REDIS_TLS_WHY];

    snprintf(latest, sizeof latest, "%s", why);
    while (c->next_address < c->addresses.count) {
        if (open_address(c, c->addresses.address[c->next_address++], latest))
            return;
        c->events.down(c->events.context);
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
    set_state(c, CONN_RESOLVING, UNTIMED);
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
    c->host = text;
    if (strncmp(text, "unix:", 5) == 0) {
        c->host = text + 5;
        return *c->host && strlen(c->host) < sizeof((struct sockaddr_un *)NULL)->sun_path;
    }
    struct str digits, host = address_host(str_of(text), &digits);
    int64_t port;
    if (host.len == 0 || host.ptr[0] == '[' || !decimal_read(digits, &port) || port == 0 ||
        port > 65535)
        return false;
    c->host = text + (host.ptr - text);
    c->host[host.len] = '\0';
    c->port = (int)port;
    return true;
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

static struct redis_conn *conn_new(const struct redis_conn_options *options)
{
    const struct redis_login *login = &options->login;
    size_t texts = 2 * options->address.len + login->user.len + login->password.len +
                   login->password_file.len + 5;
    struct redis_conn *c = calloc(1, sizeof *c + texts);

    if (!c)
        return NULL;
    char *at = c->texts;
    c->options = *options;
    if (!c->options.log)
        c->options.log = &c->log;
    c->options.address = keep(&at, options->address);
    c->options.login.user = keep(&at, login->user);
    c->options.login.password = keep(&at, login->password);
    c->options.login.password_file = keep(&at, login->password_file);
    if (parse_address(c, (char *)keep(&at, options->address).ptr))
        return c;
    log_write(LOG_LEVEL_ERROR, "\"%.*s\" is not the address of a %s", STR_ARGS(c->options.address),
              c->options.what);
    free(c);
    return NULL;
}

struct redis_conn *redis_conn_new(struct ev_loop *loop, const struct redis_conn_options *options,
                                  const struct redis_conn_events *events)
{
    struct redis_conn *c = conn_new(options);

    if (!c)
        return NULL;
    c->loop = loop;
    c->events = *events;
    c->pause = FIRST_PAUSE;
    c->password = buf_new(MOST_PASSWORD);
    if (getrandom(c->random, sizeof c->random, GRND_NONBLOCK) < 0)
        c->random[0] = (unsigned short)getpid();
    ev_timer_init(&c->timer, on_timer, 0., 0.);
    ev_prepare_init(&c->flush, on_prepare);
    /* Before what writes to HAProxy: a failure found here is answered in the same turn. */
    ev_set_priority(&c->flush, EV_MAXPRI);
    c->timer.data = c->flush.data = c;
    ev_prepare_start(loop, &c->flush);
    ev_now_update(loop);
    set_state(c, CONN_PAUSED, AT_ONCE);
    return c;
}

bool redis_conn_ready(const struct redis_conn *c)
{
    return c->state == CONN_READY && !(c->ac->c.flags & (REDIS_DISCONNECTING | REDIS_FREEING));
}

bool redis_conn_send(struct redis_conn *c, redisCallbackFn *reply, void *context,
                     struct str command)
{
    if (!redis_conn_ready(c))
        return false;
    c->unsent = true;
    redis_guard_sent(&c->guard, command);
    return redisAsyncFormattedCommand(c->ac, reply, context, command.ptr, command.len) == REDIS_OK;
}

double redis_conn_jitter(struct redis_conn *c)
{
    return 1 + erand48(c->random);
}

void redis_conn_free(struct redis_conn *c)
{
    redisAsyncContext *ac = c->ac;

    c->ac = NULL;
    set_state(c, CONN_PAUSED, UNTIMED);
    ev_prepare_stop(c->loop, &c->flush);
    if (c->resolver)
        resolver_cancel(c->resolver);
    if (ac)
        redisAsyncFree(ac);
    file_wipe(&c->password);
    free(c);
}
