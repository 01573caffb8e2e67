/* Who asks, and what holds for them. */
#include "core/config.h"
#include "core/entry.h"
#include "core/scope.h"
#include "core_fixture.h"
#include "unit.h"
#include <stdio.h>

static struct config *config;
static struct key_secret secret;
static struct buf scratch;
static struct scope scope;

static void setup(void)
{
    secret = sample_secret();
    scratch = buf_new(1 << 16);
}

static void teardown(void)
{
    config_unref(config);
    config = NULL;
    buf_free(&scratch);
    unit_guard_release();
}

static void configure(const char *text)
{
    struct buf errors = buf_new(4096);

    config_unref(config);
    config = config_read(str_of(text), "test", &errors);
    ck_assert_msg(config != NULL, "%.*s", STR_ARGS(buf_str(&errors)));
    ck_assert(config_validate(config, &errors));
    buf_free(&errors);
}

/* The identity of a request with that variable, those headers and that target. */
static struct str identity_of(const char *tenant, const char *headers, const char *target)
{
    static char copy[256];
    struct request request = sample_request();

    request.tenant = str_of(tenant);
    request.headers = headers_of(headers);
    request.target = str_of(target);
    scope_find(&scope, config, &secret, &request, &scratch);
    ck_assert_uint_lt(scope.identity.len, sizeof copy);
    memcpy(copy, scope.identity.ptr, scope.identity.len);
    return (struct str){copy, scope.identity.len};
}

START_TEST(only_the_variable_unless_told)
{
    configure("");
    ck_assert_str_is(identity_of("acme", "", "/v1/x"), "acme");
    ck_assert_str_is(identity_of("", "authorization: Bearer sk-1\n", "/v1/x"), "");
    ck_assert_ptr_null(scope.tenant);
}
END_TEST

START_TEST(the_first_source_that_is_there)
{
    configure("[policy llm]\ntenant-from = variable header:X-Team credential\n");
    ck_assert_str_is(identity_of("acme", "x-team: red\nx-api-key: k\n", "/"), "acme");
    ck_assert_str_is(identity_of("", "x-team: red\nx-api-key: k\n", "/"), "red");
    ck_assert_str_is(identity_of("", "x-team: red\nx-team: blue\n", "/"), "");
    ck_assert(str_starts(identity_of("", "x-api-key: k\n", "/"), STR("credential:")));
}
END_TEST

START_TEST(credentials)
{
    static const struct {
        const char *headers, *target;
    } different[] = {
        {"authorization: Bearer sk-1\n", "/"},
        {"authorization: Bearer sk-2\n", "/"},
        {"x-api-key: Bearer sk-1\n", "/"},
        {"api-key: Bearer sk-1\n", "/"},
        {"x-goog-api-key: Bearer sk-1\n", "/"},
        {"", "/?key=Bearer%20sk-1"},
        {"authorization: Bearer sk-1\nx-api-key: a\n", "/"},
        {"authorization: Bearer sk-1\n", "/?a=b&key=a"},
    };
    enum { COUNT = sizeof different / sizeof *different };
    char seen[COUNT][128];

    configure("[policy llm]\ntenant-from = credential\n");
    for (size_t i = 0; i < COUNT; i++) {
        struct str id = identity_of("ignored", different[i].headers, different[i].target);
        ck_assert_uint_eq(id.len, strlen("credential:") + 32);
        snprintf(seen[i], sizeof seen[i], "%.*s", STR_ARGS(id));
        ck_assert_msg(!strstr(seen[i], "sk-1"), "the credential shows");
        for (size_t j = 0; j < i; j++)
            ck_assert_msg(strcmp(seen[i], seen[j]) != 0, "%zu and %zu are one", i, j);
        struct str again = identity_of("", different[i].headers, different[i].target);
        ck_assert_str_is(again, seen[i]);
    }
}
END_TEST

/* Two of a kind: the origin may believe the other one. */
START_TEST(no_credential_that_comes_twice)
{
    configure("[policy llm]\ntenant-from = credential\n");
    ck_assert_str_is(identity_of("", "authorization: a\nauthorization: b\n", "/"), "");
    ck_assert_str_is(identity_of("", "authorization: a\nauthorization: a\n", "/"), "");
    ck_assert_str_is(identity_of("", "authorization: a\n", "/?key=a&key=b"), "");
    ck_assert_str_is(identity_of("", "", "/"), "");
    ck_assert_str_is(identity_of("", "authorization:\n", "/?key="), "");
}
END_TEST

