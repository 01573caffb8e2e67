/* Two agents over one Redis, a million steps: no reader gets what was purged or overwritten more
 * than a moment ago, whatever gets lost, late or old. The agents' tiers and books of purges are the
 * real ones; Redis is simulated, with the model of its script (test_purge_script.c holds that
 * against a real one), and so are time and everything between. */
#include "core/decimal.h"
#include "core/entry.h"
#include "core/key.h"
#include "hooks.h"
#include "net/clock.h"
#include "net/log.h"
#include "purge_model.h"
#include "store/purge_book.h"
#include "store/purge_script.h"
#include "store/tier.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    RUNS = 8, /* each with another seed */
    STEPS = 1000000,
    AGENTS = 2,
    KEYS = 16,
    TAGS = 4,
    SCOPES = 1 + TAGS + KEYS, /* all, tags, keys */
    VALUE_MAX = 512,
    COMMANDS = 64, /* on their way, of each agent */
    MESSAGES = 256,
    LOOKUPS = 4,
    TICKETS = 32,
    PURGES = 32, /* remembered of each scope */
    WORDS = 14,
};

/* libcheck writes a line for each of its own. */
#define require_msg(condition, ...)                                                                \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg(__VA_ARGS__);                                                             \
    } while (0)
#define require(condition) require_msg(condition, "%s", #condition)

#define MS ((int64_t)CLOCK_MS)
static const int64_t BOUND = 100 * MS, DEADLINE = 50 * MS, RECONNECT = 1500 * MS;

struct item {
    int64_t number; /* which answer it is; 0: none */
    int64_t changed;
    size_t len;
    char value[VALUE_MAX];
};

/* What a Redis holds. */
struct data {
    struct purge_model purges;
    struct item items[KEYS];
};

struct command {
    enum kind { GET, PTTL, PUT, ASK } kind;
    struct store_read *read; /* NULL: nobody waits for it any more */
    int key;
    int64_t deadline;
    enum store_result result;
    size_t len;
    char value[VALUE_MAX * 8]; /* to be put, or the answer */
    int64_t number;
    struct str words[WORDS];
    char bytes[WORDS][1024];
};

/* What changed; -1: the purges; -2: anything. */
struct message {
    int key;
    int64_t sent;
};

struct lookup {
    struct store_read read;
    struct purge_wait wait;
    struct agent *agent;
    bool busy;
    int key;
    size_t len;
    char value[VALUE_MAX];
};

struct agent {
    struct store redis; /* first: the simulated one */
    struct store *tier;
    struct purge_book *book;
    struct redis_listener *listeners;
    struct ev_timer *rest;
    struct command commands[COMMANDS];
    size_t first, count, executed;
    struct message messages[MESSAGES];
    size_t first_message, message_count;
    struct lookup lookups[LOOKUPS];
    struct purge_order order;
    int scope; /* that is being purged, or -1 */
    int64_t purge_began;
    int64_t skew;
    int64_t connect; /* when it will be connected */
    bool connected;
    int64_t stalled; /* nothing gets through until then */
    int64_t rested;
};

/* An answer under way at the origin. */
struct ticket_sim {
    int key;
    int64_t epoch, asked;
};

static struct agent agents[AGENTS], *current;
static struct data live, copy;
static int64_t run, now, wall, numbers;
static struct metrics metrics;
static struct ev_loop *loop;
static struct ticket_sim tickets[TICKETS];
static size_t ticket_count;
static char scope_names[SCOPES][40];

/* What was purged, and is promised: from when it was asked for to when it was done. */
static struct promise {
    int64_t began, done;
} promises[SCOPES][PURGES];
static size_t promise_count[SCOPES];

static struct {
    int64_t hits, purged, misses, purges, failovers, restarts, stored, waited;
} told;

static struct buf text; /* to be used at once */
static int64_t lose_at; /* what perhaps only one agent knows yet; 0: not soon */
static uint64_t seed;

static unsigned below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 32) % n;
}

