#include "core/ticket.h"

#include "core/purge.h"
#include "core_fixture.h"
#include "unit.h"

static struct buf text;
static struct key_secret secret;

static void setup(void)
{
    text = buf_new(TICKET_MAX);
    secret = sample_secret();
}

static void teardown(void)
{
    buf_free(&text);
    unit_guard_release();
}

static struct ticket sample(const char *key)
{
    struct ticket ticket = {
        .key = {.digest = {0x0123456789abcdef, 0xfedcba9876543210},
                .length = 1234,
                .tenant = 0x00ff00ff00ff00ff,
                .rules = 0x123456789abcdef0,
                .text_len = strlen(key)},
        .ttl = 86400000,
        .max_age = 60000,
        .api = STR("openai-chat"),
        .count = 2,
        .room = 61440,
        .lease = 1700000000000,
        .deaf = true,
        .epoch = 1700000000001,
        .seen = 0x0f1e2d3c4b5a6978,
        .models = STR("gpt-4o m-1 "),
    };

    memcpy(ticket.key.text, key, strlen(key));
    return ticket;
}

#define SAMPLE_KEY "sc:llm:00ff00ff00ff00ff:00112233445566778899aabbccddeeff"

START_TEST(round_trip)
{
    struct ticket in = sample(SAMPLE_KEY), back;

    ticket_write(&text, &secret, &in);
    ck_assert(buf_ok(&text));
    struct str written = unit_guard(buf_str(&text));
    ck_assert(ticket_read(written, &secret, &back));
    ck_assert_str_is(back.policy, "llm");
    ck_assert_str_is(key_text(&back.key), SAMPLE_KEY);
    ck_assert_str_is(key_hash(&back.key), "00112233445566778899aabbccddeeff");
    ck_assert_uint_eq(back.key.digest.high, in.key.digest.high);
    ck_assert_uint_eq(back.key.digest.low, in.key.digest.low);
    ck_assert_uint_eq(back.key.length, 1234);
    ck_assert_uint_eq(back.key.tenant, in.key.tenant);
    ck_assert_uint_eq(back.key.rules, in.key.rules);
    ck_assert_int_eq(back.ttl, 86400000);
    ck_assert_int_eq(back.max_age, 60000);
    ck_assert_int_eq(back.lease, 1700000000000);
    ck_assert(back.deaf);
    ck_assert_int_eq(back.epoch, 1700000000001);
    ck_assert_uint_eq(back.seen, in.seen);
    ck_assert_str_is(back.models, "gpt-4o m-1 ");
    /* it passes through HAProxy's configuration and log */
    for (size_t i = 0; i < written.len; i++)
        ck_assert(written.ptr[i] >= 0x20 && written.ptr[i] < 0x7f);
}
END_TEST

/* What stands in requests that are under way while agents are upgraded. */
START_TEST(golden)
{
    struct ticket in = sample(SAMPLE_KEY);

    ticket_write(&text, &secret, &in);
    ck_assert_str_is(buf_str(&text),
                     "6 sc:llm:00ff00ff00ff00ff:00112233445566778899aabbccddeeff "
                     "0123456789abcdeffedcba9876543210 1234 00ff00ff00ff00ff 123456789abcdef0 "
                     "86400000 60000 openai-chat 2 61440 1700000000000 1 1700000000001 "
                     "0f1e2d3c4b5a6978 gpt-4o m-1 "
                     "952cc6f454a48738");
}
END_TEST

START_TEST(the_longest)
{
    struct ticket in = sample("sc:abcdefghijklmnopqrstuvwxyz012345:ffffffffffffffff:"
                              "00112233445566778899aabbccddeeff"),
                  back;

    ck_assert_uint_eq(in.key.text_len, KEY_TEXT_MAX);
    char models[2 * (PURGE_NAME_MAX + 1)];

    memset(models, 'm', sizeof models);
    models[PURGE_NAME_MAX] = models[sizeof models - 1] = ' ';
    in.key.length = 999999999999999999;
    in.ttl = in.epoch = 999999999999999999;
    in.models = (struct str){models, sizeof models};
    ticket_write(&text, &secret, &in);
    ck_assert(buf_ok(&text));
    ck_assert(ticket_read(unit_guard(buf_str(&text)), &secret, &back));
    ck_assert_int_eq(back.ttl, in.ttl);
    ck_assert_int_eq(back.epoch, in.epoch);
    ck_assert(str_eq(back.models, in.models));
    ck_assert_uint_eq(back.key.length, in.key.length);
    ck_assert_str_is(back.api, "openai-chat");
    ck_assert_int_eq(back.count, 2);
}
END_TEST

START_TEST(every_bit_counts)
{
    struct ticket in = sample(SAMPLE_KEY), back;

    ticket_write(&text, &secret, &in);
    struct str written = unit_guard(buf_str(&text));
    char *bytes = (char *)written.ptr;
    for (size_t bit = 0; bit < written.len * 8; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
        ck_assert_msg(!ticket_read(written, &secret, &back), "bit %zu", bit);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
    }
    ck_assert(ticket_read(written, &secret, &back));
}
END_TEST

START_TEST(cut_or_longer)
{
    struct ticket in = sample(SAMPLE_KEY), back;

    ticket_write(&text, &secret, &in);
    for (size_t len = 0; len < text.len; len++) {
        ck_assert(!ticket_read(unit_guard((struct str){text.ptr, len}), &secret, &back));
        ck_assert(!ticket_read(unit_guard(str_from(buf_str(&text), len + 1)), &secret, &back));
        unit_guard_release();
    }
    buf_append_byte(&text, '0');
    ck_assert(!ticket_read(unit_guard(buf_str(&text)), &secret, &back));
    ck_assert(!ticket_read((struct str){NULL, 0}, &secret, &back));
}
END_TEST

