/* The handshake, each step when the one before was answered:
 *
 *   INFO server ──▶ CLIENT ID ──▶ CLIENT TRACKING ON ──▶ SUBSCRIBE ──▶ SUBSCRIBE ──▶ ...
 *   which server    who am I      tell me, of prefix     begin         still alive?
 *
 * Redis sends what it tells a connection in order. So when the answer to a SUBSCRIBE is there, all
 * that changed before it was sent has been reported. (PING would do as well, but the answer to it
 * is one that hiredis 0.14 cannot give back to a subscriber.)
 *
 * Of two connections to one address, one may lead to another server: through a proxy, a name with
 * two addresses, or after a failover. The run id that INFO tells is different then. */
#include "redis_watch.h"

#include "core/decimal.h"
#include "net/clock.h"
#include "net/log.h"
#include "redis_words.h"

#include <stdio.h>
#include <stdlib.h>

enum { RUN_ID_MAX = 64 };

static const int64_t BEAT = 40LL * CLOCK_MS;      /* the time between two SUBSCRIBE */
static const int64_t FRESH = 100LL * CLOCK_MS;    /* how old what is known may be */
static const int64_t DEAD = CLOCK_SECOND;         /* without an answer */
static const int64_t ASTRAY = 2LL * CLOCK_SECOND; /* at another server */
static const int64_t ASK_AGAIN = 10LL * CLOCK_SECOND;
static const int64_t SAY_AGAIN = 60LL * CLOCK_SECOND;

struct redis_watch {
    struct ev_loop *loop;
    struct redis_watch_events events;
    struct redis_conn *conn;
    struct str prefix;
    ev_timer timer;               /* the next SUBSCRIBE, or the next try after a refusal */
    bool subscribing, subscribed; /* over the present connection; the latter: it answered */
    bool covers;
    uint32_t coverages;
    int64_t began; /* when it was subscribed */
    int64_t asked; /* when what has no answer yet was sent; 0: nothing */
    int64_t known; /* what changed up to then was reported */
    int64_t said;  /* when the log said why there is no subscription; 0: it is there */
    char here[RUN_ID_MAX], there[RUN_ID_MAX]; /* run ids; empty: not known */
    char address[];
};

static void set_timer(struct redis_watch *w, int64_t nanoseconds)
{
    ev_timer_stop(w->loop, &w->timer);
    ev_timer_set(&w->timer, (ev_tstamp)nanoseconds / 1e9, 0.);
    ev_timer_start(w->loop, &w->timer);
}

static bool is_same_server(const struct redis_watch *w)
{
    return w->here[0] && strcmp(w->here, w->there) == 0;
}

/* Tells when coverage began or ended. */
static void settle(struct redis_watch *w)
{
    bool covers = w->subscribed && is_same_server(w);

    if (covers == w->covers)
        return;
    w->covers = covers;
    w->coverages += covers;
    w->events.covers(w->events.context, covers);
}

static void say(struct redis_watch *w, const char *why)
{
    int64_t now = clock_now();

    if (w->said && now - w->said < SAY_AGAIN)
        return;
    w->said = now;
    log_write(LOG_LEVEL_WARNING, "Redis at %s does not report changes: %s", w->address, why);
}

/* The connection may stay: it is asked again in a while. */
static void refused(struct redis_watch *w, const char *command, const redisReply *reply)
{
    bool error = reply->type == REDIS_REPLY_ERROR;
    char why[128];

    snprintf(why, sizeof why, "it answers %s with \"%.80s\"", command,
             error ? reply->str : "something that is no answer to it");
    say(w, why);
    w->asked = 0;
    set_timer(w, ASK_AGAIN);
}

/* What follows "run_id:" in the answer to INFO; empty when there is none. */
static void read_run_id(char out[static RUN_ID_MAX], const redisReply *reply)
{
    const char *at = reply->type == REDIS_REPLY_STRING ? strstr(reply->str, "\nrun_id:") : NULL;

    out[0] = '\0';
    if (at)
        snprintf(out, RUN_ID_MAX, "%.*s", (int)strcspn(at + 8, "\r\n"), at + 8);
}

static void begin(struct redis_watch *w)
{
    w->subscribed = true;
    w->began = clock_now();
    w->said = 0;
    log_write(LOG_LEVEL_DEBUG, "Redis at %s reports changes", w->address);
}

static void on_answered(struct redis_watch *w)
{
    w->known = w->asked;
    w->asked = 0;
    if (!w->subscribed)
        begin(w);
    settle(w);
}

static void report(struct redis_watch *w, const redisReply *keys)
{
    if (keys->type == REDIS_REPLY_NIL)
        w->events.flushed(w->events.context);
    if (keys->type != REDIS_REPLY_ARRAY)
        return;
    for (size_t i = 0; i < keys->elements; i++)
        if (keys->element[i]->type == REDIS_REPLY_STRING)
            w->events.changed(w->events.context,
                              (struct str){keys->element[i]->str, keys->element[i]->len});
}

/* {"subscribe", "__redis__:invalidate", 1} or {"message", the same, {KEY, ...}}; nil instead of
 * the keys means all of them. */
