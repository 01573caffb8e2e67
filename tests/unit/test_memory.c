/* The memory store, by literal cases and against a naive model of it. */
#include "store/memory.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

struct probe {
    struct store_read read; /* first: `done` casts back */
    int calls;
    enum store_result result;
    char value[128 << 10];
    size_t len;
};

static struct metrics metrics;
static struct store *store;

static void on_done(struct store_read *read, enum store_result result, struct str value)
{
    struct probe *p = (struct probe *)read;

    p->calls++;
    p->result = result;
    if (value.len > sizeof p->value)
        ck_abort();
    memcpy(p->value, value.ptr, value.len);
    p->len = value.len;
}

/* What the store answers; the value lives until the next call. */
static struct str *get(struct str key, int64_t now)
{
    static struct probe p;
    static struct str value;

    p.read = (struct store_read){.done = on_done};
    p.calls = 0;
    store->ops->get(store, key, now, &p.read);
    if (p.calls != 1 || p.read.pending || (p.result != STORE_HIT && p.result != STORE_MISS) ||
        (p.result == STORE_MISS && p.len))
        ck_abort_msg("%d calls, result %d, length %zu", p.calls, (int)p.result, p.len);
    value = (struct str){p.value, p.len};
    return p.result == STORE_HIT ? &value : NULL;
}

static bool put(struct str key, struct str value, int64_t now, int64_t ttl)
{
    return store->ops->put(store, key, value, now, ttl);
}

static void open_store(size_t max_bytes)
{
    metrics = (struct metrics){0};
    store = memory_new(max_bytes, &metrics);
    ck_assert_ptr_nonnull(store);
}

static void close_store(void)
{
    store->ops->free(store);
    ck_assert_uint_eq(metrics.memory_bytes, 0);
}

/* Entries that differ by number. */
static struct str numbered(const char *name, int number)
{
    static char text[64];
    int n = snprintf(text, sizeof text, "%s %d", name, number);

    return (struct str){text, (size_t)n};
}

static bool put_numbered(const char *name, int number, size_t len, int64_t now, int64_t ttl)
{
    static const char value[128 << 10];

    return put(numbered(name, number), (struct str){value, len}, now, ttl);
}

static bool has_numbered(const char *name, int number, int64_t now)
{
    return get(numbered(name, number), now) != NULL;
}

#define ck_assert_hit(key, now, want)                                                              \
    do {                                                                                           \
        struct str *hit_ = get((key), (now));                                                      \
        ck_assert_ptr_nonnull(hit_);                                                               \
        ck_assert_str_is(*hit_, want);                                                             \
    } while (0)

START_TEST(test_put_get_replace)
{
    open_store(1 << 20);
    ck_assert(store->ops->ready(store));
    ck_assert_ptr_null(get(STR("a"), 0));
    ck_assert(put(STR("a"), STR("one"), 0, 10));
    ck_assert(put(STR("b"), STR(""), 0, 10));
    ck_assert_hit(STR("a"), 0, "one");
    ck_assert_hit(STR("b"), 0, "");
    ck_assert(put(STR("a"), STR("another"), 0, 10));
    ck_assert_hit(STR("a"), 0, "another");
    ck_assert_uint_eq(metrics.memory_entries, 2);
    ck_assert_uint_eq(metrics.memory_evictions, 0);
    close_store();
}
END_TEST

START_TEST(test_keys_are_bytes)
{
    open_store(1 << 20);
    ck_assert(put(STR("k\0one"), STR("1"), 0, 10));
    ck_assert(put(STR("k\0two"), STR("2"), 0, 10));
    ck_assert(put(STR("k"), STR("3"), 0, 10));
    ck_assert(put(STR(""), STR("4"), 0, 10));
    ck_assert_hit(unit_guard(STR("k\0one")), 0, "1");
    ck_assert_hit(unit_guard(STR("k\0two")), 0, "2");
    ck_assert_hit(STR("k"), 0, "3");
    ck_assert_hit(STR(""), 0, "4");
    ck_assert_ptr_null(get(STR("k\0"), 0));
    close_store();
}
END_TEST

START_TEST(test_expiry)
{
    open_store(1 << 20);
    ck_assert(put(STR("a"), STR("x"), 1000, 500));
    ck_assert_hit(STR("a"), 1499, "x");
    ck_assert_uint_eq(metrics.memory_entries, 1);
    ck_assert_ptr_null(get(STR("a"), 1500));
    ck_assert_uint_eq(metrics.memory_entries, 0);
    ck_assert_ptr_null(get(STR("a"), 1000));
    ck_assert(put(STR("b"), STR("x"), 1000, INT64_MAX));
    ck_assert_hit(STR("b"), INT64_MAX - 1, "x");
    ck_assert_uint_eq(metrics.memory_evictions, 0);
    close_store();
}
END_TEST

