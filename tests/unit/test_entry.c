/* What stands in the store: written, read, and refused when one byte of it is wrong. */
#include "core/entry.h"

#include "core/json.h"
#include "core_fixture.h"
#include "unit.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static struct buf stored, other;

static void setup(void)
{
    stored = buf_new(1 << 20);
    other = buf_new(1 << 20);
}

static void teardown(void)
{
    buf_free(&stored);
    buf_free(&other);
    unit_guard_release();
}

static struct entry sample(struct str body)
{
    return (struct entry){
        .created = 1700000000000,
        .fresh_until = 1700000060000,
        .usable_until = 1700000090000,
        .digest = {0x0123456789abcdef, 0xfedcba9876543210},
        .length = 1234,
        .tenant = 0x00ff00ff00ff00ff,
        .flags = ENTRY_JSON,
        .epoch = 1700000000001,
        .models = STR("gpt-4o "),
        .tags = STR("prices docs "),
        .code = 200,
        .content_type = STR("application/json; charset=utf-8"),
        .headers = STR("openai-model: m-1\r\ncontent-language: en\r\n"),
        .body = body,
    };
}

static void check_equal(const struct entry *a, const struct entry *b)
{
    ck_assert_int_eq(a->created, b->created);
    ck_assert_int_eq(a->fresh_until, b->fresh_until);
    ck_assert_int_eq(a->usable_until, b->usable_until);
    ck_assert_uint_eq(a->digest.high, b->digest.high);
    ck_assert_uint_eq(a->digest.low, b->digest.low);
    ck_assert_uint_eq(a->length, b->length);
    ck_assert_uint_eq(a->tenant, b->tenant);
    ck_assert_int_eq(a->prompt_tokens, b->prompt_tokens);
    ck_assert_int_eq(a->completion_tokens, b->completion_tokens);
    ck_assert_uint_eq(a->code, b->code);
    ck_assert_int_eq(a->epoch, b->epoch);
    ck_assert(str_eq(a->models, b->models));
    ck_assert(str_eq(a->tags, b->tags));
    ck_assert(str_eq(a->content_type, b->content_type));
    ck_assert(str_eq(a->headers, b->headers));
    ck_assert(str_eq(a->body, b->body));
}

START_TEST(round_trip)
{
    static const struct str bodies[] = {
        STR("{\"id\":1}"),
        STR("x"),
        STR(""),
        STR("\0"),
        STR("\0\x01\x02\xff\xfe\r\n\r\nHTTP/1.1 404\r\n\0\0"),
        STR("\r\n"),
        STR("\n"),
        STR("spoa-cache/2 0000000000000000 "),
    };

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        for (int bare = 0; bare < 2; bare++) {
            struct entry in = sample(bodies[i]), back;
            if (bare) {
                in.headers = in.content_type = in.models = in.tags = STR("");
                in.code = 404;
                in.flags = 0;
                in.created = in.fresh_until = in.usable_until = in.epoch = 0;
            }
            buf_clear(&stored);
            buf_append(&stored, STR("in front"));
            entry_write(&stored, &in);
            ck_assert(buf_ok(&stored));
            ck_assert(entry_read(unit_guard(str_from(buf_str(&stored), 8)), &back));
            check_equal(&in, &back);
            ck_assert_uint_eq(back.flags & ENTRY_JSON, in.flags);
            ck_assert(!!(back.flags & ENTRY_CLEAN) == entry_body_is_clean(in.body));
            ck_assert_uint_eq(back.sum, XXH3_64bits(in.body.ptr, in.body.len));
        }
}
END_TEST

/* plan_answer.c lets no NUL into a line; a writer that met one would lose the rest of that line. */
START_TEST(any_byte_in_a_line)
{
    struct entry in = sample(STR("x")), back;

    in.content_type = STR("a\0b");
    in.headers = STR("x: \0y\r\nz: \xff\x7f\r\n");
    entry_write(&stored, &in);
    ck_assert(entry_read(unit_guard(buf_str(&stored)), &back));
    check_equal(&in, &back);
}
END_TEST

