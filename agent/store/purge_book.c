#include "purge_book.h"

#include "net/clock.h"
#include "net/log.h"
#include "redis.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { WAITS_MAX = 1024, NEVER = -1 };

struct purge_book {
    struct purges purges;
    struct store *redis; /* borrowed; NULL: there is no other book */
    struct metrics *metrics;
    struct redis_listener listener;
    struct store_read comparison;
    int64_t now; /* of the last lookup */
    bool comparing;
    bool refused;              /* which the log knows */
    enum store_result outcome; /* of the latest comparison; never STORE_MISS */
    int64_t asked;             /* when the comparison under way was sent: clock_now() */
    int64_t compared;          /* when the last good one was sent, or NEVER */
    struct purge_wait *first, **last;
    size_t waiting;
};

/* KEYS: the hash. ARGV: the time in ms; the epoch that the agent knows; the scope to be purged, or
 * nothing; the number of fields it may have.
 * Answers with what the agent does not know, a line for each field, or with nothing.
 * The epoch follows the clock, so that one which a failover lost is not given again for another
 * purge. HDEL is there for a Redis that is full: it refuses HSET, but not in a script that has
 * begun to write. */
static const char script[] =
    "local key, now, known, scope = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]\n"
    "local epoch = tonumber(redis.call('HGET', key, 'epoch')) or 0\n"
    "local function note(field)\n"
    "    epoch = math.max(epoch + 1, now)\n"
    "    local text = string.format('%.0f', epoch)\n"
    "    redis.call('HDEL', key, field)\n"
    "    redis.call('HSET', key, 'epoch', text, field, text)\n"
    "end\n"
    "local function note_all()\n"
    "    for _, field in ipairs(redis.call('HKEYS', key)) do redis.call('HDEL', key, field) end\n"
    "    note('all')\n"
    "end\n"
    "local function fold_oldest()\n"
    "    local oldest, field\n"
    "    local fields = redis.call('HGETALL', key)\n"
    "    for i = 1, #fields, 2 do\n"
    "        local at = tonumber(fields[i + 1])\n"
    "        if fields[i] ~= 'all' and (not oldest or at < oldest) then\n"
    "            oldest, field = at, fields[i]\n"
    "        end\n"
    "    end\n"
    "    redis.call('HDEL', key, field)\n"
    "    redis.call('HSET', key, 'all', string.format('%.0f', oldest))\n"
    "end\n"
    "if epoch == 0 or epoch < known then\n"
    "    epoch = math.max(epoch, known)\n"
    "    note_all()\n"
    "end\n"
    "if scope == 'all' then\n"
    "    note_all()\n"
    "elseif scope ~= '' then\n"
    "    note(scope)\n"
    "    if redis.call('HLEN', key) > tonumber(ARGV[4]) then fold_oldest() end\n"
    "end\n"
    "if epoch == known then return '' end\n"
    "local lines, fields = {}, redis.call('HGETALL', key)\n"
    "for i = 1, #fields, 2 do\n"
    "    if tonumber(fields[i + 1]) > known then\n"
    "        lines[#lines + 1] = fields[i] .. ' ' .. fields[i + 1] .. '\\n'\n"
    "    end\n"
    "end\n"
    "return table.concat(lines)\n";

static void run_script(struct purge_book *book, struct str scope, int64_t now,
                       struct store_read *read)
{
    char time[24], known[24], most[24];
    const struct str words[] = {
        STR("EVAL"),
        STR(script),
        STR("1"),
        STR(PURGE_BOOK_KEY),
        {time, (size_t)snprintf(time, sizeof time, "%" PRId64, now)},
        {known, (size_t)snprintf(known, sizeof known, "%" PRId64, book->purges.epoch)},
        scope,
        {most, (size_t)snprintf(most, sizeof most, "%d", PURGE_NOTES_MAX)},
    };

    redis_ask(book->redis, STR(PURGE_BOOK_KEY), words, sizeof words / sizeof *words, read);
}

static bool is_recent(int64_t then, int64_t milliseconds)
{
    return then != NEVER && clock_now() - then <= milliseconds * CLOCK_MS;
}

/* Takes over what the script answered: nothing when nothing is new. *text is then what is wrong
 * with an answer that is none. */
static enum store_result take_over(struct purge_book *book, enum store_result result,
                                   struct str *text)
{
    if (result == STORE_MISS) {
        *text = STR("it is no hash");
        return STORE_ERROR;
    }
    if (result != STORE_HIT)
        return result;
    if (text->len && !purges_read(&book->purges, *text)) {
        *text = STR("it holds what is not of this cache");
        return STORE_ERROR;
    }
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
                  "(EVAL on " PURGE_BOOK_KEY "): %.*s",
                  STR_ARGS(error));
    if (refused || result == STORE_HIT)
        book->refused = refused;
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

static void on_compared(struct store_read *read, enum store_result result, struct str text)
{
    struct purge_book *book =
        (struct purge_book *)(void *)((char *)read - offsetof(struct purge_book, comparison));

    result = take_over(book, result, &text);
    log_refusal(book, result, text);
    if (result == STORE_HIT)
        book->compared = book->asked;
    book->comparing = false;
    book->outcome = result == STORE_HIT && !purge_book_sure(book) ? STORE_SLOW : result;
    end_waits(book, book->outcome);
}

static void compare(struct purge_book *book)
{
    book->comparing = true;
    book->asked = clock_now();
    book->comparison = (struct store_read){.done = on_compared};
    run_script(book, STR(""), book->now, &book->comparison);
}

/* Nothing rests on this being told: but so an agent that rests knows of a purge, too. */
static void on_changed(void *context, struct str key)
{
    struct purge_book *book = context;

    if (!book->comparing && str_eq(key, STR(PURGE_BOOK_KEY)))
        compare(book);
}

struct purge_book *purge_book_new(struct store *redis, struct metrics *metrics, int64_t now)
{
    struct purge_book *book = calloc(1, sizeof *book);

    if (!book)
        return NULL;
    book->redis = redis;
    book->metrics = metrics;
    book->asked = book->compared = NEVER;
    book->outcome = STORE_DOWN;
    book->last = &book->first;
    purges_init(&book->purges, redis ? 0 : now);
    metrics->purge_epoch = (uint64_t)book->purges.epoch;
    book->now = now;
    book->listener = (struct redis_listener){.changed = on_changed, .context = book};
    if (redis)
        redis_listen(redis, &book->listener);
    return book;
}

const struct purges *purge_book_purges(const struct purge_book *book)
{
    return &book->purges;
}

void purge_book_renew(struct purge_book *book, int64_t now)
{
    book->now = now;
    if (!book->redis)
        purges_raise(&book->purges, now); /* so that other agents with such stores understand it */
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

    result = take_over(book, result, &text);
    if (result == STORE_HIT)
        book->metrics->purges++;
    order->done(order, result, book->purges.epoch, result == STORE_ERROR ? text : STR(""));
}

void purge_book_purge(struct purge_book *book, struct str scope, int64_t now,
                      struct purge_order *order)
{
    order->book = book;
    order->read = (struct store_read){.done = on_purged};
    if (book->redis) {
        run_script(book, scope, now, &order->read);
        return;
    }
    purges_add(&book->purges, scope, now);
    book->metrics->purge_epoch = (uint64_t)book->purges.epoch;
    book->metrics->purges++;
    order->done(order, STORE_HIT, book->purges.epoch, STR(""));
}

void purge_book_free(struct purge_book *book)
{
    free(book);
}
