/* S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023):
 *
 *   put ── was here not long ago? ── no ──▶ small ──▶ used? ── no ──▶ out
 *                    │ yes                              │ yes, one use less
 *                    └──────────────▶ main ◀────────────┤
 *                                      └─────────────▶ used? ── no ──▶ out
 *
 * A hit counts as a use and moves nothing. What leaves is remembered for a while by its hash alone.
 * So a sweep of keys that nobody asks for again passes through the small queue, and what is asked
 * for again stays in the main one. */
#include "memory.h"

#include <stdlib.h>
#include <xxhash.h>

enum {
    FIRST_BUCKETS = 64,  /* a power of two */
    SMALL_SHARE = 10,    /* the small queue, and the largest entry: this part of the whole */
    USES_MAX = 3,        /* more do not count */
    SECOND_CHANCES = 32, /* for one eviction: bounds its time when everything is in use */
    SWEPT_BUCKETS = 4,   /* for one put */
};

struct entry {
    struct entry *next;          /* in the same bucket */
    struct entry *newer, *older; /* in the same queue */
    uint64_t hash;
    int64_t expires;
    size_t key_len, value_len;
    uint32_t epoch; /* of the store when it was put */
    uint8_t uses;   /* hits that still count */
    bool in_main;
    char bytes[]; /* the key, the value */
};

struct queue {
    struct entry *newest, *oldest;
    size_t bytes;
};

/* The table grows by linear hashing: one bucket is split per entry added, so that no request
 * ever waits while a million entries move. The hash has no seed, so that what is kept depends on
 * nothing but the calls; keys are keyed digests, whose place in the table nobody can choose. */
struct memory {
    struct store store;
    struct metrics *metrics;
    size_t max, used;
    struct queue small, main;
    struct entry **buckets;
    size_t bucket_count, capacity; /* capacity / 2 <= bucket_count <= capacity, a power of two */
    size_t swept;                  /* the bucket that sweep() looked at last */
    size_t entry_count;
    uint32_t *ghosts; /* capacity / 2: hashes of entries that left; a later one overwrites */
    uint32_t epoch;   /* entries of another one have been cleared */
};

/* What malloc really takes for n bytes (glibc: one word more, in steps of 16). */
static size_t footprint(size_t n)
{
    size_t taken = (n + sizeof(size_t) + 15) & ~(size_t)15;

    return taken < 32 ? 32 : taken;
}

static size_t table_footprint(size_t capacity)
{
    return footprint(capacity * sizeof(struct entry *)) +
           footprint(capacity / 2 * sizeof(uint32_t));
}

static struct str entry_key(const struct entry *e)
{
    return (struct str){e->bytes, e->key_len};
}

static struct str entry_value(const struct entry *e)
{
    return (struct str){e->bytes + e->key_len, e->value_len};
}

static size_t entry_footprint(size_t key_len, size_t value_len)
{
    return footprint(sizeof(struct entry) + key_len + value_len);
}

/* Past its time, or cleared: never to be served. */
static bool is_dead(const struct memory *m, const struct entry *e, int64_t now)
{
    return e->expires <= now || e->epoch != m->epoch;
}

static struct entry **bucket_of(struct memory *m, uint64_t hash)
{
    size_t i = hash & (m->capacity - 1);

    return &m->buckets[i < m->bucket_count ? i : i & (m->capacity / 2 - 1)];
}

static struct entry *find(struct memory *m, uint64_t hash, struct str key)
{
    struct entry *e = *bucket_of(m, hash);

    while (e && (e->hash != hash || !str_eq(entry_key(e), key)))
        e = e->next;
    return e;
}

static struct queue *queue_of(struct memory *m, const struct entry *e)
{
    return e->in_main ? &m->main : &m->small;
}

static void queue_leave(struct memory *m, struct entry *e)
{
    struct queue *q = queue_of(m, e);

    *(e->newer ? &e->newer->older : &q->newest) = e->older;
    *(e->older ? &e->older->newer : &q->oldest) = e->newer;
    q->bytes -= entry_footprint(e->key_len, e->value_len);
}

static void queue_enter(struct memory *m, struct entry *e)
{
    struct queue *q = queue_of(m, e);

    e->newer = NULL;
    e->older = q->newest;
    *(q->newest ? &q->newest->newer : &q->oldest) = e;
    q->newest = e;
    q->bytes += entry_footprint(e->key_len, e->value_len);
}

