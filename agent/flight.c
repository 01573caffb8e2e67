#include "flight.h"

#include <stddef.h>
#include <stdlib.h>
#include <xxhash.h>

enum {
    BUCKETS = 1024,          /* the number of flights is bounded by that of those who wait */
    LANDED_MOST = 512 << 10, /* bytes given out in one turn of the loop, of one flight */
    LANDED_EACH = 1 << 10,   /* what each costs beside its bytes */
};

/* What the flight waits for. */
enum step { STEP_NONE, STEP_PEEK, STEP_READ, STEP_TAKE };

/* One key that somebody waits for. It lives while somebody does, and while an answer of the store
 * is on its way. */
struct flight {
    struct flights *all;
    struct flight *next, **link; /* of the bucket */
    struct waiter *first, **end;
    size_t count;
    enum step step;
    bool again; /* something changed since the step began */
    struct store_read read;
    enum store_result peeked;
    enum lease_state lease;
    int64_t lease_ms;
    ev_timer timer; /* the next look: the lease must have ended by then */
    size_t key_len;
    char key[KEY_TEXT_MAX];
};

struct flights {
    struct ev_loop *loop;
    struct store *store;
    struct leases *leases;
    struct metrics *metrics;
    bool heard, deaf, closed;
    ev_tstamp back; /* when changes were noticed again; 0: they always were */
    size_t count;   /* of those who wait */
    struct flight *buckets[BUCKETS];
};

enum flight_move flight_decide(enum store_result peeked, enum lease_state lease,
                               enum store_result found)
{
    if (found == STORE_HIT)
        return FLIGHT_LAND;
    if (found != STORE_MISS || (peeked != STORE_HIT && peeked != STORE_MISS))
        return FLIGHT_GIVE_UP;
    if (lease == LEASE_REFUSED)
        return FLIGHT_REFUSE;
    return lease == LEASE_TAKEN ? FLIGHT_STAY : FLIGHT_TAKE;
}

uint64_t flight_hash(struct str value)
{
    return XXH3_64bits(value.ptr, value.len);
}

static int64_t now_ms(const struct flights *all)
{
    return (int64_t)(ev_now(all->loop) * 1000.);
}

static struct str key_of(const struct flight *f)
{
    return (struct str){f->key, f->key_len};
}

static struct flight *flight_of(struct store_read *read)
{
    return (struct flight *)(void *)((char *)read - offsetof(struct flight, read));
}

static struct flight **bucket_of(const struct flights *all, struct str key)
{
    struct flights *table = (struct flights *)all;

    return &table->buckets[XXH3_64bits(key.ptr, key.len) % BUCKETS];
}

static struct flight *find(const struct flights *all, struct str key)
{
    struct flight *f = *bucket_of(all, key);

    while (f && !str_eq(key_of(f), key))
        f = f->next;
    return f;
}

static void set_timer(struct ev_loop *loop, ev_timer *timer, int64_t ms)
{
    ev_timer_stop(loop, timer);
    ev_timer_set(timer, (double)ms / 1000., 0.);
    ev_timer_start(loop, timer);
}

/* Ends the wait of one. */
static void send_on(struct waiter *w, enum flight_end end, struct str value)
{
    struct flight *f = w->flight;

    ev_timer_stop(f->all->loop, &w->timer);
    *w->link = w->next;
    *(w->next ? &w->next->link : &f->end) = w->link;
    f->count--;
    f->all->count--;
    f->all->metrics->waiting--;
    w->flight = NULL;
    w->done(w, end, value);
}

static void send_all_on(struct flight *f, enum flight_end end, struct str value)
{
    while (f->first)
        send_on(f->first, end, value);
}

static void flight_free(struct flight *f)
{
    ev_timer_stop(f->all->loop, &f->timer);
    *f->link = f->next;
    if (f->next)
        f->next->link = f->link;
    free(f);
}

static void on_peeked(struct store_read *read, enum store_result result, struct str value);

