/* What was purged: the table, its text, names, and what it does to entries and answers. */
#include "core/purge.h"

#include "core/plan.h"
#include "core_fixture.h"
#include "unit.h"

#include <stdio.h>

#define KEY "00112233445566778899aabbccddeeff"

static struct purges purges;
static struct plan_scratch scratch;
static struct policy policy;
static struct buf text;

static void setup(void)
{
    purges_init(&purges, 1000);
    plan_scratch_init(&scratch);
    policy = sample_policy();
    text = buf_new(1 << 20);
}

static void teardown(void)
{
    plan_scratch_free(&scratch);
    buf_free(&text);
    unit_guard_release();
}

static struct purge_subject sample_subject(int64_t epoch)
{
    return (struct purge_subject){
        .epoch = epoch,
        .policy = STR("llm"),
        .models = STR("gpt-4o other "),
        .tags = STR("prices docs "),
        .key = STR(KEY),
        .tenant = 0x00ff00ff00ff00ff,
    };
}

static bool allowed(int64_t epoch)
{
    struct purge_subject subject = sample_subject(epoch);

    return purges_allow(&purges, &subject);
}

START_TEST(each_scope_and_no_other)
{
    static const struct {
        const char *scope;
        bool hit;
    } cases[] = {
        {"all", true},
        {"policy:llm", true},
        {"policy:ll", false},
        {"policy:llm2", false},
        {"tenant:00ff00ff00ff00ff", true},
        {"tenant:00ff00ff00ff00fe", false},
        {"model:gpt-4o", true},
        {"model:other", true},
        {"model:gpt-4", false},
        {"model:llm", false},
        {"model:", false},
        {"tag:prices", true},
        {"tag:docs", true},
        {"tag:doc", false},
        {"tag:prices docs", false},
        {"tag:", false},
        {"tag:gpt-4o", false},
        {"model:gpt-4o other", false},
        {"key:" KEY, true},
        {"key:00112233445566778899aabbccddeefe", false},
        {"gpt-4o", false},
        {"", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        purges_init(&purges, 1000);
        ck_assert(allowed(1000));
        int64_t epoch = purges_add(&purges, str_of(cases[i].scope), 0);
        ck_assert_int_eq(epoch, 1001);
        ck_assert_msg(allowed(1000) == !cases[i].hit, "%s", cases[i].scope);
        ck_assert_msg(allowed(1001), "%s", cases[i].scope);
    }
}
END_TEST

START_TEST(what_was_before_the_start)
{
    ck_assert(!allowed(999));
    ck_assert(allowed(1000));
    ck_assert(allowed(1001));
}
END_TEST

/* The number follows the clock, and grows when that does not. */
START_TEST(epochs_grow)
{
    ck_assert_int_eq(purges_add(&purges, STR("tag:a"), 5000), 5000);
    ck_assert_int_eq(purges_add(&purges, STR("tag:b"), 5000), 5001);
    ck_assert_int_eq(purges_add(&purges, STR("tag:c"), 10), 5002);
    purges_raise(&purges, 5000);
    ck_assert_int_eq(purges.epoch, 5002);
    purges_raise(&purges, 6000);
    ck_assert_int_eq(purges_add(&purges, STR("tag:a"), 0), 6001);
}
END_TEST

START_TEST(the_later_of_two)
{
    purges_note(&purges, STR("tag:docs"), 2000);
    purges_note(&purges, STR("tag:docs"), 1500);
    ck_assert(!allowed(1999));
    ck_assert(allowed(2000));
    purges_note(&purges, STR("all"), 1700);
    ck_assert(!allowed(1999));
    ck_assert_uint_eq(purges.count, 1);
    purges_note(&purges, STR("all"), 3000);
    ck_assert_uint_eq(purges.count, 0);
    purges_note(&purges, STR("tag:docs"), 2500);
    ck_assert_uint_eq(purges.count, 0);
    ck_assert(!allowed(2999));
    ck_assert(allowed(3000));
}
END_TEST

/* Against a list that is never full. What it purges is purged, and nothing newer than what was
 * folded is purged for it. */
START_TEST(full)
{
    enum { SCOPES = PURGE_NOTES_MAX + 1000 };
    char name[32];

    for (int64_t i = 0; i < SCOPES; i++) {
        snprintf(name, sizeof name, "tag:t%lld", (long long)i);
        ck_assert_int_eq(purges_add(&purges, str_of(name), 0), 1001 + i);
        ck_assert_uint_le(purges.count, PURGE_NOTES_MAX);
    }
    ck_assert_int_eq(purges.all, 1001 + 999); /* the thousandth was the last one folded */
    ck_assert(!allowed(purges.all - 1));
    ck_assert(allowed(purges.all));
    for (int64_t i = 0; i < SCOPES; i++) {
        struct purge_subject subject = sample_subject(1000 + i);
        snprintf(name, sizeof name, "t%lld ", (long long)i);
        subject.tags = str_of(name);
        ck_assert(!purges_allow(&purges, &subject));
        subject.epoch++;
        ck_assert(purges_allow(&purges, &subject) == (subject.epoch >= purges.all));
    }
}
END_TEST

START_TEST(text_read)
{
    struct purge_news news;

    ck_assert(
        purges_read(&purges, unit_guard(STR("epoch 2002\nall 1500\nmodel:gpt-4o 2000\n")), &news));
    ck_assert_int_eq(purges.epoch, 2002);
    ck_assert_int_eq(purges.all, 1500);
    ck_assert(!allowed(1999));
    ck_assert(allowed(2000));
    /* as Redis says only what is new */
    ck_assert(purges_read(&purges, unit_guard(STR("tag:docs 2003\nepoch 2003\n")), &news));
    ck_assert(!allowed(2002));
    ck_assert(allowed(2003));
    ck_assert(news.lost == PURGE_NONE_LOST && !news.unknown && !news.folded);
}
END_TEST

/* Where the writer stands, which is no scope. */
START_TEST(history_read)
{
    struct purge_news news;

    ck_assert(
        purges_read(&purges, unit_guard(STR("epoch 3000\nserial 12\nterm 77\nheld 1\n")), &news));
    ck_assert(purges.term == 77 && purges.serial == 12 && purges.held == 1 && purges.count == 0);
    ck_assert(purges_read(&purges, unit_guard(STR("lost 2000\n")), &news));
    ck_assert(news.lost == 2000 && purges.term == 77 && purges.held); /* it says nothing else */
    ck_assert(purges_read(&purges, unit_guard(STR("held 0\n")), &news) && !purges.held);
    ck_assert(purges_read(&purges, unit_guard(STR("unknown 1\nfold 2500\n")), &news));
    ck_assert(news.lost == PURGE_NONE_LOST && news.unknown && news.folded);
    ck_assert_int_eq(purges.all, 2500);
    static const char *const scopes[] = {"all", "tag:a", "#0123456789abcdef", ":"};
    static const char *const others[] = {"", "epoch", "term", "run", "@12", "-"};
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
        ck_assert(purge_is_scope(unit_guard(str_of(scopes[i]))));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert(!purge_is_scope(unit_guard(str_of(others[i]))));
}
END_TEST

/* What was purged after an epoch can be told to somebody who lost it. */
START_TEST(the_tail_says_what_was_purged_since)
{
    static struct purges other;
    struct purge_news news;

    purges_note(&purges, STR("tag:a"), 2000);
    purges_note(&purges, STR("tag:docs"), 2001);
    buf_clear(&text);
    purges_tail(&purges, 2001, &text);
    ck_assert_uint_eq(text.len, 0);
    purges_tail(&purges, 2000, &text);
    ck_assert_uint_eq(text.len, 18);
    purges_init(&other, 1000);
    text.ptr[17] = ' ';
    buf_append(&text, STR("3000\n"));
    ck_assert(purges_read(&other, buf_str(&text), &news));
    struct purge_subject subject = sample_subject(2999);
    subject.tags = STR("docs ");
    ck_assert(!purges_allow(&other, &subject));
    subject.tags = STR("a ");
    ck_assert(purges_allow(&other, &subject));
    buf_clear(&text);
    purges_tail(&purges, 999, &text);
    ck_assert_str_is(buf_str(&text), "all ");
    for (int i = 0; i < PURGE_TAIL_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "tag:%d", i);
        purges_add(&purges, str_of(name), 0);
    }
    buf_clear(&text);
    purges_tail(&purges, 2001, &text);
    ck_assert_uint_eq(text.len, 18 * PURGE_TAIL_MAX);
    purges_add(&purges, STR("tag:more"), 0);
    buf_clear(&text);
    purges_tail(&purges, 2001, &text);
    ck_assert_str_is(buf_str(&text), "all ");
}
END_TEST