static struct agent *agent_of(const struct store *redis)
{
    return (struct agent *)(void *)redis;
}

/* Its code runs now, by its own clock. */
static void enter(struct agent *a)
{
    current = a;
    wall = now + a->skew;
}

static struct key key_of(int number)
{
    struct key key = {.tenant = 7};

    key.text_len =
        (size_t)snprintf(key.text, sizeof key.text, "sc:llm:0000000000000007:%032d", number);
    return key;
}

static int number_of_key(struct str key)
{
    int64_t number;

    require(decimal_read(str_from(key, key.len - 4), &number));
    return (int)number;
}

static void tag_of(int key, char tag[8])
{
    snprintf(tag, 8, "t%d ", key % TAGS);
}

static bool concerns(int scope, int key)
{
    return scope == 0 || scope == 1 + key % TAGS || scope == 1 + TAGS + key;
}

static void name_scopes(void)
{
    snprintf(scope_names[0], sizeof scope_names[0], "all");
    for (int i = 0; i < TAGS; i++)
        snprintf(scope_names[1 + i], sizeof scope_names[0], "tag:t%d", i);
    for (int i = 0; i < KEYS; i++)
        snprintf(scope_names[1 + TAGS + i], sizeof scope_names[0], "key:%032d", i);
}

/* The judge. */

static bool is_broken(const struct promise *p, int64_t asked)
{
    return p->done && asked < p->began && now > p->done + BOUND;
}

static void check_hit(int key, struct str value)
{
    struct entry e;

    require(entry_read(value, &e));
    for (int scope = 0; scope < SCOPES; scope++)
        for (size_t i = 0; concerns(scope, key) && i < PURGES; i++)
            require_msg(!is_broken(&promises[scope][i], e.created),
                        "%s, purged %lld ms ago, was served: agent %d, epoch %lld of %lld",
                        scope_names[scope], (long long)((now - promises[scope][i].done) / MS),
                        (int)(current - agents), (long long)e.epoch,
                        (long long)purge_book_purges(current->book)->epoch);
    const struct item *item = &live.items[key];
    require_msg((int64_t)e.length == item->number || now - item->changed <= 2 * BOUND,
                "what changed %lld ms ago was served", (long long)((now - item->changed) / MS));
}

/* Redis. */

static void tell(struct agent *a, int key)
{
    if (!a->connected)
        return;
    require(a->message_count < MESSAGES);
    a->messages[(a->first_message + a->message_count++) % MESSAGES] =
        (struct message){.key = key, .sent = now};
}

static void tell_all(int key)
{
    for (size_t i = 0; i < AGENTS; i++)
        tell(&agents[i], key);
}

static void execute_question(struct command *c)
{
    int64_t serial = live.purges.serial, term = live.purges.term;

    buf_clear(&text);
    purge_model_run(&live.purges, run, now / MS, c->words, &text);
    require(buf_ok(&text));
    memcpy(c->value, text.ptr, text.len);
    c->len = text.len;
    c->result = STORE_HIT;
    if (live.purges.serial != serial || live.purges.term != term)
        tell_all(-1);
}

static void execute(struct command *c)
{
    struct item *item = &live.items[c->key];

    switch (c->kind) {
    case GET:
        c->result = item->number ? STORE_HIT : STORE_MISS;
        c->len = item->number ? item->len : 0;
        memcpy(c->value, item->value, c->len);
        break;
    case PTTL:
        c->result = STORE_HIT;
        c->len = (size_t)snprintf(c->value, sizeof c->value, "100000");
        break;
    case PUT:
        *item = (struct item){.number = c->number, .changed = now, .len = c->len};
        memcpy(item->value, c->value, c->len);
        tell_all(c->key);
        break;
    case ASK:
        execute_question(c);
        break;
    }
}

/* Has the first command that was not executed yet carried out. */
static void execute_next(struct agent *a)
{
    if (a->executed < a->count)
        execute(&a->commands[(a->first + a->executed++) % COMMANDS]);
}

