/* The errors that Redis answers, what each is taken for, and when a node is left alone. */
#include "redis_fixture.h"

#include "store/redis_breaker.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct script silent[] = {{"GET", NULL, false}, {0}};
static const struct script value[] = {{"GET", "$1\r\nx\r\n", false}, {0}};

START_TEST(each_error_of_a_read)
{
    static const struct {
        const char *answer;
        enum resp_error error;
        enum store_result result;
    } cases[] = {
        {"-ERR unknown command\r\n", RESP_OTHER, STORE_ERROR},
        {"-MOVEDX\r\n", RESP_OTHER, STORE_ERROR},
        {"-MOVED 1 127.0.0.1:1\r\n", RESP_MOVED, STORE_ERROR},
        {"-ASK 1 127.0.0.1:1\r\n", RESP_ASK, STORE_ERROR},
        {"-TRYAGAIN Multiple keys request\r\n", RESP_TRYAGAIN, STORE_ERROR},
        {"-CLUSTERDOWN Hash slot not served\r\n", RESP_CLUSTERDOWN, STORE_ERROR},
        {"-READONLY You can't write\r\n", RESP_READONLY, STORE_ERROR},
        {"-MASTERDOWN Link with MASTER is down\r\n", RESP_MASTERDOWN, STORE_ERROR},
        {"-LOADING Redis is loading\r\n", RESP_LOADING, STORE_ERROR},
        {"-BUSY Redis is busy running a script\r\n", RESP_BUSY, STORE_ERROR},
        {"-OOM command not allowed\r\n", RESP_OOM, STORE_ERROR},
        {"-MISCONF Redis is configured\r\n", RESP_MISCONF, STORE_ERROR},
        {"-NOREPLICAS Not enough\r\n", RESP_NOREPLICAS, STORE_ERROR},
        {"-NOAUTH Authentication required.\r\n", RESP_NOAUTH, STORE_ERROR},
        {"-WRONGPASS invalid\r\n", RESP_WRONGPASS, STORE_ERROR},
        {"-NOPERM this user\r\n", RESP_NOPERM, STORE_ERROR},
        {"-WRONGTYPE Operation against a key\r\n", RESP_WRONGTYPE, STORE_MISS},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake f;
        metrics = (struct metrics){0};
        fake_start(&f, (struct script[]){{"GET", cases[i].answer, false}, {0}});
        open_and_wait(f.address);
        ck_assert_msg(get(STR("a")) == cases[i].result, "%s: %d", cases[i].answer,
                      (int)probes[0].result);
        ck_assert_uint_eq(errors(), 1);
        ck_assert_msg(metrics.redis_errors[cases[i].error] == 1, "%s", cases[i].answer);
        close_store();
        fake_stop(&f);
    }
}
END_TEST

/* A write that is refused is counted; reads go on over the same connection. */
START_TEST(refused_writes_do_not_end_reads)
{
    static const char *const answers[] = {"-OOM command not allowed\r\n", "-MISCONF disk\r\n",
                                          "-NOREPLICAS Not enough\r\n", "-NOPERM no\r\n"};

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct fake f;
        metrics = (struct metrics){0};
        fake_start(
            &f, (struct script[]){{"SET", answers[i], false}, {"GET", "$1\r\nx\r\n", false}, {0}});
        open_and_wait(f.address);
        for (size_t n = 0; n < 10; n++)
            ck_assert(put(STR("a"), STR("x"), 1000));
        await(errors() == 10);
        ck_assert(ready());
        ck_assert_int_eq(get(STR("a")), STORE_HIT);
        ck_assert_uint_eq(metrics.redis_failures + metrics.redis_breaker_opens, 0);
        close_store();
        fake_stop(&f);
    }
}
END_TEST

START_TEST(a_foreign_key_is_replaced)
{
    struct server *s = server_start("");
    redisContext *other;

    open_and_wait(s->tcp);
    other = redisConnect("127.0.0.1", s->port);
    freeReplyObject(redisCommand(other, "LPUSH a b"));
    ck_assert_int_eq(get(STR("a")), STORE_MISS);
    ck_assert_uint_eq(metrics.redis_errors[RESP_WRONGTYPE], 1);
    ck_assert(put(STR("a"), STR("x"), 60000));
    ck_assert_int_eq(get(STR("a")), STORE_HIT);
    redisFree(other);
}
END_TEST

START_TEST(a_replica_is_left_for_the_master)
{
    struct fake f;

    log_capture();
    fake_start(&f,
               (struct script[]){{"SET", "-READONLY You can't write against a replica\r\n", false},
                                 {"GET", "$1\r\nx\r\n", false},
                                 {0}});
    open_and_wait(f.address);
    for (size_t i = 0; i < 3; i++)
        ck_assert(put(STR("a"), STR("x"), 1000));
    await(f.connections == 2 && ready());
    /* the name still leads to the replica: reads go on, and it is not left again and again */
    for (size_t i = 0; i < 10; i++) {
        ck_assert(put(STR("a"), STR("x"), 1000));
        ck_assert_int_eq(get(STR("a")), STORE_HIT);
    }
    ck_assert_int_eq(f.connections, 2);
    ck_assert_uint_eq(count(log_captured(), "READONLY"), 1);
    fake_stop(&f);
}
END_TEST

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

