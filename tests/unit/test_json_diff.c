/* Where documents differ, and how the place is called. */
#include "core/json_diff.h"
#include "unit.h"

static struct json_doc first, second;
static struct buf text;

static void setup(void)
{
    text = buf_new(1 << 16);
}

static void teardown(void)
{
    json_free(&first);
    json_free(&second);
    buf_free(&text);
    unit_guard_release();
}

static void say(const struct json_diff *diff)
{
    static const char *const words[] = {
        [JSON_VALUE] = "~", [JSON_ONLY_FIRST] = "-", [JSON_ONLY_SECOND] = "+", [JSON_ORDER] = "?"};

    buf_printf(&text, "%s%s", text.len ? " " : "", words[diff->found]);
    json_walk_path(diff->found == JSON_ONLY_SECOND ? &diff->second : &diff->first, &text);
}

/* All differences, each a sign and a path. */
static struct str differences(const char *one, const char *other)
{
    struct json_diff diff;

    ck_assert_int_eq(json_read(&first, unit_guard(str_of(one))), JSON_OK);
    ck_assert_int_eq(json_read(&second, unit_guard(str_of(other))), JSON_OK);
    buf_clear(&text);
    json_diff_begin(&diff, &first, &second);
    while (json_diff_next(&diff) != JSON_SAME)
        say(&diff);
    ck_assert_int_eq(json_diff_next(&diff), JSON_SAME);
    return buf_str(&text);
}

START_TEST(places)
{
    static const struct {
        const char *first, *second, *want;
    } cases[] = {
        {"1", "1", ""},
        {"1", "2", "~$"},
        {"1", "\"1\"", "~$"},
        {"[]", "{}", "~$"},
        {"{}", "{}", ""},
        {"{\"a\":1}", "{\"a\":1}", ""},
        {"{\"a\":1}", "{\"a\":2}", "~a"},
        {"{\"a\":1}", "{}", "-a"},
        {"{}", "{\"a\":[1,2]}", "+a"},
        {"{\"a\":1,\"c\":3}", "{\"a\":1,\"b\":[{}],\"c\":4}", "+b ~c"},
        {"{\"a\":{\"x\":[1]},\"b\":1}", "{\"c\":1,\"d\":2}", "-a -b +c +d"},
        {"{\"a\":[1,2,3],\"b\":1}", "{\"a\":[1,9],\"b\":2}", "~a[1] -a[2] ~b"},
        {"{\"a\":[{\"b\":1}],\"z\":1}", "{\"a\":[{\"b\":1},{\"c\":1}],\"z\":1}", "+a[1]"},
        {"[[1,[2,3]],4]", "[[1,[2,4]],4,5]", "~$[0][1][1] +$[2]"},
        {"{\"a\":[],\"b\":1}", "{\"a\":[1],\"b\":2}", "+a[0] ~b"},
        {"{\"a\":{\"b\":[1]}}", "{\"a\":{\"b\":{\"0\":1}}}", "~a.b"},
        {"{\"o\":{\"x\":1,\"y\":2},\"p\":1}", "{\"o\":{\"y\":2,\"x\":1},\"p\":2}", "?o.x ~p"},
        {"{\"a b\":{\"c\\\"\\n\":1},\"d-e_9\":1}", "{\"a b\":{\"c\\\"\\n\":2},\"d-e_9\":2}",
         "~[\"a b\"][\"c\\\"\\n\"] ~d-e_9"},
        {"{\"\":1}", "{\"\":2}", "~[\"\"]"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_is(differences(cases[i].first, cases[i].second), cases[i].want);
}
END_TEST

START_TEST(the_deepest)
{
    struct buf one = buf_new(1 << 12), other = buf_new(1 << 12), want = buf_new(1 << 12);

    buf_append(&want, STR("~$"));
    for (int i = 0; i < JSON_MAX_DEPTH; i++) {
        buf_append_byte(&one, '[');
        buf_append(&want, STR("[0]"));
    }
    buf_append(&other, buf_str(&one));
    buf_append_byte(&one, '1');
    buf_append_byte(&other, '2');
    for (int i = 0; i < JSON_MAX_DEPTH; i++) {
        buf_append_byte(&one, ']');
        buf_append_byte(&other, ']');
    }
    buf_append_byte(&one, '\0');
    buf_append_byte(&other, '\0');
    buf_append_byte(&want, '\0');
    ck_assert_str_is(differences(one.ptr, other.ptr), want.ptr);
    buf_free(&one);
    buf_free(&other);
    buf_free(&want);
}
END_TEST

Suite *suite_json_diff(void)
{
    Suite *suite = suite_create("json_diff");
    TCase *cases = tcase_create("json_diff");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, places);
    tcase_add_test(cases, the_deepest);
    suite_add_tcase(suite, cases);
    return suite;
}
