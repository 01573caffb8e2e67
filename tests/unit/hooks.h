/* What the agent asks of Redis and of the clock, answered by a test. The Makefile has the linker
 * lead the calls here; without hooks they go on to where they should. */
#ifndef TESTS_HOOKS_H
#define TESTS_HOOKS_H

#include "store/redis.h"

struct hooks {
    /* Any of them may be NULL. */
    void (*ask)(struct store *redis, struct str key, const struct str *words, size_t count,
                struct store_read *read);
    void (*listen)(struct store *redis, struct redis_listener *listener);
    bool (*is_fresh)(const struct store *redis, struct str key);
    void (*get_ttl)(struct store *redis, struct str key, struct store_read *read);
    /* Instead of starting a timer. */
    void (*timer)(struct ev_timer *timer);
    const int64_t *now;  /* nanoseconds, of the clock that nobody sets */
    const int64_t *wall; /* of the time of day */
};

/* Sets them; NULL: none. Borrowed until then. */
void hooks_set(const struct hooks *hooks);

/* Goes on with a call of redis_ask() that came by. */
void hooks_ask_redis(struct store *redis, struct str key, const struct str *words, size_t count,
                     struct store_read *read);

#endif
