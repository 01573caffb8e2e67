/* Memory in front of Redis: what is kept, and that it is never served for longer than it is right.
 * The races are scripted; the rest is two tiers over a real server. */
#include "redis_fixture.h"
#include "store/tier.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define SUBSCRIBED "*3\r\n$9\r\nsubscribe\r\n$20\r\n__redis__:invalidate\r\n:1\r\n"
#define MESSAGE "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n"
#define CHANGED_A MESSAGE "*1\r\n$4\r\nsc:a\r\n"
#define A STR("sc:a")

enum { OF_GET = 4, OF_PTTL };

static struct fake fake;
static struct store *redis; /* behind the store under test */
static struct script script[] = {
    {"INFO server", "$20\r\n# Server\r\nrun_id:a\r\n\r\n", false},
    {"CLIENT ID", ":7\r\n", false},
    {"CLIENT TRACKING", "+OK\r\n", false},
    {"SUBSCRIBE", SUBSCRIBED, false},
    {"GET", "$1\r\nx\r\n", false},
    {"PTTL", ":100000\r\n", false},
    {0},
};

static void setup(void)
{
    fixture_setup();
    options.watch = true;
    options.own_keys = STR("sc:");
    script[OF_GET].answer = "$1\r\nx\r\n";
    script[OF_PTTL].answer = ":100000\r\n";
}

static struct store *open_tier(const char *address)
{
    open_store(address);
    redis = store;
    store = tier_new(redis, 1 << 20, &metrics);
    ck_assert_ptr_nonnull(store);
    return store;
}

static void open_fake_tier(void)
{
    fake_start(&fake, script);
    open_tier(fake.address);
    await(ready() && metrics.redis_watched == 1);
}

static void close_fake_tier(void)
{
    close_store();
    ck_assert_uint_eq(metrics.redis_watched, 0);
    fake_stop(&fake);
}

static size_t gets(void)
{
    return count(fake.heard, "GET sc:a\n");
}

/* Reads the key, and lets what follows that come to its end. */
static enum store_result get_a(void)
{
    enum store_result result = get(A);

    await(metrics.redis_pending == 0);
    return result;
}

/* Whether the next read of the key is answered without Redis. */
static bool is_kept(void)
{
    await(redis_is_fresh(redis, A) || metrics.redis_watched == 0);
    size_t before = gets();

    ck_assert_int_eq(get_a(), STORE_HIT);
    return gets() == before;
}

/* Begins a read whose answer is sent by hand. */
static struct fake_client *get_slowly(void)
{
    size_t before = gets();

    script[OF_GET].answer = NULL;
    start_get(1, A);
    await(gets() == before + 1);
    script[OF_GET].answer = "$1\r\nx\r\n";
    return fake.current;
}

static void answer(struct fake_client *asked)
{
    fake.current = asked;
    fake_send(&fake, "$1\r\nx\r\n");
    await(probes[1].calls && metrics.redis_pending == 0);
    ck_assert_int_eq(probes[1].result, STORE_HIT);
    ck_assert_str_is(value_of(1), "x");
}

static void publish(const char *message)
{
    uint64_t before = metrics.redis_changes;

    fake_publish(&fake, message);
    await(metrics.redis_changes > before);
}

START_TEST(what_was_read_is_kept)
{
    open_fake_tier();
    ck_assert_int_eq(get_a(), STORE_HIT);
    ck_assert_uint_eq(count(fake.heard, "PTTL sc:a\n"), 1);
    for (int i = 0; i < 5; i++) {
        ck_assert(is_kept());
        ck_assert_str_is(value_of(0), "x");
    }
    ck_assert_uint_eq(count(fake.heard, "PTTL"), 1);
    ck_assert_uint_eq(metrics.tier_hits, 5);
    ck_assert_uint_eq(metrics.tier_misses, 1);
    ck_assert_uint_eq(metrics.memory_entries, 1);
    close_fake_tier();
    ck_assert_uint_eq(metrics.memory_entries, 0);
}
END_TEST