START_TEST(no_text)
{
    static const char *const texts[] = {
        "",
        "\n",
        "epoch\n",
        "epoch x\n",
        "epoch -1\n",
        "epoch 2000 1\n",
        " 2000\n",
        "all 2000\nmodel:gpt-4o\n",
        "all 2000\n\n",
        "all 2000\nepoch 99999999999999999999\n",
        "tag:0123456789012345678901234567890123456789012345678901234567890123456789 2000\n",
    };

    struct purge_news news;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ck_assert_msg(!purges_read(&purges, unit_guard(str_of(texts[i])), &news), "%s", texts[i]);
        ck_assert_int_eq(purges.epoch, 1000);
        ck_assert_int_eq(purges.all, 1000);
    }
}
END_TEST

static struct str named(const char *name)
{
    buf_clear(&text);
    purge_name(&text, unit_guard(str_of(name)));
    ck_assert(buf_ok(&text) && text.len <= PURGE_NAME_MAX);
    return buf_str(&text);
}

START_TEST(names)
{
    char longest[PURGE_NAME_MAX + 2];

    ck_assert_str_is(named(""), "");
    ck_assert_str_is(named("gpt-4o"), "gpt-4o");
    ck_assert_str_is(named("ft:gpt-4o:org::id"), "ft:gpt-4o:org::id");
    ck_assert_str_is(named("a b"), "~8044f8a624582c4c");
    ck_assert(named("a\nb").len == 17);
    ck_assert(named("\x7f").len == 17);
    ck_assert(named("\xc3\xa4").len == 17);
    memset(longest, 'x', sizeof longest);
    longest[PURGE_NAME_MAX] = '\0';
    ck_assert_str_is(named(longest), longest);
    longest[PURGE_NAME_MAX] = 'x';
    longest[PURGE_NAME_MAX + 1] = '\0';
    ck_assert(named(longest).len == 17 && text.ptr[0] == '~');
}
END_TEST

