/* What Redis tells of changes, and when it is not relied upon. */
#include "redis_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#define SUBSCRIBED "*3\r\n$9\r\nsubscribe\r\n$20\r\n__redis__:invalidate\r\n:1\r\n"
#define MESSAGE "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n"
#define SERVER(run_id) "$20\r\n# Server\r\nrun_id:" run_id "\r\n\r\n"

/* What the listener was told: keys, each with a newline; how often all of them; what holds now. */
static char changed[1024];
static int flushes, begins, ends;
static struct redis_listener listener;

static void on_changed(void *context, struct str key)
{
    size_t len = strlen(changed);

    ck_assert_ptr_eq(context, changed);
    snprintf(changed + len, sizeof changed - len, "%.*s\n", STR_ARGS(key));
}

static void on_flushed(void *context)
{
    (void)context;
    flushes++;
}

static void on_watching(void *context, bool watching)
{
    (void)context;
    *(watching ? &begins : &ends) += 1;
    ck_assert_int_eq(begins - ends, watching);
    ck_assert(watching || flushes > 0);
}

static void forget(void)
{
    changed[0] = '\0';
    flushes = begins = ends = 0;
}

static void setup(void)
{
    fixture_setup();
    forget();
    options.watch = true;
    options.own_keys = STR("sc:");
    listener = (struct redis_listener){on_changed, on_flushed, on_watching, changed, NULL};
}

static void open_watched(const char *address)
{
    open_store(address);
    redis_listen(store, &listener);
    ck_assert(!redis_is_watching(store));
    ck_assert(!redis_is_fresh(store, STR("sc:a")));
}

static struct server *server_watched(void)
{
    struct server *s = server_start("");

    open_watched(s->tcp);
    await(redis_is_watching(store));
    ck_assert_int_eq(begins, 1);
    ck_assert(redis_is_fresh(store, STR("sc:a")));
    ck_assert_uint_eq(metrics.redis_watched, 1);
    return s;
}

START_TEST(changes_by_anybody_are_told)
{
    struct server *s = server_watched();

    server_do(s, "SET other 1");
    server_do(s, "SET sc:a 1");
    await(strcmp(changed, "sc:a\n") == 0);
    server_do(s, "DEL sc:a");
    await(strcmp(changed, "sc:a\nsc:a\n") == 0);
    forget();
    server_do(s, "MSET sc:b 1 sc:c 1");
    await(strcmp(changed, "sc:b\nsc:c\n") == 0);
    forget();
    ck_assert(put(STR("sc:own"), STR("x"), 50));
    await(strcmp(changed, "sc:own\n") == 0);
    await(strcmp(changed, "sc:own\nsc:own\n") == 0); /* it expired */
    ck_assert_uint_eq(metrics.redis_changes, 6);
    ck_assert_int_eq(flushes, 0);
}
END_TEST

START_TEST(a_flush_is_told)
{
    struct server *s = server_watched();

    server_do(s, "FLUSHDB");
    await(flushes == 1);
    server_do(s, "FLUSHALL");
    await(flushes == 2);
    ck_assert_int_eq(ends, 0);
}
END_TEST

START_TEST(a_killed_subscription_is_noticed_and_made_again)
{
    struct server *s = server_watched();

    for (int i = 1; i <= 3; i++) {
        server_do(s, "CLIENT KILL TYPE pubsub");
        await(ends == i);
        ck_assert_int_eq(flushes, i);
        ck_assert(!redis_is_fresh(store, STR("sc:a")));
        await(begins == i + 1);
    }
    server_do(s, "SET sc:a 1");
    await(strcmp(changed, "sc:a\n") == 0);
    ck_assert_uint_eq(metrics.redis_connects, 1);
}
END_TEST

START_TEST(the_connection_for_commands_may_end)
{
    struct server *s = server_watched();

    server_do(s, "CLIENT KILL TYPE normal");
    await(metrics.redis_connects == 2 && redis_is_fresh(store, STR("sc:a")));
    for (int turn = 0; turn < 20; turn++)
        ev_run(loop, EVRUN_ONCE);
    ck_assert_int_eq(ends, 0);
}
END_TEST

START_TEST(a_restart_is_noticed)
{
    struct server *s = server_watched();

    server_kill(s);
    await(ends == 1);
    server_restart(s);
    await(begins == 2);
    server_do(s, "SET sc:a 1");
    await(strcmp(changed, "sc:a\n") == 0);
}
END_TEST