/* Looks what has become of it, as soon as the present look has ended. */
static void look(struct flight *f)
{
    if (f->step != STEP_NONE) {
        f->again = true;
        return;
    }
    f->again = false;
    f->step = STEP_PEEK;
    f->read = (struct store_read){.done = on_peeked};
    f->all->leases->ops->peek(f->all->leases, key_of(f), now_ms(f->all), &f->read);
}

/* Has it looked at in the next turn of the loop: the answers of this one leave first. */
static void look_soon(struct flight *f)
{
    if (f->step != STEP_NONE)
        f->again = true;
    else
        set_timer(f->all->loop, &f->timer, 0);
}

/* Frees a flight that nobody is left of, and nothing is on its way for. */
static bool free_if_over(struct flight *f)
{
    bool over = !f->first && f->step == STEP_NONE;

    if (over)
        flight_free(f);
    return over;
}

/* A look has ended. */
static void settle(struct flight *f)
{
    f->step = STEP_NONE;
    if (!free_if_over(f))
        set_timer(f->all->loop, &f->timer, f->again ? 0 : f->lease_ms);
}

/* Gives what was found to those for whom it is new: so many in one turn of the loop that nobody
 * else is held up, the others after another look. False when it is new for nobody who waits. */
static bool land(struct flight *f, struct str value)
{
    uint64_t hash = flight_hash(value);
    size_t sum = 0;

    for (struct waiter *w = f->first, *next; w; w = next) {
        next = w->next;
        if (w->seen == hash)
            continue;
        if (sum >= LANDED_MOST)
            break;
        sum += value.len + LANDED_EACH;
        send_on(w, FLIGHT_LANDED, value);
    }
    return sum > 0;
}

/* Who came last; somebody waits. Its client is the least likely to have left: HAProxy does not say
 * so of one that waits, and drops its request afterwards (option abortonclose). */
static struct waiter *last(const struct flight *f)
{
    return (struct waiter *)(void *)((char *)f->end - offsetof(struct waiter, next));
}

static void on_taken(struct store_read *read, enum store_result result, struct str value)
{
    struct flight *f = flight_of(read);
    struct leases *leases = f->all->leases;
    bool taken = result == STORE_HIT || result == STORE_SLOW; /* or perhaps taken */

    (void)value;
    if (taken && f->first) {
        f->all->metrics->leases_ended++;
        send_on(last(f), FLIGHT_LED, STR(""));
    } else if (taken) {
        leases->ops->release(leases, key_of(f), now_ms(f->all), false);
    }
    if (result != STORE_HIT && result != STORE_MISS)
        send_all_on(f, FLIGHT_ENDED, STR(""));
    settle(f);
}

static void take(struct flight *f)
{
    struct leases *leases = f->all->leases;

    f->step = STEP_TAKE;
    f->read = (struct store_read){.done = on_taken};
    leases->ops->take(leases, key_of(f), now_ms(f->all), f->lease_ms, &f->read);
}

static void on_found(struct store_read *read, enum store_result result, struct str value)
{
    struct flight *f = flight_of(read);

    if (result == STORE_HIT && !land(f, value))
        result = STORE_MISS;
    switch (flight_decide(f->peeked, f->lease, result)) {
    case FLIGHT_LAND:
        f->again |= f->first != NULL;
        break;
    case FLIGHT_REFUSE:
        send_all_on(f, FLIGHT_REFUSED, STR(""));
        break;
    case FLIGHT_GIVE_UP:
        send_all_on(f, FLIGHT_ENDED, STR(""));
        break;
    case FLIGHT_STAY:
        break;
    case FLIGHT_TAKE:
        if (f->first) {
            take(f);
            return;
        }
    }
    settle(f);
}

static void on_peeked(struct store_read *read, enum store_result result, struct str value)
{
    struct flight *f = flight_of(read);
    struct store *store = f->all->store;

    if (!f->first) {
        settle(f);
        return;
    }
    f->peeked = result;
    f->lease = lease_state_of(result, value);
    f->step = STEP_READ;
    f->read = (struct store_read){.done = on_found};
    store->ops->get(store, key_of(f), now_ms(f->all), &f->read);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    look(timer->data);
}

static void on_time_over(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct waiter *w = timer->data;
    struct flight *f = w->flight;

    (void)loop;
    (void)events;
    send_on(w, FLIGHT_OVER, STR(""));
    free_if_over(f);
}

