/* The script that reads and changes what was purged, in a real Redis: against its model, by random
 * agents that know a lot, nothing, or another history. */
#include "store/purge_script.h"

#include "hooks.h"
#include "purge_model.h"
#include "redis_fixture.h"

#include <stdio.h>
#include <stdlib.h>

enum { STEPS = 6000, AGENTS = 5, WORDS = 14, LINES = 400 };

static struct purge_model model;
static int64_t run_id;
static struct server *server;
static redisContext *client;
static struct purges agents[AGENTS];
static unsigned seed;

static unsigned below(unsigned n)
{
    seed = seed * 1664525U + 1013904223U;
    return (seed >> 8) % n;
}

/* The words of the latest question, and their bytes. */
static struct str words[WORDS];
static char bytes[WORDS][8192];

static void remember(struct store *redis, struct str key, const struct str *asked, size_t count,
                     struct store_read *read)
{
    ck_assert_uint_eq(count, WORDS);
    for (size_t i = 0; i < count; i++) {
        size_t len = asked[i].len < sizeof bytes[i] ? asked[i].len : 0;
        memcpy(bytes[i], asked[i].ptr, len);
        words[i] = (struct str){bytes[i], len};
    }
    hooks_ask_redis(redis, key, asked, count, read);
}

static redisReply *command(const char *format, ...) __attribute__((format(printf, 1, 2)));
static redisReply *command(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    redisReply *reply = redisvCommand(client, format, arguments);
    va_end(arguments);
    ck_assert(reply && reply->type != REDIS_REPLY_ERROR);
    return reply;
}

static int64_t redis_time(void)
{
    redisReply *reply = command("TIME");
    int64_t now = atoll(reply->element[0]->str) * 1000 + atoll(reply->element[1]->str) / 1000;

    freeReplyObject(reply);
    return now;
}

/* The moment at which the hold ends is not for comparing. */
static int64_t clear_time(void)
{
    int64_t now = redis_time();

    while (model.held && llabs(model.held - now) < 100)
        now = redis_time();
    return now;
}

static void set_field(const char *name, const char *value)
{
    freeReplyObject(command("HSET " PURGE_KEY " %s %s", name, value));
}

/* Another process has the hash: the next run id is the real one again, for both. */
static void change_server(void)
{
    set_field("run", "another");
    model.run = -1;
}

static int compare_lines(const void *a, const void *b)
{
    struct str x = *(const struct str *)a, y = *(const struct str *)b;
    int order = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);

    return order ? order : (int)x.len - (int)y.len;
}

static size_t sort_lines(struct str text, struct str *lines)
{
    size_t count = 0;

    for (; text.len; count++) {
        ck_assert_uint_lt(count, LINES);
        lines[count] = str_split(&text, '\n');
    }
    qsort(lines, count, sizeof *lines, compare_lines);
    return count;
}

static void same_lines(struct str real, struct str said, unsigned step)
{
    static struct str a[LINES], b[LINES];
    size_t n = sort_lines(real, a), m = sort_lines(said, b);
    bool same = n == m;

    for (size_t i = 0; i < n && same; i++)
        same = str_eq(a[i], b[i]);
    ck_assert_msg(same, "step %u: Redis says\n%.*s\nthe model\n%.*s", step, STR_ARGS(real),
                  STR_ARGS(said));
}

/* Asks both the same; the answer is that of Redis. */
static struct str ask_both(const struct purges *known, const struct purge_question *question,
                           unsigned step)
{
    struct buf said = buf_new(1 << 20);
    int64_t now = clear_time();

    free(probes[0].value);
    probes[0] = (struct probe){.read.done = probe_done};
    purge_script_run(store, known, question, &probes[0].read);
    await(probes[0].calls);
    ck_assert_msg(probes[0].result == STORE_HIT, "%s", probes[0].value);
    purge_model_run(&model, run_id, now, words, &said);
    same_lines(value_of(0), buf_str(&said), step);
    buf_free(&said);
    return value_of(0);
}

static void take_in(struct purges *known, struct purge_question *question, unsigned step)
{
    struct buf tail = buf_new(1 << 16);
    struct purge_news news;

    ck_assert(purges_read(known, ask_both(known, question, step), &news));
    if (news.lost != PURGE_NONE_LOST) {
        purges_tail(known, news.lost, &tail);
        question->scopes = buf_str(&tail);
        question->repairs = true;
        ck_assert(purges_read(known, ask_both(known, question, step), &news));
        ck_assert(news.lost == PURGE_NONE_LOST);
    }
    buf_free(&tail);
}

/* What may happen to a Redis, and to an agent. */
static void disturb(struct purges *agent)
{
    static struct purge_model copy;
    static char *dump;
    static size_t dump_len;
    redisReply *reply;

    switch (below(40)) {
    case 0:
        purges_init(agent, 0); /* it is a new one */
        break;
    case 1:
        reply = command("DUMP " PURGE_KEY);
        if (reply->type == REDIS_REPLY_STRING) {
            free(dump);
            dump = malloc(reply->len);
            dump_len = reply->len;
            memcpy(dump, reply->str, dump_len);
            copy = model;
        }
        freeReplyObject(reply);
        break;
    case 2:
        if (!dump)
            break;
        reply = redisCommand(client, "RESTORE " PURGE_KEY " 0 %b REPLACE", dump, dump_len);
        ck_assert(reply && reply->type == REDIS_REPLY_STATUS);
        freeReplyObject(reply);
        model = copy;
        change_server();
        break;
    case 3:
        if (model.epoch)
            change_server();
        break;
    case 4:
        if (below(4) == 0) {
            freeReplyObject(command("DEL " PURGE_KEY));
            model = (struct purge_model){0};
        }
        break;
    default:
        break;
    }
}

START_TEST(is_as_its_model)
{
    static const struct hooks hooks = {.ask = remember};
    static const char *const scopes[] = {"", "", "", "", "tag:a", "tag:b", "key:c", "model:d e:f"};
    char text[64];

    hooks_set(&hooks);
    seed = 1;
    run_id = 1;
    server = server_start("");
    open_and_wait(server->tcp);
    client = redisConnect("127.0.0.1", server->port);
    for (size_t i = 0; i < AGENTS; i++)
        purges_init(&agents[i], 0);
    for (unsigned step = 0; step < STEPS; step++) {
        struct purges *agent = &agents[below(AGENTS)];
        disturb(agent);
        snprintf(text, sizeof text, "%s", scopes[below(sizeof scopes / sizeof *scopes)]);
        if (below(50) == 0)
            snprintf(text, sizeof text, "all");
        struct purge_question question = {
            .now = 1000 + (int64_t)step / 3,
            .next_term = 1 + (int64_t)step,
            .scopes = str_of(text),
        };
        take_in(agent, &question, step);
    }
    redisFree(client);
    hooks_set(NULL);
}
END_TEST

Suite *suite_purge_script(void)
{
    Suite *suite = suite_create("purge_script");
    TCase *cases = tcase_create("purge_script");

    tcase_add_checked_fixture(cases, fixture_setup, fixture_teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, is_as_its_model);
    suite_add_tcase(suite, cases);
    return suite;
}
