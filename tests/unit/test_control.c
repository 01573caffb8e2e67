/* What a request says to the cache itself. */
#include "core/control.h"

#include "core_fixture.h"
#include "unit.h"

START_TEST(words)
{
    static const struct {
        const char *headers;
        struct control want;
    } cases[] = {
        {"a: b\n", {.max_age = -1}},
        {"cache-control: no-store\n", {.max_age = -1, .no_store = true}},
        {"cache-control: No-Cache\n", {.max_age = -1, .no_cache = true}},
        {"x-cache-control: no-cache , only-if-cached\n",
         {.max_age = -1, .no_cache = true, .only_if_cached = true}},
        {"cache-control: max-age=60\n", {.max_age = 60000}},
        {"cache-control: max-age = 0\n", {.max_age = 0}},
        /* in doubt, a miss */
        {"cache-control: max-age\n", {.max_age = 0}},
        {"cache-control: max-age=\"60\"\n", {.max_age = 0}},
        {"cache-control: max-age=-1\n", {.max_age = 0}},
        {"cache-control: max-age=99999999999999999999\n", {.max_age = 0}},
        {"cache-control: no-storage, private, max-stale=5\n", {.max_age = -1}},
        {"cache-control: no-cache\ncache-control: no-store\n",
         {.max_age = -1, .no_cache = true, .no_store = true}},
        {"x-cache-ttl: 5\n", {.max_age = -1, .ttl = 5000}},
        {"x-cache-ttl: 0\n", {.max_age = -1, .no_store = true}},
        {"x-cache-ttl: soon\n", {.max_age = -1, .no_store = true}},
        /* said more than once: the least counts, in either order */
        {"cache-control: max-age=5, max-age=60\n", {.max_age = 5000}},
        {"cache-control: max-age=60\nx-cache-control: max-age=5\n", {.max_age = 5000}},
        {"cache-control: max-age=x, max-age=60\n", {.max_age = 0}},
        {"x-cache-ttl: 5\nx-cache-ttl: 60\n", {.max_age = -1, .ttl = 5000}},
        {"x-cache-ttl: 60\nx-cache-ttl: 5\n", {.max_age = -1, .ttl = 5000}},
        {"x-cache-ttl: 0\nx-cache-ttl: 60\n", {.max_age = -1, .ttl = 60000, .no_store = true}},
        {"x-cache-namespace: a\n", {.max_age = -1}},
        {"x-cache-namespace: a\nx-cache-namespace: b\n", {.max_age = -1, .no_store = true}},
        {"x-cache-namespace:\nb: c\nx-cache-namespace: a\n", {.max_age = -1, .no_store = true}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct control got;
        control_read(&got, headers_of(cases[i].headers));
        const struct control *want = &cases[i].want;
        ck_assert_msg(got.no_store == want->no_store && got.no_cache == want->no_cache &&
                          got.only_if_cached == want->only_if_cached &&
                          got.max_age == want->max_age && got.ttl == want->ttl,
                      "%s", cases[i].headers);
    }
}
END_TEST

START_TEST(namespace)
{
    struct control got;

    control_read(&got, headers_of("x-cache-namespace: experiment 7\n"));
    ck_assert_str_is(got.space, "experiment 7");
    control_read(&got, headers_of("a: b\n"));
    ck_assert_uint_eq(got.space.len, 0);
}
END_TEST

Suite *suite_control(void)
{
    Suite *suite = suite_create("control");
    TCase *cases = tcase_create("control");

    tcase_add_test(cases, words);
    tcase_add_test(cases, namespace);
    suite_add_tcase(suite, cases);
    return suite;
}
