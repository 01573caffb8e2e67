#include "../jansson_oracle.h"
#include "core/buf.h"
#include "core/json.h"
#include "unit.h"

#include <stdlib.h>

#define T(literal) STR(literal)

static struct json_doc doc;

static void teardown(void)
{
    json_free(&doc);
    unit_guard_release();
}

static enum json_error read_guarded(struct str text)
{
    return json_read(&doc, unit_guard(text));
}

struct verdict {
    struct str text;
    enum json_error error;
};

static void check_verdicts(const struct verdict *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum json_error error = read_guarded(cases[i].text);
        ck_assert_msg(error == cases[i].error, "%.*s: %s, want %s", STR_ARGS(cases[i].text),
                      json_error_name(error), json_error_name(cases[i].error));
        ck_assert_msg(error == JSON_OK ? doc.count > 0 : doc.count == 0, "%.*s: %zu nodes",
                      STR_ARGS(cases[i].text), doc.count);
        const char *wrong = oracle_verdict(cases[i].text, error);
        ck_assert_msg(!wrong, "%.*s: %s", STR_ARGS(cases[i].text), wrong);
    }
}

#define CHECK_VERDICTS(cases) check_verdicts(cases, sizeof(cases) / sizeof *(cases))

START_TEST(structure)
{
    static const struct verdict cases[] = {
        {T("{}"), JSON_OK},
        {T("[]"), JSON_OK},
        {T("null"), JSON_OK},
        {T("true"), JSON_OK},
        {T("false"), JSON_OK},
        {T("\"\""), JSON_OK},
        {T(" \t\r\n{ \"a\" : [ 1 , { } , [ ] ] , \"b\" : null } \t\r\n"), JSON_OK},
        {T(""), JSON_CUT},
        {T(" \n"), JSON_CUT},
        {T("{"), JSON_CUT},
        {T("{\"a\""), JSON_CUT},
        {T("{\"a\":"), JSON_CUT},
        {T("{\"a\":1"), JSON_CUT},
        {T("{\"a\":1,"), JSON_CUT},
        {T("[1,"), JSON_CUT},
        {T("\""), JSON_CUT},
        {T("\"\\"), JSON_CUT},
        {T("\"\\u12"), JSON_CUT},
        {T("tru"), JSON_CUT},
        {T("n"), JSON_CUT},
        {T("{,}"), JSON_SYNTAX},
        {T("{\"a\":1,}"), JSON_SYNTAX},
        {T("{\"a\" 1}"), JSON_SYNTAX},
        {T("{\"a\",1}"), JSON_SYNTAX},
        {T("{a:1}"), JSON_SYNTAX},
        {T("{'a':1}"), JSON_SYNTAX},
        {T("{1:1}"), JSON_SYNTAX},
        {T("{\"a\":1 \"b\":2}"), JSON_SYNTAX},
        {T("{\"a\":1]"), JSON_SYNTAX},
        {T("[,]"), JSON_SYNTAX},
        {T("[1,]"), JSON_SYNTAX},
        {T("[,1]"), JSON_SYNTAX},
        {T("[1 2]"), JSON_SYNTAX},
        {T("[1}"), JSON_SYNTAX},
        {T("]"), JSON_SYNTAX},
        {T("}"), JSON_SYNTAX},
        {T("/* */ {}"), JSON_SYNTAX},
        {T("[1, // one\n2]"), JSON_SYNTAX},
        {T("True"), JSON_SYNTAX},
        {T("trux"), JSON_SYNTAX},
        {T("nil"), JSON_SYNTAX},
        {T("NaN"), JSON_SYNTAX},
        {T("Infinity"), JSON_SYNTAX},
        {T("undefined"), JSON_SYNTAX},
        {T("\f{}"), JSON_SYNTAX},
        {T("\v{}"), JSON_SYNTAX},
        {T("\xc2\xa0{}"), JSON_SYNTAX},
        {T("\0{}"), JSON_SYNTAX},
        {T("{}{}"), JSON_TRAILING},
        {T("{} x"), JSON_TRAILING},
        {T("{}\0"), JSON_TRAILING},
        {T("[true\0]"), JSON_SYNTAX},
        {T("{},"), JSON_TRAILING},
        {T("[]]"), JSON_TRAILING},
        {T("truefalse"), JSON_TRAILING},
        {T("\"a\"\"b\""), JSON_TRAILING},
        {T("\xef\xbb\xbf{}"), JSON_ENCODING},
        {T("\xff\xfe{\0}\0"), JSON_SYNTAX},
        {T("{\0}\0"), JSON_SYNTAX},
    };
    CHECK_VERDICTS(cases);
}
END_TEST

