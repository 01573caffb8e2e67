/* What is said of two requests. */
#include "explain_fixture.h"

static bool share(const struct request *one, const struct request *other)
{
    const struct request pair[2] = {*one, *other};

    buf_clear(&out);
    bool shared = explain_two(&out, config, &secret, pair);
    ck_assert(buf_ok(&out));
    ck_assert_int_eq(shared, says("verdict    they share\n"));
    ck_assert_int_eq(!shared, says("verdict    they do not share:"));
    return shared;
}

START_TEST(two_that_share)
{
    struct request other = request;

    other.target = STR("/v1/chat/completions?trace=9");
    other.host = STR("API.example");
    other.tenant = STR("acme");
    other.headers = headers_of("content-type: application/json\nauthorization: Bearer other-one\n");
    other.body =
        STR("{ \"user\":\"joe\",\"messages\": [{\"content\":\"H\\u0069\",\"role\":\"user\"}]"
            ", \"model\":\"m\"}");
    configure("[policy llm]\nignore-query = trace\n[tenant acme]\n");
    ck_assert(share(&request, &other));
    ck_assert_says(
        "first      POST https://api.example/v1/chat/completions\n"
        "           policy llm, tenant acme (txn.cache.tenant), api openai-chat, model m\n"
        "           sc:llm:");
    ck_assert_says("second     POST https://API.example/v1/chat/completions?trace=9\n");
}
END_TEST

/* One thing differs: it is said, and nothing else. */
START_TEST(each_difference_is_named)
{
    struct request others[20];
    const char *wants[20];
    size_t count = 0;

#define OTHER(member, value, want)                                                                 \
    do {                                                                                           \
        others[count] = request;                                                                   \
        others[count].member = value;                                                              \
        wants[count++] = want;                                                                     \
    } while (0)
    OTHER(policy, STR("copy"), "policy: \"llm\" and \"copy\"");
    OTHER(tenant, STR("b"), "shared by: tenant acme alone and tenant b alone");
    OTHER(upstream, STR("pool"), "upstream: \"\" and \"pool\"");
    OTHER(backend, STR("other"), "backend: \"llm\" and \"other\"");
    OTHER(method, STR("PUT"), "method: \"POST\" and \"PUT\"");
    OTHER(scheme, STR("http"), "scheme: \"https\" and \"http\"");
    OTHER(host, STR("b"), "host: \"api.example\" and \"b\"");
    OTHER(target, STR("/v1/chat/completions?a=1&key=22"),
          "target: /v1/chat/completions and /v1/chat/completions?a=1&key=***");
    OTHER(headers, headers_of("content-type: application/json\nopenai-beta: a\nopenai-beta: b\n"),
          "header: openai-beta: - and a, b");
    OTHER(headers, headers_of("content-type: application/json\nx-cache-namespace: n\n"),
          "X-Cache-Namespace: \"\" and \"n\"");
    OTHER(body, STR("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Ho\"}]}"),
          "body: messages[0].content: \"Hi\" and \"Ho\"");
    OTHER(body, STR("{\"model\":\"m\",\"messages\":[]}"),
          "body: messages[0]: in the first alone, an object");
    OTHER(body,
          STR("{\"model\":\"m\",\"seed\":1,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}"),
          "body: seed: in the second alone, 1");
#undef OTHER
    configure("[policy llm]\nmethods = POST PUT\nallow-controls = yes\n"
              "[policy copy]\nmethods = POST PUT\nallow-controls = yes\n");
    for (size_t i = 0; i < count; i++) {
        char want[300];
        snprintf(want, sizeof want, "verdict    they do not share:\n           %s\n", wants[i]);
        ck_assert(!share(&request, &others[i]));
        ck_assert_says(want);
        ck_assert_int_eq(memcmp(out.ptr + out.len - strlen(want), want, strlen(want)), 0);
    }
}
END_TEST

START_TEST(numbers_as_people_write_them)
{
    static const struct {
        const char *one, *other, *want;
    } cases[] = {
        {"0.7", "0.90", "0.7 and 0.9"},
        {"1.25", "-12.5e-1", "1.25 and -1.25"},
        {"1e-3", "-0.05", "0.001 and -0.05"},
        {"0", "1e-30", "0 and 1e-30"},
        {"10", "1.0", "10 and 1"},
    };
    struct request other = request;
    char one[99], two[99], want[99];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(one, sizeof one, "{\"temperature\":%s}", cases[i].one);
        snprintf(two, sizeof two, "{\"temperature\":%s}", cases[i].other);
        snprintf(want, sizeof want, "body: temperature: %s\n", cases[i].want);
        request.body = str_of(one);
        other.body = str_of(two);
        ck_assert(!share(&request, &other));
        ck_assert_says(want);
    }
}
END_TEST