START_TEST(tags)
{
    static const struct {
        const char *value, *tags;
        size_t count;
    } cases[] = {
        {"", "", 0},
        {"a", "a ", 1},
        {"a,b", "a b ", 2},
        {"a, b", "a b ", 2},
        {"a b\tc", "a b c ", 3},
        {" ,, a , ,b, ", "a b ", 2},
        {",", "", 0},
        {"Caf\xc3\xa9", "~189727aa31da6598 ", 1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_clear(&text);
        ck_assert_uint_eq(purge_tags(&text, unit_guard(str_of(cases[i].value))), cases[i].count);
        ck_assert_str_is(buf_str(&text), cases[i].tags);
    }
}
END_TEST

static struct plan plan_of(const struct request *request)
{
    struct key_secret secret = sample_secret();
    struct scope scope = sample_scope(&policy, request);
    struct plan plan;

    plan_request(&plan, &scratch, &secret, &scope, request, 16380);
    ck_assert(plan.has_key);
    return plan;
}

/* The sample request, planned. */
static struct plan planned(void)
{
    struct request request = sample_request();

    return plan_of(&request);
}

static void models_are(const char *target, const char *body, const char *models)
{
    struct request request = sample_request();

    request.target = str_of(target);
    request.body = str_of(body);
    struct plan plan = plan_of(&request);
    ck_assert_str_is(((struct str){plan.models, plan.models_len}), models);
}

/* Either may be the one that answers. */
START_TEST(models_of_body_and_path)
{
    static const char deployment[] = "/openai/deployments/gpt%2D4/chat/completions";

    models_are("/v1/chat/completions", "{\"model\":\"m\",\"messages\":[]}", "m ");
    models_are("/v1/chat/completions", "{\"model\":\"a b\",\"messages\":[]}", "~8044f8a624582c4c ");
    models_are("/v1/chat/completions", "{\"messages\":[]}", "");
    models_are(deployment, "{\"messages\":[]}", "gpt-4 ");
    models_are(deployment, "{\"model\":\"gpt-4\",\"messages\":[]}", "gpt-4 ");
    models_are(deployment, "{\"model\":\"m\",\"messages\":[]}", "gpt-4 m ");
    policy.json = false;
    models_are("/v1/chat/completions", "{\"model\":\"m\",\"messages\":[]}", "");
}
END_TEST

/* Its ticket, as it comes back with the answer; `models` points into *plan. */
static struct ticket ticket_of(const struct plan *plan, int64_t epoch)
{
    return (struct ticket){.key = plan->key,
                           .ttl = 60000,
                           .room = 5000,
                           .epoch = epoch,
                           .models = {plan->models, plan->models_len}};
}

START_TEST(an_answer_asked_for_before_a_purge)
{
    struct plan plan = planned();
    struct ticket ticket = ticket_of(&plan, 1000);
    struct response response = sample_response();
    char scope[64];

    ck_assert_str_is(ticket.models, "m ");
    snprintf(scope, sizeof scope, "key:%.*s", STR_ARGS(key_hash(&plan.key)));
    const char *const scopes[] = {"all", "policy:llm", "model:m", scope};
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        purges_init(&purges, 1000);
        ticket.epoch = 1000;
        ck_assert_int_eq(plan_answer(&scratch, &policy, &purges, &ticket, &response, 1, &text),
                         REASON_NONE);
        purges_add(&purges, str_of(scopes[i]), 0);
        ck_assert_int_eq(plan_answer(&scratch, &policy, &purges, &ticket, &response, 1, &text),
                         REASON_PURGED);
        ticket.epoch = 1001;
        ck_assert_int_eq(plan_answer(&scratch, &policy, &purges, &ticket, &response, 1, &text),
                         REASON_NONE);
        /* asked for by an agent that knew more */
        ticket.epoch = 1002;
        ck_assert_int_eq(plan_answer(&scratch, &policy, &purges, &ticket, &response, 1, &text),
                         REASON_NONE);
    }
}
END_TEST

