#include "cache_private.h"

#include "core/answer.h"
#include "net/clock.h"
#include <stdlib.h>

enum { LOOKUP_MAGIC = 0x100c0b5e };
enum { HELD_BACK_MAX = 32 << 20 }; /* bytes of values that wait until it is known what was purged */
enum {
    AROUND_BODY_MAX = PLAN_HEADERS_MAX + PLAN_TAGS_MAX + PURGE_NAME_MAX + 512
}; /* bytes of an entry that are not its body */

struct lookup {
    unsigned magic;
    struct cache *cache;
    struct spop_exchange exchange;
    struct store_read read;
    struct waiter waiter;
    struct purge_wait wait;
    struct buf value; /* what was read, while the book of purges is not sure */
    struct plan plan;
    struct config *config; /* a reference; owns the plan's policy */
    ev_tstamp started;
    size_t tenant; /* of metrics_tenant() */
    struct lookup *next_free;
};

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
        lookup->value = buf_new(HELD_BACK_MAX);
        lookup->config = config_ref(cache->config);
        lookup->started = ev_now(cache->loop);
    }
    return lookup;
}

static void lookup_free(struct lookup *lookup)
{
    struct cache *cache = lookup->cache;

    config_unref(lookup->config);
    cache->held_back -= lookup->value.len;
    buf_free(&lookup->value);
    lookup->magic = 0;
    lookup->next_free = cache->free;
    cache->free = lookup;
}

static enum metrics_result result_of(enum plan_status status)
{
    static const enum metrics_result results[] = {
        [PLAN_HIT] = METRICS_HIT, [PLAN_MISS] = METRICS_MISS, [PLAN_BYPASS] = METRICS_BYPASS};

    return results[status];
}

/* Nanoseconds since a time of the loop, which is that of the turn's beginning. */
static uint64_t since(ev_tstamp started)
{
    ev_tstamp seconds = ev_time() - started;

    return seconds > 0 ? (uint64_t)(seconds * CLOCK_SECOND) : 0;
}

/* `entry` is read on a hit. */
static void count(const struct lookup *lookup, const struct entry *entry)
{
    const struct cache *cache = lookup->cache;
    const struct plan *plan = &lookup->plan;
    struct metrics_lookup counted = {
        .result = result_of(plan->status),
        .reason = plan->reason,
        .policy = plan->policy ? plan->policy->number : 0,
        .api = plan->api,
        .tenant = lookup->tenant,
        .waited = plan->waited,
        .time = since(lookup->started),
    };

    if (plan->status == PLAN_HIT && entry) {
        int64_t age = cache_now(cache) - entry->created;
        counted.age = age > 0 ? (uint64_t)age : 0;
        counted.size = entry->body.len;
        counted.tokens[METRICS_PROMPT] = (uint64_t)entry->prompt_tokens;
        counted.tokens[METRICS_COMPLETION] = (uint64_t)entry->completion_tokens;
        counted.money = price_of(plan->price, entry->prompt_tokens, entry->completion_tokens);
    }
    metrics_count_lookup(cache->metrics, &counted);
}

/* Nobody is there to go to the origin with it: the next one may. */
static void give_lease_back(struct cache *cache, struct str key)
{
    cache->leases->ops->release(cache->leases, key, cache_now(cache), false);
    flights_notice(cache->flights, key);
}