START_TEST(another_secret)
{
    struct ticket in = sample(SAMPLE_KEY), back;
    struct key_secret other;

    ticket_write(&text, &secret, &in);
    key_secret_derive(&other, STR("another secret of the tests"));
    ck_assert(!ticket_read(unit_guard(buf_str(&text)), &other, &back));
    /* each half of the secret alone is not enough either */
    memcpy(other.key, secret.key, sizeof other.key);
    ck_assert(!ticket_read(unit_guard(buf_str(&text)), &other, &back));
}
END_TEST

/* Authentic, and still not a ticket. */
START_TEST(signed_but_wrong)
{
#define DIGEST "0123456789abcdeffedcba9876543210"
#define TENANT "00ff00ff00ff00ff"
#define RULES "123456789abcdef0"
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES
         " 1000 9 openai-chat 2 61440 0 0 7 00ff00ff00ff00ff gpt-4o ",
         true},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES
         " 1000 9  0 61440 17 1 7 00ff00ff00ff00ff gpt-4o ",
         true},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES
         " 1000 9 openai-chat x 61440 0 0 7 00ff00ff00ff00ff gpt-4o ",
         false},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES " 1000 ", false},
        {"5 " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES
         " 1000 9 openai-chat 2 61440 0 0 7 00ff00ff00ff00ff gpt-4o ",
         false},
        {"6  " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES
         " 1000 9 openai-chat 2 61440 0 0 7 00ff00ff00ff00ff gpt-4o ",
         false},
        {"6 xx:llm:" TENANT ":" DIGEST " " DIGEST " 1234 " TENANT " " RULES
         " 1000 9 openai-chat 2 61440 0 0 7 00ff00ff00ff00ff gpt-4o ",
         false},
        {"6 sc:llm:" TENANT ":" DIGEST "0 " DIGEST " 1234 " TENANT " " RULES
         " 1000 9 openai-chat 2 61440 0 0 7 00ff00ff00ff00ff gpt-4o ",
         false},
        {"6 sc:llm " DIGEST " 1234 " TENANT " " RULES
         " 1000 9 openai-chat 2 61440 0 0 7 00ff00ff00ff00ff gpt-4o ",
         false},
        {"6 sc:abcdefghijklmnopqrstuvwxyz0123456:" TENANT ":" DIGEST " " DIGEST " 1234 " TENANT
         " " RULES " 1000 9 openai-chat 2 61440 0 0 7 00ff00ff00ff00ff gpt-4o ",
         false},
        {"6 " SAMPLE_KEY " 0123 1234 " TENANT " " RULES
         " 1000 9 openai-chat 2 61440 0 0 7 00ff00ff00ff00ff gpt-4o ",
         false},
        {"6 " SAMPLE_KEY " " DIGEST " x " TENANT " " RULES
         " 1000 9 openai-chat 2 61440 0 0 7 00ff00ff00ff00ff gpt-4o ",
         false},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 x " RULES
         " 1000 9 openai-chat 2 61440 0 0 7 00ff00ff00ff00ff gpt-4o ",
         false},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES
         " 0 9 openai-chat 2 61440 0 0 7 00ff00ff00ff00ff gpt-4o ",
         false},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES
         " -5 9 openai-chat 2 61440 0 0 7 00ff00ff00ff00ff gpt-4o ",
         false},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES " ", false},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT
         " x 1000 9 openai-chat 2 61440 0 0 7 00ff00ff00ff00ff gpt-4o ",
         false},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT
         " 1000 9 openai-chat 2 61440 0 0 7 00ff00ff00ff00ff gpt-4o ",
         false},
        {"6 ", false},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES " 1000 9 openai-chat 2 ", false},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES " 1000 9 openai-chat 2 x 0 0 ",
         false},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES
         " 1000 x openai-chat 2 61440 0 0 7 00ff00ff00ff00ff gpt-4o ",
         false},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES
         " 1000 9 openai-chat 2 61440 x 0 7 00ff00ff00ff00ff gpt-4o ",
         false},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES
         " 1000 9 openai-chat 2 61440 0 x 7 00ff00ff00ff00ff gpt-4o ",
         false},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES " 1000 9 openai-chat 2 61440 0 ",
         false},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES
         " 1000 9 openai-chat 2 61440 0 0 7 00ff00ff00ff00ff ",
         true},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES
         " 1000 9 openai-chat 2 61440 0 0 7 00ff00ff00ff00ff a b ",
         true},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES
         " 1000 9 openai-chat 2 61440 0 0 x 00ff00ff00ff00ff a ",
         false},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES
         " 1000 9 openai-chat 2 61440 0 0 7 00ff a ",
         false},
        {"6 " SAMPLE_KEY " " DIGEST " 1234 " TENANT " " RULES " 1000 9 openai-chat 2 61440 0 0 ",
         false},
        {"", false},
    };
    struct ticket back;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_clear(&text);
        buf_append(&text, str_of(cases[i].text));
        hex64_append(&text, key_mac(&secret, buf_str(&text)));
        ck_assert_msg(ticket_read(unit_guard(buf_str(&text)), &secret, &back) == cases[i].good,
                      "%s", cases[i].text);
    }
}
END_TEST

Suite *suite_ticket(void)
{
    Suite *suite = suite_create("ticket");
    TCase *cases = tcase_create("ticket");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, round_trip);
    tcase_add_test(cases, golden);
    tcase_add_test(cases, the_longest);
    tcase_add_test(cases, every_bit_counts);
    tcase_add_test(cases, cut_or_longer);
    tcase_add_test(cases, another_secret);
    tcase_add_test(cases, signed_but_wrong);
    suite_add_tcase(suite, cases);
    return suite;
}