/* The form that every Redis in use holds: to change it is to change the version. */
START_TEST(golden)
{
    struct entry in = sample(STR("{\"id\":1}"));

    entry_write(&stored, &in);
    ck_assert_str_is(buf_str(&stored),
                     "spoa-cache/2 48103fa3b0be1caa 1700000000000 1700000060000 1700000090000 "
                     "0123456789abcdeffedcba9876543210 1234 00ff00ff00ff00ff eae780b141b62740 3 "
                     "1700000000001\r\n"
                     "models: gpt-4o \r\n"
                     "tags: prices docs \r\n"
                     "HTTP/1.1 200 \r\n"
                     "content-type: application/json; charset=utf-8\r\n"
                     "openai-model: m-1\r\n"
                     "content-language: en\r\n"
                     "\r\n"
                     "{\"id\":1}");
}
END_TEST

/* An entry says what it cost when that is known, and is no entry when it says it wrong. */
START_TEST(tokens)
{
    static const struct {
        const char *line;
        int64_t prompt; /* -1: refused */
        int64_t completion;
    } lines[] = {
        {"", 0, 0},
        {"tokens: 9 12\r\n", 9, 12},
        {"tokens: 0 12\r\n", 0, 12},
        {"tokens: 100000000 0\r\n", 100000000, 0},
        {"tokens: 100000001 0\r\n", -1, 0},
        {"tokens: 9\r\n", -1, 0},
        {"tokens: 9 12 1\r\n", -1, 0},
        {"tokens: -9 12\r\n", -1, 0},
        {"tokens: 9 12\n", -1, 0},
        {"tokens: 9 12\r\ntokens: 9 12\r\n", -1, 0},
    };

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct entry in = sample(STR("{}")), back;
        buf_clear(&stored);
        buf_clear(&other);
        entry_write(&stored, &in);
        struct str rest = buf_str(&stored), head = rest;
        for (int line = 0; line < 3; line++)
            str_split(&rest, '\n');
        buf_append(&other, (struct str){head.ptr, head.len - rest.len});
        buf_append(&other, str_of(lines[i].line));
        buf_append(&other, rest);
        bool accepted = entry_read_own(unit_guard(buf_str(&other)), &back);
        ck_assert_msg(accepted == (lines[i].prompt >= 0), "%s", lines[i].line);
        if (!accepted)
            continue;
        ck_assert_int_eq(back.prompt_tokens, lines[i].prompt);
        ck_assert_int_eq(back.completion_tokens, lines[i].completion);
        ck_assert_str_is(back.body, "{}");
        buf_clear(&stored);
        in.prompt_tokens = lines[i].prompt;
        in.completion_tokens = lines[i].completion;
        entry_write(&stored, &in);
        ck_assert(str_eq(str_from(buf_str(&stored), 30), str_from(buf_str(&other), 30)));
    }
}
END_TEST

START_TEST(every_bit_counts)
{
    struct entry in = sample(STR("{\"id\":\"0123456789\"}")), back;

    entry_write(&stored, &in);
    struct str written = unit_guard(buf_str(&stored));
    char *bytes = (char *)written.ptr;
    for (size_t at = 0; at < written.len; at++) {
        const char kept = bytes[at];
        bool accepted = false;
        for (int flip = 1; flip < 256; flip++) {
            bytes[at] = (char)(kept ^ flip);
            accepted |= entry_read(written, &back);
        }
        bytes[at] = kept;
        ck_assert_msg(!accepted, "byte %zu", at);
    }
    ck_assert(entry_read(written, &back));
}
END_TEST

START_TEST(cut_or_longer)
{
    struct entry in = sample(STR("{\"id\":1}")), back;

    entry_write(&stored, &in);
    for (size_t len = 0; len < stored.len; len++) {
        ck_assert(!entry_read(unit_guard((struct str){stored.ptr, len}), &back));
        unit_guard_release();
    }
    buf_append_byte(&stored, ' ');
    ck_assert(!entry_read(unit_guard(buf_str(&stored)), &back));
    ck_assert(!entry_read((struct str){NULL, 0}, &back));
}
END_TEST

/* With the right checksum, the rest is still read with care. */
static bool accepted(struct str behind_checksum)
{
    struct entry back;

    buf_clear(&other);
    buf_append(&other, STR("spoa-cache/2 "));
    hex64_append(&other, XXH3_64bits(behind_checksum.ptr, behind_checksum.len));
    buf_append(&other, behind_checksum);
    return entry_read(unit_guard(buf_str(&other)), &back);
}

