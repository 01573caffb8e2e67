/* Tenants and models: their defaults, and who is found by which word. */
#include "config_fixture.h"

#include <stdio.h>

START_TEST(defaults)
{
    struct config *c = good("[tenant Acme_1.x-y]\n[model meta/llama-3@1:0]\n");
    const struct tenant *tenant = config_tenant(c, STR("Acme_1.x-y"));
    const struct model *model = config_model(c, STR("meta/llama-3@1:0"));
    const struct policy *policy = config_policy(c, STR("llm"));

    ck_assert_str_is(tenant->name, "Acme_1.x-y");
    ck_assert(tenant->cache);
    ck_assert_int_eq(tenant->ttl, 0);
    ck_assert_str_is(tenant->policy, "");
    ck_assert_str_is(tenant->group, "");
    ck_assert_int_eq(tenant->max_request, 0);
    ck_assert_int_eq(tenant->max_body, 0);
    ck_assert_int_eq(tenant->allow_controls, CONTROLS_AS_POLICY);
    ck_assert_int_eq(tenant->generation, 0);
    ck_assert(model->cache);
    ck_assert_int_eq(model->ttl, 0);
    check_list(&policy->tenant_from, "variable");
    check_list(&policy->normalize, "");
    check_list(&policy->mask, "");
    ck_assert_int_eq(policy->ttl_jitter, 0);
    ck_assert_int_eq(policy->generation, 0);
    ck_assert(!policy->zero_usage && !policy->new_id);
    config_unref(c);
}
END_TEST

START_TEST(every_key_is_read)
{
    struct config *c = good("[tenant a]\nmatch = x\ncache = off\nttl = 1h\npolicy = llm\n"
                            "group = G.1\nmax-request = 1kb\nmax-body = 2kb\nallow-controls = no\n"
                            "generation = 1000000000\n"
                            "[model m]\ncache = off\nttl = 2h\n"
                            "[policy llm]\ntenant-from = Header:X-Org credential VARIABLE\n"
                            "normalize = trim nfc\nhit-usage = zero\nhit-id = new\n"
                            "ttl-jitter = 50\ngeneration = 7\nemit = x-cache-ttl\n");
    const struct tenant *tenant = config_tenant(c, STR("x"));
    const struct model *model = config_model(c, STR("m"));
    const struct policy *policy = config_policy(c, STR("llm"));

    ck_assert(!tenant->cache);
    ck_assert_int_eq(tenant->ttl, 3600000);
    ck_assert_str_is(tenant->policy, "llm");
    ck_assert_str_is(tenant->group, "G.1");
    ck_assert_int_eq(tenant->max_request, 1024);
    ck_assert_int_eq(tenant->max_body, 2048);
    ck_assert_int_eq(tenant->allow_controls, CONTROLS_NO);
    ck_assert_int_eq(tenant->generation, 1000000000);
    ck_assert(!model->cache);
    ck_assert_int_eq(model->ttl, 7200000);
    check_list(&policy->tenant_from, "header:x-org credential variable");
    check_list(&policy->normalize, "trim nfc");
    check_list(&policy->emit, "x-cache-ttl");
    ck_assert(policy->zero_usage && policy->new_id);
    ck_assert_int_eq(policy->ttl_jitter, 50);
    ck_assert_int_eq(policy->generation, 7);
    config_unref(c);
}
END_TEST

static void check_mask(const struct config *c, size_t count, const char *const *lines)
{
    const struct str_list *mask = &config_policy(c, STR("llm"))->mask;

    ck_assert_uint_eq(mask->count, count);
    for (size_t i = 0; i < count; i++)
        ck_assert_str_is(mask->items[i], lines[i]);
}

START_TEST(an_item_of_lines_is_a_line)
{
    static const char *const read[] = {"at [0-9]+, on", "[#] = [x]", "[id]: x;y", "z"};
    static const char *const set[] = {"a, b", "c d"};
    struct config *c = good("[policy llm]\nmask = at [0-9]+, on ; comment\n"
                            "  # comment\n\n  [#] = [x]\n\t[id]: x;y ; comment\n"
                            "  ; comment\n  z\n  [id]: x;y\nttl = 1h\n");

    check_mask(c, 4, read);
    ck_assert(config_override(c, "POLICY_LLM_MASK", "a, b\n\n  c d \n", &errors));
    check_mask(c, 2, set);
    ck_assert(config_override(c, "POLICY_LLM_MASK", "", &errors));
    check_mask(c, 0, NULL);
    config_unref(c);
}
END_TEST

