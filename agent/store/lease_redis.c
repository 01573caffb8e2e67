/* The lease of a key is a key of its own, in the same slot of a cluster: commands about both keep
 * their order. */
#include "core/decimal.h"
#include "core/key.h"
#include "lease.h"
#include "redis.h"

#include <stdio.h>
#include <stdlib.h>

#define LEASE_PREFIX KEY_PREFIX "lease:{"

enum { LEASE_KEY_MAX = sizeof LEASE_PREFIX + KEY_TEXT_MAX + 1 };

struct redis_leases {
    struct leases leases;
    struct store *redis;
};

/* The memory of a name. */
struct lease_text {
    char bytes[LEASE_KEY_MAX];
};

static struct str write_key(struct lease_text *text, struct str key)
{
    int len = snprintf(text->bytes, sizeof text->bytes, LEASE_PREFIX "%.*s}", STR_ARGS(key));

    return (struct str){text->bytes, (size_t)len};
}

static struct store *redis_of(struct leases *leases)
{
    return ((struct redis_leases *)leases)->redis;
}

static void redis_take(struct leases *leases, struct str key, int64_t now, int64_t ms,
                       struct store_read *read)
{
    struct lease_text name;
    struct decimal_text number;
    const struct str words[] = {
        STR("SET"), write_key(&name, key),     STR(LEASE_TAKEN_TEXT), STR("NX"),
        STR("PX"),  decimal_write(&number, ms)};

    (void)now;
    redis_ask(redis_of(leases), words[1], words, sizeof words / sizeof *words, read);
}

static void redis_peek(struct leases *leases, struct str key, int64_t now, struct store_read *read)
{
    struct lease_text name;
    const struct str words[] = {STR("GET"), write_key(&name, key)};

    (void)now;
    redis_ask(redis_of(leases), words[1], words, 2, read);
}

static void redis_release(struct leases *leases, struct str key, int64_t now, bool refused)
{
    struct lease_text name;
    struct decimal_text number;
    const struct str note[] = {STR("SET"), write_key(&name, key), STR(LEASE_REFUSED_TEXT),
                               STR("PX"), decimal_write(&number, LEASE_NOTE_MS)};

    (void)now;
    if (refused)
        redis_tell(redis_of(leases), note, sizeof note / sizeof *note);
    else
        redis_tell(redis_of(leases), (struct str[]){STR("DEL"), note[1]}, 2);
}

static void redis_cancel(struct leases *leases, struct store_read *read)
{
    struct store *redis = redis_of(leases);

    redis->ops->cancel(redis, read);
}

static void redis_free(struct leases *leases)
{
    free(leases);
}

struct str lease_subject(struct str redis_key)
{
    size_t prefix = sizeof LEASE_PREFIX - 1;

    if (!str_starts(redis_key, STR(LEASE_PREFIX)) || redis_key.ptr[redis_key.len - 1] != '}')
        return STR("");
    return (struct str){redis_key.ptr + prefix, redis_key.len - prefix - 1};
}

struct leases *leases_in_redis(struct store *redis)
{
    static const struct lease_ops ops = {.take = redis_take,
                                         .peek = redis_peek,
                                         .release = redis_release,
                                         .cancel = redis_cancel,
                                         .free = redis_free};
    struct redis_leases *r = malloc(sizeof *r);

    if (r)
        *r = (struct redis_leases){{&ops}, redis};
    return r ? &r->leases : NULL;
}