#define D32 "0123456789abcdeffedcba9876543210"
#define D16 "00ff00ff00ff00ff"
#define LABELS "models: m \r\ntags: a b \r\n"
#define META(text) " " text "\r\n" LABELS
#define NUMBERS " 1 2 3 " D32 " 4 " D16 " " D16 " 0 7\r\n"
#define GOOD_META NUMBERS LABELS
#define MESSAGE "HTTP/1.1 200\r\ncontent-type: a/b\r\n\r\nbody"

START_TEST(checksum_right_and_rest_wrong)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {GOOD_META MESSAGE, true},
        {"1 2 3 " D32 " 4 " D16 " " D16 " 0 7\r\n" LABELS MESSAGE, false},
        {META("1 2 3 " D32 " 4 " D16 " " D16 " 0 7 ") MESSAGE, false},
        {META("1 2 3 " D32 " 4 " D16 " " D16 " 4 7") MESSAGE, false},
        {META("1 2 3 " D32 " 4 " D16 " " D16 " 3 7") MESSAGE, true},
        {META("1 2 3 " D32 " 4 " D16 " " D16) MESSAGE, false},
        {META("-1 2 3 " D32 " 4 " D16 " " D16 " 0 7") MESSAGE, false},
        {META("1 2 " D32 " 4 " D16 " " D16 " 0 7") MESSAGE, false},
        {META("1 2 3  " D32 " 4 " D16 " " D16 " 0 7") MESSAGE, false},
        {META("1 2 3 " D16 " 4 " D16 " " D16 " 0 7") MESSAGE, false},
        {META("1 2 3 " D32 " x " D16 " " D16 " 0 7") MESSAGE, false},
        {META("1 2 3 " D32 " 4 " D32 " " D16 " 0 7") MESSAGE, false},
        {" 1 2 3 " D32 " 4 " D16 " " D16 " 0 7\n" LABELS MESSAGE, false},
        {META("") MESSAGE, false},
        {META("1 2 3 " D32 " 4 " D16 " " D16 " 0") MESSAGE, false},
        {META("1 2 3 " D32 " 4 " D16 " " D16 " 0 x") MESSAGE, false},
        {META("1 2 3 " D32 " 4 " D16 " " D16 " 0 7 7") MESSAGE, false},
        {NUMBERS MESSAGE, false},
        {NUMBERS "models: m \r\n" MESSAGE, false},
        {NUMBERS "tags: a \r\n" MESSAGE, false},
        {NUMBERS "tags: a \r\nmodels: m \r\n" MESSAGE, false},
        {NUMBERS "models: m \ntags: a \r\n" MESSAGE, false},
        {NUMBERS "models: \r\ntags: \r\n" MESSAGE, true},
        {GOOD_META, false},
        {GOOD_META "HTTP/1.1 200\r\n", false},
        {GOOD_META "HTTP/1.1 200\r\n\r\nbody", false},
        {GOOD_META "HTTP/1.0 200\r\ncontent-type: a/b\r\n\r\n", false},
        {GOOD_META "HTTP/1.1 199\r\ncontent-type: a/b\r\n\r\n", false},
        {GOOD_META "HTTP/1.1 600\r\ncontent-type: a/b\r\n\r\n", false},
        {GOOD_META "HTTP/1.1 \r\ncontent-type: a/b\r\n\r\n", false},
        {GOOD_META "HTTP/1.1 200 OK\r\ncontent-type: a/b\r\n\r\n", true},
        {GOOD_META "HTTP/1.1  200\r\ncontent-type: a/b\r\n\r\n", false},
        {GOOD_META "HTTP/1.1 200OK\r\ncontent-type: a/b\r\n\r\n", false},
        {GOOD_META "HTTP/1.1 200\r\nx: y\r\ncontent-type: a/b\r\n\r\n", false},
        {GOOD_META "HTTP/1.1 200\r\ncontent-type: a/b\r\n", false},
        {GOOD_META "HTTP/1.1 200\r\ncontent-type: a/b\r\nx: y\r\n", false},
        {GOOD_META "HTTP/1.1 200\r\ncontent-type: a/b\r\nx: y\n\r\n", false},
        {GOOD_META "HTTP/1.1 200\r\ncontent-type: a/b\r\n\n", false},
        {GOOD_META "HTTP/1.1 200\r\ncontent-type: a/b\r\n\r\n", true},
        {GOOD_META "HTTP/1.1 200\r\ncontent-type: \r\nx: y\r\n\r\n", true},
        {"", false},
        {" ", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(accepted(str_of(cases[i].text)) == cases[i].good, "case %zu", i);
}
END_TEST