/* What could not be read again when it was printed, or is not a line. */
static const struct {
    const char *value, *said; /* behind "environment SPOA_CACHE_POLICY_LLM_MASK: [policy llm] " */
} masks[] = {
    {"#x", "mask: \"#x\" is not a regular expression of up to 160 bytes\n"},
    {"a\n;x", "mask: \";x\" is not a regular expression of up to 160 bytes\n"},
    {"a ;b", "mask: \"a ;b\" is not a regular expression of up to 160 bytes\n"},
    {"a\tb", "mask: \"a?b\" is not a regular expression of up to 160 bytes\n"},
    {"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17",
     "mask: 17 lines are given, not 0 to 16\n"},
};

START_TEST(a_line_that_cannot_be_written_is_refused)
{
    struct config *c = good("");

    ck_assert(!config_override(c, "POLICY_LLM_MASK", masks[_i].value, &errors));
    ck_assert_str_is(
        str_from(buf_str(&errors), strlen("environment SPOA_CACHE_POLICY_LLM_MASK: [policy llm] ")),
        masks[_i].said);
    config_unref(c);
}
END_TEST

/* The name of who is found, "" for nobody. */
static const struct {
    const char *identity, *name;
} tenants[] = {
    {"plain", "plain"}, {"id:plain", ""}, {"Plain", ""},    {"plai", ""},       {"", ""},
    {"named", ""},      {"one", "named"}, {"two", "named"}, {"a#b;c", "named"},
};

START_TEST(a_tenant_is_found_by_its_identities)
{
    struct config *c = good("[tenant plain]\n[tenant named]\nmatch = one, two\n  a#b;c\n");
    const struct tenant *tenant = config_tenant(c, unit_guard(str_of(tenants[_i].identity)));

    ck_assert_str_is(tenant ? tenant->name : STR(""), tenants[_i].name);
    config_unref(c);
}
END_TEST

static const struct {
    const char *model, *name;
} models[] = {
    {"gpt-4o", "exact"},
    {"gpt-4o-mini", "long"},
    {"gpt-4o-", "long"},
    {"gpt-4", "short"},
    {"gpt-", "short"},
    {"gpt", ""},
    {"", ""},
    {"o3", "o3"},
    {"o3-mini", ""},
    {"gpt-4*", "short"},
    {"long", ""},
};

START_TEST(a_whole_name_goes_before_the_longest_prefix)
{
    struct config *c = good("[model short]\nmatch = gpt-*\n[model long]\nmatch = x gpt-4o-*\n"
                            "[model exact]\nmatch = gpt-4o\n[model o3]\n");
    const struct model *model = config_model(c, unit_guard(str_of(models[_i].model)));

    ck_assert_str_is(model ? model->name : STR(""), models[_i].name);
    config_unref(c);
}
END_TEST

START_TEST(a_star_alone_stands_for_every_model)
{
    struct config *c = good("[model all]\nmatch = *\n[model gpt-4]\n");

    ck_assert_str_is(config_model(c, STR(""))->name, "all");
    ck_assert_str_is(config_model(c, STR("anything"))->name, "all");
    ck_assert_str_is(config_model(c, STR("gpt-4"))->name, "gpt-4");
    config_unref(c);
}
END_TEST

START_TEST(prices_are_found_as_models_are)
{
    struct config *c = good("[price gpt-4o]\nprompt = 2.5\ncompletion = 10\n"
                            "[price gpt]\nmatch = gpt-*\nprompt = 0.15\n"
                            "[price rest]\nmatch = *\n[model gpt-4o]\nmatch = gpt-4o-*\n");

    ck_assert_int_eq(config_price(c, STR("gpt-4o"))->prompt, 2500000);
    ck_assert_int_eq(config_price(c, STR("gpt-4o"))->completion, 10000000);
    ck_assert_int_eq(config_price(c, STR("gpt-4o-mini"))->prompt, 150000);
    ck_assert_int_eq(config_price(c, STR("gpt-4o-mini"))->completion, 0);
    ck_assert_str_is(config_price(c, STR("o3"))->name, "rest");
    ck_assert(config_override(c, "PRICE_GPT_MATCH", "o*", &errors));
    ck_assert_str_is(config_price(c, STR("o3"))->name, "gpt");
    ck_assert(config_validate(c, &errors));
    ck_assert(config_override(c, "PRICE_REST_MATCH", "gpt-4o", &errors));
    ck_assert(!config_validate(c, &errors));
    ck_assert_ptr_nonnull(strstr(errors.ptr, "\"gpt-4o\" is matched by [price gpt-4o] as well\n"));
    config_unref(c);
}
END_TEST

