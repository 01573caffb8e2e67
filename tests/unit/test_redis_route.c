/* Sentinels and a cluster, scripted: who is followed, and where a command goes. */
#include "redis_fixture.h"

#include "store/redis_slot.h"
#include <stdio.h>

START_TEST(slots)
{
    /* CLUSTER KEYSLOT of redis-server 7.0 */
    ck_assert_uint_eq(redis_slot_of(STR("123456789")), 0x31C3);
    ck_assert_uint_eq(redis_slot_of(STR("foo")), 12182);
    ck_assert_uint_eq(redis_slot_of(STR("")), 0);
    ck_assert_uint_eq(redis_slot_of(STR("{foo}bar")), 12182);
    ck_assert_uint_eq(redis_slot_of(STR("a{foo}{bar}")), 12182);
    ck_assert_uint_eq(redis_slot_of(STR("{}foo")), 9500);
    ck_assert_uint_eq(redis_slot_of(STR("{foo")), 13308);
    ck_assert_uint_eq(redis_slot_of(STR("foo{{bar}}zap")), redis_slot_of(STR("{bar")));
}
END_TEST

START_TEST(redirects_in_bytes)
{
    static const struct {
        const char *text, *address;
    } cases[] = {
        {"MOVED 3999 127.0.0.1:6381", "127.0.0.1:6381"},
        {"ASK 3999 redis.example:6381", "redis.example:6381"},
        {"MOVED 1 ::1:6381", "[::1]:6381"},
        {"MOVED 1 [::1]:6381", "[::1]:6381"},
        {"MOVED 1 :6381", "10.0.0.1:6381"},
        {"MOVED 1 ?:6381", "10.0.0.1:6381"},
        {"MOVED 1 127.0.0.1:", NULL},
        {"MOVED 1 ", NULL},
        {"MOVED 1", NULL},
        {"MOVED", NULL},
        {"", NULL},
    };
    char address[REDIS_ADDRESS_MAX], long_name[400];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool good =
            redis_slot_redirect(address, unit_guard(str_of(cases[i].text)), STR("10.0.0.1:6379"));
        ck_assert_msg(good == (cases[i].address != NULL), "%s", cases[i].text);
        if (good)
            ck_assert_str_eq(address, cases[i].address);
    }
    snprintf(long_name, sizeof long_name, "MOVED 1 %0300d:1", 0);
    ck_assert(!redis_slot_redirect(address, str_of(long_name), STR("a:1")));
}
END_TEST

/* A Sentinel that names a master, and what it would publish. */
struct sentinel {
    struct fake fake;
    struct script script[3];
    char answer[128];
};

static void sentinel_names(struct sentinel *s, const struct fake *master)
{
    char port[8];
    int len = snprintf(port, sizeof port, "%d", master->port);

    snprintf(s->answer, sizeof s->answer, "*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%s\r\n", len, port);
}

static void sentinel_start(struct sentinel *s, const struct fake *master)
{
    *s = (struct sentinel){.answer = "*-1\r\n"};
    s->script[0] = (struct script){"SENTINEL", s->answer, false};
    s->script[1] = (struct script){
        "SUBSCRIBE", "*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n", false};
    if (master)
        sentinel_names(s, master);
    fake_start(&s->fake, s->script);
}

static void sentinel_publishes(struct sentinel *s, const char *name, const struct fake *master)
{
    char payload[64], message[256];
    int len = snprintf(payload, sizeof payload, "%s 127.0.0.1 1 127.0.0.1 %d", name, master->port);

    snprintf(message, sizeof message,
             "*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n$%d\r\n%s\r\n", len, payload);
    fake_send(&s->fake, message);
}

static const struct script is_master[] = {
    {"ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n", false}, {"GET", "$3\r\none\r\n", false}, {0}};
static const struct script is_other_master[] = {
    {"ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n", false}, {"GET", "$3\r\ntwo\r\n", false}, {0}};
static const struct script is_replica[] = {
    {"ROLE", "*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:1\r\n$9\r\nconnected\r\n:0\r\n", false},
    {"GET", "$3\r\nold\r\n", false},
    {0}};

static struct str sentinels[3];

static void open_sentinels(struct sentinel *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sentinels[i] = str_of(s[i].fake.address);
    options.address = STR("");
    options.sentinels = (struct str_list){sentinels, n};
    options.master = STR("mymaster");
    store = redis_new(loop, &options, &metrics);
    ck_assert_ptr_nonnull(store);
}