static uint32_t *ghost_of(struct memory *m, uint64_t hash)
{
    return &m->ghosts[hash & (m->capacity / 2 - 1)];
}

/* Which part of the hash a ghost is: not the one that says where it stands. */
static uint32_t ghost_name(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

/* Frees an entry, whatever the reason, and remembers that it was here. */
static void drop(struct memory *m, struct entry *e)
{
    struct entry **link = bucket_of(m, e->hash);

    while (*link != e)
        link = &(*link)->next;
    *link = e->next;
    queue_leave(m, e);
    *ghost_of(m, e->hash) = ghost_name(e->hash);
    m->used -= entry_footprint(e->key_len, e->value_len);
    m->entry_count--;
    free(e);
}

/* Drops what is dead in the next few buckets: it makes way before what lives. */
static void sweep(struct memory *m, int64_t now)
{
    for (int i = 0; i < SWEPT_BUCKETS; i++) {
        m->swept = m->swept + 1 < m->bucket_count ? m->swept + 1 : 0;
        for (struct entry *e = m->buckets[m->swept], *next; e; e = next) {
            next = e->next;
            if (is_dead(m, e, now))
                drop(m, e);
        }
    }
}

/* The entry to evict: those that were used move on before it is found. Not for an empty store. */
static struct entry *victim(struct memory *m, int64_t now)
{
    for (int chances = SECOND_CHANCES;; chances--) {
        bool from_small = m->small.bytes >= m->max / SMALL_SHARE || !m->main.oldest;
        struct entry *e = from_small ? m->small.oldest : m->main.oldest;

        if (is_dead(m, e, now) || e->uses == 0 || chances == 0)
            return e;
        queue_leave(m, e);
        e->uses--;
        e->in_main = true;
        queue_enter(m, e);
    }
}

/* Evicts until `more` bytes fit; false, with nothing evicted, when they never would. */
static bool make_room(struct memory *m, size_t more, int64_t now)
{
    size_t fixed = footprint(sizeof *m) + table_footprint(m->capacity);

    if (fixed > m->max || more > m->max - fixed)
        return false;
    while (m->max - m->used < more) {
        struct entry *e = victim(m, now);
        m->metrics->memory_evictions += !is_dead(m, e, now);
        drop(m, e);
    }
    return true;
}

/* Makes room for as many buckets again; without it the chains just grow longer. The new ghosts
 * know nothing yet: a table that grows was not full for long. */
static bool double_capacity(struct memory *m, int64_t now)
{
    size_t more = table_footprint(m->capacity * 2) - table_footprint(m->capacity);
    uint32_t *ghosts = NULL;
    struct entry **buckets = NULL;

    if (make_room(m, more, now))
        ghosts = calloc(m->capacity, sizeof *ghosts);
    if (ghosts)
        buckets = realloc(m->buckets, m->capacity * 2 * sizeof *buckets);
    if (!buckets) {
        free(ghosts);
        return false;
    }
    free(m->ghosts);
    m->ghosts = ghosts;
    m->buckets = buckets;
    m->capacity *= 2;
    m->used += more;
    return true;
}

/* Adds one bucket and moves into it what belongs there: part of a single other bucket. */
static void split_bucket(struct memory *m, int64_t now)
{
    if (m->bucket_count == m->capacity && !double_capacity(m, now))
        return;
    struct entry **from = &m->buckets[m->bucket_count - m->capacity / 2];
    struct entry **to = &m->buckets[m->bucket_count];

    *to = NULL;
    while (*from) {
        struct entry *e = *from;
        if ((e->hash & (m->capacity - 1)) == m->bucket_count) {
            *from = e->next;
            e->next = *to;
            *to = e;
        } else {
            from = &e->next;
        }
    }
    m->bucket_count++;
}

static void publish(struct memory *m)
{
    m->metrics->memory_bytes = m->used;
    m->metrics->memory_entries = m->entry_count;
}

static uint64_t hash_of(struct str key)
{
    return XXH3_64bits(key.ptr, key.len);
}

static void memory_get(struct store *store, struct str key, int64_t now, struct store_read *read)
{
    struct memory *m = (struct memory *)store;
    struct entry *e = find(m, hash_of(key), key);

    read->pending = NULL;
    if (e && !is_dead(m, e, now)) {
        if (e->uses < USES_MAX)
            e->uses++;
        read->done(read, STORE_HIT, entry_value(e));
        return;
    }
    if (e) {
        drop(m, e);
        publish(m);
    }
    read->done(read, STORE_MISS, STR(""));
}

static struct entry *entry_new(struct str key, struct str value, int64_t expires, uint64_t hash)
{
    struct entry *e = malloc(sizeof *e + key.len + value.len);

    if (!e)
        return NULL;
    *e = (struct entry){
        .hash = hash, .expires = expires, .key_len = key.len, .value_len = value.len};
    if (key.len)
        memcpy(e->bytes, key.ptr, key.len);
    if (value.len)
        memcpy(e->bytes + key.len, value.ptr, value.len);
    return e;
}

static void insert(struct memory *m, struct entry *e)
{
    struct entry **bucket = bucket_of(m, e->hash);

    e->next = *bucket;
    *bucket = e;
    e->epoch = m->epoch;
    e->in_main = *ghost_of(m, e->hash) == ghost_name(e->hash);
    queue_enter(m, e);
    m->used += entry_footprint(e->key_len, e->value_len);
    m->entry_count++;
}

static bool memory_put(struct store *store, struct str key, struct str value, int64_t now,
                       int64_t ttl)
{
    struct memory *m = (struct memory *)store;
    size_t bytes = entry_footprint(key.len, value.len);
    uint64_t hash = hash_of(key);
    struct entry *old = find(m, hash, key), *e = NULL;
    int64_t expires = ttl > INT64_MAX - now ? INT64_MAX : now + ttl;

    if (old)
        drop(m, old);
    sweep(m, now);
    if (ttl > 0 && bytes <= m->max / SMALL_SHARE) {
        if (m->entry_count >= m->bucket_count)
            split_bucket(m, now);
        if (make_room(m, bytes, now))
            e = entry_new(key, value, expires, hash);
    }
    if (e)
        insert(m, e);
    publish(m);
    return e != NULL;
}

static void memory_cancel(struct store *store, struct store_read *read)
{
    (void)store;
    read->pending = NULL;
}

static bool memory_ready(const struct store *store)
{
    (void)store;
    return true;
}

static void free_queue(struct queue *q)
{
    for (struct entry *e = q->newest, *older; e; e = older) {
        older = e->older;
        free(e);
    }
}

static void memory_free(struct store *store)
{
    struct memory *m = (struct memory *)store;

    free_queue(&m->small);
    free_queue(&m->main);
    m->metrics->memory_bytes = m->metrics->memory_entries = 0;
    free(m->buckets);
    free(m->ghosts);
    free(m);
}

void memory_remove(struct store *store, struct str key)
{
    struct memory *m = (struct memory *)store;
    struct entry *e = find(m, hash_of(key), key);

    if (e)
        drop(m, e);
    publish(m);
}

void memory_expire(struct store *store, struct str key, int64_t when)
{
    struct entry *e = find((struct memory *)store, hash_of(key), key);

    if (e)
        e->expires = when;
}

void memory_clear(struct store *store)
{
    ((struct memory *)store)->epoch++;
}

struct store *memory_new(size_t max_bytes, struct metrics *metrics)
{
    static const struct store_ops ops = {.get = memory_get,
                                         .put = memory_put,
                                         .cancel = memory_cancel,
                                         .ready = memory_ready,
                                         .free = memory_free};
    struct memory *m = malloc(sizeof *m);
    struct entry **buckets = calloc(FIRST_BUCKETS, sizeof *buckets);
    uint32_t *ghosts = calloc(FIRST_BUCKETS / 2, sizeof *ghosts);

    if (!m || !buckets || !ghosts) {
        free(m);
        free(buckets);
        free(ghosts);
        return NULL;
    }
    *m = (struct memory){
        .store = {.ops = &ops, .own = true},
        .metrics = metrics,
        .max = max_bytes,
        .used = footprint(sizeof *m) + table_footprint(FIRST_BUCKETS),
        .buckets = buckets,
        .bucket_count = FIRST_BUCKETS,
        .capacity = FIRST_BUCKETS,
        .ghosts = ghosts,
    };
    metrics->memory_max_bytes = max_bytes;
    publish(m);
    return &m->store;
}