START_TEST(a_price_is_a_decimal_number)
{
    struct config *c = good("[price m]\n");

    ck_assert(!config_override(c, "PRICE_M_PROMPT", "$2", &errors));
    ck_assert_str_is(buf_str(&errors),
                     "environment SPOA_CACHE_PRICE_M_PROMPT: [price m] prompt: \"$2\" is not a "
                     "decimal number from 0 to 10000000, in digits with up to 6 behind a point\n");
    config_unref(c);
}
END_TEST

START_TEST(the_environment_changes_who_is_found)
{
    struct config *c = good("[tenant a]\nmatch = x\n[model m]\nmatch = m-long-*\n");

    ck_assert(config_override(c, "TENANT_A_MATCH", "y z", &errors));
    ck_assert_ptr_null(config_tenant(c, STR("x")));
    ck_assert_str_is(config_tenant(c, STR("z"))->name, "a");
    ck_assert(config_override(c, "TENANT_A_MATCH", "", &errors));
    ck_assert_ptr_null(config_tenant(c, STR("z")));
    ck_assert_str_is(config_tenant(c, STR("a"))->name, "a");
    ck_assert(config_override(c, "MODEL_M_MATCH", "n*", &errors));
    ck_assert_ptr_null(config_model(c, STR("m-long-x")));
    ck_assert_str_is(config_model(c, STR("nn"))->name, "m");
    config_unref(c);
}
END_TEST

START_TEST(many_tenants_are_found)
{
    struct buf text = buf_new(1 << 20);
    char identity[32];

    for (int i = 0; i < CONFIG_MAX_TENANTS; i++)
        buf_printf(&text, "[tenant t%d]\nmatch = word-%d t%d\nttl = %ds\n", i, i, i, i + 1);
    struct config *c = good_str(buf_str(&text));
    ck_assert(config_validate(c, &errors));
    for (int i = 0; i < CONFIG_MAX_TENANTS; i++) {
        snprintf(identity, sizeof identity, "word-%d", i);
        ck_assert_int_eq(config_tenant(c, str_of(identity))->ttl, 1000 * (i + 1));
    }
    ck_assert_ptr_null(config_tenant(c, STR("word-4096")));
    config_unref(c);
    buf_free(&text);
}
END_TEST

/* A word of the longest length is printed as a line that is read again. */
START_TEST(the_longest_words_are_read_again)
{
    struct buf text = buf_new(1 << 16), printed = buf_new(1 << 20), again = buf_new(1 << 20);

    buf_printf(&text, "[tenant a]\nmatch = %0160d\n", 1);
    for (int i = 2; i <= 64; i++)
        buf_printf(&text, "  %0160d\n", i);
    buf_printf(&text, "[policy llm]\nmask = %0160d\n  %0160d\n", 1, 2);
    struct config *c = good_str(buf_str(&text));
    config_print(c, &printed);
    struct config *second = good_str(buf_str(&printed));
    config_print(second, &again);
    ck_assert(str_eq(buf_str(&printed), buf_str(&again)));
    struct str longest = {text.ptr + strlen("[tenant a]\nmatch = "), 160};
    ck_assert_str_is(config_tenant(second, longest)->name, "a");
    config_unref(c);
    config_unref(second);
    buf_free(&text);
    buf_free(&printed);
    buf_free(&again);
}
END_TEST

Suite *suite_config_sections(void)
{
    Suite *suite = suite_create("config_sections");
    TCase *tests = tcase_create("config_sections");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, defaults);
    tcase_add_test(tests, every_key_is_read);
    tcase_add_test(tests, an_item_of_lines_is_a_line);
    tcase_add_loop_test(tests, a_line_that_cannot_be_written_is_refused, 0,
                        sizeof masks / sizeof *masks);
    tcase_add_loop_test(tests, a_tenant_is_found_by_its_identities, 0,
                        sizeof tenants / sizeof *tenants);
    tcase_add_loop_test(tests, a_whole_name_goes_before_the_longest_prefix, 0,
                        sizeof models / sizeof *models);
    tcase_add_test(tests, a_star_alone_stands_for_every_model);
    tcase_add_test(tests, prices_are_found_as_models_are);
    tcase_add_test(tests, a_price_is_a_decimal_number);
    tcase_add_test(tests, the_environment_changes_who_is_found);
    tcase_add_test(tests, many_tenants_are_found);
    tcase_add_test(tests, the_longest_words_are_read_again);
    suite_add_tcase(suite, tests);
    return suite;
}
