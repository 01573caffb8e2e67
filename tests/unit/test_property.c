/* What holds of the key of any request, tried on random ones: every way to write it gives the same
 * key, every change of what it means another, and no two requests share one. */
#include "core/canonical.h"
#include "core/key.h"
#include "core_fixture.h"
#include "random_request.h"
#include "spelling.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 5000, MILLION = 1000000 };

static struct json_doc doc;
static struct buf one, other, canonical, fields;
static struct key_secret secret;
static struct policy policy;
static struct request request;

static void setup(void)
{
    one = buf_new(1 << 20);
    other = buf_new(1 << 20);
    canonical = buf_new(1 << 20);
    fields = buf_new(1 << 20);
    secret = sample_secret();
    policy = sample_policy();
    request = sample_request();
}

static void teardown(void)
{
    json_free(&doc);
    buf_free(&one);
    buf_free(&other);
    buf_free(&canonical);
    buf_free(&fields);
    unit_guard_release();
}

/* libcheck writes to a file at each of its checks, which takes longer than what is checked here. */
#define CHECK_QUICKLY(condition, body)                                                             \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("%s: %.*s", #condition, STR_ARGS(body));                                  \
    } while (0)

/* The key of a body, by the steps that the agent takes. False when the API's table says that it has
 * none. */
static bool make_key(struct key *key, const struct api *api, struct str body)
{
    struct key_context context = {.owner = {STR("tenant"), STR("acme"), 0},
                                  .api = str_of(api->name)};
    struct key_body hashes;

    buf_clear(&canonical);
    CHECK_QUICKLY(json_read(&doc, body) == JSON_OK, body);
    enum reason reason = canonical_write(&canonical, &doc, api->request, NULL);
    CHECK_QUICKLY(reason == REASON_NONE || reason == REASON_FIELD, body);
    key_body_hash(&hashes, &secret, buf_str(&canonical));
    CHECK_QUICKLY(key_derive(key, &secret, &policy, &request, &hashes, &context, &fields), body);
    return reason == REASON_NONE;
}

/* The same of a request in a random spelling, which is in *text then. */
static bool make_random_key(struct key *key, const struct api *api,
                            const struct random_request *random, struct buf *text)
{
    buf_clear(text);
    request_write(random, text);
    ck_assert(buf_ok(text));
    return make_key(key, api, buf_str(text));
}

static bool same_digest(struct hash128 a, struct hash128 b)
{
    return a.high == b.high && a.low == b.low;
}

#define CHECK(condition, api, what)                                                                \
    ck_assert_msg(condition, "%s: %s\n%.*s\n%.*s", (api)->name, what, STR_ARGS(buf_str(&one)),     \
                  STR_ARGS(buf_str(&other)))

START_TEST(any_spelling_keeps_the_key_and_any_change_makes_another)
{
    static struct random_request random;
    unsigned made[CHANGE_KINDS] = {0}, apis = 0, dropped = 0, respelled = 0, bypassed = 0;

    while (api_names()[apis])
        apis++;
    for (unsigned round = 0; round < ROUNDS; round++) {
        const struct api *api = api_named(str_of(api_names()[round % apis]));
        request_random(&random, api);
        struct key first, second;
        CHECK(make_random_key(&first, api, &random, &one), api, "no key");
        CHECK(make_random_key(&second, api, &random, &other), api, "no key");
        CHECK(str_eq(key_text(&first), key_text(&second)), api, "another key");
        CHECK(same_digest(first.digest, second.digest), api, "another digest");
        CHECK(first.length == second.length, api, "another length");
        respelled += !str_eq(buf_str(&one), buf_str(&other));
        for (uint32_t i = 0; i < random.count; i++)
            dropped += random.values[i].dropped;

        enum request_change kind = request_change(&random);
        made[kind]++;
        if (!make_random_key(&second, api, &random, &other)) {
            bypassed++;
            continue;
        }
        CHECK(!str_eq(key_text(&first), key_text(&second)), api, "the key of something else");
        CHECK(!same_digest(first.digest, second.digest), api, "the digest of something else");
    }
    ck_assert_uint_gt(respelled, ROUNDS * 9 / 10);
    ck_assert_uint_gt(dropped, ROUNDS / 4);
    ck_assert_uint_lt(bypassed, ROUNDS / 20);
    for (int kind = 0; kind < CHANGE_KINDS; kind++)
        ck_assert_msg(made[kind] > ROUNDS / 200, "%u changes of kind %d", made[kind], kind);
}
END_TEST

/* A small request with a number of seven digits somewhere: two numbers, two requests, and what is
 * next to them is the same. */
static struct str small_request(char *out, size_t size, unsigned number)
{
    static const char *const shapes[] = {
        "{\"messages\":[{\"role\":\"user\",\"content\":\"%.*s%s\"}]}",
        "{\"messages\":[{\"role\":\"%.*s\",\"content\":\"%s\"}]}",
        "{\"messages\":[{\"role\":\"%.*s\"},{\"role\":\"%s\"}]}",
        "{\"x\":[\"%.*s\",\"%s\"]}",
        "{\"x\":{\"%.*s\":\"%s\"}}",
        "{\"%.*s\":\"%s\"}",
        "{\"a\":\"%.*s\",\"b\":\"%s\"}",
        "{\"x\":1%.*s%s}",
    };
    char digits[16];
    int cut = (int)random_below(7);

    snprintf(digits, sizeof digits, "%07u", number);
    int len = snprintf(out, size, shapes[random_below(8)], cut, digits, digits + cut);
    return (struct str){out, (size_t)len};
}

static int compare_hashes(const void *a, const void *b)
{
    const struct hash128 *x = a, *y = b;

    if (x->high != y->high)
        return x->high < y->high ? -1 : 1;
    return (x->low > y->low) - (x->low < y->low);
}

static void check_distinct(struct hash128 *hashes, const char *what)
{
    qsort(hashes, MILLION, sizeof *hashes, compare_hashes);
    for (size_t i = 1; i < MILLION; i++)
        CHECK_QUICKLY(!same_digest(hashes[i - 1], hashes[i]), str_of(what));
}

START_TEST(a_million_requests_have_a_million_keys)
{
    const char *const names[] = {"openai-chat", "anthropic", "gemini", "ollama", "generic"};
    struct hash128 *keys = malloc(MILLION * sizeof *keys),
                   *digests = malloc(MILLION * sizeof *keys);
    const struct api *apis[5];
    char body[128];

    for (size_t i = 0; i < 5; i++)
        apis[i] = api_named(str_of(names[i]));
    for (unsigned i = 0; i < MILLION; i++) {
        struct key key;
        struct str request_body = small_request(body, sizeof body, i);
        CHECK_QUICKLY(make_key(&key, apis[i % 5], request_body), request_body);
        struct str hash = key_hash(&key);
        CHECK_QUICKLY(hex64_read((struct str){hash.ptr, HEX64}, &keys[i].high), hash);
        CHECK_QUICKLY(hex64_read(str_from(hash, HEX64), &keys[i].low), hash);
        digests[i] = key.digest;
    }
    check_distinct(keys, "key");
    check_distinct(digests, "digest");
    free(keys);
    free(digests);
}
END_TEST

Suite *suite_property(void)
{
    Suite *s = suite_create("property");
    TCase *t = tcase_create("property");
    const TTest *const tests[] = {any_spelling_keeps_the_key_and_any_change_makes_another,
                                  a_million_requests_have_a_million_keys};

    tcase_add_checked_fixture(t, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    return s;
}
