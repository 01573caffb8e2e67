/* A lookup                                   A store
 *
 *   NOTIFY ─ notify_read                       NOTIFY ─ notify_read
 *      │                                          │
 *   plan_request ── BYPASS ──────────┐         ticket_read, plan_answer ── why not ──┐
 *      │ look                        │            │ entry                            │
 *   store get  ··· at once or later  │         seal_write                            │
 *      │                             │            │                                  │
 *   seal_read ── cannot be opened ───┤         store put  ··· nobody waits           │
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
 *   plan_found ── HIT or MISS ── answer_lookup
 *
 * The request's bytes live until notify() returns; so what a later answer needs is in struct
 * lookup. A lookup belongs to the store while it waits there; when its connection dies first, its
 * exchange loses the connection and it ends without a word.
 */
#include "cache.h"

#include "core/answer.h"
#include "core/notify.h"
#include "core/seal.h"
#include "flight.h"
#include <stdlib.h>
#include <sys/random.h>

enum { LOOKUP_MAGIC = 0x100c0b5e, STORED_MAX = 64 << 20 };
enum { AROUND_BODY_MAX = PLAN_HEADERS_MAX + 512 }; /* bytes of an entry that are not its body */

struct lookup {
    unsigned magic;
    struct cache *cache;
    struct spop_exchange exchange;
    struct store_read read;
    struct waiter waiter;
    struct plan plan;
    struct config *config; /* a reference; owns the plan's policy */
    struct lookup *next_free;
};

struct cache {
    struct ev_loop *loop;
    struct store *store;
    struct leases *leases;
    struct flights *flights; /* owned */
    struct metrics *metrics;
    struct config *config; /* a reference */
    struct key_secret secret;
    struct plan_scratch scratch;
    struct buf stored;
    struct seal *seal;   /* owned; for stores that others can read and write */
    uint64_t nonce[2];   /* random at first, then counted on: no other agent has the same */
    struct lookup *free; /* lookups to be used again */
};

static int64_t now_ms(const struct cache *cache)
{
    return (int64_t)(ev_now(cache->loop) * 1000.);
}

/* Bytes that nobody can guess and that never come again. */
static struct hash128 next_nonce(struct cache *cache)
{
    cache->nonce[0]++;
    return key_digest(&cache->secret,
                      (struct str){(const char *)cache->nonce, sizeof cache->nonce});
}

static struct lookup *lookup_new(struct cache *cache)
{
    struct lookup *lookup = cache->free;

    if (lookup)
        cache->free = lookup->next_free;
    else
        lookup = malloc(sizeof *lookup);
    if (lookup) {
        lookup->magic = LOOKUP_MAGIC;
        lookup->cache = cache;
        lookup->config = config_ref(cache->config);
    }
    return lookup;
}

static void lookup_free(struct lookup *lookup)
{
    struct cache *cache = lookup->cache;

    config_unref(lookup->config);
    lookup->magic = 0;
    lookup->next_free = cache->free;
    cache->free = lookup;
}

/* A lookup that waits has been counted as a miss. */
static void count_wait(struct metrics *m, const struct plan *plan)
{
    if (plan->status == PLAN_HIT)
        m->coalesced++;
    else
        m->wait_reason[plan->reason]++;
}

static void count_lookup(struct metrics *m, const struct plan *plan)
{
    if (plan->waited) {
        count_wait(m, plan);
        return;
    }
    switch (plan->status) {
    case PLAN_HIT:
        m->hits++;
        return;
    case PLAN_MISS:
        m->misses++;
        break;
    case PLAN_BYPASS:
        m->bypasses++;
        break;
    }
    m->lookup_reason[plan->reason]++;
}

/* Sends the answer and ends the lookup. `entry` is read on a hit. */
static void lookup_finish(struct lookup *lookup, const struct entry *entry)
{
    struct cache *cache = lookup->cache;
    struct spop_ack ack;

    count_lookup(cache->metrics, &lookup->plan);
    if (spop_exchange_ack(&lookup->exchange, &ack)) {
        answer_lookup(&ack, &lookup->plan, entry, &cache->secret, now_ms(cache));
        spop_exchange_end(&lookup->exchange, &ack);
    }
    lookup_free(lookup);
}

/* What the client is told when the store has no value to look at. */
static enum reason reason_of(enum store_result result)
{
    static const enum reason reasons[] = {
        [STORE_HIT] = REASON_NONE,        [STORE_MISS] = REASON_ABSENT,
        [STORE_DOWN] = REASON_STORE_DOWN, [STORE_BUSY] = REASON_STORE_BUSY,
        [STORE_SLOW] = REASON_STORE_SLOW, [STORE_ERROR] = REASON_STORE_ERROR,
    };

    return reasons[result];
}

/* Opens what a store holds that is not ours alone. */
static enum reason open_value(struct lookup *lookup, struct str *value)
{
    struct cache *cache = lookup->cache;
    struct plan *plan = &lookup->plan;

