#include "hooks.h"

#include "net/clock.h"

static const struct hooks none;
static const struct hooks *hooks = &none;

void hooks_set(const struct hooks *given)
{
    hooks = given ? given : &none;
}

void __real_redis_ask(struct store *, struct str, const struct str *, size_t, struct store_read *);
void __wrap_redis_ask(struct store *, struct str, const struct str *, size_t, struct store_read *);
void __real_redis_listen(struct store *, struct redis_listener *);
void __wrap_redis_listen(struct store *, struct redis_listener *);
bool __real_redis_is_fresh(const struct store *, struct str);
bool __wrap_redis_is_fresh(const struct store *, struct str);
void __real_redis_get_ttl(struct store *, struct str, struct store_read *);
void __wrap_redis_get_ttl(struct store *, struct str, struct store_read *);
int __real_clock_gettime(clockid_t, struct timespec *);
int __wrap_clock_gettime(clockid_t, struct timespec *);
ev_tstamp __real_ev_now(struct ev_loop *);
ev_tstamp __wrap_ev_now(struct ev_loop *);
void __real_ev_timer_start(struct ev_loop *, struct ev_timer *);
void __wrap_ev_timer_start(struct ev_loop *, struct ev_timer *);

void hooks_ask_redis(struct store *redis, struct str key, const struct str *words, size_t count,
                     struct store_read *read)
{
    __real_redis_ask(redis, key, words, count, read);
}

void __wrap_redis_ask(struct store *redis, struct str key, const struct str *words, size_t count,
                      struct store_read *read)
{
    (hooks->ask ? hooks->ask : __real_redis_ask)(redis, key, words, count, read);
}

void __wrap_redis_listen(struct store *redis, struct redis_listener *listener)
{
    (hooks->listen ? hooks->listen : __real_redis_listen)(redis, listener);
}

bool __wrap_redis_is_fresh(const struct store *redis, struct str key)
{
    return (hooks->is_fresh ? hooks->is_fresh : __real_redis_is_fresh)(redis, key);
}

void __wrap_redis_get_ttl(struct store *redis, struct str key, struct store_read *read)
{
    (hooks->get_ttl ? hooks->get_ttl : __real_redis_get_ttl)(redis, key, read);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    if (!hooks->now)
        return __real_clock_gettime(clock, time);
    *time = (struct timespec){*hooks->now / CLOCK_SECOND, *hooks->now % CLOCK_SECOND};
    return 0;
}

ev_tstamp __wrap_ev_now(struct ev_loop *loop)
{
    return hooks->wall ? (ev_tstamp)*hooks->wall / CLOCK_SECOND : __real_ev_now(loop);
}

void __wrap_ev_timer_start(struct ev_loop *loop, struct ev_timer *timer)
{
    if (hooks->timer)
        hooks->timer(timer);
    else
        __real_ev_timer_start(loop, timer);
}
