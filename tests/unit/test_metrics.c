/* What is counted, under which labels, and that both forms say the same. */
#include "core/json.h"
#include "core/metrics.h"
#include "unit.h"

#include <stdio.h>

static struct metrics m;
static struct buf text, json;
static struct json_doc doc;

static const char version[] = "1.2.3-4-gabcdef0-dirty";

static void setup(void)
{
    memset(&m, 0, sizeof m);
    text = json = buf_new(16 << 20);
}

static void teardown(void)
{
    buf_free(&text);
    buf_free(&json);
    json_free(&doc);
}

static void render(void)
{
    buf_clear(&text);
    metrics_render(&m, version, true, &text);
    buf_append_byte(&text, '\0');
    ck_assert(buf_ok(&text));
}

/* Whether the text has the line, without its prefix. */
static void check_line(const char *line)
{
    char whole[512];

    snprintf(whole, sizeof whole, "\nspoa_cache_%s\n", line);
    ck_assert_msg(strstr(text.ptr, whole) != NULL, "no line %s in %s", line, text.ptr);
}

static size_t lines_of(const char *name)
{
    char begin[128];
    size_t count = 0;

    snprintf(begin, sizeof begin, "\nspoa_cache_%s", name);
    for (const char *at = text.ptr; (at = strstr(at, begin)); at++)
        count++;
    return count;
}

static const struct api *chat(void)
{
    return api_named(STR("openai-chat"));
}

START_TEST(lookups_by_what_they_came_to)
{
    size_t llm = metrics_policy(&m, STR("llm")), docs = metrics_policy(&m, STR("docs"));
    const struct metrics_lookup lookups[] = {
        {.result = METRICS_HIT, .policy = llm, .api = chat()},
        {.result = METRICS_HIT, .policy = llm, .api = chat()},
        {.result = METRICS_HIT, .policy = docs},
        {.result = METRICS_MISS, .reason = REASON_ABSENT, .policy = llm, .api = chat()},
        {.result = METRICS_MISS, .reason = REASON_STORE_DOWN, .policy = llm, .api = api_generic()},
        {.result = METRICS_BYPASS, .reason = REASON_STORE_DOWN, .policy = llm, .api = chat()},
        {.result = METRICS_BYPASS, .reason = REASON_NO_POLICY},
    };

    for (size_t i = 0; i < sizeof lookups / sizeof *lookups; i++)
        metrics_count_lookup(&m, &lookups[i]);
    render();
    check_line("lookups_total{policy=\"llm\",api=\"openai-chat\",result=\"hit\"} 2");
    check_line("lookups_total{policy=\"llm\",api=\"openai-chat\",result=\"miss\"} 1");
    check_line("lookups_total{policy=\"llm\",api=\"openai-chat\",result=\"bypass\"} 1");
    check_line("lookups_total{policy=\"llm\",api=\"generic\",result=\"miss\"} 1");
    check_line("lookups_total{policy=\"docs\",api=\"(none)\",result=\"hit\"} 1");
    check_line("lookups_total{policy=\"(none)\",api=\"(none)\",result=\"bypass\"} 1");
    ck_assert_uint_eq(lines_of("lookups_total"), 6);
    check_line("lookup_reasons_total{result=\"miss\",reason=\"absent\"} 1");
    check_line("lookup_reasons_total{result=\"miss\",reason=\"store-down\"} 1");
    check_line("lookup_reasons_total{result=\"bypass\",reason=\"store-down\"} 1");
    check_line("lookup_reasons_total{result=\"bypass\",reason=\"no-policy\"} 1");
    ck_assert_uint_eq(lines_of("lookup_reasons_total"), 4);
    check_line("lookup_seconds_count 7");
    check_line("hit_bytes_count 3");
}
END_TEST

/* The lookup before the wait was counted: each request is in lookups_total once. */
START_TEST(waits_are_no_lookups)
{
    size_t llm = metrics_policy(&m, STR("llm"));
    const struct metrics_lookup landed = {.result = METRICS_HIT,
                                          .policy = llm,
                                          .api = chat(),
                                          .waited = true,
                                          .tokens = {10, 20},
                                          .time = 1000};
    const struct metrics_lookup over = {
        .result = METRICS_MISS, .reason = REASON_WAIT_OVER, .policy = llm, .waited = true};

    metrics_count_lookup(&m, &landed);
    metrics_count_lookup(&m, &over);
    render();
    ck_assert_uint_eq(lines_of("lookups_total"), 0);
    ck_assert_uint_eq(lines_of("lookup_reasons_total"), 0);
    check_line("coalesced_total{policy=\"llm\",api=\"openai-chat\"} 1");
    check_line("wait_reasons_total{reason=\"wait-over\"} 1");
    check_line("saved_tokens_total{policy=\"llm\",kind=\"prompt\"} 10");
    check_line("lookup_seconds_count 0");
    check_line("hit_age_seconds_count 1");
}
END_TEST