    if (plan->own)
        return REASON_NONE;
    enum reason reason =
        seal_read(cache->seal, &plan->key, plan->room + AROUND_BODY_MAX, *value, value);
    if (reason == REASON_CORRUPT)
        cache->metrics->values_unopened++;
    if (reason == REASON_FRAME_SMALL)
        plan->store = false; /* what would be stored is there already */
    return reason;
}

/* Judges what the store holds under the key. */
static void judge(struct lookup *lookup, struct str value, struct entry *entry)
{
    struct cache *cache = lookup->cache;

    lookup->plan.reason = open_value(lookup, &value);
    if (lookup->plan.reason == REASON_NONE)
        plan_found(&lookup->plan, &cache->scratch, value, now_ms(cache), next_nonce(cache), entry);
}

static struct lookup *lookup_of(void *part, size_t offset)
{
    struct lookup *lookup = (struct lookup *)(void *)((char *)part - offset);

    if (lookup->magic != LOOKUP_MAGIC)
        abort();
    return lookup;
}

static struct flight_options flight_options(const struct lookup *lookup)
{
    const struct config *config = lookup->config;
    const struct policy *policy = lookup->plan.policy;
    int64_t half = config->max_connections / 2; /* up to one connection for each that waits */

    return (struct flight_options){
        .key = key_text(&lookup->plan.key),
        .wait = policy->coalesce_wait,
        .lease = policy->coalesce_lease,
        .max = (size_t)policy->coalesce_max,
        .max_all = (size_t)(config->max_waiting < half ? config->max_waiting : half),
    };
}

static void lead(struct lookup *lookup)
{
    lookup->plan.lease = now_ms(lookup->cache) + lookup->plan.policy->coalesce_lease;
}

static void on_lease(struct store_read *read, enum store_result result, struct str value)
{
    struct lookup *lookup = lookup_of(read, offsetof(struct lookup, read));
    struct flight_options options = flight_options(lookup);

    (void)value;
    if (result == STORE_HIT || result == STORE_SLOW)
        lead(lookup);
    else if (result == STORE_MISS)
        lookup->plan.wait = flights_have_room(lookup->cache->flights, &options);
    lookup_finish(lookup, NULL);
}

/* Whether the lease of the key is asked for: then somebody could also wait for it. */
static bool coalesces(const struct lookup *lookup)
{
    struct flight_options options;

    if (!plan_coalesces(&lookup->plan))
        return false;
    options = flight_options(lookup);
    return flights_have_room(lookup->cache->flights, &options);
}

static void take_lease(struct lookup *lookup)
{
    struct cache *cache = lookup->cache;

    lookup->read = (struct store_read){.done = on_lease};
    cache->leases->ops->take(cache->leases, key_text(&lookup->plan.key), now_ms(cache),
                             lookup->plan.policy->coalesce_lease, &lookup->read);
}

static void on_read(struct store_read *read, enum store_result result, struct str value)
{
    struct lookup *lookup = lookup_of(read, offsetof(struct lookup, read));
    struct entry entry;

    lookup->plan.reason = reason_of(result);
    if (result == STORE_HIT)
        judge(lookup, value, &entry);
    else if (result != STORE_MISS)
        lookup->plan.status = PLAN_BYPASS, lookup->plan.store = false;
    if (coalesces(lookup))
        take_lease(lookup);
    else
        lookup_finish(lookup, &entry);
}

static void look_up(struct cache *cache, struct lookup *lookup, const struct request *request,
                    size_t frame_size)
{
    struct scope scope;

    scope_find(&scope, lookup->config, &cache->secret, request, &cache->scratch.fields);
    plan_request(&lookup->plan, &cache->scratch, &cache->secret, &scope, request, frame_size);
    if (!lookup->plan.look) {
        lookup_finish(lookup, NULL);
        return;
    }
    lookup->plan.own = cache->store->own;
    lookup->read = (struct store_read){.done = on_read};
    cache->store->ops->get(cache->store, key_text(&lookup->plan.key), now_ms(cache), &lookup->read);
}

static enum reason reason_of_end(enum flight_end end)
{
    static const enum reason reasons[] = {
        [FLIGHT_LANDED] = REASON_NONE,          [FLIGHT_LED] = REASON_WAIT_LED,
        [FLIGHT_REFUSED] = REASON_WAIT_REFUSED, [FLIGHT_OVER] = REASON_WAIT_OVER,
        [FLIGHT_ENDED] = REASON_WAIT_ENDED,
    };

    return reasons[end];
}

static void on_waited(struct waiter *waiter, enum flight_end end, struct str value)
{
    struct lookup *lookup = lookup_of(waiter, offsetof(struct lookup, waiter));
    struct entry entry;

    lookup->plan.reason = reason_of_end(end);
    if (end == FLIGHT_LANDED)
        judge(lookup, value, &entry);
    else if (end == FLIGHT_LED)
        lead(lookup);
    lookup_finish(lookup, &entry);
}

