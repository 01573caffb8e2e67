/* What can be seen of a running agent over HTTP, and what can be done to it: the calls behind the
 * paths of the HTTP door. */
#ifndef DOOR_H
#define DOOR_H

#include "cache.h"
#include "core/history.h"
#include "purge_call.h"

/* What is looked at. What it points to stays in place until door_close(). */
struct door_subject {
    struct ev_loop *loop;
    const char *version, *config_path; /* the latter NULL: there is no file */
    struct config *const *config;      /* in use */
    const struct metrics *metrics;
    struct store *store;
    struct store *redis; /* under it or the same; NULL: none */
    struct cache *cache;
    struct purge_book *book;
    const bool *draining;
};

enum { DOOR_ACTIONS_MAX = 12 };

struct door {
    struct door_subject subject;
    struct http_action actions[DOOR_ACTIONS_MAX];
    struct purge_target purges;
    struct http_door *http;
    struct buf policy; /* for browsers, see page.h */
    struct history history;
    int64_t started; /* ms since the epoch */
    ev_timer sampling;
};

/* Opens the door where [agent] status says; nothing when it says nowhere. False, with a line in the
 * log, when it cannot be opened. */
__attribute__((warn_unused_result)) bool door_open(struct door *door,
                                                   const struct door_subject *subject);

/* Closes it; one that was never opened too, if it is {0}. */
void door_close(struct door *door);

/* Whether lookups have a chance of an answer. */
bool door_is_ready(const struct door *door);

/* Milliseconds since the epoch. */
static inline int64_t door_now(const struct door *door)
{
    return (int64_t)(ev_now(door->subject.loop) * 1000.);
}

/* The calls, see struct http_action; `ctx` is the door.
 * /status: JSON; with the argument "history" also how it went, and what reasons mean.
 * /config: every value and where it came from; "changed=yes" leaves out the defaults.
 * /inspect: what is stored under "key", which is a whole key, or its last part with "tenant" and
 * "policy" (llm); "body=yes" adds the body. */
unsigned status_call(void *ctx, const struct http_call *call, struct buf *out);
unsigned config_call(void *ctx, const struct http_call *call, struct buf *out);
unsigned inspect_call(void *ctx, const struct http_call *call, struct buf *out);

#endif
