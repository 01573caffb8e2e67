#include "../jansson_oracle.h"
#include "core/canonical.h"
#include "spelling.h"
#include "unit.h"

static struct json_doc doc;
static struct buf out, other, text;

/* An API that drops nothing, so that the whole meaning is in the canonical form. */
static const struct api_field leaf_fields[] = {{.name = NULL}};
static const struct api_object leaf = {.fields = leaf_fields};
static const struct api_field message_fields[] = {{.name = "content", .object = &leaf},
                                                  {.name = NULL}};
static const struct api_object message = {.fields = message_fields};
static const struct api_field content_fields[] = {{.name = "parts", .object = &leaf},
                                                  {.name = NULL}};
static const struct api_object content = {.fields = content_fields};
static const struct api_field plain_fields[] = {
    {.name = "contents", .object = &content},
    {.name = "input", .object = &message},
    {.name = "messages", .object = &message},
    {.name = "stream_options", .object = &leaf},
    {.name = "system", .object = &leaf},
    {.name = "systemInstruction", .object = &content},
    {.name = "system_instruction", .object = &content},
    {.name = NULL},
};
static const struct api_object plain = {.fields = plain_fields};

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

START_TEST(forms)
{
    static const struct {
        const char *json, *want;
    } cases[] = {
        {"null", "null"},
        {" true ", "true"},
        {"\tfalse\n", "false"},
        {"[ ]", "[]"},
        {"{ }", "{}"},
        {"[ [ ] , { } , [ { } ] ]", "[[],{},[{}]]"},
        /* numbers as written */
        {"[0, 0.0, -0, 1e2, 1E+2, 100, 12345678901234567890]",
         "[0,0.0,-0,1e2,1E+2,100,12345678901234567890]"},
        /* strings in one spelling */
        {"\"\\u0041\\/\\u00e9\\ud83d\\ude00\"", "\"A/\xc3\xa9\xf0\x9f\x98\x80\""},
        {"\"\\\"\\\\\\u0022\\u005c\"", "\"\\\"\\\\\\\"\\\\\""},
        {"\"\\b\\f\\n\\r\\t\\u0001\\u001F\"",
         "\"\\u0008\\u000c\\u000a\\u000d\\u0009\\u0001\\u001f\""},
        {"\"\x7f\\u007f\xe2\x80\xa8\"", "\"\x7f\x7f\xe2\x80\xa8\""},
        {"[\"\",\"0123456\\n01234567\\n012345678\"]",
         "[\"\",\"0123456\\u000a01234567\\u000a012345678\"]"},
        /* members by the decoded name whatever its case, a prefix first */
        {"{\"b\":1,\"a\":2}", "{\"a\":2,\"b\":1}"},
        {"{\"ab\":1,\"a\":2,\"\":3,\"B\":4}", "{\"\":3,\"a\":2,\"ab\":1,\"B\":4}"},
        {"{\"\\u0062\":1,\"\\n\":2}", "{\"\\u000a\":2,\"b\":1}"},
        {"{\"\\ud83d\\ude00\":1,\"\\uffff\":2,\"z\":3}",
         "{\"z\":3,\"\xef\xbf\xbf\":2,\"\xf0\x9f\x98\x80\":1}"},
        {"{\"j\":0,\"i\":0,\"h\":0,\"g\":0,\"f\":0,\"e\":0,\"d\":0,\"c\":0,\"b\":0,\"a\":0}",
         "{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0,\"j\":0}"},
        /* but not of an object that is not known */
        {"{\"x\":{\"b\":1,\"a\":{\"d\":1,\"c\":1}},\"a\":0}",
         "{\"a\":0,\"x\":{\"b\":1,\"a\":{\"d\":1,\"c\":1}}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_is(canonical(&out, str_of(cases[i].json), &plain), cases[i].want);
}
END_TEST

/* To some parsers they are one name, and which of them counts depends on their order. */
START_TEST(names_that_differ_in_case_alone_are_refused)
{
    static const char *const texts[] = {
        "{\"model\":1,\"Model\":2,\"a\":0}",
        "{\"N\":2,\"b\":0,\"n\":1}",
        "{\"TEMPERATURE\":2,\"temperature\":null}",
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        buf_clear(&out);
        ck_assert_int_eq(json_read(&doc, str_of(texts[i])), JSON_OK);
        ck_assert_int_eq(canonical_write(&out, &doc, api_generic()->request, NULL), REASON_FIELD);
    }
}
END_TEST

START_TEST(no_envelope_keeps_every_order)
{
    struct str json = STR("{\"b\": {\"z\": 0, \"y\": 0}, \"a\": [{\"d\": 1, \"c\": 2}]}");

    ck_assert_str_is(canonical(&out, json, NULL),
                     "{\"b\":{\"z\":0,\"y\":0},\"a\":[{\"d\":1,\"c\":2}]}");
}
END_TEST

START_TEST(nothing_read_is_a_failure)
{
    ck_assert_int_eq(json_read(&doc, STR("{")), JSON_CUT);
    ck_assert_int_eq(canonical_write(&out, &doc, &plain, NULL), REASON_INTERNAL);
}
END_TEST

START_TEST(what_does_not_fit_is_a_failure)
{
    struct str json = STR("{\"messages\":[{\"role\":\"user\",\"content\":\"a\\nb\"}]}");
    size_t len = canonical(&out, json, &plain).len;

    for (size_t max = 0; max <= len; max++) {
        struct buf small = buf_new(max);
        enum reason reason = canonical_write(&small, &doc, &plain, NULL);
        ck_assert_int_eq(reason, max == len ? REASON_NONE : REASON_INTERNAL);
        ck_assert(buf_ok(&small) == (max == len));
        buf_free(&small);
    }
}
END_TEST

struct pair {
    const char *a, *b;
};

static void check_pairs(const struct pair *pairs, size_t count, bool equal)
{
    for (size_t i = 0; i < count; i++) {
        struct str a = canonical(&out, str_of(pairs[i].a), &plain);
        struct str b = canonical(&other, str_of(pairs[i].b), &plain);
        ck_assert_msg(str_eq(a, b) == equal, "%s\n%s\nshould%s share", pairs[i].a, pairs[i].b,
                      equal ? "" : " not");
    }
}

START_TEST(must_share)
{
    static const struct pair pairs[] = {
        {"{\"model\":\"m\",\"temperature\":0}", "{ \"temperature\" : 0,\n\"model\" : \"m\" }"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
         "{\"messages\":[{\"content\":\"h\\u0069\",\"r\\u006fle\":\"user\"}]}"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}",
         "{\"messages\":[{\"content\":[{\"text\":\"x\",\"type\":\"text\"}],\"role\":\"user\"}]}"},
        {"{\"messages\":[{\"role\":\"a\",\"content\":[{\"type\":\"tool_use\",\"input\":{\"b\":1,"
         "\"a\":2},\"id\":\"i\"}]}]}",
         "{\"messages\":[{\"role\":\"a\",\"content\":[{\"id\":\"i\",\"input\":{\"b\":1,\"a\":2},"
         "\"type\":\"tool_use\"}]}]}"},
        {"{\"system\":[{\"type\":\"text\",\"text\":\"s\"}]}",
         "{\"system\":[{\"text\":\"s\",\"type\":\"text\"}]}"},
        {"{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"x\"}]}]}",
         "{\"input\":[{\"content\":[{\"text\":\"x\",\"type\":\"input_text\"}],\"role\":\"user\"}]"
         "}"},
        {"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"x\",\"thought\":true}]}]}",
         "{\"contents\":[{\"parts\":[{\"thought\":true,\"text\":\"x\"}],\"role\":\"user\"}]}"},
        {"{\"systemInstruction\":{\"role\":\"system\",\"parts\":[{\"text\":\"x\"}]}}",
         "{\"systemInstruction\":{\"parts\":[{\"text\":\"x\"}],\"role\":\"system\"}}"},
        {"{\"system_instruction\":{\"role\":\"system\",\"parts\":[{\"text\":\"x\"}]}}",
         "{\"system_instruction\":{\"parts\":[{\"text\":\"x\"}],\"role\":\"system\"}}"},
        {"{\"stream\":true,\"stream_options\":{\"include_usage\":true,\"x\":1}}",
         "{\"stream_options\":{\"x\":1,\"include_usage\":true},\"stream\":true}"},
    };
    check_pairs(pairs, sizeof pairs / sizeof *pairs, true);
}
END_TEST

START_TEST(must_not_share)
{
    static const struct pair pairs[] = {
        {"{\"a\":1}", "{\"a\":\"1\"}"},
        {"{\"a\":1}", "{\"a\":1.0}"},
        {"{\"a\":null}", "{}"},
        {"{\"a\":\"null\"}", "{\"a\":null}"},
        {"{\"a\":[]}", "{\"a\":{}}"},
        {"{\"a\":[1,2]}", "{\"a\":[2,1]}"},
        {"{\"a\":[[1],2]}", "{\"a\":[1,[2]]}"},
        {"{\"a\":\"x\"}", "{\"a\":\"X\"}"},
        {"{\"a\":\"x\"}", "{\"a\":\"x \"}"},
        {"{\"a\":\"\\n\"}", "{\"a\":\"\\\\n\"}"},
        {"{\"a\":\"\xc3\xa9\"}", "{\"a\":\"e\xcc\x81\"}"},
        {"{\"a\":\"b\",\"c\":\"d\"}", "{\"a\":\"b\\\",\\\"c\\\":\\\"d\"}"},
        {"{\"a\":1,\"b\":2}", "{\"a\":2,\"b\":1}"},
        {"{\"messages\":[{\"role\":\"a\"},{\"role\":\"b\"}]}",
         "{\"messages\":[{\"role\":\"b\"},{\"role\":\"a\"}]}"},
        {"{\"messages\":[{\"role\":\"a\",\"content\":\"b\"}]}",
         "{\"messages\":[{\"role\":\"b\",\"content\":\"a\"}]}"},
        /* a model sees these in the order they came in */
        {"{\"tools\":[{\"function\":{\"parameters\":{\"properties\":{\"a\":{},\"b\":{}}}}}]}",
         "{\"tools\":[{\"function\":{\"parameters\":{\"properties\":{\"b\":{},\"a\":{}}}}}]}"},
        {"{\"tools\":[{\"name\":\"f\",\"type\":\"x\"}]}",
         "{\"tools\":[{\"type\":\"x\",\"name\":\"f\"}]}"},
        {"{\"response_format\":{\"json_schema\":{\"schema\":{\"a\":1,\"b\":2}}}}",
         "{\"response_format\":{\"json_schema\":{\"schema\":{\"b\":2,\"a\":1}}}}"},
        {"{\"format\":{\"a\":1,\"b\":2}}", "{\"format\":{\"b\":2,\"a\":1}}"},
        {"{\"metadata\":{\"a\":1,\"b\":2}}", "{\"metadata\":{\"b\":2,\"a\":1}}"},
        {"{\"messages\":[{\"content\":[{\"type\":\"tool_use\",\"input\":{\"a\":1,\"b\":2}}]}]}",
         "{\"messages\":[{\"content\":[{\"type\":\"tool_use\",\"input\":{\"b\":2,\"a\":1}}]}]}"},
        {"{\"messages\":[{\"tool_calls\":[{\"function\":{\"arguments\":{\"a\":1,\"b\":2}}}]}]}",
         "{\"messages\":[{\"tool_calls\":[{\"function\":{\"arguments\":{\"b\":2,\"a\":1}}}]}]}"},
        {"{\"contents\":[{\"parts\":[{\"functionCall\":{\"args\":{\"a\":1,\"b\":2}}}]}]}",
         "{\"contents\":[{\"parts\":[{\"functionCall\":{\"args\":{\"b\":2,\"a\":1}}}]}]}"},
        /* known names in the wrong place, and shapes no API has */
        {"{\"x\":{\"messages\":[{\"a\":1,\"b\":2}]}}",
         "{\"x\":{\"messages\":[{\"b\":2,\"a\":1}]}}"},
        {"{\"content\":[{\"a\":1,\"b\":2}]}", "{\"content\":[{\"b\":2,\"a\":1}]}"},
        {"{\"messages\":[[{\"a\":1,\"b\":2}]]}", "{\"messages\":[[{\"b\":2,\"a\":1}]]}"},
    };
    check_pairs(pairs, sizeof pairs / sizeof *pairs, false);
}
END_TEST

/* Sorted objects within sorted objects, many members each, so that the scratch is shared. */
START_TEST(nested_sorting)
{
    buf_append(&text, STR("{\"z\":0,\"messages\":["));
    for (int i = 0; i < 20; i++) {
        buf_printf(&text, "%s{\"content\":[{", i ? "," : "");
        for (int j = 40; j > 10; j--)
            buf_printf(&text, "\"%d\":%d%s", j, j, j > 11 ? "," : "}");
        buf_append(&text, STR("],\"b\":1,\"a\":2}"));
    }
    buf_append(&text, STR("],\"a\":0}"));

    buf_append(&other, STR("{\"a\":0,\"messages\":["));
    for (int i = 0; i < 20; i++) {
        buf_printf(&other, "%s{\"a\":2,\"b\":1,\"content\":[{", i ? "," : "");
        for (int j = 11; j <= 40; j++)
            buf_printf(&other, "\"%d\":%d%s", j, j, j < 40 ? "," : "}]}");
    }
    buf_append(&other, STR("],\"z\":0}"));
    ck_assert(buf_ok(&text) && buf_ok(&other));
    ck_assert(str_eq(canonical(&out, buf_str(&text), &plain), buf_str(&other)));
}
END_TEST

/* Random requests, and other spellings of them, for the properties below. */
enum { ROUNDS = 2000, DEPTH = 5, MOST_MEMBERS = 14 };

static const char *const some_names[] = {
    "messages",
    "content",
    "role",
    "system",
    "input",
    "contents",
    "parts",
    "tools",
    "model",
    "type",
    "text",
    "stream_options",
    "metadata",
    "parameters",
    "a",
    "",
    "a\\nb",
    "\xc3\xa9",
    "\xf0\x9f\x98\x80",
    "\\\"",
    "arguments",
};

static const char *const some_scalars[] = {
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1.50",
    "1e5",
    "-12E-3",
    "\"\"",
    "\"user\"",
    "\"\\\\\"",
    "\"\\\"\"",
    "\"\\u0007\\t\"",
    "\"\xc3\xa9 \\ud83d\\ude00\"",
    "\"0123456789abcdef\\n\"",
};

enum { NAMES = sizeof some_names / sizeof *some_names };
enum { SCALARS = sizeof some_scalars / sizeof *some_scalars };

/* Appends a random value to `text`, at the root an object. */
static void generate(int depth)
{
    uint32_t kind = depth == DEPTH ? 2 : depth ? random_below(3) : 0, start = random_below(NAMES);
    uint32_t count = random_below(depth == DEPTH ? MOST_MEMBERS + 1 : 6);

    if (kind == 0) {
        buf_append(&text, str_of(some_scalars[random_below(SCALARS)]));
        return;
    }
    buf_append_byte(&text, kind == 1 ? '[' : '{');
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            buf_append_byte(&text, ',');
        if (kind == 2)
            buf_printf(&text, "\"%s\":", some_names[(start + i) % NAMES]);
        generate(depth - 1);
    }
    buf_append_byte(&text, kind == 1 ? ']' : '}');
}