START_TEST(the_master_is_asked_for_and_followed)
{
    struct fake one, two;
    struct sentinel s;

    options.sentinel_login = (struct redis_login){.user = STR("u"), .password = STR("p")};
    options.login.password = STR("hunter2");
    fake_start(&one, is_master);
    fake_start(&two, is_other_master);
    sentinel_start(&s, &one);
    open_sentinels(&s, 1);
    await(ready());
    ck_assert_int_eq(get(STR("a")), STORE_HIT);
    ck_assert(str_eq(value_of(0), STR("one")));
    ck_assert_str_eq(s.fake.heard, "AUTH u p\nSENTINEL get-master-addr-by-name mymaster\n"
                                   "SUBSCRIBE +switch-master\n");
    ck_assert_uint_eq(count(one.heard, "AUTH hunter2"), 1);
    sentinel_publishes(&s, "another", &two);
    ck_assert_int_eq(get(STR("a")), STORE_HIT);
    ck_assert(str_eq(value_of(0), STR("one")));
    double start = seconds();
    sentinel_publishes(&s, "mymaster", &two);
    await(two.connections == 1 && ready());
    ck_assert(seconds() - start < 0.9); /* told, not asked */
    ck_assert_int_eq(get(STR("a")), STORE_HIT);
    ck_assert(str_eq(value_of(0), STR("two")));
    ck_assert_uint_eq(metrics.redis_failovers, 1);
    ck_assert_uint_eq(metrics.redis_up, 1);
    ck_assert_int_eq(s.fake.connections, 1);
    fake_stop(&one);
    fake_stop(&two);
    fake_stop(&s.fake);
}
END_TEST

START_TEST(a_switch_answers_what_waits)
{
    struct script mute[] = {is_master[0], {"GET", NULL, false}, {"SET", NULL, false}, {0}};
    struct fake one, two;
    struct sentinel s;

    fake_start(&one, mute);
    fake_start(&two, is_other_master);
    sentinel_start(&s, &one);
    open_sentinels(&s, 1);
    await(ready());
    struct probe *p = start_get(1, STR("a"));
    ck_assert(put(STR("a"), STR("x"), 1000));
    await(count(one.heard, "SET") == 1);
    sentinel_publishes(&s, "mymaster", &two);
    await(p->calls);
    ck_assert_int_eq(p->result, STORE_DOWN);
    ck_assert_uint_eq(metrics.redis_pending, 0);
    fake_stop(&one);
    fake_stop(&two);
    fake_stop(&s.fake);
}
END_TEST

START_TEST(sentinels_that_do_not_know_or_are_gone)
{
    struct fake one;
    struct sentinel s[3];

    fake_start(&one, is_master);
    sentinel_start(&s[0], NULL); /* does not know that master */
    sentinel_start(&s[1], NULL);
    sentinel_start(&s[2], &one);
    open_sentinels(s, 3);
    fake_stop(&s[1].fake); /* is not there */
    await(ready());
    ck_assert_int_eq(get(STR("a")), STORE_HIT);
    /* the one that is listened to goes away: another one is found, and reads go on */
    sentinel_names(&s[0], &one);
    int before = s[0].fake.connections;
    fake_stop(&s[2].fake);
    await(s[0].fake.connections > before && count(s[0].fake.heard, "SUBSCRIBE") >= 2);
    ck_assert_int_eq(get(STR("a")), STORE_HIT);
    ck_assert_int_eq(one.connections, 1);
    fake_stop(&s[0].fake);
    fake_stop(&one);
}
END_TEST

START_TEST(a_replica_is_not_taken_for_the_master)
{
    struct fake one, two;
    struct sentinel s;

    log_capture();
    fake_start(&one, is_replica);
    fake_start(&two, is_other_master);
    sentinel_start(&s, &one);
    open_sentinels(&s, 1);
    await(one.connections >= 2);
    ck_assert(!ready());
    ck_assert_uint_eq(count(one.heard, "GET"), 0);
    ck_assert_uint_eq(count(log_captured(), "ROLE with \"slave\""), 1);
    sentinel_names(&s, &two); /* found by asking again */
    await(ready());
    ck_assert_int_eq(get(STR("a")), STORE_HIT);
    ck_assert(str_eq(value_of(0), STR("two")));
    fake_stop(&one);
    fake_stop(&two);
    fake_stop(&s.fake);
}
END_TEST

START_TEST(a_demoted_master_is_left)
{
    struct script demoted[] = {{"ROLE", is_replica[0].answer, false},
                               {"SET", "-READONLY You can't write\r\n", false},
                               {0}};
    struct fake one, two;
    struct sentinel s;

    fake_start(&one, is_master);
    fake_start(&two, is_other_master);
    sentinel_start(&s, &one);
    open_sentinels(&s, 1);
    await(ready());
    one.script = demoted;
    sentinel_names(&s, &two); /* without saying so */
    ck_assert(put(STR("a"), STR("x"), 1000));
    await(two.connections == 1 && ready());
    ck_assert(put(STR("a"), STR("x"), 1000));
    await(count(two.heard, "SET") == 1);
    fake_stop(&one);
    fake_stop(&two);
    fake_stop(&s.fake);
}
END_TEST

