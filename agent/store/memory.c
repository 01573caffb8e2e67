#include "memory.h"

#include <stdlib.h>
#include <xxhash.h>

enum { FIRST_BUCKETS = 64 }; /* a power of two */

struct entry {
    struct entry *next;          /* in the same bucket */
    struct entry *newer, *older; /* by last use */
    uint64_t hash;
    int64_t expires;
    size_t key_len, value_len;
    char bytes[]; /* the key, the value */
};

/* The table grows by linear hashing: one bucket is split per entry added, so that no request
 * ever waits while a million entries move. */
struct memory {
    struct store store;
    struct metrics *metrics;
    uint64_t seed;
    size_t max, used;
    struct entry **buckets;
    size_t bucket_count, capacity; /* capacity / 2 <= bucket_count <= capacity, a power of two */
    size_t entry_count;
    struct entry *newest, *oldest;
};

/* What malloc really takes for n bytes (glibc: one word more, in steps of 16). */
static size_t footprint(size_t n)
{
    size_t taken = (n + sizeof(size_t) + 15) & ~(size_t)15;

    return taken < 32 ? 32 : taken;
}

static size_t table_footprint(size_t capacity)
{
    return footprint(capacity * sizeof(struct entry *));
}

static struct str entry_key(const struct entry *e)
{
    return (struct str){e->bytes, e->key_len};
}

static struct str entry_value(const struct entry *e)
{
    return (struct str){e->bytes + e->key_len, e->value_len};
}

static size_t entry_footprint(const struct entry *e)
{
    return footprint(sizeof *e + e->key_len + e->value_len);
}

static struct entry **bucket_of(struct memory *m, uint64_t hash)
{
    size_t i = hash & (m->capacity - 1);

    return &m->buckets[i < m->bucket_count ? i : i & (m->capacity / 2 - 1)];
}

/* The link that points at the key's entry, or the one at the end of its bucket. */
static struct entry **find(struct memory *m, uint64_t hash, struct str key)
{
    struct entry **link = bucket_of(m, hash);

    while (*link && ((*link)->hash != hash || !str_eq(entry_key(*link), key)))
        link = &(*link)->next;
    return link;
}

static void use_unlink(struct memory *m, struct entry *e)
{
    *(e->newer ? &e->newer->older : &m->newest) = e->older;
    *(e->older ? &e->older->newer : &m->oldest) = e->newer;
}

static void use_link_newest(struct memory *m, struct entry *e)
{
    e->newer = NULL;
    e->older = m->newest;
    *(m->newest ? &m->newest->newer : &m->oldest) = e;
    m->newest = e;
}

static void remove_at(struct memory *m, struct entry **link)
{
    struct entry *e = *link;

    *link = e->next;
    use_unlink(m, e);
    m->used -= entry_footprint(e);
    m->entry_count--;
    free(e);
}

/* Evicts until `more` bytes fit; false, with nothing evicted, when they never would. */
static bool make_room(struct memory *m, size_t more)
{
    size_t fixed = footprint(sizeof *m) + table_footprint(m->capacity);

    if (fixed > m->max || more > m->max - fixed)
        return false;
    while (m->max - m->used < more) {
        remove_at(m, find(m, m->oldest->hash, entry_key(m->oldest)));
        m->metrics->memory_evictions++;
    }
    return true;
}

/* Makes room for as many buckets again; without it the chains just grow longer. */
static bool double_capacity(struct memory *m)
{
    size_t more = table_footprint(m->capacity * 2) - table_footprint(m->capacity);
    struct entry **buckets = NULL;

    if (make_room(m, more))
        buckets = realloc(m->buckets, m->capacity * 2 * sizeof *buckets);
    if (!buckets)
        return false;
    m->buckets = buckets;
    m->capacity *= 2;
    m->used += more;
    return true;
}

/* Adds one bucket and moves into it what belongs there: part of a single other bucket. */
static void split_bucket(struct memory *m)
{
    if (m->bucket_count == m->capacity && !double_capacity(m))
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

static uint64_t hash_of(const struct memory *m, struct str key)
{
    return XXH3_64bits_withSeed(key.ptr, key.len, m->seed);
}

static void memory_get(struct store *store, struct str key, int64_t now, struct store_read *read)
{
    struct memory *m = (struct memory *)store;
    struct entry **link = find(m, hash_of(m, key), key);
    struct entry *e = *link;

    read->pending = NULL;
    if (e && e->expires > now) {
        use_unlink(m, e);
        use_link_newest(m, e);
        read->done(read, STORE_HIT, entry_value(e));
        return;
    }
    if (e) {
        remove_at(m, link);
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
    use_link_newest(m, e);
    m->used += entry_footprint(e);
    m->entry_count++;
}

static bool memory_put(struct store *store, struct str key, struct str value, int64_t now,
                       int64_t ttl)
{
    struct memory *m = (struct memory *)store;
    uint64_t hash = hash_of(m, key);
    struct entry **old = find(m, hash, key), *e = NULL;
    int64_t expires = ttl > INT64_MAX - now ? INT64_MAX : now + ttl;

    if (*old)
        remove_at(m, old);
    if (m->entry_count >= m->bucket_count)
        split_bucket(m);
    if (ttl > 0 && make_room(m, footprint(sizeof *e + key.len + value.len)))
        e = entry_new(key, value, expires, hash);
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

static void memory_free(struct store *store)
{
    struct memory *m = (struct memory *)store;

    for (struct entry *e = m->newest, *older; e; e = older) {
        older = e->older;
        free(e);
    }
    m->metrics->memory_bytes = m->metrics->memory_entries = 0;
    free(m->buckets);
    free(m);
}

struct store *memory_new(size_t max_bytes, struct metrics *metrics)
{
    static const struct store_ops ops = {.get = memory_get,
                                         .put = memory_put,
                                         .cancel = memory_cancel,
                                         .ready = memory_ready,
                                         .free = memory_free};
    struct memory *m = malloc(sizeof *m);
    struct entry **buckets = calloc(FIRST_BUCKETS, sizeof(struct entry *));

    if (!m || !buckets) {
        free(m);
        free(buckets);
        return NULL;
    }
    *m = (struct memory){
        .store = {.ops = &ops, .own = true},
        .metrics = metrics,
        .seed = (uintptr_t)m * UINT64_C(0x9E3779B97F4A7C15), /* where it landed: nobody knows */
        .max = max_bytes,
        .used = footprint(sizeof *m) + table_footprint(FIRST_BUCKETS),
        .buckets = buckets,
        .bucket_count = FIRST_BUCKETS,
        .capacity = FIRST_BUCKETS,
    };
    publish(m);
    return &m->store;
}
