/* When the book of purges asks Redis, what it makes of the answers, and who waits for them. */
#include "hooks.h"
#include "net/clock.h"
#include "store/purge_book.h"
#include "unit.h"

#include <stdio.h>

enum { WAITERS = 1025 };

/* Arguments of the script, as purge_script.c sends them. */
enum { TERM = 4, KNOWN = 5, SCOPES = 9, REPAIRS = 10, WORDS = 14 };

static struct ev_loop *loop;
static struct metrics metrics;
static struct store redis;
static struct purge_book *book;
static struct ev_timer *timer;
static struct redis_listener *listener;
static int64_t now;

static struct store_read *asked; /* and not answered */
static int questions;
static char words[WORDS][4096];

static struct waiting {
    struct purge_wait wait; /* first: `done` casts back */
    int calls;
    enum store_result result;
} waiting[WAITERS];

static void on_ask(struct store *store, struct str key, const struct str *text, size_t count,
                   struct store_read *read)
{
    (void)store;
    ck_assert_str_is(key, "sc:purges");
    ck_assert_uint_eq(count, WORDS);
    ck_assert_ptr_null(asked);
    for (size_t i = TERM; i < count; i++)
        snprintf(words[i], sizeof words[i], "%.*s", STR_ARGS(text[i]));
    asked = read;
    questions++;
}

static void on_listen(struct store *store, struct redis_listener *given)
{
    (void)store;
    listener = given;
}

static void on_timer(struct ev_timer *given)
{
    timer = given;
}

static void setup(void)
{
    static const struct hooks hooks = {
        .ask = on_ask, .listen = on_listen, .timer = on_timer, .now = &now, .wall = &now};

    now = 5LL * CLOCK_SECOND;
    questions = 0;
    asked = NULL;
    metrics = (struct metrics){0};
    memset(waiting, 0, sizeof waiting);
    loop = ev_loop_new(0);
    hooks_set(&hooks);
    book = purge_book_new(loop, &redis, &metrics);
    ck_assert_ptr_nonnull(book);
}

static void teardown(void)
{
    purge_book_free(book);
    hooks_set(NULL);
    ev_loop_destroy(loop);
}

static void answer(enum store_result result, const char *text)
{
    struct store_read *read = asked;

    ck_assert_ptr_nonnull(read);
    asked = NULL;
    read->done(read, result, str_of(text));
}

static void pass(int64_t milliseconds)
{
    now += milliseconds * CLOCK_MS;
}

static void on_done(struct purge_wait *wait, enum store_result result)
{
    struct waiting *w = (struct waiting *)wait;

    w->calls++;
    w->result = result;
}

static void wait_as(size_t n)
{
    waiting[n] = (struct waiting){.wait.done = on_done};
    purge_book_wait(book, &waiting[n].wait);
}

static void ended(size_t n, enum store_result result)
{
    ck_assert_int_eq(waiting[n].calls, 1);
    ck_assert_int_eq(waiting[n].result, result);
}

#define AT_1000 "epoch 1000\nserial 1\nterm 7\nheld 0\nall 1000\n"

START_TEST(sure_for_a_while)
{
    ck_assert(!purge_book_sure(book));
    purge_book_renew(book);
    purge_book_renew(book); /* one at a time */
    ck_assert_int_eq(questions, 1);
    ck_assert_str_eq(words[TERM], "0");
    pass(10);
    answer(STORE_HIT, AT_1000);
    ck_assert(purge_book_sure(book));
    pass(PURGE_BOOK_SURE - 10); /* from when it was asked */
    ck_assert(purge_book_sure(book));
    pass(1);
    ck_assert(!purge_book_sure(book));
    purge_book_renew(book);
    ck_assert_str_eq(words[TERM], "7");
    ck_assert_str_eq(words[KNOWN], "1000");
}
END_TEST

/* A hit that comes from Redis after the book got old is not thrown away. */
START_TEST(who_waits_has_it_compared)
{
    wait_as(0);
    ck_assert_int_eq(questions, 1);
    answer(STORE_HIT, AT_1000);
    ended(0, STORE_HIT);
    wait_as(1); /* it is sure */
    ended(1, STORE_HIT);
    pass(500);
    wait_as(2);
    wait_as(3);
    ck_assert_int_eq(questions, 2);
    ck_assert_int_eq(waiting[2].calls, 0);
    answer(STORE_HIT, AT_1000);
    ended(2, STORE_HIT);
    ended(3, STORE_HIT);
}
END_TEST

/* Nobody waits for a Redis that failed just now. */
START_TEST(after_a_failure)
{
    static const enum store_result results[] = {STORE_DOWN, STORE_BUSY, STORE_SLOW, STORE_ERROR};

    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        pass(500);
        questions = 0;
        wait_as(0);
        answer(results[i], "");
        ended(0, results[i]);
        wait_as(1);
        ended(1, results[i]);
        ck_assert_int_eq(questions, 1);
        pass(PURGE_BOOK_RENEW + 1);
        wait_as(2);
        ck_assert_int_eq(questions, 2);
        answer(STORE_HIT, AT_1000);
        ended(2, STORE_HIT);
    }
}
END_TEST

