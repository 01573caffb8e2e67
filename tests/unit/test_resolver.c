/* Names that are looked up beside the loop, also where the name server is silent. */
#include "redis_fixture.h"

#include "net/resolver.h"

struct asker {
    struct resolver *resolver;
    int calls;
    char address[RESOLVER_TEXT];
};

static void on_done(void *context, const struct resolver_result *result)
{
    struct asker *a = context;

    a->calls++;
    a->resolver = NULL;
    if (result->count)
        memcpy(a->address, result->address[0], RESOLVER_TEXT);
}

static void ask(struct asker *a, const char *host)
{
    *a = (struct asker){0};
    a->resolver = resolver_start(loop, host, on_done, a);
    ck_assert_ptr_nonnull(a->resolver);
    ck_assert_int_eq(a->calls, 0);
}

START_TEST(each_who_waits_is_told_once)
{
    struct asker askers[3], gone;

    name_server_stop();
    for (size_t i = 0; i < 3; i++)
        ask(&askers[i], SLOW_NAME);
    ask(&gone, SLOW_NAME);
    resolver_cancel(gone.resolver);
    await(name_server_asked() == 1);
    name_server_go_on();
    for (size_t i = 0; i < 3; i++) {
        await(askers[i].calls == 1);
        ck_assert_str_eq(askers[i].address, "127.0.0.1");
    }
    ck_assert_int_eq(gone.calls, 0);
    ck_assert_int_eq(name_server_asked(), 1);
    ask(&gone, SLOW_NAME); /* what was found before is not kept */
    await(gone.calls == 1);
    ck_assert_int_eq(name_server_asked(), 2);
}
END_TEST

START_TEST(who_asks_after_others_gave_up_waits_for_the_same)
{
    struct asker a;

    name_server_stop();
    for (size_t i = 0; i < 50; i++) {
        ask(&a, SLOW_NAME);
        resolver_cancel(a.resolver);
    }
    ask(&a, SLOW_NAME);
    await(name_server_asked() == 1);
    name_server_go_on();
    await(a.calls == 1);
    ck_assert_str_eq(a.address, "127.0.0.1");
    ck_assert_int_eq(name_server_asked(), 1);
}
END_TEST

START_TEST(one_name_does_not_hold_up_another)
{
    struct asker slow, quick;

    name_server_stop();
    ask(&slow, SLOW_NAME);
    ask(&quick, TWO_ADDRESSES);
    await(quick.calls == 1);
    ck_assert_str_eq(quick.address, "127.0.0.2");
    ck_assert_int_eq(slow.calls, 0);
    name_server_go_on();
    await(slow.calls == 1);
}
END_TEST

START_TEST(a_loop_that_is_gone_is_told_nothing)
{
    struct ev_loop *other = ev_loop_new(EVFLAG_AUTO);
    struct asker a = {0};

    name_server_stop();
    struct resolver *r = resolver_start(other, SLOW_NAME, on_done, &a);
    await(name_server_asked() == 1);
    resolver_cancel(r);
    ev_loop_destroy(other);
    ask(&a, SLOW_NAME);
    name_server_go_on();
    await(a.calls == 1);
}
END_TEST

/* The Sentinels are tried in turn, one each second, again and again. */
START_TEST(silence_costs_one_thread_for_each_name)
{
    char address[64];
    struct str list[1];

    name_server_stop();
    snprintf(address, sizeof address, "%s:%d", SLOW_NAME, free_port());
    list[0] = str_of(address);
    options.sentinels = (struct str_list){list, 1};
    options.master = STR("mymaster");
    log_capture();
    open_store("");
    double start = seconds();
    await(seconds() - start > 3.2);
    ck_assert_int_eq(name_server_asked(), 1);
    ck_assert_int_eq(start_get(0, STR("a"))->result, STORE_DOWN);
    name_server_go_on();
    await(count(log_captured(), "Connection refused") == 1);
}
END_TEST

Suite *suite_resolver(void)
{
    const TTest *const tests[] = {
        each_who_waits_is_told_once, who_asks_after_others_gave_up_waits_for_the_same,
        one_name_does_not_hold_up_another, a_loop_that_is_gone_is_told_nothing,
        silence_costs_one_thread_for_each_name};
    Suite *suite = suite_create("resolver");
    TCase *cases = tcase_create("resolver");

    tcase_add_checked_fixture(cases, fixture_setup, fixture_teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
    return suite;
}