/* What hiredis would abort the process for, and other answers that end the connection. */
static const char *const refused[] = {
    "*0\r\n",
    "*1\r\n$7\r\nmessage\r\n",
    "*2\r\n$7\r\nmessage\r\n$1\r\na\r\n",
    "*3\r\n:1\r\n:2\r\n:3\r\n",
    "*3\r\n$11\r\nunsubscribe\r\n$14\r\n+switch-master\r\n$1\r\nx\r\n",
    "*3\r\n$11\r\nUNSUBSCRIBE\r\n$14\r\n+switch-master\r\n:0\r\n",
    "*3\r\n$9\r\nsubscribe\r\n$5\r\nother\r\n:1\r\n",
    "*3\r\n$7\r\nmessage\r\n:1\r\n$1\r\nx\r\n",
    ">3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n$1\r\nx\r\n",
    "*3\r\n*1\r\n:1\r\n:1\r\n:1\r\n",
    "*3\r\n$-1\r\n$-1\r\n$-1\r\n",
    "$7\r\nmessage\r\n",
    ":1\r\n",
    "+OK\r\n",
    "$-1\r\n",
    "-ERR no\r\n",
    "nonsense\r\n",
};

START_TEST(sentinels_that_send_no_messages)
{
    enum { SENTINELS = sizeof refused / sizeof *refused };
    static struct sentinel s[SENTINELS];
    struct store *stores[SENTINELS];
    struct fake one;

    fake_start(&one, is_master);
    for (size_t i = 0; i < SENTINELS; i++) {
        sentinel_start(&s[i], &one);
        open_sentinels(&s[i], 1);
        stores[i] = store;
    }
    for (size_t i = 0; i < SENTINELS; i++) {
        await(count(s[i].fake.heard, "SUBSCRIBE") == 1);
        await(stores[i]->ops->ready(stores[i]));
    }
    for (size_t i = 0; i < SENTINELS; i++)
        fake_send(&s[i].fake, refused[i]);
    for (size_t i = 0; i < SENTINELS; i++) {
        await(count(s[i].fake.heard, "SUBSCRIBE") == 2); /* over a new connection */
        ck_assert(stores[i]->ops->ready(stores[i]));
        stores[i]->ops->free(stores[i]);
        fake_stop(&s[i].fake);
    }
    store = NULL;
    fake_stop(&one);
}
END_TEST

START_TEST(messages_that_say_nothing)
{
    static const char *const messages[] = {
        "*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$1\r\nx\r\n",
        "*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n:1\r\n",
        "*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n*1\r\n:1\r\n",
        "*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n$8\r\nmymaster\r\n",
        "*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n$19\r\nmymaster a 1 b  c d\r\n",
    };
    struct fake one, two;
    struct sentinel s;

    fake_start(&one, is_master);
    fake_start(&two, is_other_master);
    sentinel_start(&s, &one);
    open_sentinels(&s, 1);
    await(ready() && count(s.fake.heard, "SUBSCRIBE") == 1);
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        fake_send(&s.fake, messages[i]);
    sentinel_publishes(&s, "mymaster", &two);
    await(two.connections == 1 && ready());
    ck_assert_uint_eq(metrics.redis_failovers, 1);
    close_store();
    fake_stop(&one);
    fake_stop(&two);
    fake_stop(&s.fake);
}
END_TEST

/* Two nodes of a cluster that share the slots; both answer CLUSTER SLOTS. */
struct cluster {
    struct fake nodes[2];
    struct script scripts[2][5];
    char map[512], redirect[64];
};

enum { OF_MAP, OF_GET, OF_SET };

static void cluster_map(struct cluster *c, int owner_of_low, int owner_of_high)
{
    snprintf(c->map, sizeof c->map,
             "*2\r\n*3\r\n:0\r\n:8191\r\n*3\r\n$9\r\n127.0.0.1\r\n:%d\r\n$1\r\na\r\n"
             "*4\r\n:8192\r\n:16383\r\n*3\r\n$-1\r\n:%d\r\n$1\r\nb\r\n"
             "*3\r\n$9\r\n127.0.0.1\r\n:1\r\n$1\r\nc\r\n",
             c->nodes[owner_of_low].port, c->nodes[owner_of_high].port);
}

