/*                       hit
 *   get ──▶ memory ──────────────▶ done
 *             │ miss, or Redis     ▲
 *             ▼ was not heard of   │             sound?
 *           Redis ── GET ──────────┴── value ──▶ memory, for a moment
 *                 ── PTTL ──────────────────────▶ memory, for that long
 *
 *   put ──▶ Redis; memory forgets the key
 *   a report that the key changed ──▶ memory forgets it, and no answer that is on its way is kept
 *
 * A value is sound to be kept when Redis reports changes all the time from before the GET was sent,
 * and reported none of this key. Reports and answers come over two connections, in any order: if
 * the report is first, the answer is not kept; if it is last, it removes what was kept. */
#include "tier.h"

#include "memory.h"
#include "net/clock.h"
#include "redis.h"

#include <stdlib.h>
#include <xxhash.h>

enum {
    CHANGE_COUNTS = 4096, /* a power of two; keys that share one are only kept less often */
    UNTIL_TTL_KNOWN = 50, /* ms */
    MOST_KEPT = 30000,    /* ms: read now and then, so that Redis sees what is in use */
};

struct tier {
    struct store store;
    struct store *memory, *redis; /* owned */
    struct metrics *metrics;
    struct redis_listener listener;
    uint32_t changes[CHANGE_COUNTS]; /* reported, by the key's hash */
    uint32_t flushes;
};

/* A GET for somebody, then perhaps the PTTL of what was kept. */
struct tier_read {
    struct store_read read; /* first: `done` casts back */
    struct tier *tier;
    struct store_read *outer;
    uint32_t changes, flushes; /* when it was sent */
    int64_t sent;              /* the PTTL, ms */
    size_t key_len;
    char key[];
};

/* What stands in between a caller and the memory. */
struct memory_read {
    struct store_read read; /* first */
    struct store_read *outer;
    bool hit;
};

/* Time for the memory: of a clock that nobody sets. */
static int64_t now_ms(void)
{
    return clock_now() / CLOCK_MS;
}

static uint32_t *changes_of(struct tier *t, struct str key)
{
    return &t->changes[XXH3_64bits(key.ptr, key.len) & (CHANGE_COUNTS - 1)];
}

static void forget(struct tier *t, struct str key)
{
    ++*changes_of(t, key);
    memory_remove(t->memory, key);
}

static void on_changed(void *context, struct str key)
{
    forget(context, key);
}

static void on_flushed(void *context)
{
    struct tier *t = context;

    t->flushes++;
    memory_clear(t->memory);
}

static void on_read(struct store_read *read, enum store_result result, struct str value);

static struct tier_read *read_new(struct tier *t, struct str key, struct store_read *outer)
{
    struct tier_read *r = malloc(sizeof *r + key.len);

    if (!r)
        return NULL;
    *r = (struct tier_read){.read.done = on_read,
                            .tier = t,
                            .outer = outer,
                            .changes = *changes_of(t, key),
                            .flushes = t->flushes,
                            .key_len = key.len};
    if (key.len)
        memcpy(r->key, key.ptr, key.len);
    return r;
}

static struct str key_of(const struct tier_read *r)
{
    return (struct str){r->key, r->key_len};
}

/* Whether Redis has reported everything since it was sent, and nothing of the key. */
static bool is_sound(struct tier_read *r)
{
    return r->read.watched && r->flushes == r->tier->flushes &&
           r->changes == *changes_of(r->tier, key_of(r));
}

/* The answer to PTTL: -1 for a key that stays, -2 for one that is gone. Without one the value is
 * kept for the moment that it was given. */
static void on_ttl(struct store_read *read, enum store_result result, struct str text)
{
    struct tier_read *r = (struct tier_read *)read;
    long long ttl = result == STORE_HIT ? strtoll(text.ptr, NULL, 10) : 0;

    if (ttl == -1 || ttl > MOST_KEPT)
        ttl = MOST_KEPT;
    if (result == STORE_HIT && is_sound(r))
        memory_expire(r->tier->memory, key_of(r), r->sent + ttl);
    free(r);
}

/* Keeps a value; the read goes on with the PTTL. */
static void keep(struct tier_read *r, struct str value)
{
    struct tier *t = r->tier;

    r->sent = now_ms();
    if (!t->memory->ops->put(t->memory, key_of(r), value, r->sent, UNTIL_TTL_KNOWN)) {
        free(r);
        return;
    }
    r->read = (struct store_read){.done = on_ttl};
    redis_get_ttl(t->redis, key_of(r), &r->read);
}

static void on_read(struct store_read *read, enum store_result result, struct str value)
{
    struct tier_read *r = (struct tier_read *)read;
    struct store_read *outer = r->outer;

    outer->pending = NULL;
    outer->watched = read->watched;
    if (result == STORE_HIT && is_sound(r))
        keep(r, value);
    else
        free(r);
    outer->done(outer, result, value);
}

static void on_memory(struct store_read *read, enum store_result result, struct str value)
{
    struct memory_read *m = (struct memory_read *)read;

    m->hit = result == STORE_HIT;
    m->outer->watched = m->hit;
    if (m->hit)
        m->outer->done(m->outer, result, value);
}

static bool get_from_memory(struct tier *t, struct str key, struct store_read *read)
{
    struct memory_read m = {.read.done = on_memory, .outer = read};

    if (!redis_is_fresh(t->redis, key)) {
        t->metrics->tier_bypasses++;
        return false;
    }
    t->memory->ops->get(t->memory, key, now_ms(), &m.read);
    *(m.hit ? &t->metrics->tier_hits : &t->metrics->tier_misses) += 1;
    return m.hit;
}

static void tier_get(struct store *store, struct str key, int64_t now, struct store_read *read)
{
    struct tier *t = (struct tier *)store;

    read->pending = NULL;
    if (get_from_memory(t, key, read))
        return;
    struct tier_read *r = read_new(t, key, read);
    if (!r) {
        read->done(read, STORE_BUSY, STR(""));
        return;
    }
    read->pending = r;
    t->redis->ops->get(t->redis, key, now, &r->read);
}

static bool tier_put(struct store *store, struct str key, struct str value, int64_t now,
                     int64_t ttl)
{
    struct tier *t = (struct tier *)store;

    forget(t, key);
    return t->redis->ops->put(t->redis, key, value, now, ttl);
}

static void tier_cancel(struct store *store, struct store_read *read)
{
    struct tier *t = (struct tier *)store;
    struct tier_read *r = read->pending;

    if (!r)
        return;
    t->redis->ops->cancel(t->redis, &r->read);
    free(r);
    read->pending = NULL;
}

static bool tier_ready(const struct store *store)
{
    const struct tier *t = (const struct tier *)store;

    return t->redis->ops->ready(t->redis);
}

static void tier_free(struct store *store)
{
    struct tier *t = (struct tier *)store;

    t->redis->ops->free(t->redis);
    t->memory->ops->free(t->memory);
    free(t);
}

struct store *tier_new(struct store *redis, size_t max_bytes, struct metrics *metrics)
{
    static const struct store_ops ops = {.get = tier_get,
                                         .put = tier_put,
                                         .cancel = tier_cancel,
                                         .ready = tier_ready,
                                         .free = tier_free};
    struct tier *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->memory = memory_new(max_bytes, metrics);
    if (!t->memory) {
        free(t);
        return NULL;
    }
    t->store.ops = &ops;
    t->redis = redis;
    t->metrics = metrics;
    t->listener =
        (struct redis_listener){.changed = on_changed, .flushed = on_flushed, .context = t};
    redis_listen(redis, &t->listener);
    return &t->store;
}
