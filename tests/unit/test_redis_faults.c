/* The Redis store against a server that misbehaves by a script. */
#include "redis_fixture.h"

#include "store/redis_sync.h"

#include <stdlib.h>

START_TEST(password_missing)
{
    struct fake f;

    fake_start(&f, (struct script[]){{"PING", "-NOAUTH Authentication required.\r\n", false}, {0}});
    check_refused(f.address, "NOAUTH");
    fake_stop(&f);
}
END_TEST

START_TEST(database_that_is_none)
{
    struct fake f;

    fake_start(&f, (struct script[]){{"SELECT", "-ERR DB index is out of range\r\n", false}, {0}});
    options.database = 99;
    check_refused(f.address, "SELECT with \"ERR DB index is out of range\"");
    ck_assert_uint_ge((size_t)f.connections, 3);
    fake_stop(&f);
}
END_TEST

START_TEST(an_echoed_password_is_not_logged)
{
    struct fake f;

    fake_start(&f,
               (struct script[]){{"AUTH", "-ERR unknown command, args 'hunter2'\r\n", false}, {0}});
    options.login.password = STR("hunter2");
    check_refused(f.address, "AUTH with \"ERR\"");
    fake_stop(&f);
}
END_TEST

START_TEST(a_password_is_not_sent_without_the_tls_that_is_wanted)
{
    const struct redis_tls_options tls = {.on = true, .ca_file = STR("/no-such-file.pem")};
    struct redis_sync *redis = calloc(1, sizeof *redis);
    struct fake f;

    ck_assert_ptr_nonnull(redis);
    fake_start(&f, (struct script[]){{0}});
    const struct config config = {.redis_address = str_of(f.address),
                                  .redis_password = STR("hunter2")};
    ck_assert(!redis_sync_open(redis, &config, &tls));
    ck_assert(strstr(redis->error, "TLS") || strstr(redis->error, "tls-ca-file"));
    ev_run(loop, EVRUN_NOWAIT);
    ck_assert_int_eq(f.connections, 0);
    fake_stop(&f);
    free(redis);
}
END_TEST

START_TEST(a_server_that_is_not_redis)
{
    struct fake f;

    fake_start(&f, (struct script[]){{NULL, "HTTP/1.1 400 Bad Request\r\n\r\n", true}, {0}});
    check_refused(f.address, "not available");
    fake_stop(&f);
}
END_TEST

START_TEST(a_server_that_does_not_answer_the_handshake)
{
    struct fake f;

    fake_start(&f, (struct script[]){{"PING", NULL, false}, {0}});
    options.connect_timeout = 20;
    check_refused(f.address, "in time to connect");
    ck_assert_int_ge(f.connections, 3);
    fake_stop(&f);
}
END_TEST

START_TEST(answers_that_are_no_value)
{
    static const struct {
        const char *answer;
        enum store_result result;
    } cases[] = {
        {"$1\r\nx\r\n", STORE_HIT},
        {"$-1\r\n", STORE_MISS},
        {"*-1\r\n", STORE_MISS},
        {"-LOADING Redis is loading the dataset in memory\r\n", STORE_ERROR},
        {":7\r\n", STORE_ERROR},
        {"+OK\r\n", STORE_ERROR},
        {"*2\r\n$1\r\na\r\n*1\r\n:1\r\n", STORE_ERROR},
        {"*0\r\n", STORE_ERROR},
        {"*1000000000\r\n", STORE_DOWN},
        {"$x\r\n", STORE_DOWN},
        {"$-7\r\n", STORE_DOWN},
        {"nonsense\r\n", STORE_DOWN},
        /* types of RESP3 */
        {",1.5\r\n", STORE_DOWN},
        {"#t\r\n", STORE_DOWN},
        {"(12\r\n", STORE_DOWN},
        {"=5\r\ntxt:x\r\n", STORE_DOWN},
        {"%1\r\n+a\r\n+b\r\n", STORE_DOWN},
        {"~1\r\n+a\r\n", STORE_DOWN},
        {">2\r\n+a\r\n+b\r\n", STORE_DOWN},
    };
    struct fake f;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        metrics = (struct metrics){0};
        fake_start(&f, (struct script[]){{"GET", cases[i].answer, false}, {0}});
        open_and_wait(f.address);
        ck_assert_msg(get(STR("a")) == cases[i].result, "%s: %d", cases[i].answer,
                      (int)probes[0].result);
        ck_assert_uint_eq(errors(), cases[i].result == STORE_ERROR);
        ck_assert_uint_eq(metrics.redis_failures, cases[i].result == STORE_DOWN);
        close_store();
        fake_stop(&f);
    }
}
END_TEST

START_TEST(a_late_answer_reaches_nobody)
{
    struct fake f;

    options.timeout = 200;
    fake_start(&f, (struct script[]){{"GET", NULL, false}, {0}});
    open_and_wait(f.address);
    ck_assert_int_eq(get(STR("a")), STORE_SLOW);
    ck_assert_uint_eq(metrics.redis_timeouts, 1);
    ck_assert_uint_eq(metrics.redis_pending, 1);
    fake_send(&f, "$4\r\nlate\r\n");
    await(ready());
    struct probe *p = start_get(1, STR("b"));
    await(f.commands == 3);
    fake_send(&f, "$5\r\nright\r\n");
    await(p->calls);
    ck_assert(str_eq(value_of(1), STR("right")));
    ck_assert_str_eq(f.last, "GET b");
    /* the next deadline is its own, not the one by which the late answer had to come */
    double start = seconds();
    ck_assert_int_eq(get(STR("c")), STORE_SLOW);
    ck_assert(seconds() - start < 1);
    fake_stop(&f);
}
END_TEST

