#include "core/log_line.h"
#include "core/log_rate.h"
#include "unit.h"

static void assert_line(struct log_line line, enum log_format format, const char *want)
{
    struct buf out = buf_new(4096);

    log_line_print(&line, format, &out);
    ck_assert(buf_ok(&out));
    ck_assert_str_is(buf_str(&out), want);
    buf_free(&out);
}

START_TEST(a_line_is_logfmt_or_json)
{
    struct log_line line = {STR("2026-01-02T03:04:05.006Z"), LOG_LEVEL_WARNING, STR("all well"), 0};

    assert_line(line, LOG_FORMAT_LOGFMT,
                "time=2026-01-02T03:04:05.006Z level=warning msg=\"all well\"\n");
    assert_line(line, LOG_FORMAT_JSON,
                "{\"time\":\"2026-01-02T03:04:05.006Z\",\"level\":\"warning\",\"msg\":"
                "\"all well\"}\n");
    line.time = STR("");
    line.suppressed = 7;
    assert_line(line, LOG_FORMAT_LOGFMT, "level=warning msg=\"all well\" suppressed=7\n");
    assert_line(line, LOG_FORMAT_JSON,
                "{\"level\":\"warning\",\"msg\":\"all well\",\"suppressed\":7}\n");
}
END_TEST

START_TEST(foreign_text_stays_in_its_field)
{
    struct log_line line = {.level = LOG_LEVEL_INFO,
                            .text = STR("it says \"no\\\"\nlevel=error \x1b[2J\r\xff")};

    assert_line(line, LOG_FORMAT_LOGFMT,
                "level=info msg=\"it says \\\"no\\\\\\\"\\nlevel=error ?[2J??\"\n");
    assert_line(line, LOG_FORMAT_JSON,
                "{\"level\":\"info\",\"msg\":\"it says \\\"no\\\\\\\"\\nlevel=error ?[2J??\"}\n");
}
END_TEST

START_TEST(a_long_text_is_cut_and_still_closed)
{
    char text[3 * LOG_LINE_TEXT];
    struct buf out = buf_new(4096);

    memset(text, '"', sizeof text);
    struct log_line line = {.level = LOG_LEVEL_ERROR, .text = {text, sizeof text}};
    log_line_print(&line, LOG_FORMAT_JSON, &out);
    ck_assert(buf_ok(&out));
    ck_assert(str_ends(buf_str(&out), STR("\\\"...\"}\n")));
    buf_free(&out);
}
END_TEST

static struct log_rate rate;
static const char one[] = "one", two[] = "two";

/* How many of `count` lines of a kind are logged; the others are held. */
static unsigned logged(const void *name, unsigned count, int64_t now)
{
    unsigned admitted = 0;

    while (count--) {
        struct log_kind *kind = log_rate_kind(&rate, name, now);
        if (log_kind_admits(kind, now))
            admitted++;
        else
            log_kind_hold(kind, LOG_LEVEL_ERROR, STR("held"));
    }
    return admitted;
}

START_TEST(a_kind_has_some_lines_and_then_a_count)
{
    rate = (struct log_rate){0};
    ck_assert_uint_eq(logged(one, LOG_RATE_LINES + 90, 5), LOG_RATE_LINES);
    ck_assert_uint_eq(logged(two, 3, 5), 3);
    ck_assert_ptr_null(log_rate_due(&rate, 4 + LOG_RATE_WINDOW));
    struct log_kind *due = log_rate_due(&rate, 5 + LOG_RATE_WINDOW);
    ck_assert_ptr_eq(due, log_rate_kind(&rate, one, 5));
    ck_assert_uint_eq(due->held, 90);
    ck_assert_int_eq(due->level, LOG_LEVEL_ERROR);
    ck_assert_mem_eq(due->text, "held", due->len);
    log_kind_clear(due);
    ck_assert_ptr_null(log_rate_due(&rate, INT64_MAX));
    ck_assert_uint_eq(logged(one, 3, 5 + LOG_RATE_WINDOW), 3);
}
END_TEST

START_TEST(lines_that_come_slowly_are_all_logged)
{
    rate = (struct log_rate){0};
    for (int64_t now = 0; now < 100LL * LOG_RATE_WINDOW; now += LOG_RATE_WINDOW / LOG_RATE_LINES)
        ck_assert_uint_eq(logged(one, 1, now), 1);
}
END_TEST

START_TEST(what_is_held_is_told_at_the_end_before_its_time)
{
    rate = (struct log_rate){0};
    logged(one, LOG_RATE_LINES + 1, 0);
    ck_assert_ptr_null(log_rate_due(&rate, 0));
    ck_assert_ptr_nonnull(log_rate_due(&rate, INT64_MAX));
}
END_TEST

START_TEST(more_kinds_than_places_share_the_last_and_take_none_that_holds)
{
    static const char names[2 * LOG_RATE_KINDS];

    rate = (struct log_rate){0};
    for (size_t i = 0; i < sizeof names; i++)
        logged(&names[i], LOG_RATE_LINES + 1, 0);
    unsigned holding = 0;
    uint64_t held = 0;
    for (struct log_kind *due; (due = log_rate_due(&rate, INT64_MAX)); log_kind_clear(due)) {
        held += due->held;
        holding++;
    }
    ck_assert_uint_eq(holding, LOG_RATE_KINDS);
    ck_assert_uint_eq(held, LOG_RATE_KINDS + LOG_RATE_KINDS * (LOG_RATE_LINES + 1));
    ck_assert_uint_eq(logged(&names[0], 1, 1), 1);
}
END_TEST

Suite *suite_log(void)
{
    TCase *t = tcase_create("log");

    tcase_add_test(t, a_line_is_logfmt_or_json);
    tcase_add_test(t, foreign_text_stays_in_its_field);
    tcase_add_test(t, a_long_text_is_cut_and_still_closed);
    tcase_add_test(t, a_kind_has_some_lines_and_then_a_count);
    tcase_add_test(t, lines_that_come_slowly_are_all_logged);
    tcase_add_test(t, what_is_held_is_told_at_the_end_before_its_time);
    tcase_add_test(t, more_kinds_than_places_share_the_last_and_take_none_that_holds);
    Suite *suite = suite_create("log");
    suite_add_tcase(suite, t);
    return suite;
}