/* A node that is to be respelled into something else, if it can be in that way; 0 is none. */
static struct {
    uint32_t scalar, name, order;
    bool made;
} change;

/* Appends the string to `text`, or one that is another. */
static void respell_string(struct str s, bool changed)
{
    spell_string(&text, s);
    if (changed)
        text.ptr[text.len - 1] = '~', buf_append_byte(&text, '"');
}

static void respell_scalar(const struct json_node *node, bool changed)
{
    static const char *const words[] = {"null", "false", "true", "null"};

    if (node->type == JSON_STRING)
        respell_string(node->text, changed);
    else if (node->type == JSON_NUMBER)
        buf_append(&text, changed ? STR("77") : node->text);
    else
        buf_append(&text, str_of(words[node->type + changed]));
}

/* Appends a node of `doc` to `text`: members of an envelope shuffled, white space and escapes at
 * random, and what `change` says. */
static void respell(uint32_t index, const struct api_object *envelope)
{
    const struct json_node *node = &doc.nodes[index];
    bool object = node->type == JSON_OBJECT;
    uint32_t order[MOST_MEMBERS], child = index + 1;

    if (node->type < JSON_ARRAY) {
        respell_scalar(node, index == change.scalar);
        change.made |= index == change.scalar;
        return;
    }
    bool reversed = index == change.order && object && !envelope && node->count > 1;
    change.made |= reversed;
    for (uint32_t i = 0; i < node->count; i++, child = doc.nodes[child].next) {
        uint32_t j = reversed ? 0 : object && envelope ? random_below(i + 1) : i;
        memmove(order + j + 1, order + j, (i - j) * sizeof *order);
        order[j] = child;
    }
    buf_append_byte(&text, object ? '{' : '[');
    for (uint32_t i = 0; i < node->count; i++) {
        const struct json_node *member = &doc.nodes[order[i]];
        const struct api_field *field = object ? api_field(envelope, member->name) : NULL;
        bool element = !object && member->type == JSON_OBJECT;
        if (i)
            buf_append_byte(&text, ',');
        spell_space(&text);
        if (object) {
            respell_string(member->name, order[i] == change.name);
            change.made |= order[i] == change.name;
            spell_space(&text);
            buf_append_byte(&text, ':');
            spell_space(&text);
        }
        respell(order[i], element ? envelope : field ? field->object : NULL);
        spell_space(&text);
    }
    buf_append_byte(&text, object ? '}' : ']');
}

