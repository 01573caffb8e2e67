/* A table in which a key has one place. Where the lease of another key stands the lease cannot be
 * taken, and the request is an ordinary miss: so nothing is allocated, and nothing has to be
 * cleared away. */
#include "lease.h"

#include <stdlib.h>
#include <xxhash.h>

enum { PLACES = 1 << 14 };

struct place {
    uint64_t high, low;   /* hash of the key */
    int64_t since, until; /* ms since the epoch; what is over, or yet to come, is free */
    bool refused;
};

struct memory_leases {
    struct leases leases;
    struct place places[PLACES];
};

/* A clock that was set back makes no lease longer. */
static bool is_free(const struct place *p, int64_t now)
{
    return p->until <= now || p->since > now;
}

/* The place of a key; *own says whether it holds what is said about this key and is not over. */
static struct place *place_of(struct leases *leases, struct str key, int64_t now, bool *own)
{
    XXH128_hash_t hash = XXH3_128bits(key.ptr, key.len);
    struct place *p = &((struct memory_leases *)leases)->places[hash.low64 % PLACES];
    bool same = p->high == hash.high64 && p->low == hash.low64;

    *own = same && !is_free(p, now);
    if (is_free(p, now))
        *p = (struct place){.high = hash.high64, .low = hash.low64};
    return p;
}

static void finish(struct store_read *read, enum store_result result, struct str value)
{
    read->pending = NULL;
    read->done(read, result, value);
}

static void memory_take(struct leases *leases, struct str key, int64_t now, int64_t ms,
                        struct store_read *read)
{
    bool own;
    struct place *p = place_of(leases, key, now, &own);
    bool free_place = is_free(p, now);

    if (free_place)
        p->since = now, p->until = now + ms;
    finish(read, free_place ? STORE_HIT : own ? STORE_MISS : STORE_BUSY, STR(""));
}

static void memory_peek(struct leases *leases, struct str key, int64_t now, struct store_read *read)
{
    bool own;
    struct place *p = place_of(leases, key, now, &own);

    if (own)
        finish(read, STORE_HIT, p->refused ? STR(LEASE_REFUSED_TEXT) : STR(LEASE_TAKEN_TEXT));
    else
        finish(read, STORE_MISS, STR(""));
}

static void memory_release(struct leases *leases, struct str key, int64_t now, bool refused)
{
    bool own;
    struct place *p = place_of(leases, key, now, &own);

    if (!own)
        return;
    p->refused = refused;
    p->since = now;
    p->until = refused ? now + LEASE_NOTE_MS : 0;
}

static void memory_cancel(struct leases *leases, struct store_read *read)
{
    (void)leases;
    read->pending = NULL;
}

static void memory_free(struct leases *leases)
{
    free(leases);
}

struct leases *leases_in_memory(void)
{
    static const struct lease_ops ops = {.take = memory_take,
                                         .peek = memory_peek,
                                         .release = memory_release,
                                         .cancel = memory_cancel,
                                         .free = memory_free};
    struct memory_leases *m = calloc(1, sizeof *m);

    if (m)
        m->leases.ops = &ops;
    return m ? &m->leases : NULL;
}
