#include "redis_guard.h"

#include "core/str.h"

#include <stdio.h>

enum { MOST_ELEMENTS = 1 << 20 }; /* of an array: the keys that changed in one turn of Redis */

#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif

static struct redis_guard *guard_of(const redisReadTask *task)
{
    return task->privdata;
}

static bool refuse(const redisReadTask *task, const char *why)
{
    guard_of(task)->refused = why;
    return false;
}

/* Whether it is the first word of what a subscriber is sent, or the second of "subscribe", which
 * hiredis takes for a channel that it knows. */
static bool is_word(const redisReadTask *task, struct str text)
{
    struct redis_guard *g = guard_of(task);

    if (task->type != REDIS_REPLY_STRING)
        return false;
    if (task->idx == 1)
        return !g->confirms || str_eq(text, str_of(g->channel));
    g->confirms = str_eq(text, STR("subscribe"));
    return g->confirms || str_eq(text, STR("message"));
}

/* Whether it is part of an array {"subscribe" or "message", "CHANNEL", ...}: of anything else
 * hiredis assumes the shape, and by "unsubscribe" it ends the subscription. */
static bool is_message(const redisReadTask *task, struct str text, size_t elements)
{
    bool right = true;

    if (!task->parent)
        right = task->type == REDIS_REPLY_ARRAY && elements == 3;
    else if (!task->parent->parent && task->idx <= 1)
        right = is_word(task, text);
    return right || refuse(task, "it sent a subscriber what is no message");
}

/* An error that nobody asked for is left to hiredis, which then ends the connection with the
 * error's text. */
static bool is_asked(const redisReadTask *task, struct str text, size_t elements)
{
    const redisAsyncContext *ac = guard_of(task)->ac;

    if (task->type > REDIS_REPLY_ERROR)
        return refuse(task, "it sent a type of RESP3, which nothing asked for");
    if (ac->replies.head)
        return true;
    if (ac->c.flags & REDIS_SUBSCRIBED)
        return is_message(task, text, elements);
    return task->parent || task->type == REDIS_REPLY_ERROR ||
           refuse(task, "it sent an answer to no command");
}

static void *make_string(const redisReadTask *task, char *text, size_t len)
{
    return is_asked(task, (struct str){text, len}, 0)
               ? guard_of(task)->standard.createString(task, text, len)
               : NULL;
}

static void *make_array(const redisReadTask *task, element_count elements)
{
    if (elements > MOST_ELEMENTS)
        refuse(task, "it sent an array, which nothing asked for");
    else if (is_asked(task, STR(""), (size_t)elements))
        return guard_of(task)->standard.createArray(task, elements);
    return NULL;
}

static void *make_integer(const redisReadTask *task, long long value)
{
    return is_asked(task, STR(""), 0) ? guard_of(task)->standard.createInteger(task, value) : NULL;
}

static void *make_nil(const redisReadTask *task)
{
    return is_asked(task, STR(""), 0) ? guard_of(task)->standard.createNil(task) : NULL;
}

#if HIREDIS_MAJOR >= 1
static void *make_double(const redisReadTask *task, double value, char *text, size_t len)
{
    (void)value;
    return make_string(task, text, len);
}

static void *make_bool(const redisReadTask *task, int value)
{
    return make_integer(task, value);
}
#endif

void redis_guard_attach(struct redis_guard *g, redisAsyncContext *ac)
{
    redisReader *reader = ac->c.reader;

    *g = (struct redis_guard){.ac = ac, .standard = *reader->fn};
    g->guarded = (redisReplyObjectFunctions){.createString = make_string,
                                             .createArray = make_array,
                                             .createInteger = make_integer,
                                             .createNil = make_nil,
                                             .freeObject = g->standard.freeObject};
#if HIREDIS_MAJOR >= 1
    g->guarded.createDouble = make_double;
    g->guarded.createBool = make_bool;
#endif
    reader->fn = &g->guarded;
    reader->privdata = g;
}

void redis_guard_sent(struct redis_guard *g, struct str command)
{
    const struct str subscribe = STR("*2\r\n$9\r\nSUBSCRIBE\r\n$");

    if (!str_starts(command, subscribe))
        return;
    command = str_from(command, subscribe.len);
    str_split(&command, '\n');
    struct str channel = str_split(&command, '\r');
    snprintf(g->channel, sizeof g->channel, "%.*s", STR_ARGS(channel));
}