START_TEST(what_a_hit_saves)
{
    size_t llm = metrics_policy(&m, STR("llm"));
    struct metrics_lookup hit = {.result = METRICS_HIT,
                                 .policy = llm,
                                 .tokens = {1000, 7},
                                 .money = 2500000,
                                 .age = 90000,
                                 .size = 512};

    metrics_count_lookup(&m, &hit);
    hit.money = 12000000001;
    metrics_count_lookup(&m, &hit);
    render();
    check_line("saved_tokens_total{policy=\"llm\",kind=\"prompt\"} 2000");
    check_line("saved_tokens_total{policy=\"llm\",kind=\"completion\"} 14");
    check_line("saved_money_total{policy=\"llm\"} 12.002500001");
    ck_assert_uint_eq(lines_of("tenant_"), 0);
    check_line("hit_age_seconds_bucket{le=\"60\"} 0");
    check_line("hit_age_seconds_bucket{le=\"300\"} 2");
    check_line("hit_age_seconds_sum 180.000");
    check_line("hit_bytes_bucket{le=\"256\"} 0");
    check_line("hit_bytes_bucket{le=\"512\"} 2");
    check_line("hit_bytes_bucket{le=\"1048576\"} 2");
    check_line("hit_bytes_sum 1024");
}
END_TEST

START_TEST(answers_stored_and_refused)
{
    size_t llm = metrics_policy(&m, STR("llm"));

    metrics_count_answer(&m, llm, chat(), REASON_NONE, 2 << 20);
    metrics_count_answer(&m, llm, chat(), REASON_STATUS, 3);
    metrics_count_answer(&m, 0, NULL, REASON_TICKET, 0);
    render();
    check_line("stored_total{policy=\"llm\",api=\"openai-chat\"} 1");
    check_line("refused_total{reason=\"status\"} 1");
    check_line("refused_total{reason=\"ticket\"} 1");
    check_line("stored_bytes_bucket{le=\"1048576\"} 0");
    check_line("stored_bytes_bucket{le=\"+Inf\"} 1");
    check_line("stored_bytes_sum 2097152");
    check_line("stored_bytes_count 1");
}
END_TEST

/* A value at a bound is below it, as Prometheus has it. */
START_TEST(bounds_of_latency)
{
    static const struct {
        uint64_t nanoseconds;
        const char *inside, *outside;
    } times[] = {
        {0, "2e-05", NULL},           {20000, "2e-05", NULL},   {20001, "5e-05", "2e-05"},
        {1000000, "0.001", "0.0005"}, {1000000000, "1", "0.5"}, {1000000001, "+Inf", "1"},
    };

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char line[100];
        setup();
        metrics_count_lookup(&m, &(struct metrics_lookup){.time = times[i].nanoseconds});
        render();
        snprintf(line, sizeof line, "lookup_seconds_bucket{le=\"%s\"} 1", times[i].inside);
        check_line(line);
        snprintf(line, sizeof line, "lookup_seconds_bucket{le=\"%s\"} 0", times[i].outside);
        if (times[i].outside)
            check_line(line);
        check_line("lookup_seconds_bucket{le=\"+Inf\"} 1");
        teardown();
    }
    setup();
}
END_TEST

START_TEST(a_policy_keeps_its_number)
{
    size_t llm = metrics_policy(&m, STR("llm")), llm2 = metrics_policy(&m, STR("llm2")), last = 0;

    ck_assert_uint_ne(llm, llm2);
    ck_assert_uint_eq(metrics_policy(&m, STR("llm")), llm);
    ck_assert_uint_ne(metrics_policy(&m, STR("")), llm);
    for (int i = 0; i < 1000; i++) {
        char name[32];
        int len = snprintf(name, sizeof name, "policy-%d", i);
        last = metrics_policy(&m, (struct str){name, (size_t)len});
        ck_assert_uint_lt(last, METRICS_POLICIES);
    }
    ck_assert_uint_eq(metrics_policy(&m, STR("llm2")), llm2);
    ck_assert_uint_eq(metrics_policy(&m, STR("one more")), last);
    metrics_count_answer(&m, last, NULL, REASON_NONE, 1);
    render();
    check_line("stored_total{policy=\"(other)\",api=\"(none)\"} 1");
}
END_TEST

static void count_tenant(uint64_t digest, struct str name)
{
    metrics_count_lookup(&m, &(struct metrics_lookup){.result = METRICS_HIT,
                                                      .tenant = metrics_tenant(&m, digest, name),
                                                      .tokens = {1, 0}});
}