/* A new random request in `doc`, its canonical form in `out`. */
static void next_request(void)
{
    memset(&change, 0, sizeof change);
    buf_clear(&text);
    generate(DEPTH);
    ck_assert(buf_ok(&text));
    canonical(&out, buf_str(&text), &plain);
}

/* The canonical form of the respelled `doc`; the document is then of that text. */
static struct str respelled(void)
{
    buf_clear(&text);
    respell(0, &plain);
    ck_assert(buf_ok(&text));
    return canonical(&other, buf_str(&text), &plain);
}

START_TEST(spelling_does_not_matter)
{
    for (int i = 0; i < ROUNDS; i++) {
        next_request();
        ck_assert_msg(oracle_equal(buf_str(&text), buf_str(&out)), "%.*s", STR_ARGS(buf_str(&out)));
        ck_assert_msg(str_eq(respelled(), buf_str(&out)), "%.*s\n%.*s", STR_ARGS(buf_str(&text)),
                      STR_ARGS(buf_str(&out)));
        ck_assert(str_eq(canonical(&other, buf_str(&out), &plain), buf_str(&out)));
    }
}
END_TEST

/* Every scalar, every name, and the order of members in what is no envelope. */
START_TEST(any_change_matters)
{
    uint32_t *const kinds[] = {&change.scalar, &change.name, &change.order};
    int made[3] = {0};

    for (int i = 0; i < 3 * ROUNDS; i++) {
        next_request();
        *kinds[i % 3] = random_below((uint32_t)doc.count);
        bool same = str_eq(respelled(), buf_str(&out));
        ck_assert_msg(same == !change.made, "%.*s\n%.*s", STR_ARGS(buf_str(&text)),
                      STR_ARGS(buf_str(&out)));
        made[i % 3] += change.made;
    }
    for (int kind = 0; kind < 3; kind++)
        ck_assert_int_gt(made[kind], ROUNDS / 20);
}
END_TEST

Suite *suite_canonical(void)
{
    Suite *s = suite_create("canonical");
    TCase *t = tcase_create("canonical");
    const TTest *const tests[] = {forms,
                                  names_that_differ_in_case_alone_are_refused,
                                  no_envelope_keeps_every_order,
                                  nothing_read_is_a_failure,
                                  what_does_not_fit_is_a_failure,
                                  must_share,
                                  must_not_share,
                                  nested_sorting,
                                  spelling_does_not_matter,
                                  any_change_matters};

    tcase_add_checked_fixture(t, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    return s;
}