static void finish(struct command *c, enum store_result result)
{
    struct store_read *read = c->read;

    if (!read)
        return;
    c->read = NULL;
    read->pending = NULL;
    read->watched = result == STORE_HIT;
    read->done(read, result, (struct str){c->value, result == STORE_HIT ? c->len : 0});
}

static void deliver_next(struct agent *a)
{
    struct command *c = &a->commands[a->first];

    if (a->executed == 0)
        return;
    enter(a);
    finish(c, c->result);
    a->first = (a->first + 1) % COMMANDS;
    a->count--;
    a->executed--;
}

static void expire(struct agent *a)
{
    enter(a);
    for (size_t i = 0; i < a->count; i++) {
        struct command *c = &a->commands[(a->first + i) % COMMANDS];
        if (c->deadline > now)
            break;
        finish(c, STORE_SLOW);
    }
}

static void hear_next(struct agent *a)
{
    if (a->message_count == 0)
        return;
    struct message m = a->messages[a->first_message];
    a->first_message = (a->first_message + 1) % MESSAGES;
    a->message_count--;
    enter(a);
    struct key key = key_of(m.key);
    for (struct redis_listener *l = a->listeners; l; l = l->next)
        if (m.key == -2 && l->flushed)
            l->flushed(l->context);
        else if (m.key != -2 && l->changed)
            l->changed(l->context, m.key == -1 ? STR(PURGE_KEY) : key_text(&key));
}

static void connect_agent(struct agent *a, bool connected)
{
    a->connected = connected;
    a->message_count = 0;
    enter(a);
    for (struct redis_listener *l = a->listeners; l; l = l->next) {
        if (!connected && l->flushed)
            l->flushed(l->context);
        if (l->watching)
            l->watching(l->context, connected);
    }
}

/* What was on its way is lost; it may have been executed, or not. */
static void disconnect(struct agent *a)
{
    if (!a->connected)
        return;
    connect_agent(a, false);
    for (; a->count; a->count--, a->first = (a->first + 1) % COMMANDS)
        finish(&a->commands[a->first], STORE_DOWN);
    a->executed = 0;
    a->connect = now + (int64_t)below((unsigned)(RECONNECT / MS)) * MS;
}

/* What the agents call. */

static struct command *send(struct store *redis, enum kind kind, struct store_read *read)
{
    struct agent *a = agent_of(redis);

    if (!a->connected || a->count >= COMMANDS - 8) {
        if (read) {
            read->pending = NULL;
            read->done(read, a->connected ? STORE_BUSY : STORE_DOWN, STR(""));
        }
        return NULL;
    }
    struct command *c = &a->commands[(a->first + a->count++) % COMMANDS];
    c->kind = kind;
    c->read = read;
    c->deadline = now + DEADLINE;
    c->len = 0;
    c->result = STORE_HIT;
    if (read)
        read->pending = c;
    return c;
}

static void sim_get(struct store *redis, struct str key, int64_t at, struct store_read *read)
{
    (void)at;
    struct command *c = send(redis, GET, read);
    if (c)
        c->key = number_of_key(key);
}

static void sim_ttl(struct store *redis, struct str key, struct store_read *read)
{
    struct command *c = send(redis, PTTL, read);

    if (c)
        c->key = number_of_key(key);
}

static bool sim_put(struct store *redis, struct str key, struct str value, int64_t at, int64_t ttl)
{
    struct command *c = send(redis, PUT, NULL);
    struct entry e;

    (void)at, (void)ttl;
    if (!c)
        return false;
    require(entry_read(value, &e));
    c->key = number_of_key(key);
    c->number = (int64_t)e.length;
    c->len = value.len;
    memcpy(c->value, value.ptr, value.len);
    return true;
}

static void sim_ask(struct store *redis, struct str key, const struct str *words, size_t count,
                    struct store_read *read)
{
    struct command *c = send(redis, ASK, read);