START_TEST(tenants_are_counted_when_asked_for)
{
    count_tenant(1, STR("acme"));
    render();
    ck_assert_uint_eq(lines_of("tenant_"), 0);
    m.tenants.max = 2;
    count_tenant(1, STR("acme"));
    count_tenant(2, STR("globex"));
    count_tenant(3, STR("initech"));
    count_tenant(4, STR("umbrella"));
    count_tenant(1, STR("")); /* a wait, which knows no name */
    count_tenant(5, STR(""));
    count_tenant(6, STR("globex")); /* of another generation */
    render();
    check_line("tenant_lookups_total{tenant=\"acme\",result=\"hit\"} 2");
    check_line("tenant_lookups_total{tenant=\"globex\",result=\"hit\"} 2");
    check_line("tenant_lookups_total{tenant=\"(other)\",result=\"hit\"} 3");
    ck_assert_uint_eq(lines_of("tenant_lookups_total"), 3);
    check_line("tenant_saved_tokens_total{tenant=\"acme\",kind=\"prompt\"} 2");
}
END_TEST

/* Who has made its name up can neither break the page nor be taken for somebody else. */
START_TEST(names_of_tenants_are_tame)
{
    char longest[METRICS_NAME_MAX + 20];

    m.tenants.max = METRICS_TENANTS_MAX;
    memset(longest, 'x', sizeof longest);
    count_tenant(1, STR("a\"} 1\nup 0"));
    count_tenant(2, STR("a\"} 1\nup\t0"));
    count_tenant(3, STR("\xff\xfe"));
    count_tenant(4, (struct str){longest, sizeof longest});
    longest[sizeof longest - 1] = 'y';
    count_tenant(5, (struct str){longest, sizeof longest});
    count_tenant(6, (struct str){longest, METRICS_NAME_MAX - 1});
    count_tenant(7, STR("(other)"));
    count_tenant(8, STR("(none)"));
    render();
    ck_assert_uint_eq(lines_of("tenant_lookups_total"), 8);
    check_line("tenant_lookups_total{tenant=\"(other)\",result=\"hit\"} 1");
    ck_assert_uint_eq(lines_of("tenant_lookups_total{tenant=\"a?} 1?up"), 2);
    ck_assert_ptr_null(strstr(text.ptr, "\nup"));
    longest[METRICS_NAME_MAX - 1] = '\0';
    char line[200];
    snprintf(line, sizeof line, "tenant_lookups_total{tenant=\"%s\",result=\"hit\"} 1", longest);
    check_line(line);
}
END_TEST

START_TEST(tenants_without_end)
{
    m.tenants.max = METRICS_TENANTS_MAX;
    for (int round = 0; round < 2; round++)
        for (uint64_t i = 0; i < 20000; i++) {
            char name[20];
            int len = snprintf(name, sizeof name, "tenant %d", (int)i);
            count_tenant(i * 4096, (struct str){name, (size_t)len});
        }
    render();
    ck_assert_uint_eq(lines_of("tenant_lookups_total"), METRICS_TENANTS_MAX + 1);
    check_line("tenant_lookups_total{tenant=\"tenant 0\",result=\"hit\"} 2");
    check_line("tenant_lookups_total{tenant=\"tenant 999\",result=\"hit\"} 2");
    check_line("tenant_lookups_total{tenant=\"(other)\",result=\"hit\"} 38000");
}
END_TEST

START_TEST(errors_of_connections)
{
    metrics_count_spop_error(&m, 4);
    metrics_count_spop_error(&m, 13);
    metrics_count_spop_error(&m, 99);
    metrics_count_spop_error(&m, 50);
    render();
    check_line("spop_errors_total{code=\"invalid frame received\"} 1");
    check_line("spop_errors_total{code=\"resource allocation error\"} 1");
    check_line("spop_errors_total{code=\"an unknown error occurred\"} 2");
}
END_TEST

/* A number of its own in some of each family. */
static void fill(void)
{
    enum { NUMBERS = offsetof(struct metrics, policies) / sizeof(uint64_t), SPREADS = 200 };
    uint64_t *numbers = (uint64_t *)(void *)&m;

    for (size_t i = 0; i < NUMBERS; i++)
        numbers[i] = i % 61 == 0 || i >= NUMBERS - SPREADS ? i * 1000003 : 0;
    for (size_t i = 2; i < METRICS_POLICIES; i++)
        snprintf(m.policies[i], sizeof m.policies[i], "policy-%zu", i);
    for (size_t i = 2; i < METRICS_TENANTS; i++)
        snprintf(m.tenants.names[i], sizeof m.tenants.names[i], "tenant %zu", i);
}

static const struct json_node *member(const struct json_node *object, struct str name)
{
    const struct json_node *found = object ? json_member(&doc, object, name) : NULL;

    ck_assert_msg(found != NULL, "no %.*s", STR_ARGS(name));
    return found;
}

