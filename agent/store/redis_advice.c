#include "redis_advice.h"

#include "core/buf.h"
#include "net/log.h"

#include <stdlib.h>

/* Keys that are looked at; one command for each. */
enum { SAMPLES = 8 };

struct advice {
    const char *address;
    struct str own;
    unsigned waiting; /* answers; the last one frees it */
    bool no_limit, no_eviction, shared;
};

static void say(const struct advice *a)
{
    struct buf text = buf_new(512);

    if (a->no_limit)
        buf_append(&text, STR(" it has no maxmemory and grows without end;"));
    if (a->no_eviction)
        buf_append(&text, STR(" its maxmemory-policy is noeviction, so writes fail when it is "
                              "full: allkeys-lru fits a cache;"));
    if (a->shared)
        buf_append(&text, STR(" its database holds keys of others, which eviction takes too;"));
    if (text.len)
        log_write(LOG_LEVEL_WARNING, "Redis at %s:%.*s", a->address, (int)text.len - 1, text.ptr);
    buf_free(&text);
}

static void finish(struct advice *a)
{
    if (--a->waiting)
        return;
    say(a);
    free(a);
}

static void on_memory(redisAsyncContext *ac, void *answer, void *context)
{
    const redisReply *reply = answer;
    struct advice *a = context;

    (void)ac;
    if (reply && reply->type == REDIS_REPLY_STRING) {
        a->no_limit = strstr(reply->str, "\nmaxmemory:0\r") != NULL;
        a->no_eviction =
            !a->no_limit && strstr(reply->str, "\nmaxmemory_policy:noeviction\r") != NULL;
    }
    finish(a);
}

static void on_key(redisAsyncContext *ac, void *answer, void *context)
{
    const redisReply *reply = answer;
    struct advice *a = context;

    (void)ac;
    if (reply && reply->type == REDIS_REPLY_STRING)
        a->shared |= !str_starts((struct str){reply->str, reply->len}, a->own);
    finish(a);
}

void redis_advice_ask(struct redis_conn *conn, const char *address, struct str own)
{
    struct advice *a = malloc(sizeof *a);

    if (!a)
        return;
    *a = (struct advice){.address = address, .own = own, .waiting = 1};
    a->waiting += redis_conn_send(conn, on_memory, a, STR("*2\r\n$4\r\nINFO\r\n$6\r\nmemory\r\n"));
    for (int i = 0; i < SAMPLES; i++)
        a->waiting += redis_conn_send(conn, on_key, a, STR("*1\r\n$9\r\nRANDOMKEY\r\n"));
    finish(a);
}