START_TEST(test_refused_forgets_the_old)
{
    static char large[64 << 10];

    open_store(16 << 10);
    ck_assert(put(STR("a"), STR("x"), 0, 10));
    ck_assert(put(STR("other"), STR("y"), 0, 10));
    ck_assert(!put(STR("a"), (struct str){large, sizeof large}, 0, 10));
    ck_assert_ptr_null(get(STR("a"), 0));
    ck_assert(put(STR("a"), STR("x"), 0, 10));
    ck_assert(!put(STR("a"), STR("z"), 0, 0));
    ck_assert(!put(STR("a"), STR("z"), 0, -1));
    ck_assert_ptr_null(get(STR("a"), 0));
    ck_assert_hit(STR("other"), 0, "y");
    ck_assert_uint_eq(metrics.memory_evictions, 0);
    close_store();
}
END_TEST

START_TEST(test_larger_than_a_tenth)
{
    static char value[100 << 10];

    open_store(1000 << 10);
    for (int i = 0; i < 9; i++)
        ck_assert(put_numbered("some", i, sizeof value - 200, 0, 10));
    ck_assert(!put(STR("a"), (struct str){value, sizeof value}, 0, 10));
    ck_assert_uint_eq(metrics.memory_entries, 9);
    ck_assert_uint_eq(metrics.memory_evictions, 0);
    close_store();
}
END_TEST

/* As the agent does: what is not there is fetched and put. */
static bool ask_numbered(const char *name, int number, size_t len, int64_t now)
{
    if (has_numbered(name, number, now))
        return true;
    ck_assert(put_numbered(name, number, len, now, INT64_MAX));
    return false;
}

enum { HOT = 50, HOT_BYTES = 8000 };

static int ask_hot(const char *name)
{
    int hits = 0;

    for (int i = 0; i < HOT; i++)
        hits += ask_numbered(name, i, HOT_BYTES, 0);
    return hits;
}

START_TEST(test_hot_entries_survive_a_scan)
{
    open_store(1 << 20);
    ask_hot("hot");
    ck_assert_int_eq(ask_hot("hot"), HOT);
    for (int i = 0; i < 2000; i++)
        ask_numbered("once", i, HOT_BYTES, 0);
    ck_assert_uint_gt(metrics.memory_evictions, 1800);
    /* one may go: an eviction that finds many in a row in use does not look for long */
    ck_assert_int_ge(ask_hot("hot"), HOT - 1);
    ck_assert_uint_le(metrics.memory_bytes, 1 << 20);
    close_store();
}
END_TEST

START_TEST(test_what_is_asked_for_again_after_its_eviction_stays)
{
    open_store(1 << 20);
    ask_numbered("again", 0, HOT_BYTES, 0);
    for (int i = 0; i < 130; i++)
        ask_numbered("between", i, HOT_BYTES, 0);
    ck_assert(!ask_numbered("again", 0, HOT_BYTES, 0));
    for (int i = 0; i < 2000; i++)
        ask_numbered("once", i, HOT_BYTES, 0);
    ck_assert(ask_numbered("again", 0, HOT_BYTES, 0));
    close_store();
}
END_TEST

START_TEST(test_what_was_hot_makes_way)
{
    open_store(1 << 20);
    for (int round = 0; round < 20; round++)
        ask_hot("old"), ask_hot("old too");
    ck_assert_int_eq(ask_hot("old") + ask_hot("old too"), 2 * HOT);
    for (int round = 0; round < 20; round++)
        ask_hot("new"), ask_hot("new too");
    ck_assert_int_eq(ask_hot("new") + ask_hot("new too"), 2 * HOT);
    close_store();
}
END_TEST

START_TEST(test_the_expired_make_way_before_the_living)
{
    open_store(1 << 20);
    for (int i = 0; i < 60; i++) {
        ck_assert(put_numbered("living", i, HOT_BYTES, 0, 1000));
        ck_assert(put_numbered("expired", i, HOT_BYTES, 0, 100));
    }
    for (int i = 0; i < 60; i++)
        ck_assert(put_numbered("new", i, HOT_BYTES, 100, 1000));
    ck_assert_uint_eq(metrics.memory_evictions, 0);
    for (int i = 0; i < 60; i++)
        ck_assert(has_numbered("living", i, 999) && has_numbered("new", i, 1099));
    close_store();
}
END_TEST