START_TEST(what_is_not_there_is_not_kept)
{
    open_fake_tier();
    script[OF_GET].answer = "$-1\r\n";
    ck_assert_int_eq(get_a(), STORE_MISS);
    ck_assert_int_eq(get_a(), STORE_MISS);
    ck_assert_uint_eq(gets(), 2);
    script[OF_GET].answer = "-ERR no\r\n";
    ck_assert_int_eq(get_a(), STORE_ERROR);
    ck_assert_uint_eq(count(fake.heard, "PTTL"), 0);
    ck_assert_uint_eq(metrics.memory_entries, 0);
    close_fake_tier();
}
END_TEST

START_TEST(a_report_removes)
{
    open_fake_tier();
    get_a();
    ck_assert(is_kept());
    publish(CHANGED_A);
    ck_assert(!is_kept());
    ck_assert(is_kept());
    publish(MESSAGE "*1\r\n$4\r\nsc:b\r\n");
    ck_assert(is_kept());
    fake_publish(&fake, MESSAGE "$-1\r\n");
    publish(MESSAGE "*1\r\n$4\r\nsc:b\r\n"); /* the flush has come, too */
    ck_assert(!is_kept());
    close_fake_tier();
}
END_TEST

START_TEST(a_report_comes_before_the_answer)
{
    open_fake_tier();
    struct fake_client *asked = get_slowly();
    publish(CHANGED_A);
    answer(asked);
    ck_assert(!is_kept());
    /* a report of another key is no reason */
    publish(CHANGED_A);
    asked = get_slowly();
    publish(MESSAGE "*1\r\n$4\r\nsc:b\r\n");
    answer(asked);
    ck_assert(is_kept());
    close_fake_tier();
}
END_TEST

START_TEST(a_flush_comes_before_the_answer)
{
    open_fake_tier();
    struct fake_client *asked = get_slowly();
    publish(MESSAGE "*1\r\n$4\r\nsc:b\r\n");
    fake_publish(&fake, MESSAGE "$-1\r\n");
    publish(MESSAGE "*1\r\n$4\r\nsc:b\r\n"); /* the flush has come, too */
    answer(asked);
    ck_assert(!is_kept());
    close_fake_tier();
}
END_TEST

START_TEST(a_report_comes_before_the_time_to_live)
{
    open_fake_tier();
    script[OF_PTTL].answer = NULL;
    ck_assert_int_eq(get(A), STORE_HIT);
    await(count(fake.heard, "PTTL sc:a\n") == 1);
    struct fake_client *asked = fake.current;
    publish(CHANGED_A);
    script[OF_PTTL].answer = ":100000\r\n";
    fake.current = asked;
    fake_send(&fake, ":100000\r\n");
    await(metrics.redis_pending == 0);
    ck_assert(!is_kept());
    close_fake_tier();
}
END_TEST

static void check_time_to_live(const char *pttl, bool kept_now, bool kept_later)
{
    publish(CHANGED_A);
    script[OF_PTTL].answer = pttl;
    get_a();
    script[OF_PTTL].answer = ":100000\r\n";
    if (kept_now)
        ck_assert(is_kept());
    for (double end = seconds() + 0.15; seconds() < end;)
        ev_run(loop, EVRUN_ONCE);
    ck_assert_int_eq(is_kept(), kept_later);
}

START_TEST(nothing_is_kept_past_its_time_to_live)
{
    open_fake_tier();
    check_time_to_live(":100\r\n", false, false);
    check_time_to_live(":-1\r\n", true, true);
    check_time_to_live(":9223372036854775807\r\n", true, true);
    check_time_to_live(":-2\r\n", false, false);
    check_time_to_live(":0\r\n", false, false);
    check_time_to_live("-ERR no\r\n", false, false);
    check_time_to_live("$1\r\nx\r\n", false, false);
    close_fake_tier();
}
END_TEST

START_TEST(without_its_time_to_live_it_is_kept_for_a_moment)
{
    options.timeout = 20;
    open_fake_tier();
    script[OF_PTTL].answer = NULL;
    get(A);
    for (double end = seconds() + 0.1; seconds() < end;)
        ev_run(loop, EVRUN_ONCE);
    size_t before = gets();
    start_get(0, A);
    ck_assert(gets() == before && metrics.tier_misses == 2);
    close_fake_tier();
}
END_TEST

