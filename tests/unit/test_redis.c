/* The Redis store against a real redis-server. */
#include "redis_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void check_values(const char *address)
{
    size_t large = 300 * 1024;
    char *bytes = malloc(large);

    for (size_t i = 0; i < large; i++)
        bytes[i] = (char)(i * 31 + i / 256);
    open_and_wait(address);
    ck_assert_int_eq(get(STR("a")), STORE_MISS);
    ck_assert(put(STR("a"), STR("one"), 60000));
    ck_assert(put(STR("a\0\r\n b"), STR("two\0\r\n$3"), 60000));
    ck_assert(put(STR("empty"), STR(""), 60000));
    ck_assert(put(STR("large"), (struct str){bytes, large}, 60000));
    start_get(1, STR("a"));
    start_get(2, STR("a\0\r\n b"));
    start_get(3, STR("empty"));
    start_get(4, STR("large"));
    await(probes[4].calls);
    ck_assert(str_eq(value_of(1), STR("one")));
    ck_assert(str_eq(value_of(2), STR("two\0\r\n$3")));
    ck_assert(probes[3].result == STORE_HIT && probes[3].len == 0);
    ck_assert(str_eq(value_of(4), (struct str){bytes, large}));
    ck_assert_uint_eq(errors() + metrics.redis_timeouts, 0);
    ck_assert_uint_eq(metrics.redis_commands, 9);
    free(bytes);
}

START_TEST(values_over_tcp)
{

    struct server *s = server_start("");
    check_values(s->tcp);
}
END_TEST

START_TEST(values_over_a_unix_socket)
{

    struct server *s = server_start("");
    check_values(s->unix_socket);
}
END_TEST

START_TEST(values_expire)
{

    struct server *s = server_start("");
    open_and_wait(s->unix_socket);
    ck_assert(!put(STR("a"), STR("x"), 0));
    ck_assert(!put(STR("a"), STR("x"), -5));
    ck_assert(put(STR("a"), STR("x"), 100));
    ck_assert(put(STR("b"), STR("x"), 60000));
    ck_assert_int_eq(get(STR("a")), STORE_HIT);
    await(get(STR("a")) == STORE_MISS);
    ck_assert_int_eq(get(STR("b")), STORE_HIT);
}
END_TEST

static void check_name(const char *name)
{
    struct server *s = server_start("");
    char address[64];

    open_and_wait(s->tcp); /* the server is there by now */
    close_store();
    log_capture();
    snprintf(address, sizeof address, "%s:%d", name, s->port);
    open_and_wait(address);
    ck_assert_int_eq(get(STR("a")), STORE_MISS);
    ck_assert_uint_eq(count(log_captured(), "not available"), 0);
}

START_TEST(a_name_is_resolved)
{
    check_name("localhost");
}
END_TEST

START_TEST(all_addresses_of_a_name_are_tried)
{
    check_name(TWO_ADDRESSES);
}
END_TEST

START_TEST(a_name_that_is_none)
{
    open_store("no-such-host.invalid:6379");
    ck_assert_int_eq(start_get(0, STR("a"))->result, STORE_DOWN);
    store->ops->free(store); /* with the look-up under way */
    log_capture();
    open_store("no-such-host.invalid:6379");
    await(count(log_captured(), "not available") == 1);
}
END_TEST

static const char acl[] = "user default off\n"
                          "user cache on >hunter2 ~sc:* +get +set\n"
                          "user full on >hunter2 ~* +@all\n";

START_TEST(user_and_password)
{

    struct server *s = server_start(acl);
    options.login.user = STR("full");
    options.login.password = STR("hunter2");
    options.database = 5;
    open_and_wait(s->tcp);
    ck_assert(put(STR("a"), STR("x"), 60000));
    ck_assert_int_eq(get(STR("a")), STORE_HIT);
    close_store();
    options.database = 6;
    open_and_wait(s->tcp);
    ck_assert_int_eq(get(STR("a")), STORE_MISS);
    close_store();
    /* one who may use GET and SET and nothing else, not even PING */
    options.login.user = STR("cache");
    options.database = 0;
    open_and_wait(s->tcp);
    ck_assert(put(STR("sc:a"), STR("x"), 60000));
    ck_assert_int_eq(get(STR("sc:a")), STORE_HIT);
    ck_assert_int_eq(get(STR("elsewhere")), STORE_ERROR);
}
END_TEST

START_TEST(password_alone)
{

    struct server *s = server_start("requirepass hunter2");
    options.login.password = STR("hunter2");
    open_and_wait(s->tcp);
    ck_assert_int_eq(get(STR("a")), STORE_MISS);
}
END_TEST