START_TEST(silence_is_doubt_and_then_the_end)
{
    struct server *s = server_watched();
    double start = seconds();

    kill(s->pid, SIGSTOP);
    await(!redis_is_fresh(store, STR("sc:a")));
    ck_assert_double_le(seconds() - start, 0.3);
    ck_assert_int_eq(ends, 0); /* what is known may still be right */
    kill(s->pid, SIGCONT);
    await(redis_is_fresh(store, STR("sc:a")));
    ck_assert_int_eq(flushes, 0);
    start = seconds();
    kill(s->pid, SIGSTOP);
    await(ends == 1);
    ck_assert_double_ge(seconds() - start, 0.9);
    kill(s->pid, SIGCONT);
    await(begins == 2);
}
END_TEST

static const struct script watched[] = {
    {"INFO server", SERVER("a"), false},   {"CLIENT ID", ":7\r\n", false},
    {"CLIENT TRACKING", "+OK\r\n", false}, {"SUBSCRIBE", SUBSCRIBED, false},
    {"GET", "$1\r\nx\r\n", false},         {0},
};

START_TEST(it_tracks_itself)
{
    struct fake f;

    fake_start(&f, watched);
    open_watched(f.address);
    await(begins == 1);
    ck_assert_uint_eq(count(f.heard, "CLIENT ID\nCLIENT TRACKING ON REDIRECT 7 BCAST PREFIX sc:\n"
                                     "SUBSCRIBE __redis__:invalidate\n"),
                      1);
    ck_assert_uint_eq(count(f.heard, "INFO server\n"), 2);
    ck_assert_int_eq(f.connections, 2);
    close_store();
    fake_stop(&f);
}
END_TEST

START_TEST(an_answer_is_as_old_as_its_question)
{
    static struct script script[sizeof watched / sizeof *watched];
    struct fake f;

    memcpy(script, watched, sizeof script);
    fake_start(&f, script);
    open_watched(f.address);
    await(begins == 1);
    script[3].answer = NULL;
    int commands = f.commands;
    await(f.commands > commands);
    for (double end = seconds() + 0.15; seconds() < end;)
        ev_run(loop, EVRUN_ONCE);
    fake_publish(&f, SUBSCRIBED MESSAGE "*1\r\n$4\r\nsc:a\r\n");
    await(changed[0]);
    ck_assert(!redis_is_fresh(store, STR("sc:a")));
    script[3].answer = SUBSCRIBED;
    await(redis_is_fresh(store, STR("sc:a")));
    ck_assert_int_eq(ends, 0);
    close_store();
    fake_stop(&f);
}
END_TEST

START_TEST(many_keys_and_odd_messages)
{
    static char many[400000];
    enum { KEYS = 20000 };
    size_t len = (size_t)snprintf(many, sizeof many, MESSAGE "*%d\r\n", KEYS);
    struct fake f;

    for (int i = 0; i < KEYS; i++)
        len += (size_t)snprintf(many + len, sizeof many - len, "$8\r\nsc:%05d\r\n", i);
    fake_start(&f, watched);
    open_watched(f.address);
    await(begins == 1);
    fake_publish(&f, MESSAGE "*0\r\n");
    fake_publish(&f, MESSAGE ":1\r\n");
    fake_publish(&f, MESSAGE "$4\r\nsc:a\r\n");
    fake_publish(&f, MESSAGE "*3\r\n:1\r\n$-1\r\n$4\r\nsc:b\r\n");
    await(strcmp(changed, "sc:b\n") == 0);
    fake_publish(&f, many);
    await(metrics.redis_changes == KEYS + 1);
    fake_publish(&f, MESSAGE "*-1\r\n");
    await(flushes == 1);
    ck_assert_int_eq(ends, 0);
    close_store();
    fake_stop(&f);
}
END_TEST

/* Not one server that reports: the store works, and nothing is relied upon. */
static void check_not_watched(const struct script *script, const char *why)
{
    struct fake f;

    log_capture();
    fake_start(&f, script);
    open_watched(f.address);
    await(ready() && strstr(log_captured(), why));
    ck_assert_int_eq(get(STR("sc:a")), STORE_HIT);
    ck_assert(!probes[0].read.watched);
    for (double end = seconds() + 0.5; seconds() < end;)
        ev_run(loop, EVRUN_ONCE);
    ck_assert_int_eq(begins, 0);
    ck_assert_uint_eq(metrics.redis_watched, 0);
    ck_assert_uint_eq(count(log_captured(), "\n"), 2); /* connected, and why */
    close_store();
    fake_stop(&f);
}