START_TEST(a_write_forgets)
{
    open_fake_tier();
    get_a();
    ck_assert(is_kept());
    ck_assert(put(A, STR("y"), 1000));
    ck_assert(!is_kept());
    /* and so does one while an answer is on its way */
    put(A, STR("y"), 1000);
    await(metrics.redis_pending == 0);
    struct fake_client *asked = get_slowly();
    put(A, STR("y"), 1000);
    await(count(fake.heard, "SET sc:a y PX 1000\n") == 3);
    fake.current = asked;
    fake_send(&fake, "$1\r\nx\r\n");
    await(probes[1].calls);
    ck_assert(!is_kept());
    close_fake_tier();
}
END_TEST

START_TEST(without_reports_nothing_is_kept_or_served)
{
    open_fake_tier();
    get_a();
    ck_assert(is_kept());
    script[3].answer = NULL; /* SUBSCRIBE */
    fake_end_subscription(&fake);
    await(metrics.redis_watched == 0);
    ck_assert(!is_kept());
    ck_assert(!is_kept());
    ck_assert_uint_eq(metrics.tier_bypasses, 2);
    script[3].answer = SUBSCRIBED;
    await(metrics.redis_watched == 1);
    ck_assert(!is_kept()); /* nothing is left from before */
    ck_assert(is_kept());
    close_fake_tier();
}
END_TEST

START_TEST(reports_that_ended_and_began_under_way)
{
    open_fake_tier();
    struct fake_client *asked = get_slowly();
    fake_end_subscription(&fake);
    await(metrics.redis_watched == 0);
    await(metrics.redis_watched == 1);
    answer(asked);
    ck_assert(!is_kept());
    close_fake_tier();
}
END_TEST

START_TEST(reads_that_are_given_up)
{
    open_fake_tier();
    struct fake_client *asked = get_slowly();
    store->ops->cancel(store, &probes[1].read);
    ck_assert_ptr_null(probes[1].read.pending);
    store->ops->cancel(store, &probes[1].read);
    fake.current = asked;
    fake_send(&fake, "$1\r\nx\r\n");
    await(metrics.redis_pending == 0);
    ck_assert_int_eq(probes[1].calls, 0);
    ck_assert(!is_kept());
    ck_assert(is_kept());
    /* and those that wait when the store goes, one of them for a time to live */
    publish(CHANGED_A);
    script[OF_PTTL].answer = NULL;
    get(A);
    publish(CHANGED_A);
    get_slowly();
    start_get(2, STR("sc:b"));
    close_fake_tier();
    ck_assert_int_eq(probes[1].result, STORE_DOWN);
    ck_assert_int_eq(probes[2].result, STORE_DOWN);
}
END_TEST

START_TEST(a_value_too_large_for_the_memory)
{
    static char large[200000];
    int head = snprintf(large, sizeof large, "$%zu\r\n", sizeof large - 100);

    memset(large + head, 'x', sizeof large - 100);
    memcpy(large + head + sizeof large - 100, "\r\n", 3);
    open_fake_tier();
    script[OF_GET].answer = large;
    ck_assert(!is_kept());
    ck_assert(!is_kept());
    ck_assert_uint_eq(count(fake.heard, "PTTL"), 0);
    close_fake_tier();
}
END_TEST

START_TEST(a_frozen_server_is_not_trusted_for_long)
{
    struct server *s = server_start("");

    options.timeout = 50;
    open_tier(s->tcp);
    await(ready() && metrics.redis_watched == 1);
    server_do(s, "SET sc:a x");
    await(get(A) == STORE_HIT && get(A) == STORE_HIT && metrics.tier_hits);
    kill(s->pid, SIGSTOP);
    double start = seconds();
    await(get(A) != STORE_HIT);
    ck_assert_double_le(seconds() - start, 0.3);
    kill(s->pid, SIGCONT);
    await(get(A) == STORE_HIT);
}
END_TEST