START_TEST(wrong_password)
{

    struct server *s = server_start(acl);
    open_and_wait(
        (options.login.user = STR("full"), options.login.password = STR("hunter2"), s->tcp));
    close_store();
    metrics = (struct metrics){0};
    options.login.password = STR("hunter3");
    check_refused(s->tcp, "WRONGPASS");
}
END_TEST

START_TEST(connection_refused)
{
    char address[64];

    struct server *s = server_start("");
    server_kill(s);
    check_refused(s->tcp, "Connection refused");
    close_store();
    snprintf(address, sizeof address, "unix:%s/none", s->directory);
    open_store(address);
    ck_assert_int_eq(start_get(0, STR("a"))->result, STORE_DOWN);
    close_store();
    open_store(s->tcp);
    server_restart(s);
    await(ready());
    ck_assert_int_eq(get(STR("a")), STORE_MISS);
}
END_TEST

START_TEST(addresses_that_are_none)
{
    static const char *const addresses[] = {
        "",           "host",     ":6379", "host:",     "host:0",
        "host:65536", "host:12x", "unix:", "[::1:6379", "[]:1"};

    log_capture();
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        options.address = str_of(addresses[i]);
        ck_assert_msg(!redis_new(loop, &options, &metrics), "%s", addresses[i]);
    }
}
END_TEST

START_TEST(server_restarted)
{

    log_capture();
    struct server *s = server_start("");
    open_and_wait(s->tcp);
    for (int i = 1; i <= 3; i++) {
        struct probe *p = start_get(0, STR("a"));
        server_kill(s);
        await(p->calls && !ready());
        ck_assert_uint_eq(metrics.redis_up, 0);
        ck_assert_int_eq(start_get(0, STR("a"))->result, STORE_DOWN);
        server_restart(s);
        await(ready());
        ck_assert_int_eq(get(STR("a")), STORE_MISS);
        ck_assert_uint_eq(metrics.redis_connects, (uint64_t)i + 1);
    }
    ck_assert_uint_eq(count(log_captured(), "connected to Redis at"), 4);
}
END_TEST

START_TEST(server_frozen)
{

    options.timeout = 30;
    struct server *s = server_start("");
    open_and_wait(s->unix_socket);
    ck_assert(put(STR("a"), STR("x"), 60000));
    await(get(STR("a")) == STORE_HIT);
    kill(s->pid, SIGSTOP);
    double start = seconds();
    for (size_t i = 0; i < 10; i++)
        start_get(i, STR("a"));
    await(probes[9].calls);
    for (size_t i = 0; i < 10; i++) {
        ck_assert_int_eq(probes[i].result, STORE_SLOW);
        ck_assert(probes[i].at - start >= 0.03 && probes[i].at - start < 0.3);
    }
    /* the others lose no time at all */
    ck_assert(!ready());
    ck_assert_int_eq(start_get(10, STR("a"))->calls, 1);
    ck_assert_int_eq(probes[10].result, STORE_SLOW);
    ck_assert(!put(STR("b"), STR("x"), 60000));
    ck_assert_uint_eq(metrics.redis_pending, 10);
    kill(s->pid, SIGCONT);
    await(ready());
    await(get(STR("a")) == STORE_HIT);
    ck_assert_uint_eq(metrics.redis_connects, 1);
    /* frozen for longer: the connection is given up, and a new one made afterwards */
    kill(s->pid, SIGSTOP);
    start = seconds();
    ck_assert_int_eq(get(STR("a")), STORE_SLOW);
    uint64_t failures = metrics.redis_failures;
    await(metrics.redis_failures > failures);
    ck_assert(seconds() - start >= 1);
    ck_assert_int_eq(start_get(0, STR("a"))->result, STORE_DOWN);
    ck_assert_uint_eq(metrics.redis_pending, 0);
    kill(s->pid, SIGCONT);
    await(ready());
    await(get(STR("a")) == STORE_HIT);
}
END_TEST

Suite *suite_redis(void)
{
    const TTest *const tests[] = {values_over_tcp,
                                  values_over_a_unix_socket,
                                  values_expire,
                                  a_name_is_resolved,
                                  all_addresses_of_a_name_are_tried,
                                  a_name_that_is_none,
                                  user_and_password,
                                  password_alone,
                                  wrong_password,
                                  connection_refused,
                                  addresses_that_are_none,
                                  server_restarted,
                                  server_frozen};
    Suite *suite = suite_create("redis");
    TCase *cases = tcase_create("redis");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, fixture_setup, fixture_teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
    return suite;
}