/* False when the request cannot wait. */
static bool begin_wait(struct cache *cache, struct lookup *lookup, const struct notify *notify,
                       size_t frame_size)
{
    struct ticket ticket;

    if (!ticket_read(notify->ticket, &cache->secret, &ticket) ||
        !plan_resume(&lookup->plan, config_policy(lookup->config, ticket.policy), &ticket,
                     notify->request.exact, frame_size))
        return false;
    lookup->plan.own = cache->store->own;
    lookup->waiter = (struct waiter){.done = on_waited};
    struct flight_options options = flight_options(lookup);
    flights_wait(cache->flights, &options, &lookup->waiter);
    return true;
}

/* The request that has the lease has an answer: stored, or refused. */
static void release(struct cache *cache, const struct ticket *ticket, bool refused)
{
    struct str key = key_text(&ticket->key);

    if (ticket->lease > now_ms(cache))
        cache->leases->ops->release(cache->leases, key, now_ms(cache), refused);
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
    return store->ops->put(store, key_text(&ticket->key), value, now_ms(cache), ticket->ttl)
               ? REASON_NONE
               : REASON_STORE_BUSY;
}

static enum reason put_answer(struct cache *cache, const struct notify *notify,
                              const struct ticket *ticket)
{
    enum reason reason = plan_answer(&cache->scratch, config_policy(cache->config, ticket->policy),
                                     ticket, &notify->response, now_ms(cache), &cache->stored);

    if (reason != REASON_NONE)
        return reason;
    if (!cache->store->ops->ready(cache->store))
        return REASON_STORE_DOWN;
    return put(cache, ticket);
}

static enum reason store_answer(struct cache *cache, const struct notify *notify)
{
    struct ticket ticket;

    if (!ticket_read(notify->ticket, &cache->secret, &ticket))
        return REASON_TICKET;
    enum reason reason = put_answer(cache, notify, &ticket);
    release(cache, &ticket, reason != REASON_NONE);
    return reason;
}

static void store(struct cache *cache, struct spop_exchange *exchange, const struct notify *notify)
{
    enum reason reason = store_answer(cache, notify);
    struct spop_ack ack;

    if (reason == REASON_NONE)
        cache->metrics->stored++;
    else
        cache->metrics->refused++, cache->metrics->refuse_reason[reason]++;
    if (!spop_exchange_ack(exchange, &ack))
        return;
    answer_store(&ack, reason);
    spop_exchange_end(exchange, &ack);
}

/* An ACK without variables: every NOTIFY gets one. */
static void answer_nothing(struct spop_exchange *exchange)
{
    struct spop_ack ack;

    if (spop_exchange_ack(exchange, &ack))
        spop_exchange_end(exchange, &ack);
}

/* What may be answered later; false without memory. */
static bool on_question(struct cache *cache, struct notify *notify, struct spop_conn *conn,
                        const struct spop_frame *frame)
{
    struct lookup *lookup = lookup_new(cache);

    if (!lookup)
        return false;
    /* two signs of HAProxy <= 3.0, either is enough */
    notify->request.exact &= !spop_conn_is_legacy(conn);
    spop_exchange_open(&lookup->exchange, conn, frame);
    if (notify->kind == NOTIFY_LOOKUP) {
        look_up(cache, lookup, &notify->request, spop_conn_frame_size(conn));
    } else if (!begin_wait(cache, lookup, notify, spop_conn_frame_size(conn))) {
        answer_nothing(&lookup->exchange);
        lookup_free(lookup);
    }
    return true;
}

static enum spop_error on_notify(void *ctx, struct spop_conn *conn, const struct spop_frame *frame)
{
    struct cache *cache = ctx;
    struct spop_exchange exchange;
    struct notify notify;

    if (!notify_read(frame->payload, &notify))
        return SPOP_INVALID;
    if ((notify.kind == NOTIFY_LOOKUP || notify.kind == NOTIFY_WAIT) &&
        on_question(cache, &notify, conn, frame))
        return SPOP_NORMAL;
    spop_exchange_open(&exchange, conn, frame);
    if (notify.kind == NOTIFY_STORE) {
        store(cache, &exchange, &notify);
        return SPOP_NORMAL;
    }
    if (notify.kind == NOTIFY_RELEASE)
        release_unseen(cache, &notify);
    answer_nothing(&exchange);
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

struct cache *cache_new(struct ev_loop *loop, struct config *config, struct store *store_under,
                        struct leases *leases, struct metrics *metrics)
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
                            .flights = flights,
                            .metrics = metrics,
                            .config = config_ref(config),
                            .seal = new_seal(config),
                            .stored = buf_new(STORED_MAX)};
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
    plan_scratch_forget(&cache->scratch);
    config_unref(cache->config);
    cache->config = config_ref(config);
    return true;
}

void cache_notice(struct cache *cache, struct str redis_key)
{
    struct str subject = lease_subject(redis_key);

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
    while (cache->free) {
        struct lookup *lookup = cache->free;
        cache->free = lookup->next_free;
        free(lookup);
    }
    plan_scratch_free(&cache->scratch);
    buf_free(&cache->stored);
    seal_free(cache->seal);
    config_unref(cache->config);
    free(cache);
}