START_TEST(numbers)
{
    static const struct verdict cases[] = {
        {T("0"), JSON_OK},
        {T("-0"), JSON_OK},
        {T("7"), JSON_OK},
        {T("-10"), JSON_OK},
        {T("1234567890"), JSON_OK},
        {T("0.0"), JSON_OK},
        {T("-0.00"), JSON_OK},
        {T("1.25"), JSON_OK},
        {T("0e0"), JSON_OK},
        {T("1e5"), JSON_OK},
        {T("1E+5"), JSON_OK},
        {T("1.5e-007"), JSON_OK},
        {T("9007199254740993"), JSON_OK},
        {T("123456789012345678901234567890"), JSON_OK},
        {T("1e999"), JSON_OK},
        {T("1e-999"), JSON_OK},
        {T("-"), JSON_CUT},
        {T("1."), JSON_CUT},
        {T("1e"), JSON_CUT},
        {T("1e-"), JSON_CUT},
        {T("[00]"), JSON_SYNTAX},
        {T("[01]"), JSON_SYNTAX},
        {T("[-01]"), JSON_SYNTAX},
        {T("01"), JSON_TRAILING},
        {T("0x10"), JSON_TRAILING},
        {T("1.2.3"), JSON_TRAILING},
        {T("1_000"), JSON_TRAILING},
        {T("+1"), JSON_SYNTAX},
        {T(".5"), JSON_SYNTAX},
        {T("[1.]"), JSON_SYNTAX},
        {T("[-.5]"), JSON_SYNTAX},
        {T("[1.e5]"), JSON_SYNTAX},
        {T("[1e]"), JSON_SYNTAX},
        {T("[1e+]"), JSON_SYNTAX},
        {T("[1e5.0]"), JSON_SYNTAX},
        {T("[--1]"), JSON_SYNTAX},
        {T("[- 1]"), JSON_SYNTAX},
        {T("[-]"), JSON_SYNTAX},
        {T("[-Infinity]"), JSON_SYNTAX},
        {T("[1a]"), JSON_SYNTAX},
    };
    CHECK_VERDICTS(cases);
    for (size_t i = 0; i < sizeof cases / sizeof *cases && cases[i].error == JSON_OK; i++) {
        ck_assert_int_eq(read_guarded(cases[i].text), JSON_OK);
        ck_assert_int_eq(doc.nodes[0].type, JSON_NUMBER);
        ck_assert(str_eq(doc.nodes[0].text, cases[i].text));
    }
}
END_TEST