static struct flight *flight_new(struct flights *all, const struct flight_options *options)
{
    struct flight *f = options->key.len <= KEY_TEXT_MAX ? calloc(1, sizeof *f) : NULL;
    struct flight **bucket = bucket_of(all, options->key);

    if (!f)
        return NULL;
    f->all = all;
    f->lease_ms = options->lease;
    f->end = &f->first;
    f->key_len = options->key.len;
    memcpy(f->key, options->key.ptr, options->key.len);
    ev_timer_init(&f->timer, on_timer, 0., 0.);
    f->timer.data = f;
    f->next = *bucket;
    f->link = bucket;
    if (f->next)
        f->next->link = &f->next;
    *bucket = f;
    return f;
}

static void join(struct flight *f, struct waiter *w, int64_t wait)
{
    w->flight = f;
    w->next = NULL;
    w->link = f->end;
    *f->end = w;
    f->end = &w->next;
    f->count++;
    f->all->count++;
    f->all->metrics->waiting++;
    ev_timer_init(&w->timer, on_time_over, 0., 0.);
    w->timer.data = w;
    set_timer(f->all->loop, &w->timer, wait);
}

/* Whether a lease may be one that its holder could not give back, since the store was away. */
static bool in_doubt(const struct flights *all, int64_t lease)
{
    ev_tstamp since = ev_now(all->loop) - all->back;

    return all->back > 0. && since >= 0. && since * 1000. < (ev_tstamp)lease;
}

static bool takes(const struct flights *all, const struct flight *f,
                  const struct flight_options *options)
{
    return !all->deaf && !all->closed && all->count < options->max_all &&
           !in_doubt(all, options->lease) && (!f || f->count < options->max);
}

bool flights_have_room(const struct flights *all, const struct flight_options *options)
{
    return takes(all, find(all, options->key), options);
}

/* Who comes to a flight that is there hears of whatever changes as those before do; for the first
 * one it may have changed already. */
void flights_wait(struct flights *all, const struct flight_options *options, struct waiter *w)
{
    struct flight *f = find(all, options->key);
    bool is_first = !f || !f->first;

    if (takes(all, f, options) && (f || (f = flight_new(all, options)) != NULL)) {
        join(f, w, options->wait);
        if (is_first)
            look(f);
    } else {
        w->done(w, FLIGHT_ENDED, STR(""));
    }
}

void flights_notice(struct flights *all, struct str key)
{
    struct flight *f = find(all, key);

    if (f)
        look_soon(f);
}

/* Calls for every flight what may free it. */
static void for_each(struct flights *all, void (*call)(struct flight *f))
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct flight *f = all->buckets[i], *next; f; f = next) {
            next = f->next;
            call(f);
        }
}

void flights_notice_all(struct flights *all)
{
    for_each(all, look_soon);
}

static void end(struct flight *f)
{
    send_all_on(f, FLIGHT_ENDED, STR(""));
    free_if_over(f);
}

static void send_everybody_on(struct flights *all)
{
    for_each(all, end);
}

void flights_hear(struct flights *all, bool hears)
{
    if (hears && all->deaf && all->heard)
        all->back = ev_now(all->loop);
    all->heard |= hears;
    all->deaf = !hears;
    if (all->deaf)
        send_everybody_on(all);
}

void flights_close(struct flights *all)
{
    all->closed = true;
    send_everybody_on(all);
}

struct flights *flights_new(struct ev_loop *loop, struct store *store, struct leases *leases,
                            struct metrics *metrics)
{
    struct flights *all = calloc(1, sizeof *all);

    if (all)
        *all = (struct flights){.loop = loop, .store = store, .leases = leases, .metrics = metrics};
    return all;
}

static void forget(struct flight *f)
{
    if (f->step == STEP_READ)
        f->all->store->ops->cancel(f->all->store, &f->read);
    else
        f->all->leases->ops->cancel(f->all->leases, &f->read);
    flight_free(f);
}

void flights_free(struct flights *all)
{
    flights_close(all);
    for_each(all, forget);
    free(all);
}