/* For who shows it to others. */
START_TEST(a_credential_that_names_a_tenant_is_hidden)
{
    configure("[policy llm]\ntenant-from = variable header:x-team header:x-api-key\n"
              "[tenant acme]\nmatch = sk-1\n");
    identity_of("", "x-api-key: sk-2\n", "/");
    ck_assert(scope_hides_owner(&scope));
    identity_of("", "x-api-key: sk-1\n", "/");
    ck_assert(!scope_hides_owner(&scope)); /* it is called acme */
    identity_of("", "x-team: red\nx-api-key: sk-2\n", "/");
    ck_assert(!scope_hides_owner(&scope));
    identity_of("red", "x-api-key: sk-2\n", "/");
    ck_assert(!scope_hides_owner(&scope));
}
END_TEST

START_TEST(limits_are_the_narrower_ones)
{
    configure("[policy llm]\nttl = 2h\nmax-body = 2kb\nmax-request = 2kb\n"
              "[tenant wide]\nttl = 3h\nmax-body = 3kb\nmax-request = 3kb\n"
              "[tenant slim]\nttl = 1h\nmax-body = 1kb\nmax-request = 1kb\nallow-controls = yes\n");
    identity_of("nobody", "", "/");
    ck_assert_ptr_null(scope.tenant);
    ck_assert_int_eq(scope.ttl, 7200000);
    ck_assert_int_eq(scope.max_body, 2048);
    ck_assert(!scope.allow_controls);
    identity_of("wide", "", "/");
    ck_assert_ptr_nonnull(scope.tenant);
    ck_assert_int_eq(scope.ttl, 7200000);
    ck_assert_int_eq(scope.max_request, 2048);
    identity_of("slim", "", "/");
    ck_assert_int_eq(scope.ttl, 3600000);
    ck_assert_int_eq(scope.max_request, 1024);
    ck_assert_int_eq(scope.max_body, 1024);
    ck_assert(scope.allow_controls);
}
END_TEST

START_TEST(the_price_of_the_model_in_the_path_first)
{
    const struct api *azure = api_named(STR("openai-chat"));
    const struct str path = STR("/openai/deployments/mine/chat/completions");

    configure("");
    identity_of("acme", "", "/v1/x");
    ck_assert_ptr_null(scope_price(&scope, azure, STR("gpt-4o"), path));
    configure("[price gpt-4o]\nprompt = 2.5\ncompletion = 10\n");
    identity_of("acme", "", "/v1/x");
    ck_assert_int_eq(scope_price(&scope, azure, STR("gpt-4o"), path)->prompt, 2500000);
    ck_assert_ptr_null(scope_price(&scope, azure, STR("o3"), path));
    configure("[price gpt-4o]\nprompt = 2.5\n[price mine]\nprompt = 1\n");
    identity_of("acme", "", "/v1/x");
    ck_assert_int_eq(scope_price(&scope, azure, STR("gpt-4o"), path)->prompt, 1000000);
    ck_assert_uint_eq(price_of(scope_price(&scope, azure, STR("gpt-4o"), STR("/v1")), 9, 1), 22500);
}
END_TEST

START_TEST(the_price_of_one_of_some_names)
{
    configure("[price gpt-4o]\nprompt = 2.5\n[price mine]\nprompt = 1\n");
    ck_assert_ptr_null(scope_price_of(config, STR("")));
    ck_assert_ptr_null(scope_price_of(config, STR("o3 ")));
    ck_assert_str_is(scope_price_of(config, STR("mine gpt-4o "))->name, "mine");
    ck_assert_str_is(scope_price_of(config, STR("yours gpt-4o "))->name, "gpt-4o");
    configure("[price all]\nmatch = *\n");
    ck_assert_str_is(scope_price_of(config, STR(""))->name, "all");
}
END_TEST

START_TEST(money_in_billionths)
{
    const struct price price = {.prompt = 2500000, .completion = 10000000};
    const struct price dear = {.prompt = 10000000000000, .completion = 10000000000000};

    ck_assert_uint_eq(price_of(NULL, 1000, 1000), 0);
    ck_assert_uint_eq(price_of(&price, 0, 0), 0);
    ck_assert_uint_eq(price_of(&price, 1, 0), 2500);
    ck_assert_uint_eq(price_of(&price, 1000000, 500000), 7500000000);
    ck_assert_uint_eq(price_of(&dear, ENTRY_TOKENS_MAX, ENTRY_TOKENS_MAX), 2000000000000000000);
}
END_TEST