START_TEST(strings)
{
    static const struct {
        struct str text, decoded;
    } cases[] = {
        {T("\"\""), T("")},
        {T("\"plain\""), T("plain")},
        {T("\"longer than eight bytes, / and \x7f\""), T("longer than eight bytes, / and \x7f")},
        {T("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), T("\"\\/\b\f\n\r\t")},
        {T("\"a\\nb\\nc\""), T("a\nb\nc")},
        {T("\"\\u0041\\u00e9\\u20AC\""), T("A\xc3\xa9\xe2\x82\xac")},
        {T("\"\\u0001\\u001f\\u007f\\u0080\""), T("\x01\x1f\x7f\xc2\x80")},
        {T("\"\\u07ff\\u0800\\ud7ff\\ue000\\uffff\""),
         T("\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf")},
        {T("\"\\ud83d\\ude00\""), T("\xf0\x9f\x98\x80")},
        {T("\"\\uD800\\uDC00\\udbff\\udfff\""), T("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")},
        {T("\"\xf0\x9f\x98\x80 \xe2\x82\xac\""), T("\xf0\x9f\x98\x80 \xe2\x82\xac")},
        {T("\"in\xef\xbb\xbfside\""), T("in\xef\xbb\xbfside")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(read_guarded(cases[i].text) == JSON_OK, "%.*s", STR_ARGS(cases[i].text));
        ck_assert_int_eq(doc.nodes[0].type, JSON_STRING);
        ck_assert_msg(str_eq(doc.nodes[0].text, cases[i].decoded), "%.*s gives %.*s",
                      STR_ARGS(cases[i].text), STR_ARGS(doc.nodes[0].text));
    }
}
END_TEST

START_TEST(strings_refused)
{
    static const struct verdict cases[] = {
        {T("\"a\nb\""), JSON_SYNTAX},
        {T("\"a\tb\""), JSON_SYNTAX},
        {T("\"a\0b\""), JSON_SYNTAX},
        {T("\"\x1f\""), JSON_SYNTAX},
        {T("\"abcdefgh\x01\""), JSON_SYNTAX},
        {T("\"\\x41\""), JSON_SYNTAX},
        {T("\"\\'\""), JSON_SYNTAX},
        {T("\"\\0\""), JSON_SYNTAX},
        {T("\"\\\0\""), JSON_SYNTAX},
        {T("\"\\U0041\""), JSON_SYNTAX},
        {T("\"\\u004\""), JSON_SYNTAX},
        {T("\"\\u00g0\""), JSON_SYNTAX},
        {T("\"\\u+041\""), JSON_SYNTAX},
        {T("\"\\u0000\""), JSON_ENCODING},
        {T("{\"a\\u0000\":1}"), JSON_ENCODING},
        {T("\"\\ud800\""), JSON_ENCODING},
        {T("\"\\udfff\""), JSON_ENCODING},
        {T("\"\\ud800x\""), JSON_ENCODING},
        {T("\"\\ud800\\n\""), JSON_ENCODING},
        {T("\"\\ud800\\u0041\""), JSON_ENCODING},
        {T("\"\\ud800\\ud800\""), JSON_ENCODING},
        {T("\"\\udc00\\ud800\""), JSON_ENCODING},
        {T("\"\\ud800\\"), JSON_CUT},
        {T("\"\\ud800\\u"), JSON_CUT},
        {T("\"\\ud800\\udc0"), JSON_CUT},
    };
    CHECK_VERDICTS(cases);
}
END_TEST

START_TEST(utf8)
{
    static const struct verdict cases[] = {
        {T("\"\xc2\x80\""), JSON_OK},
        {T("\"\xdf\xbf\""), JSON_OK},
        {T("\"\xe0\xa0\x80\""), JSON_OK},
        {T("\"\xed\x9f\xbf\""), JSON_OK},
        {T("\"\xee\x80\x80\""), JSON_OK},
        {T("\"\xef\xbf\xbf\""), JSON_OK},
        {T("\"\xf0\x90\x80\x80\""), JSON_OK},
        {T("\"\xf4\x8f\xbf\xbf\""), JSON_OK},
        {T("\"\x80\""), JSON_ENCODING},
        {T("\"\xbf\""), JSON_ENCODING},
        {T("\"\xc0\x80\""), JSON_ENCODING},
        {T("\"\xc1\xbf\""), JSON_ENCODING},
        {T("\"\xc2\""), JSON_ENCODING},
        {T("\"\xc2\xc2\x80\""), JSON_ENCODING},
        {T("\"\xe0\x9f\xbf\""), JSON_ENCODING},
        {T("\"\xe2\x82\""), JSON_ENCODING},
        {T("\"\xe2\x82x\""), JSON_ENCODING},
        {T("\"\xed\xa0\x80\""), JSON_ENCODING},
        {T("\"\xed\xbf\xbf\""), JSON_ENCODING},
        {T("\"\xf0\x8f\xbf\xbf\""), JSON_ENCODING},
        {T("\"\xf0\x9f\x98\""), JSON_ENCODING},
        {T("\"\xf4\x90\x80\x80\""), JSON_ENCODING},
        {T("\"\xf5\x80\x80\x80\""), JSON_ENCODING},
        {T("\"\xff\""), JSON_ENCODING},
        {T("\"abcdefghijk\xfe\""), JSON_ENCODING},
        {T("{\"\xc0\xaf\":1}"), JSON_ENCODING},
        {T("\"\xc2"), JSON_CUT},
        {T("\"\xf0\x9f\x98"), JSON_CUT},
    };
    CHECK_VERDICTS(cases);
}
END_TEST

START_TEST(duplicates)
{
    static const struct verdict cases[] = {
        {T("{\"a\":1,\"a\":1}"), JSON_DUPLICATE},
        {T("{\"a\":1,\"\\u0061\":1}"), JSON_DUPLICATE},
        {T("{\"\":1,\"b\":2,\"\":3}"), JSON_DUPLICATE},
        {T("{\"\\n\":1,\"\\u000a\":2}"), JSON_DUPLICATE},
        {T("{\"\xc3\xa9\":1,\"\\u00E9\":2}"), JSON_DUPLICATE},
        {T("[[{\"x\":{\"y\":[{\"a\":1,\"b\":2,\"a\":3}]}}]]"), JSON_DUPLICATE},
        {T("{\"a\":{\"c\":1},\"b\":{\"c\":1,\"\\u0063\":1}}"), JSON_DUPLICATE},
        {T("{\"a\":[{\"a\":1}],\"b\":0,\"\\u0061\":[]}"), JSON_DUPLICATE},
        {T("{\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"1\":0}"), JSON_DUPLICATE},
        {T("{\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"8\":0,\"\\u0031\":0}"),
         JSON_DUPLICATE},
        {T("{\"1\":0,\"2\":[{}],\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"8\":0,\"9\":0,\"5\":0}"),
         JSON_DUPLICATE},
        {T("{\"1\":0,\"2\":[{}],\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"8\":0,\"9\":0,\"\":0}"),
         JSON_OK},
        {T("{\"a\":{\"a\":{\"a\":1}}}"), JSON_OK},
        {T("[{\"a\":1},{\"a\":1}]"), JSON_OK},
        {T("{\"a\":1,\"A\":1,\"aa\":1}"), JSON_OK},
        /* one character composed and decomposed: two names, as no normal form is applied */
        {T("{\"\xc3\xa9\":1,\"e\xcc\x81\":1}"), JSON_OK},
        {T("{\"a\":\"a\",\"b\":\"a\"}"), JSON_OK},
    };
    CHECK_VERDICTS(cases);
}
END_TEST

/* `levels` openings, an inner value, and as many closings. */
static struct str nest(struct buf *b, size_t levels, const char *open, const char *inner,
                       const char *close)
{
    buf_clear(b);
    for (size_t i = 0; i < levels; i++)
        buf_append(b, str_of(open));
    buf_append(b, str_of(inner));
    for (size_t i = 0; i < levels; i++)
        buf_append(b, str_of(close));
    ck_assert(buf_ok(b));
    return buf_str(b);
}

START_TEST(depth)
{
    static const char *const kinds[][2] = {{"[", "]"}, {"{\"a\":", "}"}, {"[[{\"a\":", "}]]"}};
    static const size_t levels_of[] = {1, 1, 3};
    struct buf b = buf_new(1 << 24);

    for (size_t i = 0; i < 3; i++) {
        const char *open = kinds[i][0], *close = kinds[i][1];
        size_t most = JSON_MAX_DEPTH / levels_of[i];
        ck_assert_int_eq(read_guarded(nest(&b, most, open, "1", close)), JSON_OK);
        ck_assert_uint_eq(doc.count, most * levels_of[i] + 1);
        const char *bomb = levels_of[i] == 3 ? "[[[]]]" : "[]";
        ck_assert_int_eq(read_guarded(nest(&b, most, open, bomb, close)), JSON_DEPTH);
        ck_assert_int_eq(read_guarded(nest(&b, 1000000, open, "", "")), JSON_DEPTH);
    }
    /* depth is what is open, not what was opened */
    ck_assert_int_eq(read_guarded(T("[[],[],[[],[]],{},{\"a\":[]}]")), JSON_OK);
    buf_free(&b);
}
END_TEST

START_TEST(node_limit)
{
    struct buf b = buf_new(1 << 21);

    buf_append(&b, T("[0"));
    for (size_t i = 2; i < JSON_MAX_NODES; i++)
        buf_append(&b, T(",0"));
    buf_append_byte(&b, ']');
    ck_assert_int_eq(read_guarded(buf_str(&b)), JSON_OK);
    ck_assert_uint_eq(doc.count, JSON_MAX_NODES);
    ck_assert_uint_eq(doc.nodes[0].count, JSON_MAX_NODES - 1);

    b.ptr[b.len - 1] = ',';
    buf_append(&b, T("0]"));
    ck_assert(buf_ok(&b));
    ck_assert_int_eq(read_guarded(buf_str(&b)), JSON_SIZE);
    ck_assert_uint_eq(doc.count, 0);

    /* and such a document's memory is not kept for the next */
    ck_assert_int_eq(read_guarded(T("[1]")), JSON_OK);
    ck_assert_uint_lt(doc.cap, 1000);
    buf_free(&b);
}
END_TEST

START_TEST(tree)
{
    const char *text = "{\"a\":[1,{\"b\":[]},\"x\"],\"c\\n\":{\"d\":true},\"e\":null}";
    static const struct {
        enum json_type type;
        const char *name;
        uint32_t count, next;
    } want[] = {
        {JSON_OBJECT, "", 3, 9},    {JSON_ARRAY, "a", 3, 6}, {JSON_NUMBER, "", 0, 3},
        {JSON_OBJECT, "", 1, 5},    {JSON_ARRAY, "b", 0, 5}, {JSON_STRING, "", 0, 6},
        {JSON_OBJECT, "c\n", 1, 8}, {JSON_TRUE, "d", 0, 8},  {JSON_NULL, "e", 0, 9},
    };

    ck_assert_int_eq(read_guarded(str_of(text)), JSON_OK);
    ck_assert_uint_eq(doc.count, sizeof want / sizeof *want);
    for (size_t i = 0; i < doc.count; i++) {
        ck_assert_int_eq(doc.nodes[i].type, want[i].type);
        ck_assert_str_is(doc.nodes[i].name, want[i].name);
        ck_assert_uint_eq(doc.nodes[i].count, want[i].count);
        ck_assert_uint_eq(doc.nodes[i].next, want[i].next);
    }
    const struct json_node *root = doc.nodes;
    ck_assert_ptr_eq(json_member(&doc, root, T("a")), &doc.nodes[1]);
    ck_assert_ptr_eq(json_member(&doc, root, T("c\n")), &doc.nodes[6]);
    ck_assert_ptr_eq(json_member(&doc, root, T("e")), &doc.nodes[8]);
    ck_assert_ptr_null(json_member(&doc, root, T("b")));
    ck_assert_ptr_null(json_member(&doc, root, T("")));
    ck_assert_ptr_null(json_member(&doc, &doc.nodes[1], T("")));
    ck_assert_ptr_null(json_member(&doc, &doc.nodes[4], T("x")));
}
END_TEST

START_TEST(every_cut_is_noticed)
{
    static const char *const texts[] = {
        "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"a\\nb \\\"c\\\"\"}]}",
        "{\"n\":-1.5e+10,\"t\":true,\"f\":false,\"z\":null,\"o\":{},\"a\":[]}",
        "[\"\\u00e9\\ud83d\\ude00\",\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\", {\"\\t\" : [ 0 ]} ]",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct str whole = str_of(texts[i]);
        ck_assert_int_eq(read_guarded(whole), JSON_OK);
        for (size_t len = 0; len < whole.len; len++) {
            enum json_error error = read_guarded((struct str){whole.ptr, len});
            ck_assert_msg(error == JSON_CUT, "%.*s: %s", (int)len, whole.ptr,
                          json_error_name(error));
        }
    }
}
END_TEST

START_TEST(reuse)
{
    struct str text = T("{\"a\":[1,2,3,\"\\n\"],\"b\":\"\\t\"}");

    ck_assert_int_eq(read_guarded(text), JSON_OK);
    struct json_doc before = doc;
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(read_guarded(text), JSON_OK);
        ck_assert_int_eq(read_guarded(T("[\"\\n\",")), JSON_CUT);
    }
    ck_assert_ptr_eq(doc.nodes, before.nodes);
    ck_assert_ptr_eq(doc.order, before.order);
    ck_assert_ptr_eq(doc.decoded, before.decoded);
    ck_assert_uint_eq(doc.cap, before.cap);
    ck_assert_uint_eq(doc.decoded_cap, before.decoded_cap);
    json_free(&doc);
    ck_assert_ptr_null(doc.nodes);
    json_free(&doc);
}
END_TEST

