/* The memory store, by literal cases and against a naive model of it. */
#include "store/memory.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

struct probe {
    struct store_read read; /* first: `done` casts back */
    int calls;
    enum store_result result;
    char value[8192];
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

START_TEST(test_least_recently_used_goes_first)
{
    static char value[1000];
    const struct str thousand = {value, sizeof value};

    open_store(4096); /* room for three of them */
    ck_assert(put(STR("a"), thousand, 0, 10));
    ck_assert(put(STR("b"), thousand, 0, 10));
    ck_assert(put(STR("c"), thousand, 0, 10));
    ck_assert_uint_eq(metrics.memory_evictions, 0);
    ck_assert_ptr_nonnull(get(STR("a"), 0));
    ck_assert(put(STR("d"), thousand, 0, 10));
    ck_assert_uint_eq(metrics.memory_evictions, 1);
    ck_assert_ptr_null(get(STR("b"), 0));
    ck_assert_ptr_nonnull(get(STR("c"), 0));
    ck_assert_ptr_nonnull(get(STR("a"), 0));
    ck_assert_ptr_nonnull(get(STR("d"), 0));
    ck_assert_uint_le(metrics.memory_bytes, 4096);
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

/* The model: an array searched from end to end. ck_assert() writes to a pipe even when all is
 * well, hence this. */
#define must(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("step %lu: %s", (unsigned long)step, #condition);                         \
    } while (0)

enum { MODEL_KEYS = 400, MODEL_STEPS = 300000, MODEL_MAX = 96 << 10 };

struct model_entry {
    bool here;
    unsigned char fill;
    size_t len;
    int64_t expires;
    uint64_t used; /* step of the last use */
    size_t bytes;  /* what the store says it takes */
};

static struct model_entry model[MODEL_KEYS];

static struct model_entry *model_oldest(void)
{
    struct model_entry *oldest = NULL;

    for (size_t i = 0; i < MODEL_KEYS; i++)
        if (model[i].here && (!oldest || model[i].used < oldest->used))
            oldest = &model[i];
    return oldest;
}

static void model_check_get(struct model_entry *e, struct str key, int64_t now, uint64_t step)
{
    struct str *value = get(key, now);
    bool hit = e->here && e->expires > now;

    must(hit == (value != NULL));
    e->here = hit;
    if (!hit)
        return;
    e->used = step;
    must(value->len == e->len);
    for (size_t i = 0; i < value->len; i++)
        must((unsigned char)value->ptr[i] == e->fill);
}

static void model_check_put(struct model_entry *e, struct str key, int64_t now, uint64_t step)
{
    static char value[6000];
    uint64_t bytes = metrics.memory_bytes, evictions = metrics.memory_evictions;
    size_t evicted_bytes = 0, last_bytes = 0;

    struct model_entry fresh = {.here = true,
                                .fill = (unsigned char)random(),
                                .len = (size_t)(random() % (random() % 20 ? 600 : 6000)),
                                .expires = now + 1 + random() % 3000,
                                .used = step};
    memset(value, fresh.fill, fresh.len);
    must(put(key, (struct str){value, fresh.len}, now, fresh.expires - now));
    bytes -= e->here ? e->bytes : 0;
    e->here = false;
    for (; evictions < metrics.memory_evictions; evictions++) {
        struct model_entry *oldest = model_oldest();
        must(oldest);
        oldest->here = false;
        last_bytes = oldest->bytes;
        evicted_bytes += last_bytes;
    }
    fresh.bytes = (size_t)(metrics.memory_bytes + evicted_bytes - bytes);
    must(fresh.bytes > key.len + fresh.len + 2 * sizeof(void *));
    must(metrics.memory_bytes <= MODEL_MAX);
    /* the last one evicted had to be */
    must(!last_bytes || metrics.memory_bytes + last_bytes > MODEL_MAX);
    *e = fresh;
}

START_TEST(test_against_the_model)
{
    int64_t now = 1700000000000;

    srandom(20240607);
    open_store(MODEL_MAX);
    for (uint64_t step = 1; step <= MODEL_STEPS; step++) {
        /* some keys far more often than others */
        long k = random() % (random() % 3 ? 60 : MODEL_KEYS);
        char text[16];
        int n = snprintf(text, sizeof text, "sc:key:%ld", k);
        struct str key = {text, (size_t)n};

        now += random() % 10 == 0 ? random() % 100 : 0;
        if (random() % 3)
            model_check_get(&model[k], key, now, step);
        else
            model_check_put(&model[k], key, now, step);
        size_t here = 0;
        for (size_t i = 0; step % 64 == 0 && i < MODEL_KEYS; i++)
            here += model[i].here;
        must(step % 64 != 0 || metrics.memory_entries == here);
    }
    ck_assert_uint_gt(metrics.memory_evictions, 1000);
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
    tcase_add_test(cases, test_least_recently_used_goes_first);
    tcase_add_test(cases, test_many_entries);
    tcase_add_test(cases, test_no_room_at_all);
    tcase_add_test(cases, test_against_the_model);
    suite_add_tcase(suite, cases);
    return suite;
}