    (void)key;
    require(count == WORDS);
    for (size_t i = 2; c && i < count; i++) {
        require(words[i].len < sizeof c->bytes[i]);
        if (words[i].len)
            memcpy(c->bytes[i], words[i].ptr, words[i].len);
        c->words[i] = (struct str){c->bytes[i], words[i].len};
    }
}

static void sim_cancel(struct store *redis, struct store_read *read)
{
    struct command *c = read->pending;

    (void)redis;
    if (c)
        c->read = NULL;
    read->pending = NULL;
}

static bool sim_ready(const struct store *redis)
{
    return agent_of(redis)->connected;
}

static void sim_free(struct store *redis)
{
    (void)redis;
}

static void sim_listen(struct store *redis, struct redis_listener *listener)
{
    struct agent *a = agent_of(redis);

    listener->next = a->listeners;
    a->listeners = listener;
}

/* Everything up to 100 ms ago was heard. */
static bool sim_is_fresh(const struct store *redis, struct str key)
{
    const struct agent *a = agent_of(redis);

    (void)key;
    return a->connected &&
           (a->message_count == 0 || now - a->messages[a->first_message].sent <= BOUND);
}

static void sim_timer(struct ev_timer *timer)
{
    current->rest = timer;
}

/* What an agent does; as lookup.c and cache.c have it. */

static void ask_origin(struct agent *a, int key)
{
    size_t at = ticket_count < TICKETS ? ticket_count++ : below(TICKETS);

    tickets[at] =
        (struct ticket_sim){.key = key, .epoch = purge_book_purges(a->book)->epoch, .asked = now};
}

static struct purge_subject subject_of(const struct key *key, const struct entry *e)
{
    return (struct purge_subject){.epoch = e->epoch,
                                  .policy = STR("llm"),
                                  .tags = e->tags,
                                  .key = key_hash(key),
                                  .tenant = e->tenant};
}

static void judge(struct lookup *l, struct str value)
{
    struct key key = key_of(l->key);
    struct entry e;

    l->busy = false;
    require(entry_read_head(value, &e));
    const struct purge_subject subject = subject_of(&key, &e);
    if (purges_serve(purge_book_purges(l->agent->book), &subject)) {
        told.hits++;
        check_hit(l->key, value);
        return;
    }
    told.purged++;
    ask_origin(l->agent, l->key);
}

static void on_sure(struct purge_wait *wait, enum store_result result)
{
    struct lookup *l = (struct lookup *)(void *)((char *)wait - offsetof(struct lookup, wait));

    told.waited++;
    if (result == STORE_HIT)
        judge(l, (struct str){l->value, l->len});
    l->busy = false;
}

static void on_read(struct store_read *read, enum store_result result, struct str value)
{
    struct lookup *l = (struct lookup *)read;

    if (result != STORE_HIT) {
        l->busy = false;
        told.misses++;
        if (result == STORE_MISS)
            ask_origin(l->agent, l->key);
    } else if (purge_book_sure(l->agent->book)) {
        judge(l, value);
    } else {
        memcpy(l->value, value.ptr, value.len);
        l->len = value.len;
        l->wait.done = on_sure;
        purge_book_wait(l->agent->book, &l->wait);
    }
}

static void look_up(struct agent *a)
{
    struct lookup *l = &a->lookups[below(LOOKUPS)];

    if (l->busy)
        return;
    enter(a);
    *l = (struct lookup){.read.done = on_read, .agent = a, .busy = true, .key = (int)below(KEYS)};
    struct key key = key_of(l->key);
    purge_book_renew(a->book);
    a->tier->ops->get(a->tier, key_text(&key), wall / MS, &l->read);
}