START_TEST(member_limit)
{
    struct buf b = buf_new(1 << 20);

    buf_append_byte(&b, '{');
    for (uint32_t i = 1; i < JSON_MAX_MEMBERS; i++)
        buf_printf(&b, "\"%05x\":0,", i * 40503 & 0xfffff);
    size_t len = b.len;
    const struct {
        struct str end;
        enum json_error want;
    } cases[] = {{T("\"x\":[{}]}"), JSON_OK},
                 {T("\"09e3\\u0037\":0}"), JSON_DUPLICATE}, /* 1 * 40503 */
                 {T("\"x\":0,\"y\":0}"), JSON_SIZE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_truncate(&b, len);
        buf_append(&b, cases[i].end);
        ck_assert_int_eq(read_guarded(buf_str(&b)), cases[i].want);
    }
    buf_free(&b);
}
END_TEST

/* Valid texts with a few bytes changed, judged by jansson too. */
START_TEST(mutations)
{
    static const char alphabet[] = "{}[]:,\"\\ \nu0123456789eE+-.tfnabdD8\x00\x1f\x80\xc3\xed\xf4";
    static const char *const texts[] = {
        "{\"a\":[1,-2.5e3,true],\"b\":{\"a\":\"\\u0061\\ud83d\\ude00\"},\"c\":\"\xc3\xa9\"}",
        "[null,false,{},[],\"\\\"\\\\\\/\",0,\"\xf0\x9f\x98\x80\",{\"x\":0,\"y\":1}]",
    };
    uint32_t random = 20240607, accepted = 0;
    char copy[128];

    for (int i = 0; i < 40000; i++) {
        struct str text = str_of(texts[i & 1]);
        memcpy(copy, text.ptr, text.len);
        for (int changes = i % 3; changes >= 0; changes--) {
            random = random * 1664525 + 1013904223;
            copy[(random >> 8) % text.len] = alphabet[(random >> 20) % (sizeof alphabet - 1)];
        }
        text.ptr = copy;
        enum json_error error = read_guarded(text);
        const char *wrong = oracle_verdict(text, error);
        ck_assert_msg(!wrong, "%.*s: %s", STR_ARGS(text), wrong);
        accepted += error == JSON_OK;
    }
    ck_assert_uint_gt(accepted, 1000);
}
END_TEST

START_TEST(error_names)
{
    for (int a = JSON_OK; a <= JSON_MEMORY; a++) {
        for (int b = JSON_OK; b < a; b++)
            ck_assert_str_ne(json_error_name((enum json_error)a),
                             json_error_name((enum json_error)b));
    }
}
END_TEST

Suite *suite_json(void)
{
    Suite *s = suite_create("json");
    TCase *t = tcase_create("json");
    const TTest *const tests[] = {
        structure,    numbers, strings, strings_refused,      utf8,      depth,      duplicates,
        member_limit, tree,    reuse,   every_cut_is_noticed, mutations, node_limit, error_names};

    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_set_timeout(t, 30);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    return s;
}