START_TEST(controls_can_be_taken_from_a_tenant)
{
    configure("[policy llm]\nallow-controls = yes\n[tenant a]\nallow-controls = no\n[tenant b]\n");
    identity_of("a", "", "/");
    ck_assert(!scope.allow_controls);
    identity_of("b", "", "/");
    ck_assert(scope.allow_controls);
}
END_TEST

START_TEST(a_tenant_can_have_another_policy)
{
    configure("[policy brief]\nttl = 5s\n[tenant a]\npolicy = brief\n");
    identity_of("a", "", "/");
    ck_assert_str_is(scope.policy->name, "brief");
    ck_assert_int_eq(scope.ttl, 5000);
}
END_TEST

static struct key key_for(const char *tenant)
{
    struct request request = sample_request();
    struct key_context context = {.api = STR("")};
    struct key_body body = {.length = 1};
    struct key key;

    identity_of(tenant, "", "/");
    context.owner = scope.owner;
    ck_assert(key_derive(&key, &secret, scope.policy, &request, &body, &context, &scratch));
    return key;
}

static bool share(const char *one, const char *other)
{
    struct key a = key_for(one), b = key_for(other);

    return str_eq(key_text(&a), key_text(&b));
}

START_TEST(who_shares)
{
    configure("[tenant a]\ngroup = team\n[tenant b]\ngroup = team\n[tenant c]\ngroup = other\n"
              "[tenant d]\nmatch = d1 d2\n");
    ck_assert(share("a", "a"));
    ck_assert(share("a", "b"));
    ck_assert(!share("a", "c"));
    ck_assert(!share("a", "d1"));
    ck_assert(!share("a", "team")); /* a tenant called like the group */
    ck_assert(share("d1", "d2"));   /* one tenant, two names */
    ck_assert(!share("d", "d1"));   /* the section's own name is none of them */
    ck_assert(!share("x", "y"));
    configure("[policy llm]\nscope = shared\n");
    ck_assert(share("x", "y"));
}
END_TEST

START_TEST(another_generation_is_another_key)
{
    struct key first, second, third;

    configure("[tenant a]\n");
    first = key_for("a");
    configure("[tenant a]\ngeneration = 1\n");
    second = key_for("a");
    configure("[policy llm]\ngeneration = 1\n[tenant a]\n");
    third = key_for("a");
    ck_assert(!str_eq(key_hash(&first), key_hash(&second)));
    ck_assert(!str_eq(key_hash(&first), key_hash(&third)));
    ck_assert(!str_eq(key_hash(&second), key_hash(&third)));
}
END_TEST

static void owner_is(const char *name, const char *kind, const char *owner)
{
    struct key_owner found = scope_owner_of(config, str_of(name));

    ck_assert_str_is(found.kind, kind);
    ck_assert_str_is(found.name, owner);
}

/* Whose answers a purge of a tenant takes back: those that scope_find() gives it. */
START_TEST(owners_by_name)
{
    configure("[tenant acme]\n[tenant red]\ngroup = colours\n[tenant named]\nmatch = id:x\n");
    owner_is("acme", "section", "acme");
    owner_is("red", "group", "colours");
    owner_is("named", "section", "named");
    owner_is("id:x", "section", "named");
    owner_is("id:named", "tenant", "id:named");
    owner_is("id:other", "tenant", "id:other");
    identity_of("id:x", "", "/");
    ck_assert_str_is(scope.owner.kind, "section");
    ck_assert_str_is(scope.owner.name, "named");
}
END_TEST

Suite *suite_scope(void)
{
    Suite *suite = suite_create("scope");
    TCase *cases = tcase_create("scope");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, only_the_variable_unless_told);
    tcase_add_test(cases, the_first_source_that_is_there);
    tcase_add_test(cases, credentials);
    tcase_add_test(cases, no_credential_that_comes_twice);
    tcase_add_test(cases, a_credential_that_names_a_tenant_is_hidden);
    tcase_add_test(cases, limits_are_the_narrower_ones);
    tcase_add_test(cases, the_price_of_the_model_in_the_path_first);
    tcase_add_test(cases, the_price_of_one_of_some_names);
    tcase_add_test(cases, money_in_billionths);
    tcase_add_test(cases, controls_can_be_taken_from_a_tenant);
    tcase_add_test(cases, a_tenant_can_have_another_policy);
    tcase_add_test(cases, who_shares);
    tcase_add_test(cases, another_generation_is_another_key);
    tcase_add_test(cases, owners_by_name);
    suite_add_tcase(suite, cases);
    return suite;
}