START_TEST(another_version)
{
    static const char *const magics[] = {"spoa-cache/1 ", "spoa-cache/2\t", "spoa-cache/20",
                                         "Spoa-cache/2 ", "spoa-cache/0 "};
    struct entry in = sample(STR("{}")), back;

    entry_write(&stored, &in);
    ck_assert(entry_read(unit_guard(buf_str(&stored)), &back));
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        memcpy(stored.ptr, magics[i], 13);
        ck_assert(!entry_read(unit_guard(buf_str(&stored)), &back));
    }
}
END_TEST

/* What a command reads of an entry that it does not want to fetch whole. */
START_TEST(head_of_a_cut_entry)
{
    struct entry in = sample(STR("{\"id\":1}")), back;

    entry_write(&stored, &in);
    struct str whole = buf_str(&stored);
    size_t end = (size_t)((char *)memmem(whole.ptr, whole.len, "HTTP/", 5) - whole.ptr);
    ck_assert(entry_read_head(unit_guard((struct str){whole.ptr, end}), &back));
    ck_assert_int_eq(back.epoch, in.epoch);
    ck_assert_uint_eq(back.tenant, in.tenant);
    ck_assert_str_is(back.models, "gpt-4o ");
    ck_assert_str_is(back.tags, "prices docs ");
    ck_assert(!entry_read_head(unit_guard((struct str){whole.ptr, end - 1}), &back));
}
END_TEST

START_TEST(replayed_lines)
{
    struct str lines = unit_guard(STR("a: 1\r\nb:2 \r\nc\r\nd: x:y\r\n")), name, value;

    ck_assert(entry_header_next(&lines, &name, &value));
    ck_assert_str_is(name, "a");
    ck_assert_str_is(value, "1");
    ck_assert(entry_header_next(&lines, &name, &value));
    ck_assert_str_is(name, "b");
    ck_assert_str_is(value, "2");
    ck_assert(entry_header_next(&lines, &name, &value));
    ck_assert_str_is(name, "c");
    ck_assert_str_is(value, "");
    ck_assert(entry_header_next(&lines, &name, &value));
    ck_assert_str_is(name, "d");
    ck_assert_str_is(value, "x:y");
    ck_assert(!entry_header_next(&lines, &name, &value));
    lines = unit_guard(STR("no end"));
    ck_assert(!entry_header_next(&lines, &name, &value));
}
END_TEST

START_TEST(clean_bodies)
{
    char body[64];

    ck_assert(entry_body_is_clean(STR("")));
    for (int c = 0; c < 256; c++)
        for (size_t at = 0; at < sizeof body; at += 9) {
            memset(body, 'x', sizeof body);
            body[at] = (char)c;
            bool clean = (c >= 0x20 || c == '\t') && c != 0x7f;
            ck_assert_msg(entry_body_is_clean(unit_guard((struct str){body, sizeof body})) == clean,
                          "%02x at %zu", (unsigned)c, at);
        }
}
END_TEST

