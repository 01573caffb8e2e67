#include "redis_guard.h"

#include "core/str.h"

enum { MOST_ELEMENTS = 1 << 20 }; /* of an array: the keys that changed in one turn of Redis */

static struct redis_guard *guard_of(const redisReadTask *task)
{
    return task->privdata;
}

static bool refuse(const redisReadTask *task, const char *why)
{
    guard_of(task)->refused = why;
    return false;
}

/* Whether it is part of an array {"subscribe" or "message", "CHANNEL", ...}: of anything else
 * hiredis assumes the shape, and by "unsubscribe" it ends the subscription. */
static bool is_message(const redisReadTask *task, struct str text, int elements)
{
    bool right = true;

    if (!task->parent)
        right = task->type == REDIS_REPLY_ARRAY && elements == 3;
    else if (!task->parent->parent && task->idx <= 1)
        right = task->type == REDIS_REPLY_STRING &&
                (task->idx == 1 || str_eq(text, STR("message")) || str_eq(text, STR("subscribe")));
    return right || refuse(task, "it sent a subscriber what is no message");
}

/* An error that nobody asked for is left to hiredis, which then ends the connection with the
 * error's text. */
static bool is_asked(const redisReadTask *task, struct str text, int elements)
{
    const redisAsyncContext *ac = guard_of(task)->ac;

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

static void *make_array(const redisReadTask *task, int elements)
{
    if (elements > MOST_ELEMENTS)
        refuse(task, "it sent an array, which nothing asked for");
    else if (is_asked(task, STR(""), elements))
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

void redis_guard_attach(struct redis_guard *g, redisAsyncContext *ac)
{
    redisReader *reader = ac->c.reader;

    *g = (struct redis_guard){.ac = ac, .standard = *reader->fn};
    g->guarded = (redisReplyObjectFunctions){.createString = make_string,
                                             .createArray = make_array,
                                             .createInteger = make_integer,
                                             .createNil = make_nil,
                                             .freeObject = g->standard.freeObject};
    reader->fn = &g->guarded;
    reader->privdata = g;
}
