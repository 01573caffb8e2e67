/* What the canonical form leaves out, folds and refuses, as a table says. */
#include "core/canonical.h"
#include "unit.h"

static struct json_doc doc;
static struct buf out, other, text;

/* An API that has a field of every kind. */
static const struct api_field part_fields[] = {
    {.name = "drop", .class = API_DROP},
    {.name = "bypass", .class = API_BYPASS},
    {.name = NULL},
};
static const struct api_object part = {.fields = part_fields, .empty_is_absent = true};
static const struct api_field kept_fields[] = {
    {.name = "drop", .class = API_DROP},
    {.name = "content", .object = &part},
    {.name = NULL},
};
static const struct api_object kept = {
    .fields = kept_fields,
    .keep_order = true,
    .bypass_types = (const char *const[]){"search", "run_", NULL},
    .text_parts = "content",
};
static const struct api_object told = {
    .fields = (const struct api_field[]){{.name = NULL}},
    .own_types = (const char *const[]){"own", NULL},
    .told_by = (const char *const[]){"type", "role", NULL},
};
static const struct api_object only = {
    .fields = (const struct api_field[]){{.name = "a"}, {.name = NULL}},
    .only_fields = true,
};
static const struct api_field kinds_fields[] = {
    {.name = "key"},
    {.name = "off", .flags = API_FALSE_IS_ABSENT},
    {.name = "one", .flags = API_ONE_IS_ABSENT},
    {.name = "value", .flags = API_BY_VALUE},
    {.name = "drop", .class = API_DROP},
    {.name = "bypass", .class = API_BYPASS},
    {.name = "unless", .class = API_BYPASS, .flags = API_IF_NOT_FALSE},
    {.name = "some", .flags = API_ZERO_BYPASSES},
    {.name = "kept", .object = &kept},
    {.name = "told", .object = &told},
    {.name = "only", .object = &only},
    {.name = NULL},
};
static const struct api_object every_kind = {.fields = kinds_fields, .null_is_absent = true};

static void setup(void)
{
    out = buf_new(1 << 20);
    other = buf_new(1 << 20);
    text = buf_new(1 << 20);
}

static void teardown(void)
{
    json_free(&doc);
    buf_free(&out);
    buf_free(&other);
    buf_free(&text);
    unit_guard_release();
}

/* The canonical form of a valid text, in *to. */
static struct str canonical(struct buf *to, struct str json, const struct api_object *envelope)
{
    enum json_error error = json_read(&doc, unit_guard(json));
    ck_assert_msg(error == JSON_OK, "%.*s: %s", STR_ARGS(json), json_error_name(error));
    buf_clear(to);
    ck_assert_int_eq(canonical_write(to, &doc, envelope, NULL), REASON_NONE);
    ck_assert(buf_ok(to));
    return buf_str(to);
}

