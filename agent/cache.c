/* A lookup                                   A store
 *
 *   NOTIFY ─ notify_read                       NOTIFY ─ notify_read
 *      │                                          │
 *   plan_request ── BYPASS ──────────┐         ticket_read, plan_answer ── why not ──┐
 *      │ look                        │            │ entry                            │
 *   store get  ··· at once or later  │         seal_write                            │
 *      │                             │            │                                  │
 *   purge_book_wait ··· the same     │         store put  ··· nobody waits           │
 *      │                             │            │                                  │
 *   seal_read ── cannot be opened ───┤            │                                  │
 *      │                             │            │                                  │
 *   plan_found ── HIT ───────────────┤            ├──────────────────────────────────┘
 *      │ MISS                        │         release the lease, notice
 *   take the lease  ··· or later     │            │
 *      │                             │            │
 *      └── MISS: leads or may wait ──┤            │
 *                                    ▼            ▼
 *                             answer_lookup    answer_store
 *
 * A wait                                     A release
 *
 *   NOTIFY ─ ticket_read, plan_resume          NOTIFY ─ ticket_read
 *      │                                          │
 *   flights_wait  ··· until it lands           release the lease: the answer will not be stored
 *      │
 *   purge_book_wait
 *      │
 *   plan_found ── HIT or MISS ── answer_lookup
 *
 * The request's bytes live until notify() returns; so what a later answer needs is in struct
 * lookup. A lookup belongs to the store while it waits there; when its connection dies first, its
 * exchange loses the connection and it ends without a word.
 */
#include "cache_private.h"

#include "core/answer.h"
#include <stdlib.h>
#include <sys/random.h>

enum { STORED_MAX = 64 << 20 };

/* The request that has the lease has an answer: stored, or refused. */
static void release(struct cache *cache, const struct ticket *ticket, bool refused)
{
    struct str key = key_text(&ticket->key);

    if (ticket->lease > cache_now(cache))
        cache->leases->ops->release(cache->leases, key, cache_now(cache), refused);
    flights_notice(cache->flights, key);
}

static void release_unseen(struct cache *cache, const struct notify *notify)
{
    struct ticket ticket;

    if (ticket_read(notify->ticket, &cache->secret, &ticket))
        release(cache, &ticket, true);
}

/* Gives the entry to the store, in the form that it has there. */
static enum reason put(struct cache *cache, const struct ticket *ticket)
{
    struct store *store = cache->store;
    struct str value = buf_str(&cache->stored);
    unsigned char salt[CIPHER_SALT];

    if (!store->own) {
        if (seal_needs_salt(cache->seal) && getrandom(salt, sizeof salt, 0) != sizeof salt)
            return REASON_INTERNAL;
        if (!seal_write(cache->seal, &ticket->key, salt, value, &value))
            return REASON_INTERNAL;
        cache->metrics->values_plain_bytes += cache->stored.len;
        cache->metrics->values_bytes += value.len;
    }
    return store->ops->put(store, key_text(&ticket->key), value, cache_now(cache), ticket->ttl)
               ? REASON_NONE
               : REASON_STORE_BUSY;
}

static enum reason put_answer(struct cache *cache, const struct notify *notify,
                              const struct ticket *ticket)
{
    purge_book_renew(cache->book);
    enum reason reason = plan_answer(&cache->scratch, config_policy(cache->config, ticket->policy),
                                     purge_book_purges(cache->book), ticket, &notify->response,
                                     cache_now(cache), &cache->stored);

    if (reason != REASON_NONE)
        return reason;
    if (!cache->store->ops->ready(cache->store))
        return REASON_STORE_DOWN;
    return put(cache, ticket);
}

static void count_answer(const struct cache *cache, const struct ticket *ticket, enum reason reason,
                         uint64_t size)
{
    const struct policy *policy = config_policy(cache->config, ticket->policy);

    metrics_count_answer(cache->metrics, policy ? policy->number : 0, api_named(ticket->api),
                         reason, size);
}

static enum reason store_answer(struct cache *cache, const struct notify *notify)
{
    struct ticket ticket;

    if (!ticket_read(notify->ticket, &cache->secret, &ticket)) {
        metrics_count_answer(cache->metrics, 0, NULL, REASON_TICKET, 0);
        return REASON_TICKET;
    }
    enum reason reason = put_answer(cache, notify, &ticket);
    count_answer(cache, &ticket, reason, notify->response.body.len);
    /* asked for before a purge: the next answer is stored, and so one is enough */
    release(cache, &ticket, reason != REASON_NONE && reason != REASON_PURGED);
    return reason;
}