START_TEST(test_expired_entries_give_their_memory_back)
{
    open_store(1 << 20);
    for (int i = 0; i < 100; i++)
        ck_assert(put_numbered("expired", i, HOT_BYTES, 0, 10));
    for (int i = 0; i < 100; i++)
        ck_assert(put(STR("one"), STR("x"), 10, 10));
    ck_assert_uint_eq(metrics.memory_entries, 1);
    ck_assert_uint_lt(metrics.memory_bytes, 16 << 10);
    close_store();
}
END_TEST

START_TEST(test_remove)
{
    open_store(1 << 20);
    memory_remove(store, STR("a"));
    ck_assert(put(STR("a"), STR("one"), 0, 10));
    ck_assert(put(STR("b"), STR("two"), 0, 10));
    memory_remove(store, unit_guard(STR("a")));
    ck_assert_ptr_null(get(STR("a"), 0));
    ck_assert_uint_eq(metrics.memory_entries, 1);
    ck_assert_hit(STR("b"), 0, "two");
    ck_assert(put(STR("a"), STR("three"), 0, 10));
    ck_assert_hit(STR("a"), 0, "three");
    ck_assert_uint_eq(metrics.memory_evictions, 0);
    close_store();
}
END_TEST

START_TEST(test_clear)
{
    open_store(1 << 20);
    memory_clear(store);
    for (int i = 0; i < 100; i++)
        ck_assert(put_numbered("cleared", i, HOT_BYTES, 0, 1000) && has_numbered("cleared", i, 0));
    memory_clear(store);
    ck_assert(put_numbered("new", 0, HOT_BYTES, 0, 1000));
    for (int i = 0; i < 50; i++)
        ck_assert(!has_numbered("cleared", i, 0));
    ck_assert(has_numbered("new", 0, 0));
    for (int i = 1; i < 100; i++)
        ck_assert(put_numbered("new", i, HOT_BYTES, 0, 1000));
    ck_assert_uint_eq(metrics.memory_evictions, 0);
    for (int i = 0; i < 100; i++)
        ck_assert(has_numbered("new", i, 0) && !has_numbered("cleared", i, 0));
    close_store();
}
END_TEST

START_TEST(test_what_was_cleared_is_not_evicted)
{
    open_store(1 << 20);
    for (int i = 0; i < 5000; i++)
        ck_assert(put_numbered("cleared", i, 100, 0, 1000) && has_numbered("cleared", i, 0));
    memory_clear(store);
    for (int i = 0; i < 10; i++)
        ck_assert(put_numbered("new", i, 90000, 0, 1000));
    ck_assert_uint_le(metrics.memory_bytes, 1 << 20);
    ck_assert_uint_eq(metrics.memory_evictions, 0);
    for (int i = 0; i < 10; i++)
        ck_assert(has_numbered("new", i, 0));
    close_store();
}
END_TEST

START_TEST(test_many_entries)
{
    enum { MANY = 50000 };
    char key[32];

    open_store(64 << 20);
    for (int i = 0; i < MANY; i++) {
        int n = snprintf(key, sizeof key, "key %d", i);
        ck_assert(put((struct str){key, (size_t)n}, (struct str){key, (size_t)n}, 0, 10));
    }
    ck_assert_uint_eq(metrics.memory_entries, MANY);
    ck_assert_uint_gt(metrics.memory_bytes, MANY * sizeof(void *));
    for (int i = 0; i < MANY; i++) {
        int n = snprintf(key, sizeof key, "key %d", i);
        ck_assert_hit(((struct str){key, (size_t)n}), 0, key);
    }
    close_store();
}
END_TEST

START_TEST(test_no_room_at_all)
{
    open_store(1);
    ck_assert(!put(STR("a"), STR("x"), 0, 10));
    ck_assert_ptr_null(get(STR("a"), 0));
    close_store();
}
END_TEST

/* The model: what was put last under each key. Any entry may be evicted, but is counted then.
 * ck_assert() writes to a pipe even when all is well, hence must(). */
#define must(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("step %lu: %s", (unsigned long)step, #condition);                         \
    } while (0)

enum { MODEL_KEYS = 400, MODEL_STEPS = 300000, MODEL_MAX = 96 << 10, MODEL_LONGEST = 6000 };

struct model_entry {
    bool put; /* and not removed, nor found missing */
    unsigned char fill;
    size_t len;
    int64_t expires;
};

static struct model_entry model[MODEL_KEYS];
static uint64_t model_lost; /* entries that were missing before their time */

static bool model_check_get(long k, int64_t now, uint64_t step)
{
    struct model_entry *e = &model[k];
    struct str *value = get(numbered("key", (int)k), now);
    bool lives = e->put && e->expires > now;

    must(lives || !value);
    model_lost += lives && !value;
    e->put = value != NULL;
    if (!value)
        return false;
    must(value->len == e->len);
    for (size_t i = 0; i < value->len; i++)
        must((unsigned char)value->ptr[i] == e->fill);
    return true;
}