/* An answer that took too long says too little. */
START_TEST(a_late_answer)
{
    wait_as(0);
    pass(PURGE_BOOK_SURE + 1);
    answer(STORE_HIT, AT_1000);
    ended(0, STORE_SLOW);
    ck_assert_int_eq(purge_book_purges(book)->epoch, 1000);
}
END_TEST

START_TEST(no_more_than_so_many_wait)
{
    for (size_t i = 0; i < WAITERS; i++)
        wait_as(i);
    ended(WAITERS - 1, STORE_BUSY);
    ck_assert_int_eq(waiting[WAITERS - 2].calls, 0);
    answer(STORE_HIT, AT_1000);
    ended(WAITERS - 2, STORE_HIT);
}
END_TEST

START_TEST(what_is_no_answer)
{
    static const char *const texts[] = {"", "oops", "epoch x\n", "epoch 1000"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        pass(500);
        wait_as(0);
        answer(STORE_HIT, texts[i]);
        ck_assert_msg(purge_book_sure(book) == (i == 3), "%s", texts[i]);
        ended(0, i == 3 ? STORE_HIT : STORE_ERROR);
    }
    pass(500);
    wait_as(0);
    answer(STORE_MISS, "");
    ended(0, STORE_ERROR);
}
END_TEST

static int purged;
static enum store_result purge_result;

static void on_purged(struct purge_order *order, enum store_result result, int64_t epoch,
                      struct str error)
{
    (void)order, (void)epoch, (void)error;
    purged++;
    purge_result = result;
}

/* What Redis lost is written back, first of all; and the new purge with it. */
START_TEST(what_was_lost)
{
    struct purge_order order = {.done = on_purged};

    purged = 0;
    purge_book_renew(book);
    answer(STORE_HIT, AT_1000 "#0123456789abcdef 1005\n#00000000000000aa 1001\nepoch 1005\n");
    pass(500);
    wait_as(0);
    answer(STORE_HIT, "lost 1002\n");
    ck_assert_int_eq(waiting[0].calls, 0);
    ck_assert_str_eq(words[SCOPES], "#0123456789abcdef ");
    ck_assert_str_eq(words[REPAIRS], "1");
    answer(STORE_HIT, "epoch 1006\nserial 3\nterm 8\nheld 1006\n#0123456789abcdef 1006\n");
    ended(0, STORE_HIT);
    ck_assert_int_eq(purge_book_purges(book)->held, 1006);
    ck_assert_uint_eq(metrics.purge_repairs, 1);

    purge_book_purge(book, STR("tag:x"), &order);
    ck_assert_str_eq(words[SCOPES], "tag:x");
    answer(STORE_HIT, "lost 1000\n");
    ck_assert_int_eq(purged, 0);
    ck_assert_str_eq(words[SCOPES], "#00000000000000aa #0123456789abcdef tag:x");
    ck_assert_str_eq(words[REPAIRS], "1");
    answer(STORE_HIT, "epoch 1009\nserial 5\nterm 8\nheld 0\n");
    ck_assert_int_eq(purged, 1);
    ck_assert_int_eq(purge_result, STORE_HIT);
    ck_assert_uint_eq(metrics.purges, 1);
}
END_TEST

/* An agent that rests compares its book as well, and at once when it is told of something. */
START_TEST(while_it_rests)
{
    ck_assert_ptr_nonnull(timer);
    timer->cb(loop, timer, EV_TIMER);
    ck_assert_int_eq(questions, 1);
    answer(STORE_HIT, AT_1000);
    timer->cb(loop, timer, EV_TIMER); /* just now */
    ck_assert_int_eq(questions, 1);
    listener->changed(listener->context, STR("sc:another"));
    ck_assert_int_eq(questions, 1);
    listener->changed(listener->context, STR("sc:purges"));
    ck_assert_int_eq(questions, 2);
    answer(STORE_HIT, AT_1000);
    listener->watching(listener->context, false);
    ck_assert_int_eq(questions, 2);
    listener->watching(listener->context, true);
    ck_assert_int_eq(questions, 3);
    answer(STORE_DOWN, "");
    pass(PURGE_BOOK_REST);
    timer->cb(loop, timer, EV_TIMER);
    ck_assert_int_eq(questions, 4);
    answer(STORE_HIT, AT_1000);
}
END_TEST

Suite *suite_purge_book(void)
{
    Suite *suite = suite_create("purge_book");
    TCase *cases = tcase_create("purge_book");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, sure_for_a_while);
    tcase_add_test(cases, who_waits_has_it_compared);
    tcase_add_test(cases, after_a_failure);
    tcase_add_test(cases, a_late_answer);
    tcase_add_test(cases, no_more_than_so_many_wait);
    tcase_add_test(cases, what_is_no_answer);
    tcase_add_test(cases, what_was_lost);
    tcase_add_test(cases, while_it_rests);
    suite_add_tcase(suite, cases);
    return suite;
}