START_TEST(a_new_password_is_read_from_its_file)
{
    struct server *s = server_start("requirepass one");
    char path[] = "/tmp/spoa-cache-XXXXXX";
    redisContext *other;

    close(mkstemp(path));
    write_file(path, "one\n");
    options.login.password_file = str_of(path);
    open_and_wait(s->tcp);
    other = redisConnect("127.0.0.1", s->port);
    freeReplyObject(redisCommand(other, "AUTH one"));
    freeReplyObject(redisCommand(other, "CONFIG SET requirepass two"));
    freeReplyObject(redisCommand(other, "CLIENT KILL TYPE normal"));
    redisFree(other);
    await(metrics.redis_failures >= 2);
    ck_assert(!ready());
    unlink(path); /* no file, or an empty one: it goes on with what it had */
    uint64_t before = metrics.redis_failures;
    await(metrics.redis_failures > before);
    write_file(path, "two\r\n");
    await(ready());
    ck_assert_int_eq(get(STR("a")), STORE_MISS);
    unlink(path);
}
END_TEST

START_TEST(a_lost_login_is_repeated)
{
    struct fake f;

    options.login.password = STR("hunter2");
    fake_start(&f, (struct script[]){{"GET", "-NOAUTH Authentication required.\r\n", false}, {0}});
    open_and_wait(f.address);
    ck_assert_int_eq(get(STR("a")), STORE_ERROR);
    f.script = value;
    await(f.connections == 2 && ready());
    ck_assert_uint_eq(count(f.heard, "AUTH hunter2"), 2);
    ck_assert_int_eq(get(STR("a")), STORE_HIT);
    fake_stop(&f);
}
END_TEST

START_TEST(a_slow_write_holds_up_no_read)
{
    struct fake f;

    options.timeout = 30;
    fake_start(&f, (struct script[]){{"SET", NULL, false}, {"GET", NULL, false}, {0}});
    open_and_wait(f.address);
    double start = seconds();
    ck_assert(put(STR("a"), STR("x"), 1000));
    await(seconds() - start > 0.1);
    ck_assert_uint_eq(metrics.redis_timeouts, 0);
    ck_assert(ready());
    struct probe *p = start_get(1, STR("a"));
    ck_assert_int_eq(p->calls, 0);
    await(f.commands == 3);
    fake_send(&f, "+OK\r\n$1\r\nx\r\n");
    await(p->calls);
    ck_assert_int_eq(p->result, STORE_HIT);
    fake_stop(&f);
}
END_TEST

/* Answers all reads of a fake that is slow, once each is past its deadline. */
static void late_read(struct fake *f)
{
    int before = f->commands;

    ck_assert_int_eq(start_get(0, STR("a"))->calls, 0);
    await(f->commands == before + 1);
    await(probes[0].calls);
    ck_assert_int_eq(probes[0].result, STORE_SLOW);
    ck_assert_int_eq(start_get(1, STR("b"))->calls, 1);
    fake_send(f, "$1\r\nx\r\n");
}

START_TEST(a_slow_node_is_left_alone)
{
    struct fake f;

    options.timeout = 20;
    fake_start(&f, silent);
    open_and_wait(f.address);
    for (int i = 0; i < BREAKER_FAILURES; i++) {
        await(metrics.redis_pending == 0);
        late_read(&f);
    }
    ck_assert_uint_eq(metrics.redis_breaker_open, 1);
    ck_assert(!ready());
    await(metrics.redis_pending == 0);
    /* nothing of it is asked, and nobody waits */
    int before = f.commands;
    ck_assert_int_eq(start_get(1, STR("b"))->result, STORE_DOWN);
    ck_assert(!put(STR("b"), STR("x"), 1000));
    await(f.commands > before);
    ck_assert_str_eq(f.last, "PING");
    await(ready());
    f.script = value;
    ck_assert_int_eq(get(STR("a")), STORE_HIT);
    ck_assert_uint_eq(metrics.redis_breaker_open, 0);
    ck_assert_uint_eq(metrics.redis_breaker_opens, 1);
    fake_stop(&f);
}
END_TEST