START_TEST(servers_that_cannot_report)
{
    static const struct script script[] = {
        {"CLIENT TRACKING", "-ERR unknown subcommand\r\n", false},
        {"INFO server", SERVER("a"), false},
        {"CLIENT ID", ":7\r\n", false},
        {"GET", "$1\r\nx\r\n", false},
        {0}};

    check_not_watched(script, "does not report changes: it answers CLIENT TRACKING with "
                              "\"ERR unknown subcommand\"");
}
END_TEST

START_TEST(users_who_may_not_ask)
{
    static const struct script script[] = {
        {"INFO server", "-NOPERM no\r\n", false}, {"GET", "$1\r\nx\r\n", false}, {0}};

    check_not_watched(script, "does not report changes: it answers INFO with \"NOPERM no\"");
}
END_TEST

START_TEST(users_who_may_not_ask_who_they_are)
{
    static const struct script script[] = {{"INFO server", SERVER("a"), false},
                                           {"CLIENT ID", "-NOPERM no\r\n", false},
                                           {"GET", "$1\r\nx\r\n", false},
                                           {0}};

    check_not_watched(script, "does not report changes: it answers CLIENT ID with \"NOPERM no\"");
}
END_TEST

START_TEST(users_who_may_not_subscribe)
{
    static const struct script script[] = {
        {"SUBSCRIBE", "-NOPERM no\r\n", false}, {"INFO server", SERVER("a"), false},
        {"CLIENT ID", ":7\r\n", false},         {"CLIENT TRACKING", "+OK\r\n", false},
        {"GET", "$1\r\nx\r\n", false},          {0}};

    check_not_watched(script, "does not report changes: it refuses SUBSCRIBE");
}
END_TEST

START_TEST(another_server_at_the_same_address)
{
    static struct script script[sizeof watched / sizeof *watched];
    struct fake f;

    memcpy(script, watched, sizeof script);
    fake_start(&f, script);
    open_watched(f.address);
    await(begins == 1);
    script[0].answer = SERVER("b");
    fake_end_subscription(&f);
    await(ends == 1);
    await(f.subscriber && count(f.heard, "SUBSCRIBE") == 2);
    ck_assert_int_eq(get(STR("sc:a")), STORE_HIT);
    ck_assert(!probes[0].read.watched);
    ck_assert_int_eq(begins, 1);
    script[0].answer = SERVER("a");
    await(begins == 2); /* it tries again by itself */
    ck_assert_uint_eq(metrics.redis_connects, 1);
    close_store();
    fake_stop(&f);
}
END_TEST

START_TEST(a_read_is_watched_when_it_was_all_the_time)
{
    static struct script script[sizeof watched / sizeof *watched];
    struct fake f;

    memcpy(script, watched, sizeof script);
    fake_start(&f, script);
    open_watched(f.address);
    await(begins == 1);
    ck_assert_int_eq(get(STR("sc:a")), STORE_HIT);
    ck_assert(probes[0].read.watched);
    script[4].answer = NULL;
    start_get(1, STR("sc:a"));
    await(strcmp(f.last, "GET sc:a") == 0);
    struct fake_client *asked = f.current;
    fake_end_subscription(&f);
    await(begins == 2); /* again, but not all the time */
    f.current = asked;
    fake_send(&f, "$1\r\nx\r\n");
    await(probes[1].calls);
    ck_assert_int_eq(probes[1].result, STORE_HIT);
    ck_assert(!probes[1].read.watched);
    close_store();
    fake_stop(&f);
}
END_TEST