START_TEST(cleaning)
{
    static const struct {
        const char *body, *want;
    } cases[] = {
        {"{\"a\":1}", "{\"a\":1}"},
        {"{\r\n\t\"a\": 1\n}\n", "{  \t\"a\": 1 } "},
        {"\r1\r", " 1 "},
        {"\n[\n\n1,\r\n2]", " [  1,  2]"},
        {"\"\x7f\"", "\"\\u007f\""},
        {"\"\x7f\x7f\x7f\"", "\"\\u007f\\u007f\\u007f\""},
        {"\"a\x7f\"\n", "\"a\\u007f\" "},
        {"{\"\x7fk\":\"v\x7f\"}", "{\"\\u007fk\":\"v\\u007f\"}"},
        {"[\"\\\\\x7f\",\"\\n\"]", "[\"\\\\\\u007f\",\"\\n\"]"},
        {"\"\xc3\xbf\xf0\x9f\x98\x80\"", "\"\xc3\xbf\xf0\x9f\x98\x80\""},
        /* not JSON, and still no byte lost */
        {"\x7f", "\\u007f"},
        {"\x7f\x7f", "\\u007f\\u007f"},
        {"x\x7f", "x\\u007f"},
        {"", ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_clear(&other);
        entry_body_clean(&other, unit_guard(str_of(cases[i].body)));
        ck_assert_str_is(buf_str(&other), cases[i].want);
        ck_assert(entry_body_is_clean(buf_str(&other)));
    }
}
END_TEST

/* The cleaned text has the same values in the same places. */
START_TEST(cleaning_keeps_the_meaning)
{
    static const char *const bodies[] = {
        "{\n  \"a\" : [ 1 ,\r\n true, null ],\n  \"\x7f\" : \"\x7f\\n\\u007f\\\\\"\n}\r\n",
        "\r\n\"\x7f\"\r\n",
        "[\"\x7f\x7f\",\"\",\"-\x7f!\",-1.5e3,{\"k\x7f\":{}}]",
    };
    struct json_doc before = {0}, after = {0};

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        buf_clear(&other);
        entry_body_clean(&other, str_of(bodies[i]));
        ck_assert_int_eq(json_read(&before, str_of(bodies[i])), JSON_OK);
        ck_assert_int_eq(json_read(&after, unit_guard(buf_str(&other))), JSON_OK);
        ck_assert_uint_eq(before.count, after.count);
        for (size_t n = 0; n < before.count; n++) {
            const struct json_node *a = &before.nodes[n], *b = &after.nodes[n];
            ck_assert_int_eq(a->type, b->type);
            ck_assert_uint_eq(a->next, b->next);
            ck_assert(str_eq(a->name, b->name) && str_eq(a->text, b->text));
        }
    }
    json_free(&before);
    json_free(&after);
}
END_TEST

/* What HAProxy's xxh3 converter gives: a fixed value of the published algorithm. */
START_TEST(sums)
{
    ck_assert_uint_eq(entry_sum(STR("")), 0x2d06800538d394c2);
    ck_assert_uint_eq(entry_sum(unit_guard(STR("{\"id\":1}"))), XXH3_64bits("{\"id\":1}", 8));
}
END_TEST

START_TEST(no_memory)
{
    struct entry in = sample(STR("{\"id\":1}")), back;
    size_t written = 0;

    for (size_t max = 0; max < 400; max++) {
        struct buf small = buf_new(max);
        entry_write(&small, &in);
        if (buf_ok(&small)) {
            ck_assert(entry_read(buf_str(&small), &back));
            written++;
        }
        buf_free(&small);
        small = buf_new(max);
        entry_body_clean(&small, STR("[\"\x7f\x7f\"]\n"));
        ck_assert(buf_ok(&small) == (max >= 17));
        buf_free(&small);
    }
    ck_assert_uint_gt(written, 0);
    ck_assert_uint_lt(written, 300);
}
END_TEST

Suite *suite_entry(void)
{
    Suite *suite = suite_create("entry");
    TCase *cases = tcase_create("entry");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, round_trip);
    tcase_add_test(cases, any_byte_in_a_line);
    tcase_add_test(cases, golden);
    tcase_add_test(cases, tokens);
    tcase_add_test(cases, every_bit_counts);
    tcase_add_test(cases, cut_or_longer);
    tcase_add_test(cases, checksum_right_and_rest_wrong);
    tcase_add_test(cases, another_version);
    tcase_add_test(cases, head_of_a_cut_entry);
    tcase_add_test(cases, replayed_lines);
    tcase_add_test(cases, clean_bodies);
    tcase_add_test(cases, cleaning);
    tcase_add_test(cases, cleaning_keeps_the_meaning);
    tcase_add_test(cases, sums);
    tcase_add_test(cases, no_memory);
    suite_add_tcase(suite, cases);
    return suite;
}
