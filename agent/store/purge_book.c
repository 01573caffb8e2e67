#include "purge_book.h"

#include "net/clock.h"
#include "net/log.h"
#include "purge_script.h"
#include "redis.h"

#include <stdlib.h>
#include <sys/random.h>

enum { WAITS_MAX = 1024, NEVER = -1, TAIL_MAX = 64 << 10 };

struct purge_book {
    struct purges purges;
    struct ev_loop *loop;
    struct store *redis; /* borrowed; NULL: there is no other book */
    struct metrics *metrics;
    struct redis_listener listener;
    struct store_read comparison;
    ev_timer timer;
    struct buf tail;    /* scopes that Redis has lost */
    uint64_t next_term; /* random at first, then counted on */
    bool comparing, repairs;
    bool refused;              /* which the log knows */
    enum store_result outcome; /* of the latest comparison; never STORE_MISS */
    int64_t asked;             /* when the latest comparison was sent: clock_now(), or NEVER */
    int64_t compared;          /* when the last good one was sent, or NEVER */
    struct purge_wait *first, **last;
    size_t waiting;
};

static int64_t now_ms(const struct purge_book *book)
{
    return (int64_t)(ev_now(book->loop) * 1000.);
}

static void run_script(struct purge_book *book, struct str scopes, bool repairs,
                       struct store_read *read)
{
    const struct purge_question question = {
        .now = now_ms(book),
        .next_term = (int64_t)(book->next_term++ & ((1ULL << 52) - 1)) + 1,
        .scopes = scopes,
        .repairs = repairs,
    };

    purge_script_run(book->redis, &book->purges, &question, read);
}

static bool is_recent(int64_t then, int64_t milliseconds)
{
    return then != NEVER && clock_now() - then <= milliseconds * CLOCK_MS;
}

static void tell_news(struct purge_book *book, const struct purge_news *news)
{
    if (news->unknown) {
        book->metrics->purge_unknowns++;
        log_write(LOG_LEVEL_WARNING, "nobody knows what was purged before, since " PURGE_KEY
                                     " was lost, or Redis and all agents began anew: everything "
                                     "counts as purged");
    }
    if (news->folded) {
        book->metrics->purge_folds++;
        log_write(LOG_LEVEL_WARNING, "too many different things were purged: what was not asked "
                                     "for since the oldest of these purges is purged, too");
    }
}

/* Takes over what the script answered. *text is then what is wrong with an answer that is none. */
static enum store_result take_over(struct purge_book *book, enum store_result result,
                                   struct str *text, struct purge_news *news)
{
    *news = (struct purge_news){.lost = PURGE_NONE_LOST};
    if (result == STORE_MISS) {
        *text = STR("it is no hash");
        return STORE_ERROR;
    }
    if (result != STORE_HIT)
        return result;
    if (!purges_read(&book->purges, *text, news)) {
        *text = STR("it holds what is not of this cache");
        return STORE_ERROR;
    }
    tell_news(book, news);
    book->metrics->purge_epoch = (uint64_t)book->purges.epoch;
    return STORE_HIT;
}

/* Says once that Redis does not do what the book needs. */
static void log_refusal(struct purge_book *book, enum store_result result, struct str error)
{
    bool refused = result == STORE_ERROR;

    if (refused && !book->refused)
        log_write(LOG_LEVEL_ERROR,
                  "nothing is served from Redis, because it does not say what was purged "
                  "(EVAL on " PURGE_KEY "): %.*s",
                  STR_ARGS(error));
    if (refused || result == STORE_HIT)
        book->refused = refused;
}

/* Writes what was purged since that epoch, as scopes; what is to be purged besides stands behind.
 */
static struct str write_tail(struct purge_book *book, int64_t lost, struct str scope)
{
    book->metrics->purge_repairs++;
    log_write(LOG_LEVEL_WARNING, "Redis has lost what was purged lately: it is purged again");
    buf_clear(&book->tail);
    purges_tail(&book->purges, lost, &book->tail);
    buf_append(&book->tail, scope);
    return buf_ok(&book->tail) ? buf_str(&book->tail) : STR("all");
}

static void end_waits(struct purge_book *book, enum store_result result)
{
    struct purge_wait *wait = book->first, *next;

    book->first = NULL;
    book->last = &book->first;
    book->waiting = 0;
    for (; wait; wait = next) {
        next = wait->next;
        wait->done(wait, result);
    }
}

static void on_compared(struct store_read *read, enum store_result result, struct str text);

static void send_comparison(struct purge_book *book, struct str scopes, bool repairs)
{
    book->comparing = true;
    book->repairs = repairs;
    book->asked = clock_now();
    book->comparison = (struct store_read){.done = on_compared};
    run_script(book, scopes, repairs, &book->comparison);
}

static void compare(struct purge_book *book)
{
    send_comparison(book, STR(""), false);
}