/* Whether the labels in the text, name="value",... are those of the JSON. */
static bool same_labels(struct str labels, const struct json_node *object)
{
    size_t count = 0;

    for (; labels.len; count++) {
        struct str name = str_split(&labels, '=');
        labels = str_from(labels, 1);
        struct str value = str_split(&labels, '"');
        const struct json_node *found = json_member(&doc, object, name);
        if (!found || !str_eq(found->text, value))
            return false;
        labels = str_from(labels, labels.len && *labels.ptr == ',');
    }
    return count == object->count;
}

static struct str labelled(const struct json_node *list, struct str labels)
{
    ck_assert_int_eq(list->type, JSON_ARRAY);
    for (const struct json_node *at = json_first(list); at; at = json_next(&doc, list, at))
        if (same_labels(labels, member(at, STR("labels"))))
            return member(at, STR("value"))->text;
    return STR("");
}

static struct str bucket(const struct json_node *spread, struct str bound)
{
    const struct json_node *list = member(spread, STR("buckets"));

    if (str_eq(bound, STR("+Inf")))
        return member(spread, STR("count"))->text;
    for (const struct json_node *at = json_first(list); at; at = json_next(&doc, list, at))
        if (str_eq(json_first(at)->text, bound))
            return json_next(&doc, at, json_first(at))->text;
    return STR("");
}

static struct str json_value(struct str name, struct str labels)
{
    const struct json_node *all = member(doc.nodes, STR("metrics"));
    const struct json_node *found = json_member(&doc, all, name);

    if (found)
        return labels.len ? labelled(found, labels) : found->text;
    for (size_t i = 0; i < 3; i++) {
        static const struct str ends[] = {{"_bucket", 7}, {"_sum", 4}, {"_count", 6}};
        if (!str_ends(name, ends[i]))
            continue;
        found = member(all, (struct str){name.ptr, name.len - ends[i].len});
        if (i == 0) {
            str_split(&labels, '"');
            return bucket(found, str_split(&labels, '"'));
        }
        return member(found, str_from(ends[i], 1))->text;
    }
    return STR("");
}

START_TEST(both_forms_say_the_same)
{
    size_t samples = 0;

    fill();
    buf_clear(&text);
    metrics_render(&m, version, true, &text);
    metrics_render_json(&m, version, true, &json);
    ck_assert(buf_ok(&text) && buf_ok(&json));
    ck_assert_int_eq(json_read(&doc, unit_guard(buf_str(&json))), JSON_OK);
    ck_assert_str_is(member(doc.nodes, STR("version"))->text, "1.2.3-4-gabcdef0-dirty");
    ck_assert_int_eq(member(doc.nodes, STR("ready"))->type, JSON_TRUE);
    for (struct str rest = buf_str(&text); rest.len;) {
        struct str line = str_split(&rest, '\n');
        if (*line.ptr == '#' || str_starts(line, STR("spoa_cache_build_info")) ||
            str_starts(line, STR("spoa_cache_ready")))
            continue;
        line = str_from(line, sizeof "spoa_cache_" - 1);
        /* a label may hold a space, a value does not */
        struct str name = {line.ptr, 0};
        while (name.ptr[name.len] != '{' && name.ptr[name.len] != ' ')
            name.len++;
        struct str labels = STR(""), value = str_from(line, name.len + 1);
        if (name.ptr[name.len] == '{') {
            const char *end = memchr(value.ptr, '}', value.len);
            ck_assert_ptr_nonnull(end);
            labels = (struct str){value.ptr, (size_t)(end - value.ptr)};
            value = str_from(value, labels.len + 2);
        }
        struct str other = json_value(name, labels);
        ck_assert_msg(str_eq(value, other), "%.*s in JSON: %.*s", STR_ARGS(line), STR_ARGS(other));
        samples++;
    }
    ck_assert_uint_gt(samples, 400);
}
END_TEST

Suite *suite_metrics(void)
{
    Suite *suite = suite_create("metrics");
    TCase *cases = tcase_create("metrics");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_checked_fixture(cases, NULL, unit_guard_release);
    tcase_add_test(cases, lookups_by_what_they_came_to);
    tcase_add_test(cases, waits_are_no_lookups);
    tcase_add_test(cases, what_a_hit_saves);
    tcase_add_test(cases, answers_stored_and_refused);
    tcase_add_test(cases, bounds_of_latency);
    tcase_add_test(cases, a_policy_keeps_its_number);
    tcase_add_test(cases, tenants_are_counted_when_asked_for);
    tcase_add_test(cases, names_of_tenants_are_tame);
    tcase_add_test(cases, tenants_without_end);
    tcase_add_test(cases, errors_of_connections);
    tcase_add_test(cases, both_forms_say_the_same);
    suite_add_tcase(suite, cases);
    return suite;
}