START_TEST(kinds_of_fields)
{
    static const struct {
        const char *json, *want;
    } cases[] = {
        {"{\"drop\":[{\"x\":1}],\"a\":1,\"key\":2}", "{\"a\":1,\"key\":2}"},
        {"{\"drop\":1}", "{}"},
        {"{\"key\":{\"drop\":1}}", "{\"key\":{\"drop\":1}}"},
        /* null, false and 1 that say nothing, and those that do */
        {"{\"key\":null,\"bypass\":null,\"a\":null}", "{\"a\":null}"},
        {"{\"kept\":{\"content\":null}}", "{\"kept\":{\"content\":null}}"},
        {"{\"off\":false,\"key\":false}", "{\"key\":false}"},
        {"{\"off\":true}", "{\"off\":true}"},
        {"{\"off\":0}", "{\"off\":0}"},
        {"{\"one\":1,\"key\":1}", "{\"key\":1}"},
        {"{\"one\":1.0}", "{\"one\":1.0}"},
        {"{\"one\":\"1\"}", "{\"one\":\"1\"}"},
        {"{\"one\":true}", "{\"one\":true}"},
        {"{\"unless\":false}", "{\"unless\":false}"},
        {"{\"unless\":null}", "{}"},
        {"{\"some\":10,\"key\":0}", "{\"key\":0,\"some\":10}"},
        {"{\"some\":1e0}", "{\"some\":1e0}"},
        {"{\"some\":\"0\"}", "{\"some\":\"0\"}"},
        {"{\"told\":[{\"x\":1,\"role\":\"u\"},{\"type\":\"own\"},{\"type\":1},\"x\"]}",
         "{\"told\":[{\"role\":\"u\",\"x\":1},{\"type\":\"own\"},{\"type\":1},\"x\"]}"},
        {"{\"only\":[{\"a\":{\"b\":1}},{}]}", "{\"only\":[{\"a\":{\"b\":1}},{}]}"},
        /* order kept, and yet things dropped */
        {"{\"kept\":[{\"z\":1,\"drop\":0,\"a\":2},{\"drop\":1}]}",
         "{\"kept\":[{\"z\":1,\"a\":2},{}]}"},
        {"{\"kept\":{\"type\":\"xsearch\"}}", "{\"kept\":{\"type\":\"xsearch\"}}"},
        {"{\"kept\":{\"name\":\"search\"}}", "{\"kept\":{\"name\":\"search\"}}"},
        /* elements of which nothing is left; what was empty stays */
        {"{\"kept\":{\"content\":[{\"drop\":1},{\"b\":1,\"a\":1,\"drop\":1},{\"drop\":2}]}}",
         "{\"kept\":{\"content\":[{\"a\":1,\"b\":1}]}}"},
        {"{\"kept\":{\"content\":[{},1,[],{\"drop\":1}]}}", "{\"kept\":{\"content\":[{},1,[]]}}"},
        {"{\"kept\":{\"content\":[{\"drop\":1}]}}", "{\"kept\":{\"content\":[]}}"},
        {"{\"kept\":{\"content\":{\"drop\":1}}}", "{\"kept\":{\"content\":{}}}"},
        /* one text part is its text */
        {"{\"kept\":{\"content\":[{\"text\":\"a\\n\",\"type\":\"text\"}]}}",
         "{\"kept\":{\"content\":\"a\\u000a\"}}"},
        {"{\"kept\":{\"content\":[{\"drop\":{},\"type\":\"text\",\"text\":\"a\"}]}}",
         "{\"kept\":{\"content\":\"a\"}}"},
        {"{\"kept\":{\"content\":[{\"type\":\"text\"}]}}",
         "{\"kept\":{\"content\":[{\"type\":\"text\"}]}}"},
        {"{\"kept\":{\"content\":[{\"text\":\"a\"}]}}",
         "{\"kept\":{\"content\":[{\"text\":\"a\"}]}}"},
        {"{\"kept\":{\"content\":[{\"text\":\"a\",\"type\":\"t\"}]}}",
         "{\"kept\":{\"content\":[{\"text\":\"a\",\"type\":\"t\"}]}}"},
        {"{\"kept\":{\"content\":[{\"text\":1,\"type\":\"text\"}]}}",
         "{\"kept\":{\"content\":[{\"text\":1,\"type\":\"text\"}]}}"},
        {"{\"kept\":{\"content\":[{\"text\":\"a\",\"type\":\"text\",\"x\":0}]}}",
         "{\"kept\":{\"content\":[{\"text\":\"a\",\"type\":\"text\",\"x\":0}]}}"},
        {"{\"kept\":{\"content\":[{\"text\":\"a\",\"type\":\"text\"},\"b\"]}}",
         "{\"kept\":{\"content\":[{\"text\":\"a\",\"type\":\"text\"},\"b\"]}}"},
        {"{\"kept\":{\"content\":{\"text\":\"a\",\"type\":\"text\"}}}",
         "{\"kept\":{\"content\":{\"text\":\"a\",\"type\":\"text\"}}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_str_is(canonical(&out, str_of(cases[i].json), &every_kind), cases[i].want);
        ck_assert_str_is(canonical(&out, str_of(cases[i].want), &every_kind), cases[i].want);
    }
}
END_TEST

START_TEST(numbers_by_value)
{
    static const char longest[] =
        "0.50000000000000000000000000000000000000000000000000000000000000";
    static const struct {
        const char *number, *want;
    } cases[] = {
        {"0", "0"},
        {"0.0", "0"},
        {"-0", "0"},
        {"-0.0e5", "0"},
        {"0e99999", "0"},
        {"1", "1"},
        {"1.0", "1"},
        {"10e-1", "1"},
        {"0.00100e3", "1"},
        {"0.5", "5e-1"},
        {"5E-1", "5e-1"},
        {"0.50", "5e-1"},
        {"-0.0500e+1", "-5e-1"},
        {"-2", "-2"},
        {"-2.50", "-25e-1"},
        {"100", "100"},
        {"1e2", "100"},
        {"1E+002", "100"},
        {"1020.30", "10203e-1"},
        {"1e-7", "1e-7"},
        /* beyond a double, and what a double would take for another */
        {"0.70000000000000001", "70000000000000001e-17"},
        {"9007199254740993", "9007199254740993"},
        {"9007199254740993.0", "9007199254740993"},
        {"1e-400", "1e-400"},
        {"-1E+999", "-1e999"},
        {"1e63", "1000000000000000000000000000000000000000000000000000000000000000"},
        {"1e64", "1e64"},
        {"10e63", "1e64"},
        {"1e99999", "1e99999"},
        {"10e99999", "1e100000"},
        /* nobody means these */
        {"1.0e100000", "1.0e100000"},
        {"1.0e-99999999999999999999", "1.0e-99999999999999999999"},
        {longest, "5e-1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_clear(&text);
        buf_printf(&text, "{\"value\":%s}", cases[i].number);
        buf_clear(&other);
        buf_printf(&other, "{\"value\":%s}", cases[i].want);
        ck_assert_msg(str_eq(canonical(&out, buf_str(&text), &every_kind), buf_str(&other)), "%.*s",
                      STR_ARGS(buf_str(&out)));
        ck_assert(str_eq(canonical(&out, buf_str(&other), &every_kind), buf_str(&other)));
    }
    ck_assert_uint_eq(strlen(longest), 64);
    buf_clear(&text);
    buf_printf(&text, "{\"value\":%s0}", longest);
    ck_assert(str_eq(canonical(&out, buf_str(&text), &every_kind), buf_str(&text)));
    ck_assert_str_is(canonical(&out, STR("{\"value\":[0.0],\"key\":0.0}"), &every_kind),
                     "{\"key\":0.0,\"value\":[0.0]}");
}
END_TEST

START_TEST(fields_that_bypass)
{
    static const char *const cases[] = {
        "{\"bypass\":false}",
        "{\"bypass\":{}}",
        "{\"unless\":true}",
        "{\"unless\":0}",
        "{\"kept\":{\"type\":\"search\"}}",
        "{\"kept\":[{},{\"x\":1,\"type\":\"search_v2\"}]}",
        "{\"kept\":[{\"type\":\"run_it\"}]}",
        "{\"kept\":{\"content\":[{\"a\":1},{\"bypass\":null}]}}",
        "{\"kept\":{\"content\":[{\"type\":\"text\",\"text\":\"x\",\"bypass\":1}]}}",
        "{\"some\":0}",
        "{\"some\":-0.00}",
        "{\"some\":0E9}",
        "{\"told\":[{\"role\":\"u\",\"type\":\"owns\"}]}",
        "{\"told\":[{\"role\":\"u\",\"type\":\"ow\"}]}",
        "{\"told\":[{\"type\":\"own\"},{\"id\":1}]}",
        "{\"told\":[{\"role\":null,\"type\":null}]}",
        "{\"told\":[{}]}",
        "{\"only\":{\"a\":1,\"b\":null}}",
        "{\"z\":{},\"bypass\":1,\"a\":[{\"x\":1}]}",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(json_read(&doc, unit_guard(str_of(cases[i]))), JSON_OK);
        buf_clear(&out);
        ck_assert_msg(canonical_write(&out, &doc, &every_kind, NULL) == REASON_FIELD, "%s",
                      cases[i]);
    }
}
END_TEST

Suite *suite_canonical_kinds(void)
{
    Suite *s = suite_create("canonical_kinds");
    TCase *t = tcase_create("canonical_kinds");
    const TTest *const tests[] = {kinds_of_fields, numbers_by_value, fields_that_bypass};

    tcase_add_checked_fixture(t, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    return s;
}