/* Sends the answer and ends the lookup. `entry` is read on a hit. */
static void lookup_finish(struct lookup *lookup, const struct entry *entry)
{
    struct cache *cache = lookup->cache;
    struct spop_ack ack;

    /* the origin is asked after this, and so after every purge that is known now */
    lookup->plan.epoch = purge_book_purges(cache->book)->epoch;
    count(lookup, entry);
    if (spop_exchange_ack(&lookup->exchange, &ack)) {
        answer_lookup(&ack, &lookup->plan, entry, &cache->secret, cache_now(cache));
        spop_exchange_end(&lookup->exchange, &ack);
    } else if (lookup->plan.lease) {
        give_lease_back(cache, key_text(&lookup->plan.key));
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
        plan_found(&lookup->plan, &cache->scratch, purge_book_purges(cache->book), value,
                   cache_now(cache), next_nonce(cache), entry);
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
    lookup->plan.lease = cache_now(lookup->cache) + lookup->plan.policy->coalesce_lease;
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
    cache->leases->ops->take(cache->leases, key_text(&lookup->plan.key), cache_now(cache),
                             lookup->plan.policy->coalesce_lease, &lookup->read);
}

/* It is known what becomes of it, but for the lease. */
static void conclude(struct lookup *lookup, const struct entry *entry)
{
    if (coalesces(lookup))
        take_lease(lookup);
    else
        lookup_finish(lookup, entry);
}

/* The store has nothing, or no answer. */
static void on_nothing(struct lookup *lookup, enum store_result result)
{
    lookup->plan.reason = lookup->plan.waited ? REASON_WAIT_ENDED : reason_of(result);
    if (result != STORE_MISS && !lookup->plan.waited)
        lookup->plan.status = PLAN_BYPASS, lookup->plan.store = false;
    conclude(lookup, NULL);
}

static void on_found(struct lookup *lookup, struct str value)
{
    struct entry entry = {.created = 0};

    judge(lookup, value, &entry);
    if (plan_coalesces(&lookup->plan))
        lookup->plan.seen = flight_hash(value);
    conclude(lookup, &entry);
}

/* It is known again what was purged, or not to be known. */
static void on_sure(struct purge_wait *wait, enum store_result result)
{
    struct lookup *lookup = lookup_of(wait, offsetof(struct lookup, wait));

    if (!lookup->plan.look)
        lookup_finish(lookup, NULL);
    else if (result == STORE_HIT)
        on_found(lookup, buf_str(&lookup->value));
    else
        on_nothing(lookup, result);
}

/* Judges what the store holds as soon as it is known what was purged. */
static void on_value(struct lookup *lookup, struct str value)
{
    struct cache *cache = lookup->cache;

    if (purge_book_sure(cache->book)) {
        on_found(lookup, value);
        return;
    }
    if (value.len <= HELD_BACK_MAX - cache->held_back)
        buf_append(&lookup->value, value);
    cache->held_back += lookup->value.len;
    if (lookup->value.len != value.len || !buf_ok(&lookup->value)) {
        on_nothing(lookup, STORE_BUSY);
        return;
    }
    lookup->wait.done = on_sure;
    purge_book_wait(cache->book, &lookup->wait);
}

static void on_read(struct store_read *read, enum store_result result, struct str value)
{
    struct lookup *lookup = lookup_of(read, offsetof(struct lookup, read));

    if (result == STORE_HIT)
        on_value(lookup, value);
    else
        on_nothing(lookup, result);
}

/* The number under which the owner of what is stored is counted. What may be a credential goes by
 * its digest, as in the key. */
static size_t number_of(struct cache *cache, const struct scope *scope, const struct plan *plan)
{
    struct buf *text = &cache->scratch.fields;
    struct str name = scope->owner.name;

    buf_clear(text);
    if (str_eq(scope->owner.kind, STR("group"))) {
        buf_append(text, STR("group:"));
        buf_append(text, name);
        name = buf_str(text);
    } else if (scope_hides_owner(scope)) {
        buf_append(text, STR("tenant:"));
        hex64_append(text, plan->key.tenant);
        name = buf_str(text);
    }
    return metrics_tenant(cache->metrics, plan->key.tenant, name.len ? name : STR("(shared)"));
}

static void look_up(struct cache *cache, struct lookup *lookup, const struct request *request,
                    size_t frame_size)
{
    struct scope scope;

    lookup->tenant = 0;
    scope_find(&scope, lookup->config, &cache->secret, request, &cache->scratch.fields);
    plan_request(&lookup->plan, &cache->scratch, &cache->secret, &scope, request, frame_size);
    if (lookup->plan.has_key && cache->metrics->tenants.max)
        lookup->tenant = number_of(cache, &scope, &lookup->plan);
    if (!lookup->plan.look && !lookup->plan.store) {
        lookup_finish(lookup, NULL);
        return;
    }
    purge_book_renew(cache->book);
    if (!lookup->plan.look) {
        /* so that the ticket does not look older than a purge that went before it */
        lookup->wait.done = on_sure;
        purge_book_wait(cache->book, &lookup->wait);
        return;
    }
    lookup->plan.own = cache->store->own;
    lookup->read = (struct store_read){.done = on_read};
    cache->store->ops->get(cache->store, key_text(&lookup->plan.key), cache_now(cache),
                           &lookup->read);
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

    lookup->plan.reason = reason_of_end(end);
    if (end == FLIGHT_LANDED) {
        on_value(lookup, value);
        return;
    }
    if (end == FLIGHT_LED)
        lead(lookup);
    lookup_finish(lookup, NULL);
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
    purge_book_renew(cache->book);
    lookup->tenant = metrics_tenant(cache->metrics, ticket.key.tenant, STR(""));
    lookup->plan.price = scope_price_of(lookup->config, ticket.models);
    lookup->waiter = (struct waiter){.done = on_waited, .seen = lookup->plan.seen};
    struct flight_options options = flight_options(lookup);
    flights_wait(cache->flights, &options, &lookup->waiter);
    return true;
}

static const struct metrics_lookup no_memory = {.result = METRICS_BYPASS,
                                                .reason = REASON_INTERNAL};

bool lookup_start(struct cache *cache, struct notify *notify, struct spop_conn *conn,
                  const struct spop_frame *frame)
{
    struct lookup *lookup = lookup_new(cache);

    if (!lookup) {
        if (notify->kind == NOTIFY_LOOKUP)
            metrics_count_lookup(cache->metrics, &no_memory);
        return false;
    }
    /* two signs of HAProxy <= 3.0, either is enough */
    notify->request.exact &= !spop_conn_is_legacy(conn);
    spop_exchange_open(&lookup->exchange, conn, frame);
    if (notify->kind == NOTIFY_LOOKUP) {
        look_up(cache, lookup, &notify->request, spop_conn_frame_size(conn));
    } else if (!begin_wait(cache, lookup, notify, spop_conn_frame_size(conn))) {
        cache_answer_nothing(&lookup->exchange);
        lookup_free(lookup);
    }
    return true;
}

void lookups_free(struct cache *cache)
{
    while (cache->free) {
        struct lookup *lookup = cache->free;
        cache->free = lookup->next_free;
        free(lookup);
    }
}
