#include "core/history.h"
#include "core/json_write.h"
#include "status_text.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>

/* What is written as JSON. */

START_TEST(strings_are_escaped)
{
    static const struct {
        const char *text, *string, *foreign;
    } table[] = {
        {"", "\"\"", "\"\""},
        {"a b", "\"a b\"", "\"a b\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\"", "\"a\\\"b\\\\c\""},
        {"a\nb", "\"a\\u000ab\"", "\"a\\nb\""},
        {"a\x1b[2J", "\"a\\u001b[2J\"", "\"a?[2J\""},
        {"\xc3\xbc", "\"\xc3\xbc\"", "\"\xc3\xbc\""},
        {"\xff\xc3", "\"\xff\xc3\"", "\"??\""},
        {"</script>", "\"</script>\"", "\"</script>\""},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct buf out = buf_new(1000);
        json_write_string(&out, str_of(table[i].text));
        ck_assert_str_is(buf_str(&out), table[i].string);
        buf_clear(&out);
        json_write_foreign(&out, str_of(table[i].text));
        ck_assert_str_is(buf_str(&out), table[i].foreign);
        buf_free(&out);
    }
}
END_TEST

START_TEST(members_are_parted)
{
    struct buf out = buf_new(1000);

    buf_append_byte(&out, '{');
    json_write_name(&out, "a");
    json_write_number(&out, 0);
    json_write_name(&out, "b");
    json_write_number(&out, UINT64_MAX);
    json_write_name(&out, "c");
    buf_append(&out, STR("{"));
    json_write_name(&out, "d");
    json_write_number(&out, 1020);
    ck_assert_str_is(buf_str(&out), "{\"a\":0,\"b\":18446744073709551615,\"c\":{\"d\":1020");
    buf_free(&out);
}
END_TEST

/* History. */

static void take(struct history *h, uint64_t hits)
{
    const struct history_sample sample = {.hits = hits, .misses = 7};

    history_take(h, 1000, &sample);
}

/* The numbers of hits, as text. */
static char *hits_of(const struct history *h)
{
    struct buf out = buf_new(1 << 20);

    history_render(h, &out);
    buf_append_byte(&out, '\0');
    ck_assert(buf_ok(&out));
    char *from = strstr(out.ptr, "\"hits\":[") + 8, *text = strndup(from, strcspn(from, "]"));
    buf_free(&out);
    return text;
}

START_TEST(history_says_by_how_much_counters_went_up)
{
    struct history *h = calloc(1, sizeof *h);
    struct buf out = buf_new(1000);

    take(h, 5);
    take(h, 5);
    take(h, 17);
    history_render(h, &out);
    ck_assert_str_is(buf_str(&out), "{\"every\":5,\"end\":1000,\"hits\":[0,12],\"coalesced\":[0,0],"
                                    "\"misses\":[0,0],\"bypasses\":[0,0],\"stored\":[0,0],"
                                    "\"refused\":[0,0]}");
    buf_free(&out);
    free(h);
}
END_TEST

START_TEST(history_keeps_the_last_hour)
{
    struct history *h = calloc(1, sizeof *h);
    char last[32];

    for (uint64_t i = 0; i <= HISTORY_STEPS; i++)
        take(h, i * i);
    char *text = hits_of(h);
    ck_assert(strncmp(text, "1,3,5,", 6) == 0);
    free(text);
    take(h, (HISTORY_STEPS + 1) * (HISTORY_STEPS + 1));
    text = hits_of(h);
    ck_assert(strncmp(text, "3,5,7,", 6) == 0);
    snprintf(last, sizeof last, ",%d", 2 * HISTORY_STEPS + 1);
    ck_assert_str_eq(strrchr(text, ','), last);
    size_t commas = 0;
    for (const char *c = text; *c; c++)
        commas += *c == ',';
    ck_assert(commas == HISTORY_STEPS - 1);
    free(text);
    free(h);
}
END_TEST

/* What /status says. */

static struct status_doc read(const char *metrics)
{
    struct status_doc doc = {.text = buf_new(1 << 16)};

    buf_printf(&doc.text, "{\"version\":\"1\",\"pid\":1,\"uptime\":10,\"metrics\":{%s}}", metrics);
    ck_assert(status_doc_read(&doc));
    return doc;
}