static void cluster_start(struct cluster *c)
{
    static const char *const values[] = {"$3\r\none\r\n", "$3\r\ntwo\r\n"};

    for (int i = 0; i < 2; i++) {
        c->scripts[i][OF_MAP] = (struct script){"CLUSTER", c->map, false};
        c->scripts[i][OF_GET] = (struct script){"GET", values[i], false};
        c->scripts[i][OF_SET] = (struct script){"SET", "+OK\r\n", false};
        c->scripts[i][3] = (struct script){0};
        fake_start(&c->nodes[i], c->scripts[i]);
    }
    cluster_map(c, 0, 1);
}

static void cluster_stop(struct cluster *c)
{
    close_store();
    fake_stop(&c->nodes[0]);
    fake_stop(&c->nodes[1]);
}

static void cluster_redirects(struct cluster *c, int from, const char *how, int to)
{
    snprintf(c->redirect, sizeof c->redirect, "-%s 1 127.0.0.1:%d\r\n", how, c->nodes[to].port);
    c->scripts[from][OF_GET].answer = c->scripts[from][OF_SET].answer = c->redirect;
}

static struct str seeds[2];

static void open_cluster(struct cluster *c)
{
    seeds[0] = str_of(c->nodes[0].address);
    options.address = STR("");
    options.cluster = (struct str_list){seeds, 1};
    store = redis_new(loop, &options, &metrics);
    ck_assert_ptr_nonnull(store);
    ck_assert_int_eq(start_get(0, STR("a"))->result, STORE_DOWN);
    await(metrics.redis_up == 2 && ready());
}

#define LOW STR("{b}") /* slot 3300 */
#define HIGH STR("foo")

static void check_value(struct str key, const char *want)
{
    ck_assert_int_eq(get(key), STORE_HIT);
    ck_assert_str_is(value_of(0), want);
}

START_TEST(keys_go_to_their_nodes)
{
    struct cluster c;

    ck_assert_uint_lt(redis_slot_of(LOW), 8192);
    cluster_start(&c);
    open_cluster(&c);
    check_value(LOW, "one");
    check_value(HIGH, "two");
    ck_assert(put(HIGH, STR("x"), 1000));
    await(count(c.nodes[1].heard, "SET foo x PX 1000") == 1);
    cluster_stop(&c);
}
END_TEST

START_TEST(moved_keys_are_followed_and_the_map_read_again)
{
    struct cluster c;

    cluster_start(&c);
    open_cluster(&c);
    cluster_redirects(&c, 0, "MOVED", 1);
    cluster_map(&c, 1, 1);
    check_value(LOW, "two");
    ck_assert(put(LOW, STR("x"), 1000));
    await(count(c.nodes[1].heard, "SET {b} x PX 1000") == 1);
    ck_assert_uint_eq(metrics.redis_errors[RESP_MOVED], 2);
    ck_assert_uint_eq(metrics.redis_redirects, 2);
    ck_assert_uint_eq(count(c.nodes[1].heard, "ASKING"), 0);
    /* the map is read again, once for all of these, and then there is no detour */
    await((check_value(LOW, "two"), c.nodes[0].connections + c.nodes[1].connections == 4));
    uint64_t moved;
    await((moved = metrics.redis_errors[RESP_MOVED], check_value(LOW, "two"),
           metrics.redis_errors[RESP_MOVED] == moved));
    ck_assert_int_eq(c.nodes[0].connections + c.nodes[1].connections, 4);
    cluster_stop(&c);
}
END_TEST

START_TEST(keys_on_their_way_are_asked_for)
{
    struct cluster c;

    cluster_start(&c);
    open_cluster(&c);
    cluster_redirects(&c, 0, "ASK", 1);
    check_value(LOW, "two");
    ck_assert(put(LOW, STR("x"), 1000));
    await(count(c.nodes[1].heard, "SET") == 1);
    ck_assert_str_eq(c.nodes[1].heard, "ASKING\nGET {b}\nASKING\nSET {b} x PX 1000\n");
    ck_assert_uint_eq(metrics.redis_errors[RESP_ASK], 2);
    /* the map is right */
    ck_assert_uint_eq(count(c.nodes[0].heard, "CLUSTER SLOTS"), 1);
    cluster_stop(&c);
}
END_TEST