static void store(struct cache *cache, struct spop_exchange *exchange, const struct notify *notify)
{
    enum reason reason = store_answer(cache, notify);
    struct spop_ack ack;

    if (!spop_exchange_ack(exchange, &ack))
        return;
    answer_store(&ack, reason);
    spop_exchange_end(exchange, &ack);
}

void cache_answer_nothing(struct spop_exchange *exchange)
{
    struct spop_ack ack;

    if (spop_exchange_ack(exchange, &ack))
        spop_exchange_end(exchange, &ack);
}

static enum spop_error on_notify(void *ctx, struct spop_conn *conn, const struct spop_frame *frame)
{
    struct cache *cache = ctx;
    struct spop_exchange exchange;
    struct notify notify;

    if (!notify_read(frame->payload, &notify))
        return SPOP_INVALID;
    if ((notify.kind == NOTIFY_LOOKUP || notify.kind == NOTIFY_WAIT) &&
        lookup_start(cache, &notify, conn, frame))
        return SPOP_NORMAL;
    spop_exchange_open(&exchange, conn, frame);
    if (notify.kind == NOTIFY_STORE) {
        store(cache, &exchange, &notify);
        return SPOP_NORMAL;
    }
    if (notify.kind == NOTIFY_RELEASE)
        release_unseen(cache, &notify);
    cache_answer_nothing(&exchange);
    return SPOP_NORMAL;
}

static struct seal *new_seal(const struct config *c)
{
    const struct seal_options options = {
        .compress = c->compress,
        .above = (size_t)c->compress_above,
        .level = (int)c->compress_level,
        .dictionaries = c->dictionaries.items,
        .dictionary_count = c->dictionaries.count,
        .keys = &c->cipher_keys,
        .bind = c->bind_to_request,
    };

    return seal_new(&options);
}

/* Gives the policies the numbers by which they are counted. */
static void number_policies(struct config *config, struct metrics *metrics)
{
    const struct config_sections *policies = &config->sections[CONFIG_POLICY];

    for (size_t i = 0; i < policies->count; i++) {
        struct policy *policy = policies->all[i]->item;
        policy->number = metrics_policy(metrics, policy->name);
    }
}

struct cache *cache_new(struct ev_loop *loop, struct config *config, struct store *store_under,
                        struct leases *leases, struct purge_book *book, struct metrics *metrics)
{
    struct cache *cache = calloc(1, sizeof *cache);
    struct flights *flights = flights_new(loop, store_under, leases, metrics);

    if (!cache || !flights) {
        free(cache);
        free(flights);
        return NULL;
    }
    *cache = (struct cache){.loop = loop,
                            .store = store_under,
                            .leases = leases,
                            .book = book,
                            .flights = flights,
                            .metrics = metrics,
                            .config = config_ref(config),
                            .seal = new_seal(config),
                            .stored = buf_new(STORED_MAX)};
    number_policies(config, metrics);
    metrics->tenants.max = (size_t)config->metrics_tenants;
    key_secret_derive(&cache->secret, config->secret);
    plan_scratch_init(&cache->scratch);
    if (cache->seal && getrandom(cache->nonce, sizeof cache->nonce, 0) == sizeof cache->nonce)
        return cache;
    cache_free(cache);
    return NULL;
}

bool cache_set_config(struct cache *cache, struct config *config)
{
    struct seal *seal = new_seal(config);

    if (!seal)
        return false;
    seal_free(cache->seal);
    cache->seal = seal;
    number_policies(config, cache->metrics);
    plan_scratch_forget(&cache->scratch);
    config_unref(cache->config);
    cache->config = config_ref(config);
    return true;
}

void cache_notice(struct cache *cache, struct str redis_key)
{
    struct str subject = lease_subject(redis_key);

    if (cache->metrics->waiting)
        purge_book_renew(cache->book); /* before what landed is read */
    flights_notice(cache->flights, subject.len ? subject : redis_key);
}

void cache_notice_all(struct cache *cache)
{
    flights_notice_all(cache->flights);
}

void cache_hear(struct cache *cache, bool hears)
{
    flights_hear(cache->flights, hears);
}

void cache_drain(struct cache *cache)
{
    flights_close(cache->flights);
}

struct spop_handler cache_handler(struct cache *cache)
{
    return (struct spop_handler){.notify = on_notify, .ctx = cache};
}

void cache_free(struct cache *cache)
{
    flights_free(cache->flights);
    lookups_free(cache);
    plan_scratch_free(&cache->scratch);
    buf_free(&cache->stored);
    seal_free(cache->seal);
    config_unref(cache->config);
    free(cache);
}