START_TEST(differences_of_bodies)
{
    struct request other = request;
    struct buf one = buf_new(1 << 16), two = buf_new(1 << 16);

    request.body = STR("{\"x\":{\"a\":1,\"b\":2}}");
    other.body = STR("{\"x\":{\"b\":2,\"a\":1}}");
    ck_assert(!share(&request, &other));
    ck_assert_says("           body: x.a and what follows it: in another order\n");
    for (int i = 0; i < 50; i++) {
        buf_printf(&one, "%s\"m%d\":1", i ? "," : "{", i);
        buf_printf(&two, "%s\"m%d\":2", i ? "," : "{", i);
    }
    buf_append_byte(&one, '}');
    buf_append_byte(&two, '}');
    request.body = buf_str(&one);
    other.body = buf_str(&two);
    ck_assert(!share(&request, &other));
    ck_assert_says("           body: m0: 1 and 2\n");
    ck_assert_says("           body: and more\n");
    configure("[policy llm]\nrequest-body = any\n");
    request.body = STR("same, one");
    other.body = STR("same, other");
    ck_assert(!share(&request, &other));
    ck_assert_says("           body: from byte 7 on, of 9 and 11\n");
    buf_free(&one);
    buf_free(&two);
}
END_TEST

/* Each by its own API and policy: what differs is still found. */
START_TEST(different_apis)
{
    struct request other = request;

    configure(
        "[policy llm]\nvary = openai-beta\n[policy raw]\nrequest-body = any\nscope = shared\n");
    other.target = STR("/v1/messages");
    ck_assert(!share(&request, &other));
    ck_assert_says("           api: \"openai-chat\" and \"anthropic\"\n");
    ck_assert_says("           target: /v1/chat/completions and /v1/messages\n");
    ck_assert(!says("body: "));
    other.policy = STR("raw");
    ck_assert(!share(&request, &other));
    ck_assert_says("           policy: \"llm\" and \"raw\"\n");
    ck_assert_says("           shared by: tenant acme alone and all tenants\n");
    ck_assert_says("           body: from byte ");
}
END_TEST

START_TEST(two_of_which_one_is_not_cached)
{
    struct request other = request;

    other.body = STR("{\"stream\":true}");
    ck_assert(!share(&request, &other));
    ck_assert_says("           BYPASS, reason stream: the request asks for a stream\n"
                   "verdict    they do not share: the second is not cached\n");
    ck_assert(!share(&other, &request));
    ck_assert_says("they do not share: the first is not cached\n");
    ck_assert(!share(&other, &other));
    ck_assert_says("they do not share: neither is cached\n");
    other.policy = STR("none");
    ck_assert(!share(&request, &other));
}
END_TEST

START_TEST(texts_are_normalised)
{
    struct request other = request;

    configure("[policy llm]\nnormalize = trim\n");
    other.body = STR("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"  Hi \"}]}");
    ck_assert(share(&request, &other));
    other.body = STR("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\" Ho \"}]}");
    ck_assert(!share(&request, &other));
    ck_assert_says("           body: messages[0].content: \"Hi\" and \"Ho\"\n");
    request.body = other.body;
    explain(false);
    ck_assert_says(
        "canonical  {\"messages\":[{\"content\":\"Ho\",\"role\":\"user\"}],\"model\":\"m\"}\n");
}
END_TEST

Suite *suite_explain_two(void)
{
    Suite *suite = suite_create("explain_two");
    TCase *cases = tcase_create("explain_two");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, two_that_share);
    tcase_add_test(cases, each_difference_is_named);
    tcase_add_test(cases, numbers_as_people_write_them);
    tcase_add_test(cases, differences_of_bodies);
    tcase_add_test(cases, different_apis);
    tcase_add_test(cases, two_of_which_one_is_not_cached);
    tcase_add_test(cases, texts_are_normalised);
    suite_add_tcase(suite, cases);
    return suite;
}