static void on_message(redisAsyncContext *ac, void *answer, void *context)
{
    const redisReply *reply = answer;
    struct redis_watch *w = context;

    (void)ac;
    if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
        return;
    if (strcmp(reply->element[0]->str, "message") == 0)
        report(w, reply->element[2]);
    else if (w->asked)
        on_answered(w);
}

static void subscribe(struct redis_watch *w)
{
    w->subscribing = true;
    w->asked = clock_now();
    redis_conn_send(w->conn, on_message, w,
                    STR("*2\r\n$9\r\nSUBSCRIBE\r\n$20\r\n__redis__:invalidate\r\n"));
    set_timer(w, BEAT);
}

static void on_tracking(redisAsyncContext *ac, void *answer, void *context)
{
    const redisReply *reply = answer;
    struct redis_watch *w = context;

    (void)ac;
    if (reply && reply->type == REDIS_REPLY_STATUS)
        subscribe(w);
    else if (reply)
        refused(w, "CLIENT TRACKING", reply);
}

static void on_id(redisAsyncContext *ac, void *answer, void *context)
{
    const redisReply *reply = answer;
    struct redis_watch *w = context;
    struct decimal_text text;

    (void)ac;
    if (reply && reply->type != REDIS_REPLY_INTEGER)
        refused(w, "CLIENT ID", reply);
    if (!reply || reply->type != REDIS_REPLY_INTEGER)
        return;
    const struct str words[] = {STR("CLIENT"),
                                STR("TRACKING"),
                                STR("ON"),
                                STR("REDIRECT"),
                                decimal_write(&text, reply->integer),
                                STR("BCAST"),
                                STR("PREFIX"),
                                w->prefix};
    redis_words_send(w->conn, on_tracking, w, words, sizeof words / sizeof *words);
}

static void on_here(redisAsyncContext *ac, void *answer, void *context)
{
    const redisReply *reply = answer;
    struct redis_watch *w = context;

    (void)ac;
    if (!reply)
        return;
    read_run_id(w->here, reply);
    if (w->here[0])
        redis_conn_send(w->conn, on_id, w, STR("*2\r\n$6\r\nCLIENT\r\n$2\r\nID\r\n"));
    else
        refused(w, "INFO", reply);
}

static void on_there(redisAsyncContext *ac, void *answer, void *context)
{
    const redisReply *reply = answer;
    struct redis_watch *w = context;

    (void)ac;
    if (!reply)
        return;
    read_run_id(w->there, reply);
    settle(w);
}

static bool ask_server(struct redis_conn *conn, redisCallbackFn *callback, struct redis_watch *w)
{
    return redis_conn_send(conn, callback, w, STR("*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n"));
}

static void on_up(void *context)
{
    struct redis_watch *w = context;

    w->here[0] = '\0';
    w->asked = clock_now();
    ask_server(w->conn, on_here, w);
    set_timer(w, BEAT);
}

static void on_down(void *context)
{
    struct redis_watch *w = context;

    if (w->subscribing && !w->subscribed)
        say(w, "it refuses SUBSCRIBE __redis__:invalidate");
    w->subscribing = w->subscribed = false;
    ev_timer_stop(w->loop, &w->timer);
    settle(w);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct redis_watch *w = timer->data;
    int64_t now = clock_now();

    (void)loop;
    (void)events;
    if (!redis_conn_ready(w->conn))
        return;
    if (w->asked && now - w->asked >= DEAD)
        redis_conn_drop(w->conn, "it does not answer");
    else if (w->subscribed && w->there[0] && !is_same_server(w) && now - w->began >= ASTRAY)
        redis_conn_drop(w->conn, "it leads to another server");
    else if (w->asked)
        set_timer(w, BEAT);
    else if (w->subscribed)
        subscribe(w);
    else
        on_up(w);
}

struct redis_watch *redis_watch_new(struct ev_loop *loop, const struct redis_conn_options *options,
                                    struct str prefix, const struct redis_watch_events *events)
{
    struct redis_watch *w = calloc(1, sizeof *w + options->address.len + 1);
    struct redis_conn_options quiet = *options;
    struct redis_conn_events tell = {on_up, on_down, w};

    if (!w)
        return NULL;
    w->loop = loop;
    w->events = *events;
    w->prefix = prefix;
    memcpy(w->address, options->address.ptr, options->address.len);
    ev_timer_init(&w->timer, on_timer, 0., 0.);
    /* An answer that came in the same turn is taken first. */
    ev_set_priority(&w->timer, EV_MINPRI);
    w->timer.data = w;
    quiet.quiet = true;
    w->conn = redis_conn_new(loop, &quiet, &tell);
    if (w->conn)
        return w;
    free(w);
    return NULL;
}

void redis_watch_compare(struct redis_watch *w, struct redis_conn *data)
{
    if (ask_server(data, on_there, w))
        return;
    w->there[0] = '\0';
    settle(w);
}

uint32_t redis_watch_coverage(const struct redis_watch *w)
{
    return w->covers ? w->coverages : 0;
}

bool redis_watch_is_fresh(const struct redis_watch *w)
{
    return w->covers && clock_now() - w->known <= FRESH;
}

void redis_watch_free(struct redis_watch *w)
{
    ev_timer_stop(w->loop, &w->timer);
    redis_conn_free(w->conn);
    free(w);
}