/* Two tiers and others that write, against what was true at which time. A read gives what was true
 * at some time from 100 ms before it to its end. */
enum { KEYS = 8, STATES = 256, STEPS = 4000, GONE = -1 };

static struct {
    double from[STATES];
    int value[STATES];
    size_t count;
} truth[KEYS];

static void becomes(int key, int value)
{
    truth[key].from[truth[key].count % STATES] = seconds();
    truth[key].value[truth[key].count++ % STATES] = value;
}

static bool was_true(int key, int value, double since)
{
    for (size_t i = truth[key].count; i-- > 0 && truth[key].count - i < STATES;) {
        if (truth[key].value[i % STATES] == value)
            return true;
        if (truth[key].from[i % STATES] < since)
            return false; /* what was true before had ended by then */
    }
    return value == GONE;
}

static void check_read(int key)
{
    char name[16];
    double start = seconds();

    snprintf(name, sizeof name, "sc:%d", key);
    enum store_result result = get(str_of(name));
    int value = result == STORE_HIT ? atoi(probes[0].value) : GONE;
    ck_assert(result == STORE_HIT || result == STORE_MISS);
    ck_assert_msg(was_true(key, value, start - 0.1), "%s is still %d", name, value);
}

static void change(const struct server *s, struct store *writer, int key, int step)
{
    char name[16], value[16], command[64];

    snprintf(name, sizeof name, "sc:%d", key);
    snprintf(value, sizeof value, "%d", step);
    switch (step % 5) {
    case 0:
        snprintf(command, sizeof command, "DEL %s", name);
        server_do(s, command);
        becomes(key, GONE);
        break;
    case 1:
        if (step % 100 == 1) {
            server_do(s, "FLUSHDB");
            for (int i = 0; i < KEYS; i++)
                becomes(i, GONE);
            break;
        }
        /* fall through */
    case 2:
        snprintf(command, sizeof command, "SET %s %s", name, value);
        server_do(s, command);
        becomes(key, step);
        break;
    default:
        ck_assert(writer->ops->put(writer, str_of(name), str_of(value), 0, 60000));
        await(metrics.redis_pending == 0);
        becomes(key, step);
    }
}

START_TEST(two_tiers_never_serve_what_is_over)
{
    struct server *s = server_start("");
    struct store *tiers[2];
    unsigned short seed[3] = {1, 2, 3};

    for (int i = 0; i < 2; i++)
        tiers[i] = open_tier(s->tcp);
    await(metrics.redis_watched == 2 && metrics.redis_up == 2);
    for (int step = 0; step < STEPS; step++) {
        int key = (int)(nrand48(seed) % KEYS);
        store = tiers[nrand48(seed) % 2];
        if (nrand48(seed) % 20 == 0)
            change(s, store, key, step);
        else
            check_read(key);
        if (step % 1000 == 999)
            server_do(s, "CLIENT KILL TYPE pubsub");
    }
    ck_assert_uint_gt(metrics.tier_hits, STEPS / 10);
    ck_assert_uint_gt(metrics.tier_misses, STEPS / 100);
    store = NULL;
    for (int i = 0; i < 2; i++)
        tiers[i]->ops->free(tiers[i]);
}
END_TEST

Suite *suite_tier(void)
{
    const TTest *const tests[] = {what_was_read_is_kept,
                                  what_is_not_there_is_not_kept,
                                  a_report_removes,
                                  a_report_comes_before_the_answer,
                                  a_flush_comes_before_the_answer,
                                  a_report_comes_before_the_time_to_live,
                                  nothing_is_kept_past_its_time_to_live,
                                  without_its_time_to_live_it_is_kept_for_a_moment,
                                  a_write_forgets,
                                  without_reports_nothing_is_kept_or_served,
                                  reports_that_ended_and_began_under_way,
                                  reads_that_are_given_up,
                                  a_value_too_large_for_the_memory,
                                  a_frozen_server_is_not_trusted_for_long,
                                  two_tiers_never_serve_what_is_over};
    Suite *suite = suite_create("tier");
    TCase *cases = tcase_create("tier");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, fixture_teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
    return suite;
}