static void store_answer(struct agent *a)
{
    char tag[8];

    if (ticket_count == 0)
        return;
    size_t at = below((unsigned)ticket_count);
    struct ticket_sim t = tickets[at];
    tickets[at] = tickets[--ticket_count];
    enter(a);
    tag_of(t.key, tag);
    struct key key = key_of(t.key);
    struct entry e = {.created = t.asked,
                      .length = (uint64_t)++numbers,
                      .tenant = key.tenant,
                      .epoch = t.epoch,
                      .code = 200,
                      .tags = str_of(tag),
                      .content_type = STR("text/plain")};
    const struct purge_subject subject = subject_of(&key, &e);
    purge_book_renew(a->book);
    if (purges_allow(purge_book_purges(a->book), &subject)) {
        buf_clear(&text);
        entry_write(&text, &e);
        require(buf_ok(&text));
        told.stored += a->tier->ops->put(a->tier, key_text(&key), buf_str(&text), 0, 100000);
    }
}

static void on_purged(struct purge_order *order, enum store_result result, int64_t epoch,
                      struct str error)
{
    struct agent *a = (struct agent *)(void *)((char *)order - offsetof(struct agent, order));
    struct promise *p = &promises[a->scope][promise_count[a->scope] % PURGES];

    (void)epoch, (void)error;
    if (result == STORE_HIT) {
        *p = (struct promise){.began = a->purge_began, .done = now};
        promise_count[a->scope]++;
        told.purges++;
        if (below(20) == 0)
            lose_at = now + (int64_t)below(2) * (int64_t)below(300) * MS;
    }
    a->scope = -1;
}

static void purge(struct agent *a)
{
    if (a->scope >= 0)
        return;
    enter(a);
    a->scope = below(20) ? 1 + (int)below(SCOPES - 1) : 0;
    a->purge_began = now;
    a->order = (struct purge_order){.done = on_purged};
    purge_book_purge(a->book, str_of(scope_names[a->scope]), &a->order);
}

static void rest(struct agent *a)
{
    if (now - a->rested < PURGE_BOOK_REST * MS)
        return;
    a->rested = now;
    enter(a);
    a->rest->cb(loop, a->rest, EV_TIMER);
}

static void begin_agent(struct agent *a)
{
    static const struct store_ops ops = {
        .get = sim_get, .put = sim_put, .cancel = sim_cancel, .ready = sim_ready, .free = sim_free};
    int64_t skew = a->skew;

    memset(a, 0, sizeof *a);
    a->redis.ops = &ops;
    a->skew = skew;
    a->scope = -1;
    enter(a);
    a->tier = tier_new(&a->redis, 1 << 16, &metrics);
    a->book = purge_book_new(loop, &a->redis, &metrics);
    require(a->tier && a->book);
    connect_agent(a, true);
}

static void end_agent(struct agent *a)
{
    disconnect(a);
    a->tier->ops->free(a->tier);
    purge_book_free(a->book);
}

/* Whether both are over what happened last. */
static bool is_calm(void)
{
    for (size_t i = 0; i < AGENTS; i++) {
        const struct purges *p = purge_book_purges(agents[i].book);
        if (!agents[i].connected || p->held || p->term != live.purges.term)
            return false;
    }
    return run == live.purges.run;
}

/* Whether both know all that Redis has. */
static bool is_settled(void)
{
    for (size_t i = 0; i < AGENTS; i++)
        if (purge_book_purges(agents[i].book)->epoch != live.purges.epoch || agents[i].scope >= 0)
            return false;
    return is_calm();
}

/* Redis is another process, with what a replica or a snapshot had; or only the node of a cluster is
 * that has what was purged. */
static void lose(bool all)
{
    run++;
    live.purges = copy.purges;
    for (int i = 0; i < KEYS && all; i++) {
        live.items[i] = copy.items[i];
        live.items[i].changed = now;
    }
    for (size_t i = 0; i < AGENTS; i++)
        disconnect(&agents[i]);
    told.failovers++;
}

/* One that begins anew knows nothing, so the others have to: a purge that only one agent knows, and
 * that no replica has, goes with it. */
static void restart(void)
{
    copy = live;
    for (size_t i = below(2); i < AGENTS; i++) {
        end_agent(&agents[i]);
        begin_agent(&agents[i]);
    }
    told.restarts++;
}