static void model_check_put(long k, int64_t now, uint64_t step)
{
    static char value[MODEL_LONGEST];
    uint64_t evictions = metrics.memory_evictions;
    struct model_entry fresh = {.put = true,
                                .fill = (unsigned char)random(),
                                .len = (size_t)(random() % (random() % 20 ? 600 : MODEL_LONGEST)),
                                .expires = now + 1 + random() % 3000};

    memset(value, fresh.fill, fresh.len);
    must(put(numbered("key", (int)k), (struct str){value, fresh.len}, now, fresh.expires - now));
    must(metrics.memory_bytes <= MODEL_MAX);
    /* nothing is evicted while there is room */
    must(metrics.memory_evictions == evictions ||
         metrics.memory_bytes + MODEL_LONGEST + 200 > MODEL_MAX);
    model[k] = fresh;
}

/* All keys asked for: what the store counts is what there is. */
static void model_check_all(int64_t now, uint64_t step)
{
    size_t here = 0, bytes = 0;

    for (long k = 0; k < MODEL_KEYS; k++)
        if (model_check_get(k, now, step)) {
            here++;
            bytes += numbered("key", (int)k).len + model[k].len;
        }
    must(metrics.memory_entries == here);
    must(metrics.memory_bytes > bytes + here * 6 * sizeof(void *));
    must(metrics.memory_bytes < bytes + here * 12 * sizeof(void *) + (16 << 10));
    must(model_lost <= metrics.memory_evictions);
}

static void model_step(int64_t now, uint64_t step)
{
    /* some keys far more often than others */
    long k = random() % (random() % 3 ? 60 : MODEL_KEYS), what = random() % 20000;

    if (what == 0) {
        memory_clear(store);
        for (long i = 0; i < MODEL_KEYS; i++)
            model[i].put = false;
    } else if (what < 500) {
        memory_remove(store, numbered("key", (int)k));
        model[k].put = false;
    } else if (!model_check_get(k, now, step) || what < 2000) {
        model_check_put(k, now, step);
    }
}

START_TEST(test_against_the_model)
{
    int64_t now = 1700000000000;

    srandom(20240607);
    open_store(MODEL_MAX);
    for (uint64_t step = 1; step <= MODEL_STEPS; step++) {
        now += random() % 100 == 0 ? random() % 100 : 0;
        model_step(now, step);
        if (step % 5000 == 0)
            model_check_all(now, step);
    }
    ck_assert_uint_gt(model_lost, 1000);
    close_store();
}
END_TEST

START_TEST(test_removing_gives_all_bytes_back)
{
    uint64_t empty;

    open_store(1 << 20);
    for (int round = 0; round < 2; round++) {
        empty = metrics.memory_bytes; /* with the table that the first round left */
        for (int i = 0; i < 1000; i++)
            ck_assert(put_numbered("some", i, (size_t)i, 0, 10));
        ck_assert_uint_eq(metrics.memory_entries, 1000);
        for (int i = 0; i < 1000; i++)
            memory_remove(store, numbered("some", i));
        ck_assert_uint_eq(metrics.memory_entries, 0);
    }
    ck_assert_uint_eq(metrics.memory_bytes, empty);
    ck_assert_uint_gt(empty, 1000 * sizeof(void *));
    close_store();
}
END_TEST

Suite *suite_memory(void)
{
    Suite *suite = suite_create("memory");
    TCase *cases = tcase_create("memory");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, NULL, unit_guard_release);
    tcase_add_test(cases, test_put_get_replace);
    tcase_add_test(cases, test_keys_are_bytes);
    tcase_add_test(cases, test_expiry);
    tcase_add_test(cases, test_refused_forgets_the_old);
    tcase_add_test(cases, test_larger_than_a_tenth);
    tcase_add_test(cases, test_hot_entries_survive_a_scan);
    tcase_add_test(cases, test_what_is_asked_for_again_after_its_eviction_stays);
    tcase_add_test(cases, test_what_was_hot_makes_way);
    tcase_add_test(cases, test_the_expired_make_way_before_the_living);
    tcase_add_test(cases, test_expired_entries_give_their_memory_back);
    tcase_add_test(cases, test_remove);
    tcase_add_test(cases, test_clear);
    tcase_add_test(cases, test_what_was_cleared_is_not_evicted);
    tcase_add_test(cases, test_many_entries);
    tcase_add_test(cases, test_no_room_at_all);
    tcase_add_test(cases, test_removing_gives_all_bytes_back);
    tcase_add_test(cases, test_against_the_model);
    suite_add_tcase(suite, cases);
    return suite;
}