START_TEST(sums_go_over_labels)
{
    struct status_doc doc =
        read("\"plain\":7,\"by\":[{\"labels\":{\"a\":\"x\",\"b\":\"1\"},\"value\":1},"
             "{\"labels\":{\"a\":\"x\",\"b\":\"2\"},\"value\":2.5},"
             "{\"labels\":{\"a\":\"y\",\"b\":\"1\"},\"value\":4}],\"odd\":\"text\"");
    const struct status_label labels[] = {{"a", STR("x")}, {"b", STR("2")}};

    ck_assert(status_doc_sum(&doc, "plain", NULL, 0) == 7);
    ck_assert(status_doc_sum(&doc, "plain", labels, 1) == 0);
    ck_assert(status_doc_sum(&doc, "by", NULL, 0) == 7.5);
    ck_assert(status_doc_sum(&doc, "by", labels, 1) == 3.5);
    ck_assert(status_doc_sum(&doc, "by", labels, 2) == 2.5);
    ck_assert(status_doc_sum(&doc, "by", labels + 1, 1) == 2.5);
    ck_assert(status_doc_sum(&doc, "odd", NULL, 0) == 0);
    ck_assert(status_doc_sum(&doc, "none", NULL, 0) == 0);
    status_doc_free(&doc);
}
END_TEST

START_TEST(quantiles_are_those_of_the_time_between)
{
    struct status_doc old = read("\"t\":{\"buckets\":[[0.1,100],[0.2,100],[0.4,100]],\"sum\":1,"
                                 "\"count\":100}");
    struct status_doc now = read("\"t\":{\"buckets\":[[0.1,100],[0.2,110],[0.4,119]],\"sum\":1,"
                                 "\"count\":120},\"empty\":{\"buckets\":[],\"sum\":0,\"count\":0}");
    const struct {
        const struct status_doc *before;
        double q, want;
    } table[] = {
        {NULL, 0.5, 0.06}, {&old, 0.25, 0.15}, {&old, 0.5, 0.2}, {&old, 0.95, 0.4}, {&old, 1, 0.4},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        ck_assert_double_eq_tol(status_doc_quantile(&now, table[i].before, "t", table[i].q),
                                table[i].want, 1e-9);
    ck_assert(status_doc_quantile(&now, &now, "t", 0.5) < 0);
    ck_assert(status_doc_quantile(&now, NULL, "empty", 0.5) < 0);
    ck_assert(status_doc_quantile(&now, NULL, "none", 0.5) < 0);
    status_doc_free(&old);
    status_doc_free(&now);
}
END_TEST

START_TEST(what_is_no_status_is_refused)
{
    static const char *const texts[] = {"", "[]", "{}", "{\"metrics\":1}", "{\"metrics\":{}", "1"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct status_doc doc = {.text = buf_new(100)};
        buf_append(&doc.text, str_of(texts[i]));
        ck_assert_msg(!status_doc_read(&doc), "%s", texts[i]);
        status_doc_free(&doc);
    }
}
END_TEST

/* Foreign names reach a terminal without what steers it, whatever the document leaves out. */
START_TEST(text_is_made_of_anything)
{
    static const char *const metrics[] = {
        "",
        ("\"lookups_total\":[{\"labels\":{\"policy\":\"\\u001b[2J\",\"result\":\"hit\"},"
         "\"value\":1e300}]"),
        "\"lookups_total\":[{}],\"lookup_reasons_total\":[[],1,{\"labels\":1,\"value\":\"x\"}]",
        "\"lookup_reasons_total\":[{\"labels\":{\"reason\":\"\\u001b]0;x\"},\"value\":-1}]",
        "\"lookup_seconds\":{\"buckets\":[[1,1],[2]],\"count\":1}",
        "\"lookup_seconds\":{\"buckets\":1,\"count\":1}",
    };

    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        struct status_doc doc = read(metrics[i]);
        struct buf out = buf_new(1 << 16);
        status_text(&doc, NULL, &out);
        status_text(&doc, &doc, &out);
        ck_assert(buf_ok(&out) && !memchr(out.ptr, 27, out.len));
        buf_free(&out);
        status_doc_free(&doc);
    }
}
END_TEST

START_TEST(thousands_are_parted)
{
    static const struct {
        double value;
        const char *text;
    } table[] = {{0, "0"}, {999, "999"}, {1000, "1 000"}, {-1234567, "-1 234 567"}};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct buf out = buf_new(100);
        status_text_count(&out, table[i].value);
        ck_assert_str_is(buf_str(&out), table[i].text);
        buf_free(&out);
    }
}
END_TEST

Suite *suite_status(void)
{
    Suite *suite = suite_create("status");
    TCase *tests = tcase_create("status");

    tcase_add_test(tests, strings_are_escaped);
    tcase_add_test(tests, members_are_parted);
    tcase_add_test(tests, history_says_by_how_much_counters_went_up);
    tcase_add_test(tests, history_keeps_the_last_hour);
    tcase_add_test(tests, sums_go_over_labels);
    tcase_add_test(tests, quantiles_are_those_of_the_time_between);
    tcase_add_test(tests, what_is_no_status_is_refused);
    tcase_add_test(tests, text_is_made_of_anything);
    tcase_add_test(tests, thousands_are_parted);
    suite_add_tcase(suite, tests);
    return suite;
}