/* Two nodes of a cluster. */
START_TEST(each_node_of_a_cluster)
{
    static struct script scripts[2][8];
    static char map[256], moved[64];
    struct fake nodes[2];
    struct str seed;

    for (int i = 0; i < 2; i++) {
        memcpy(scripts[i] + 1, watched, sizeof watched);
        scripts[i][0] = (struct script){"CLUSTER", map, false};
        fake_start(&nodes[i], scripts[i]);
    }
    snprintf(map, sizeof map,
             "*2\r\n*3\r\n:0\r\n:8191\r\n*3\r\n$9\r\n127.0.0.1\r\n:%d\r\n$1\r\na\r\n"
             "*3\r\n:8192\r\n:16383\r\n*3\r\n$9\r\n127.0.0.1\r\n:%d\r\n$1\r\nb\r\n",
             nodes[0].port, nodes[1].port);
    seed = str_of(nodes[0].address);
    options.cluster = (struct str_list){&seed, 1};
    open_watched("");
    await(redis_is_watching(store) && metrics.redis_watched == 2);
    fake_publish(&nodes[0], MESSAGE "*1\r\n$4\r\nsc:a\r\n");
    fake_publish(&nodes[1], MESSAGE "*1\r\n$4\r\nsc:b\r\n");
    await(count(changed, "\n") == 2);
    flushes = 0;
    fake_end_subscription(&nodes[1]);
    await(ends == 1);
    ck_assert_int_eq(flushes, 1);
    ck_assert(redis_is_fresh(store, STR("{b}"))); /* slot 3300 */
    ck_assert(!redis_is_fresh(store, STR("foo")));
    await(begins == 2 && redis_is_fresh(store, STR("foo")));
    /* slots that move are told as well */
    flushes = 0;
    snprintf(moved, sizeof moved, "-MOVED 1 127.0.0.1:%d\r\n", nodes[1].port);
    scripts[0][5].answer = moved;
    snprintf(map, sizeof map,
             "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$9\r\n127.0.0.1\r\n:%d\r\n$1\r\nb\r\n",
             nodes[1].port);
    ck_assert_int_eq(get(STR("{b}")), STORE_HIT);
    ck_assert(!probes[0].read.watched); /* it was not where the map says */
    await(flushes == 1);
    ck_assert(redis_is_watching(store));
    ck_assert_int_eq(get(STR("{b}")), STORE_HIT);
    ck_assert(probes[0].read.watched);
    close_store();
    fake_stop(&nodes[0]);
    fake_stop(&nodes[1]);
}
END_TEST

START_TEST(a_new_master)
{
    static struct script scripts[2][8];
    struct fake nodes[2], sentinel;
    char answer[64];
    struct script names[] = {
        {"SENTINEL", answer, false},
        {"SUBSCRIBE", "*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n", false},
        {0}};
    struct str address;

    for (int i = 0; i < 2; i++) {
        memcpy(scripts[i] + 1, watched, sizeof watched);
        scripts[i][0] = (struct script){"ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n", false};
        fake_start(&nodes[i], scripts[i]);
    }
    snprintf(answer, sizeof answer, "*2\r\n$9\r\n127.0.0.1\r\n$5\r\n%05d\r\n", nodes[0].port);
    fake_start(&sentinel, names);
    address = str_of(sentinel.address);
    options.sentinels = (struct str_list){&address, 1};
    options.master = STR("m");
    open_watched("");
    await(redis_is_watching(store) && sentinel.subscriber);
    flushes = 0;
    char message[160], payload[64];
    snprintf(payload, sizeof payload, "m 127.0.0.1 1 127.0.0.1 %05d", nodes[1].port);
    snprintf(message, sizeof message,
             "*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n$%zu\r\n%s\r\n", strlen(payload),
             payload);
    fake_publish(&sentinel, message);
    await(ends == 1);
    ck_assert_int_ge(flushes, 1);
    await(begins == 2);
    ck_assert_uint_eq(metrics.redis_watched, 1);
    close_store();
    fake_stop(&nodes[0]);
    fake_stop(&nodes[1]);
    fake_stop(&sentinel);
}
END_TEST

Suite *suite_redis_watch(void)
{
    const TTest *const tests[] = {changes_by_anybody_are_told,
                                  a_flush_is_told,
                                  a_killed_subscription_is_noticed_and_made_again,
                                  the_connection_for_commands_may_end,
                                  a_restart_is_noticed,
                                  silence_is_doubt_and_then_the_end,
                                  it_tracks_itself,
                                  an_answer_is_as_old_as_its_question,
                                  many_keys_and_odd_messages,
                                  servers_that_cannot_report,
                                  users_who_may_not_ask,
                                  users_who_may_not_ask_who_they_are,
                                  users_who_may_not_subscribe,
                                  another_server_at_the_same_address,
                                  a_read_is_watched_when_it_was_all_the_time,
                                  each_node_of_a_cluster,
                                  a_new_master};
    Suite *suite = suite_create("redis_watch");
    TCase *cases = tcase_create("redis_watch");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, fixture_teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
    return suite;
}