static void flush(bool all)
{
    for (int i = 0; all && i < KEYS; i++)
        live.items[i] = (struct item){.changed = now};
    live.purges = (struct purge_model){0};
    tell_all(all ? -2 : -1);
}

static void disturb(struct agent *a)
{
    switch (below(12)) {
    case 0:
        if (is_calm())
            disconnect(a);
        break;
    case 1:
    case 2:
        if (is_calm())
            lose(below(2));
        break;
    case 3:
        if (is_settled() && below(3) == 0)
            restart();
        break;
    case 4:
        if (below(10) == 0)
            flush(below(2));
        break;
    case 5: /* both agents are stopped for a while */
        if (is_settled())
            now += (int64_t)below(3000) * MS;
        break;
    case 6:
    case 7:
        if (is_calm())
            a->stalled = now + (int64_t)below(400) * MS;
        break;
    default:
        if (below(3))
            copy = live;
        break;
    }
}

static void step(void)
{
    struct agent *a = &agents[below(AGENTS)];
    unsigned what = below(1000);

    now += (int64_t)below(1000) * MS / 1000;
    for (size_t i = 0; i < AGENTS; i++) {
        expire(&agents[i]);
        if (!agents[i].connected && agents[i].connect <= now)
            connect_agent(&agents[i], true);
        rest(&agents[i]);
    }
    if (lose_at && now >= lose_at) {
        lose_at = 0;
        if (is_calm())
            lose(below(2));
    }
    if (what < 250)
        look_up(a);
    else if (what < 880 && a->stalled > now)
        return;
    else if (what < 500)
        execute_next(a);
    else if (what < 750)
        deliver_next(a);
    else if (what < 880)
        hear_next(a);
    else if (what < 980)
        store_answer(a);
    else if (what < 985)
        purge(a);
    else if (what < 989)
        disturb(a);
}

START_TEST(no_reader_gets_what_was_purged)
{
    static const struct hooks hooks = {.ask = sim_ask,
                                       .listen = sim_listen,
                                       .is_fresh = sim_is_fresh,
                                       .get_ttl = sim_ttl,
                                       .timer = sim_timer,
                                       .now = &now,
                                       .wall = &wall};

    seed = 0x9e3779b97f4a7c15 + (uint64_t)_i;
    now = 1000 * MS;
    text = buf_new(sizeof agents->commands->value);
    loop = ev_loop_new(0);
    log_configure(&(struct log_options){.level = LOG_LEVEL_ERROR});
    name_scopes();
    hooks_set(&hooks);
    agents[1].skew = 7000 * MS;
    for (size_t i = 0; i < AGENTS; i++)
        begin_agent(&agents[i]);
    for (int i = 0; i < STEPS; i++)
        step();
    for (size_t i = 0; i < AGENTS; i++)
        end_agent(&agents[i]);
    hooks_set(NULL);
    ev_loop_destroy(loop);
    buf_free(&text);
    printf("coherence: %lld hits, %lld purged, %lld misses, %lld waited, %lld stored, %lld purges, "
           "%lld failovers, %lld restarts, %llu written back, %llu unknown, tier %llu\n",
           (long long)told.hits, (long long)told.purged, (long long)told.misses,
           (long long)told.waited, (long long)told.stored, (long long)told.purges,
           (long long)told.failovers, (long long)told.restarts,
           (unsigned long long)metrics.purge_repairs, (unsigned long long)metrics.purge_unknowns,
           (unsigned long long)metrics.tier_hits);
    require(told.hits > 10000 && told.purges > 1000 && told.failovers > 30 && told.restarts > 5);
    require(metrics.purge_repairs > 10 && metrics.purge_unknowns > 5 && metrics.tier_hits > 1000);
}
END_TEST

Suite *suite_coherence(void)
{
    Suite *suite = suite_create("coherence");
    TCase *cases = tcase_create("coherence");

    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, no_reader_gets_what_was_purged, 0, RUNS);
    suite_add_tcase(suite, cases);
    return suite;
}