START_TEST(a_node_that_stays_ill_is_tried_less_and_less)
{
    static const struct script loading[] = {
        {"GET", "-LOADING Redis is loading\r\n", false}, {"PING", "-LOADING no\r\n", false}, {0}};
    struct fake f;

    log_capture();
    fake_start(&f, value);
    open_and_wait(f.address);
    f.script = loading;
    for (int i = 0; i < BREAKER_FAILURES; i++)
        ck_assert_int_eq(get(STR("a")), STORE_ERROR);
    ck_assert_int_eq(start_get(0, STR("a"))->result, STORE_DOWN);
    double start = seconds();
    int before = f.commands;
    await(seconds() - start > 1.2);
    /* after 0.1 to 0.2 s, 0.2 to 0.4, 0.4 to 0.8, ... */
    ck_assert_int_ge(f.commands - before, 2);
    ck_assert_int_le(f.commands - before, 4);
    f.script = value;
    await(ready());
    ck_assert_int_eq(get(STR("a")), STORE_HIT);
    ck_assert_int_eq(f.connections, 1);
    ck_assert_uint_eq(count(log_captured(), "again and again"), 1);
    close_store(); /* and while it is open: the gauge goes back */
    open_and_wait(f.address);
    f.script = loading;
    for (int i = 0; i < BREAKER_FAILURES; i++)
        get(STR("a"));
    ck_assert_uint_eq(metrics.redis_breaker_open, 1);
    close_store();
    ck_assert_uint_eq(metrics.redis_breaker_open, 0);
    fake_stop(&f);
}
END_TEST

START_TEST(the_breaker_by_itself)
{
    const int64_t second = 1000000000;
    struct redis_breaker b = {0};

    ck_assert(!redis_breaker_failed(&b, 0) && !redis_breaker_failed(&b, 0));
    redis_breaker_passed(&b);
    ck_assert(!redis_breaker_failed(&b, 0) && !redis_breaker_failed(&b, 0));
    ck_assert(redis_breaker_failed(&b, 0) && b.open);
    ck_assert(!redis_breaker_failed(&b, 0)); /* it opens once */
    int64_t first = b.pause;
    redis_breaker_tried(&b, second, false);
    ck_assert(b.open && b.pause == 2 * first);
    redis_breaker_tried(&b, second, true);
    ck_assert(!b.open);
    /* one failure is enough soon after, and the pause goes on where it was */
    ck_assert(redis_breaker_failed(&b, 2 * second));
    ck_assert_int_eq(b.pause, 4 * first);
    for (int i = 0; i < 20; i++)
        redis_breaker_tried(&b, 3 * second, false);
    ck_assert_int_le(b.pause, 5 * second);
    redis_breaker_tried(&b, 3 * second, true);
    redis_breaker_passed(&b);
    for (int i = 0; i < BREAKER_FAILURES; i++)
        redis_breaker_failed(&b, 60 * second);
    ck_assert(b.open && b.pause == first); /* what was long ago is forgotten */
}
END_TEST

static void check_advice(const char *lines, const char *key, const char *want)
{
    struct server *s = server_start(lines);
    redisContext *other;

    open_and_wait(s->tcp);
    close_store();
    other = redisConnect("127.0.0.1", s->port);
    freeReplyObject(redisCommand(other, "SET %s x", key));
    redisFree(other);
    options.own_keys = STR("sc:");
    uint64_t before = count(log_captured(), "\n");
    open_and_wait(s->tcp);
    ck_assert_int_eq(get(STR("sc:a")), STORE_MISS); /* the answers came before this one */
    const char *log = log_captured();
    ck_assert_msg(count(log, "\n") == before + (want ? 2 : 1), "%s", log);
    ck_assert_msg(!want || count(log, want) == 1, "%s", log);
    close_store();
    server_kill(s);
}

START_TEST(advice)
{
    log_capture();
    check_advice("maxmemory 100mb\nmaxmemory-policy allkeys-lru", "sc:x", NULL);
    check_advice("", "sc:x", "no maxmemory");
    check_advice("maxmemory 100mb\nmaxmemory-policy noeviction", "sc:x", "noeviction");
    check_advice("maxmemory 100mb\nmaxmemory-policy allkeys-lru", "session:1", "keys of others");
}
END_TEST

START_TEST(advice_that_is_not_ours_to_give)
{
    struct server *s = server_start("user default off\nuser cache on >p ~sc:* +get +set\n");

    log_capture();
    options.own_keys = STR("sc:");
    options.login.user = STR("cache");
    options.login.password = STR("p");
    open_and_wait(s->tcp);
    ck_assert_int_eq(get(STR("sc:a")), STORE_MISS);
    ck_assert_uint_eq(count(log_captured(), "warning") - count(log_captured(), "refused"), 0);
    ck_assert_uint_eq(errors(), 0);
}
END_TEST

Suite *suite_redis_errors(void)
{
    const TTest *const tests[] = {each_error_of_a_read,
                                  refused_writes_do_not_end_reads,
                                  a_foreign_key_is_replaced,
                                  a_replica_is_left_for_the_master,
                                  a_new_password_is_read_from_its_file,
                                  a_lost_login_is_repeated,
                                  a_slow_write_holds_up_no_read,
                                  a_slow_node_is_left_alone,
                                  a_node_that_stays_ill_is_tried_less_and_less,
                                  the_breaker_by_itself,
                                  advice,
                                  advice_that_is_not_ours_to_give};
    Suite *suite = suite_create("redis_errors");
    TCase *cases = tcase_create("redis_errors");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, fixture_setup, fixture_teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
    return suite;
}
