#include "core/memo.h"
#include "core_fixture.h"
#include "unit.h"

static struct memo memo;
static struct key_secret secret;
static struct policy policy, other_policy;

static void setup(void)
{
    secret = sample_secret();
}

static void teardown(void)
{
    memo_clear(&memo);
}

static struct memo_key key_of(struct str body)
{
    struct memo_key key = {.policy = &policy, .api = api_generic()};

    key_body_hash(&key.bytes, &secret, body);
    return key;
}

START_TEST(test_finds_only_what_was_added)
{
    struct memo_key key = key_of(STR("{}")), other = key_of(STR("{ }"));
    struct meaning meaning = {.reason = REASON_STREAM, .count = 3};

    ck_assert_ptr_null(memo_find(&memo, &key));
    memo_add(&memo, &key, &meaning);
    ck_assert_ptr_nonnull(memo_find(&memo, &key));
    ck_assert_int_eq(memo_find(&memo, &key)->reason, REASON_STREAM);
    ck_assert_int_eq(memo_find(&memo, &key)->count, 3);
    ck_assert_ptr_null(memo_find(&memo, &other));
    memo_clear(&memo);
    ck_assert_ptr_null(memo_find(&memo, &key));
}
END_TEST

START_TEST(test_every_part_of_the_key_counts)
{
    const struct meaning meaning = {.count = 1};
    struct memo_key key = key_of(STR("{}")), changed[] = {key, key, key, key, key};

    changed[0].policy = &other_policy;
    changed[1].api = api_named(STR("anthropic"));
    changed[2].bytes.length++;
    changed[3].bytes.key.high++; /* in the same slot */
    changed[4].bytes.digest.low++;
    memo_add(&memo, &key, &meaning);
    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++)
        ck_assert_msg(memo_find(&memo, &changed[i]) == NULL, "part %zu does not count", i);
}
END_TEST

START_TEST(test_the_newer_of_two_in_one_place_stays)
{
    struct memo_key older = key_of(STR("{}")), newer = older;
    const struct meaning first = {.count = 1}, second = {.count = 2};

    newer.bytes.key.high++;
    memo_add(&memo, &older, &first);
    memo_add(&memo, &newer, &second);
    ck_assert_ptr_null(memo_find(&memo, &older));
    ck_assert_int_eq(memo_find(&memo, &newer)->count, 2);
}
END_TEST

/* A repeat gets the same plan, and a policy that changed is asked anew once it was said. */
START_TEST(test_plans_of_repeats)
{
    struct plan_scratch scratch;
    struct plan first, again, changed;
    struct request request = sample_request();
    struct scope scope;

    request.body = STR("{\"model\":\"m\",\"messages\":[],\"temperature\":0.5,\"n\":2}");
    policy = sample_policy();
    scope = sample_scope(&policy, &request);
    plan_scratch_init(&scratch);
    plan_request(&first, &scratch, &secret, &scope, &request, 16380);
    plan_request(&again, &scratch, &secret, &scope, &request, 16380);
    ck_assert(str_eq(key_text(&first.key), key_text(&again.key)));
    ck_assert_uint_eq(first.key.digest.low, again.key.digest.low);
    ck_assert_int_eq(again.count, 2);
    ck_assert(again.look && again.store);
    policy.deterministic_only = true;
    plan_scratch_forget(&scratch);
    plan_request(&changed, &scratch, &secret, &scope, &request, 16380);
    ck_assert_int_eq(changed.reason, REASON_TEMPERATURE);
    plan_request(&changed, &scratch, &secret, &scope, &request, 16380);
    ck_assert_int_eq(changed.reason, REASON_TEMPERATURE);
    plan_scratch_free(&scratch);
}
END_TEST

Suite *suite_memo(void)
{
    Suite *suite = suite_create("memo");
    TCase *cases = tcase_create("memo");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_finds_only_what_was_added);
    tcase_add_test(cases, test_every_part_of_the_key_counts);
    tcase_add_test(cases, test_the_newer_of_two_in_one_place_stays);
    tcase_add_test(cases, test_plans_of_repeats);
    suite_add_tcase(suite, cases);
    return suite;
}