static void on_compared(struct store_read *read, enum store_result result, struct str text)
{
    struct purge_book *book =
        (struct purge_book *)(void *)((char *)read - offsetof(struct purge_book, comparison));
    struct purge_news news;

    result = take_over(book, result, &text, &news);
    if (news.lost != PURGE_NONE_LOST && !book->repairs) {
        send_comparison(book, write_tail(book, news.lost, STR("")), true);
        return;
    }
    log_refusal(book, result, text);
    if (result == STORE_HIT)
        book->compared = book->asked;
    book->comparing = false;
    book->outcome = result == STORE_HIT && !purge_book_sure(book) ? STORE_SLOW : result;
    end_waits(book, book->outcome);
}

/* Nothing rests on this being told: but so an agent that rests knows of a purge, too. */
static void on_changed(void *context, struct str key)
{
    struct purge_book *book = context;

    if (!book->comparing && str_eq(key, STR(PURGE_KEY)))
        compare(book);
}

/* Redis is there again, or another one. */
static void on_watching(void *context, bool watching)
{
    struct purge_book *book = context;

    if (watching && !book->comparing)
        compare(book);
}

static void on_rest(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct purge_book *book = timer->data;

    (void)loop;
    (void)events;
    if (!book->comparing && !is_recent(book->asked, PURGE_BOOK_REST / 2))
        compare(book);
}

static void follow_redis(struct purge_book *book)
{
    book->listener =
        (struct redis_listener){.changed = on_changed, .watching = on_watching, .context = book};
    redis_listen(book->redis, &book->listener);
    ev_timer_init(&book->timer, on_rest, PURGE_BOOK_REST / 1000., PURGE_BOOK_REST / 1000.);
    book->timer.data = book;
    ev_timer_start(book->loop, &book->timer);
}

struct purge_book *purge_book_new(struct ev_loop *loop, struct store *redis,
                                  struct metrics *metrics)
{
    struct purge_book *book = calloc(1, sizeof *book);

    if (!book)
        return NULL;
    if (getrandom(&book->next_term, sizeof book->next_term, 0) != sizeof book->next_term) {
        free(book);
        return NULL;
    }
    book->loop = loop;
    book->redis = redis;
    book->metrics = metrics;
    book->tail = buf_new(TAIL_MAX);
    book->asked = book->compared = NEVER;
    book->outcome = STORE_DOWN;
    book->last = &book->first;
    purges_init(&book->purges, redis ? 0 : now_ms(book));
    metrics->purge_epoch = (uint64_t)book->purges.epoch;
    if (redis)
        follow_redis(book);
    return book;
}

const struct purges *purge_book_purges(const struct purge_book *book)
{
    return &book->purges;
}

void purge_book_renew(struct purge_book *book)
{
    if (!book->redis)
        purges_raise(&book->purges, now_ms(book)); /* as other agents with such stores have it */
    else if (!book->comparing && !is_recent(book->compared, PURGE_BOOK_RENEW))
        compare(book);
}

bool purge_book_sure(const struct purge_book *book)
{
    return !book->redis || is_recent(book->compared, PURGE_BOOK_SURE);
}

void purge_book_wait(struct purge_book *book, struct purge_wait *wait)
{
    if (purge_book_sure(book)) {
        wait->done(wait, STORE_HIT);
        return;
    }
    bool failed = !book->comparing && is_recent(book->asked, PURGE_BOOK_RENEW);
    if (failed || book->waiting == WAITS_MAX) {
        wait->done(wait, failed ? book->outcome : STORE_BUSY);
        return;
    }
    wait->next = NULL;
    *book->last = wait;
    book->last = &wait->next;
    book->waiting++;
    if (!book->comparing)
        compare(book);
}

static void on_purged(struct store_read *read, enum store_result result, struct str text)
{
    struct purge_order *order =
        (struct purge_order *)(void *)((char *)read - offsetof(struct purge_order, read));
    struct purge_book *book = order->book;
    struct purge_news news;

    result = take_over(book, result, &text, &news);
    if (news.lost != PURGE_NONE_LOST && !order->repairs) {
        order->repairs = true;
        order->read = (struct store_read){.done = on_purged};
        run_script(book, write_tail(book, news.lost, order->scope), true, &order->read);
        return;
    }
    if (result == STORE_HIT)
        book->metrics->purges++;
    order->done(order, result, book->purges.epoch, result == STORE_ERROR ? text : STR(""));
}

void purge_book_purge(struct purge_book *book, struct str scope, struct purge_order *order)
{
    order->book = book;
    order->scope = scope;
    order->repairs = false;
    order->read = (struct store_read){.done = on_purged};
    if (book->redis) {
        run_script(book, scope, false, &order->read);
        return;
    }
    purges_add(&book->purges, scope, now_ms(book));
    book->metrics->purge_epoch = (uint64_t)book->purges.epoch;
    book->metrics->purges++;
    order->done(order, STORE_HIT, book->purges.epoch, STR(""));
}

void purge_book_free(struct purge_book *book)
{
    if (book->redis)
        ev_timer_stop(book->loop, &book->timer);
    buf_free(&book->tail);
    free(book);
}