START_TEST(a_redirect_keeps_the_deadline)
{
    struct cluster c;

    options.timeout = 300;
    cluster_start(&c);
    open_cluster(&c);
    c.scripts[0][OF_GET].answer = c.scripts[1][OF_GET].answer = NULL;
    double start = seconds();
    struct probe *p = start_get(1, LOW);
    await(seconds() - start > 0.2);
    cluster_redirects(&c, 0, "MOVED", 1);
    fake_send(&c.nodes[0], c.redirect);
    await(count(c.nodes[1].heard, "GET") == 1);
    ck_assert_int_eq(p->calls, 0);
    await(p->calls);
    ck_assert_int_eq(p->result, STORE_SLOW);
    ck_assert(p->at - start >= 0.3 && p->at - start < 0.45);
    cluster_stop(&c);
}
END_TEST

START_TEST(redirects_without_an_end)
{
    struct cluster c;
    struct fake stranger;

    cluster_start(&c);
    open_cluster(&c);
    cluster_redirects(&c, 0, "MOVED", 0);
    ck_assert_int_eq(get(LOW), STORE_ERROR);
    ck_assert_uint_eq(metrics.redis_redirects, 3);
    /* to a node that is not known yet: the next one finds it connected */
    fake_start(&stranger, is_master);
    snprintf(c.redirect, sizeof c.redirect, "-MOVED 1 127.0.0.1:%d\r\n", stranger.port);
    ck_assert_int_eq(get(LOW), STORE_ERROR);
    await(metrics.redis_up == 3);
    check_value(LOW, "one");
    snprintf(c.redirect, sizeof c.redirect, "-MOVED nonsense\r\n");
    ck_assert_int_eq(get(LOW), STORE_ERROR);
    cluster_stop(&c);
    fake_stop(&stranger);
}
END_TEST

/* Nothing is taken from them, and another node is asked. */
START_TEST(maps_that_are_none)
{
    static const char *const maps[] = {
        "*0\r\n",
        "*-1\r\n",
        "$1\r\nx\r\n",
        "-CLUSTERDOWN no\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n*2\r\n:0\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*3\r\n:5\r\n:4\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*3\r\n:-1\r\n:4\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:4\r\n*1\r\n$1\r\na\r\n",
        "*1\r\n*3\r\n:0\r\n:4\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n",
        "*1\r\n*3\r\n:0\r\n:4\r\n:1\r\n",
    };
    enum { MAPS = sizeof maps / sizeof *maps };
    struct fake nodes[MAPS];
    struct script scripts[MAPS][2];
    struct store *stores[MAPS];

    options.address = STR("");
    for (size_t i = 0; i < MAPS; i++) {
        scripts[i][0] = (struct script){"CLUSTER", maps[i], false};
        scripts[i][1] = (struct script){0};
        fake_start(&nodes[i], scripts[i]);
        seeds[0] = str_of(nodes[i].address);
        options.cluster = (struct str_list){seeds, 1};
        stores[i] = redis_new(loop, &options, &metrics);
        ck_assert_ptr_nonnull(stores[i]);
    }
    for (size_t i = 0; i < MAPS; i++) {
        await(count(nodes[i].heard, "CLUSTER SLOTS") == 2);
        ck_assert(!stores[i]->ops->ready(stores[i]));
        ck_assert_uint_eq(metrics.redis_failures, 0); /* no node was made */
    }
    for (size_t i = 0; i < MAPS; i++) {
        stores[i]->ops->free(stores[i]);
        fake_stop(&nodes[i]);
    }
}
END_TEST

START_TEST(a_node_that_is_gone)
{
    struct cluster c;

    cluster_start(&c);
    open_cluster(&c);
    /* its slots went to the other one, which is found by asking that one */
    fake_stop(&c.nodes[0]);
    cluster_map(&c, 1, 1);
    ck_assert_int_ne(get(LOW), STORE_HIT);
    check_value(HIGH, "two");
    await(get(LOW) == STORE_HIT);
    close_store();
    fake_stop(&c.nodes[1]);
}
END_TEST

Suite *suite_redis_route(void)
{
    const TTest *const tests[] = {slots,
                                  redirects_in_bytes,
                                  the_master_is_asked_for_and_followed,
                                  a_switch_answers_what_waits,
                                  sentinels_that_do_not_know_or_are_gone,
                                  a_replica_is_not_taken_for_the_master,
                                  a_demoted_master_is_left,
                                  sentinels_that_send_no_messages,
                                  messages_that_say_nothing,
                                  keys_go_to_their_nodes,
                                  moved_keys_are_followed_and_the_map_read_again,
                                  keys_on_their_way_are_asked_for,
                                  a_redirect_keeps_the_deadline,
                                  redirects_without_an_end,
                                  maps_that_are_none,
                                  a_node_that_is_gone};
    Suite *suite = suite_create("redis_route");
    TCase *cases = tcase_create("redis_route");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, fixture_setup, fixture_teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
    return suite;
}