START_TEST(an_answer_cut_short)
{
    struct fake f;

    options.timeout = 30;
    fake_start(&f, (struct script[]){{"GET", "$10\r\nhalf", false}, {0}});
    open_and_wait(f.address);
    ck_assert_int_eq(get(STR("a")), STORE_SLOW);
    await(metrics.redis_failures == 1);
    fake_stop(&f);
    close_store();
    options.timeout = 2000;
    fake_start(&f, (struct script[]){{"GET", "$10\r\nhalf", true}, {0}});
    open_and_wait(f.address);
    start_get(1, STR("a"));
    start_get(2, STR("b"));
    await(probes[1].calls && probes[2].calls);
    ck_assert_int_eq(probes[1].result, STORE_DOWN);
    ck_assert_int_eq(probes[2].result, STORE_DOWN);
    await(ready());
    fake_stop(&f);
}
END_TEST

START_TEST(an_answer_to_no_command)
{
    static const char *const answers[] = {
        "+OK\r\n", "$1\r\nx\r\n",  ":1\r\n",       "$-1\r\n",
        "*0\r\n",  "*1\r\n:1\r\n", ">1\r\n+a\r\n", "-ERR max number of clients reached\r\n"};
    struct fake f;

    fake_start(&f, (struct script[]){{"GET", "$1\r\ny\r\n", false}, {0}});
    open_and_wait(f.address);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        fake_send(&f, answers[i]);
        await(metrics.redis_failures == i + 1);
        await(ready());
        ck_assert_int_eq(get(STR("a")), STORE_HIT);
    }
    fake_stop(&f);
}
END_TEST

START_TEST(cancelled)
{
    struct fake f;

    fake_start(&f, (struct script[]){{"GET", NULL, false}, {0}});
    open_and_wait(f.address);
    struct probe *gone = start_get(1, STR("a")), *kept = start_get(2, STR("b"));
    store->ops->cancel(store, &gone->read);
    ck_assert_ptr_null(gone->read.pending);
    await(f.commands == 3);
    fake_send(&f, "$1\r\na\r\n$1\r\nb\r\n");
    await(kept->calls);
    ck_assert_int_eq(gone->calls, 0);
    ck_assert(str_eq(value_of(2), STR("b")));
    store->ops->cancel(store, &kept->read);
    fake_stop(&f);
}
END_TEST

START_TEST(freed_while_reads_wait)
{
    struct fake f;

    fake_start(&f, (struct script[]){{"GET", NULL, false}, {0}});
    open_and_wait(f.address);
    for (size_t i = 0; i < 5; i++)
        start_get(i, STR("a"));
    ck_assert(put(STR("a"), STR("x"), 1000));
    store->ops->cancel(store, &probes[0].read);
    close_store();
    ck_assert_int_eq(probes[0].calls, 0);
    for (size_t i = 1; i < 5; i++)
        ck_assert(probes[i].calls == 1 && probes[i].result == STORE_DOWN);
    open_store(f.address); /* and while it connects */
    close_store();
    fake_stop(&f);
}
END_TEST

START_TEST(bounds)
{
    static char large[8 << 20];
    struct fake f;

    options.max_pending = 4;
    fake_start(&f, (struct script[]){{"GET", NULL, false}, {"SET", NULL, false}, {0}});
    open_and_wait(f.address);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(start_get(i, STR("a"))->calls, 0);
    ck_assert_int_eq(start_get(4, STR("a"))->result, STORE_BUSY);
    for (size_t i = 0; i < 4; i++)
        ck_assert(put(STR("a"), STR("x"), 1000));
    ck_assert(!put(STR("a"), STR("x"), 1000));
    ck_assert_uint_eq(metrics.redis_pending, 8);
    close_store();
    options.max_pending = 100;
    open_and_wait(f.address);
    ck_assert(put(STR("a"), (struct str){large, sizeof large}, 1000));
    ck_assert(put(STR("a"), (struct str){large, sizeof large}, 1000));
    ck_assert(!put(STR("a"), STR("x"), 1000));
    ck_assert_int_eq(start_get(5, STR("a"))->calls, 0);
    fake_stop(&f);
}
END_TEST

static void ask_again(struct store_read *read, enum store_result result, struct str value)
{
    probe_done(read, result, value);
    start_get(1, STR("b"));
}

START_TEST(asked_again_from_inside)
{
    struct fake f;

    fake_start(&f, (struct script[]){{"GET", NULL, true}, {0}});
    open_and_wait(f.address);
    start_get(0, STR("a"))->read.done = ask_again;
    await(probes[0].calls);
    ck_assert_int_eq(probes[0].result, STORE_DOWN);
    ck_assert(probes[1].calls == 1 && probes[1].result == STORE_DOWN);
    fake_stop(&f);
}
END_TEST

Suite *suite_redis_faults(void)
{
    const TTest *const tests[] = {password_missing,
                                  database_that_is_none,
                                  an_echoed_password_is_not_logged,
                                  a_password_is_not_sent_without_the_tls_that_is_wanted,
                                  a_server_that_is_not_redis,
                                  a_server_that_does_not_answer_the_handshake,
                                  answers_that_are_no_value,
                                  a_late_answer_reaches_nobody,
                                  an_answer_cut_short,
                                  an_answer_to_no_command,
                                  cancelled,
                                  freed_while_reads_wait,
                                  bounds,
                                  asked_again_from_inside};
    Suite *suite = suite_create("redis_faults");
    TCase *cases = tcase_create("redis_faults");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, fixture_setup, fixture_teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
    return suite;
}