START_TEST(a_purged_entry_is_a_miss)
{
    struct plan plan = planned(), found = plan;
    struct ticket ticket = ticket_of(&plan, 1000);
    struct response response = sample_response();
    struct entry entry;

    policy.tag_header = STR("x-tags");
    response.headers = headers_of("content-type: application/json\nx-tags: a, b\nx-tags: c\n");
    ck_assert_int_eq(plan_answer(&scratch, &policy, &purges, &ticket, &response, 1, &text),
                     REASON_NONE);
    plan_found(&found, &scratch, &purges, buf_str(&text), 2, (struct hash128){0, 0}, &entry);
    ck_assert_int_eq(found.status, PLAN_HIT);
    ck_assert_str_is(entry.tags, "a b c ");
    ck_assert_str_is(entry.models, "m ");
    ck_assert_str_is(entry.headers, "");
    static const char *const scopes[] = {"tag:a", "tag:b", "tag:c", "model:m", "policy:llm", "all"};
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        purges_init(&purges, 1000);
        purges_add(&purges, str_of(scopes[i]), 0);
        found = plan;
        plan_found(&found, &scratch, &purges, buf_str(&text), 2, (struct hash128){0, 0}, &entry);
        ck_assert_int_eq(found.status, PLAN_MISS);
        ck_assert_int_eq(found.reason, REASON_PURGED);
        ck_assert(found.store);
    }
}
END_TEST

/* Whoever stored it knows of a purge that is not known here yet. */
START_TEST(an_entry_of_a_later_epoch_is_a_miss)
{
    struct plan plan = planned(), found = plan;
    struct ticket ticket = ticket_of(&plan, 1001);
    struct response response = sample_response();
    struct entry entry;

    ck_assert_int_eq(plan_answer(&scratch, &policy, &purges, &ticket, &response, 1, &text),
                     REASON_NONE);
    plan_found(&found, &scratch, &purges, buf_str(&text), 2, (struct hash128){0, 0}, &entry);
    ck_assert_int_eq(found.reason, REASON_PURGED);
    purges_raise(&purges, 1001);
    found = plan;
    plan_found(&found, &scratch, &purges, buf_str(&text), 2, (struct hash128){0, 0}, &entry);
    ck_assert_int_eq(found.status, PLAN_HIT);
}
END_TEST

START_TEST(more_tags_than_any)
{
    struct plan plan = planned();
    struct ticket ticket = ticket_of(&plan, 1000);
    struct response response = sample_response();

    policy.tag_header = STR("x-tags");
    for (size_t count = PURGE_TAGS_MAX; count <= PURGE_TAGS_MAX + 1; count++) {
        struct buf lines = buf_new(1 << 16);
        buf_append(&lines, STR("content-type: application/json\nx-tags: "));
        for (size_t i = 0; i < count; i++)
            buf_append(&lines,
                       STR("0123456789012345678901234567890123456789012345678901234567890123 "));
        buf_append(&lines, STR("\n\0"));
        ck_assert(buf_ok(&lines));
        response.headers = headers_of(lines.ptr);
        buf_free(&lines);
        ck_assert_int_eq(plan_answer(&scratch, &policy, &purges, &ticket, &response, 1, &text),
                         count <= PURGE_TAGS_MAX ? REASON_NONE : REASON_LARGE);
    }
}
END_TEST

Suite *suite_purge(void)
{
    Suite *suite = suite_create("purge");
    TCase *cases = tcase_create("purge");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, each_scope_and_no_other);
    tcase_add_test(cases, what_was_before_the_start);
    tcase_add_test(cases, epochs_grow);
    tcase_add_test(cases, the_later_of_two);
    tcase_add_test(cases, full);
    tcase_add_test(cases, text_read);
    tcase_add_test(cases, history_read);
    tcase_add_test(cases, the_tail_says_what_was_purged_since);
    tcase_add_test(cases, no_text);
    tcase_add_test(cases, names);
    tcase_add_test(cases, tags);
    tcase_add_test(cases, models_of_body_and_path);
    tcase_add_test(cases, an_answer_asked_for_before_a_purge);
    tcase_add_test(cases, a_purged_entry_is_a_miss);
    tcase_add_test(cases, an_entry_of_a_later_epoch_is_a_miss);
    tcase_add_test(cases, more_tags_than_any);
    suite_add_tcase(suite, cases);
    return suite;
}
