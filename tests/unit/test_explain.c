/* What is said of requests. */
#include "explain_fixture.h"

/* The text about a request with that body. */
static void explain_body(const char *target, const char *body)
{
    request.target = str_of(target);
    request.body = unit_guard(str_of(body));
    explain(false);
}

/* The key that the agent makes for the request. */
static struct key real_key(void)
{
    struct plan_scratch scratch;
    struct scope scope;
    struct plan plan;

    plan_scratch_init(&scratch);
    scope_find(&scope, config, &secret, &request, &scratch.fields);
    plan_request(&plan, &scratch, &secret, &scope, &request, 16380);
    ck_assert(plan.has_key);
    plan_scratch_free(&scratch);
    return plan.key;
}

START_TEST(all_of_it)
{
    struct buf want = buf_new(4096);

    configure("[policy llm]\nvary = openai-beta x-version\nttl-jitter = 0\n"
              "[tenant acme]\nttl = 1h\n[model small]\nmatch = gpt-4*\nttl = 30m\n");
    request.headers = headers_of("content-type: application/json\nx-version: 2\n");
    request.target = STR("/v1/chat/completions?api-version=1");
    request.body =
        STR("{\"user\":\"joe\", \"temperature\":0, \"stop\":[\"\\u0041\"], \"new\":true,\n"
            " \"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}");
    struct key key = real_key();
    buf_printf(
        &want,
        "request    POST https://api.example/v1/chat/completions?api-version=1\n"
        "           backend llm, a body of 125 bytes\n"
        "policy     llm\n"
        "tenant     acme (txn.cache.tenant), [tenant acme]\n"
        "shared by  [tenant acme] alone\n"
        "api        openai-chat (by the path)\n"
        "model      gpt-4o, [model small]\n"
        "headers    x-version: 2\n"
        "fields     dropped        user\n"
        "           key            temperature\n"
        "           key, in order  stop\n"
        "           key, unknown   new\n"
        "           key            model\n"
        "           key            messages\n"
        "           key            messages[0].role\n"
        "           key            messages[0].content\n"
        "canonical  {\"messages\":[{\"content\":\"Hi\",\"role\":\"user\"}],\"model\":\"gpt-4o\","
        "\"new\":true,\"stop\":[\"A\"]\n"
        "           ,\"temperature\":0}\n"
        "ttl        30m: policy 24h, tenant 1h, model 30m\n"
        "key        %.*s\n"
        "result     would be looked up under this key; a miss would be stored for 30m\n",
        STR_ARGS(key_text(&key)));
    buf_append_byte(&want, '\0');
    explain(false);
    ck_assert_str_is(buf_str(&out), want.ptr);
    buf_free(&want);
}
END_TEST

START_TEST(who_asks_and_who_shares)
{
    static const struct {
        const char *config, *tenant, *headers, *want;
    } cases[] = {
        {"", "a", "", "tenant     a (txn.cache.tenant), no section\nshared by  tenant a alone\n"},
        {"", "", "", "tenant     none\nshared by  nobody\n"},
        {"[tenant a]\ngeneration = 3\n", "a", "",
         "tenant     a (txn.cache.tenant), [tenant a]\n"
         "shared by  [tenant a] alone, generation 3\n"},
        {"[tenant a]\ngroup = g\n", "a", "", "shared by  the tenants of group g\n"},
        {"[policy llm]\nscope = shared\n", "a", "", "shared by  all tenants\n"},
        {"[policy llm]\ntenant-from = header:x-team variable\n", "a", "x-team: red\n",
         "tenant     red (header:x-team), no section\nshared by  tenant red alone\n"},
        {"[policy llm]\ntenant-from = header:x-team variable\n", "a", "",
         "tenant     a (txn.cache.tenant), no section\n"},
        {"[policy llm]\ntenant-from = credential\n", "a", "x-api-key: sk-12345678\n",
         " (a digest of the credentials), no section\n"},
        {"[policy llm]\ntenant-from = header:x-api-key\n", "a", "x-api-key: sk-12345678\n",
         "tenant     *** (header:x-api-key), no section\nshared by  tenant *** alone\n"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        configure(cases[i].config);
        request.tenant = str_of(cases[i].tenant);
        request.headers = headers_of(cases[i].headers);
        explain(false);
        ck_assert_says(cases[i].want);
    }
}
END_TEST

START_TEST(whose_policy_and_api)
{
    configure("[policy brief]\ngeneration = 2\napi = openai-embeddings\n"
              "[tenant acme]\npolicy = brief\n[policy raw]\nrequest-body = any\n");
    explain(false);
    ck_assert_says("policy     brief (by the tenant's section), generation 2\n");
    ck_assert_says("api        openai-embeddings (by the policy)\n");
    request.tenant = STR("b");
    request.target = STR("/v1/elsewhere");
    explain(false);
    ck_assert_says("api        generic (no other is known by this path)\n");
    request.policy = STR("raw");
    explain(false);
    ck_assert_says("api        none: the policy's request-body is any, and each byte counts\n");
    ck_assert(!says("fields") && !says("canonical"));
    request.policy = STR("none\n");
    explain(false);
    ck_assert_says("policy     none is called \"none\\n\"\n"
                   "result     BYPASS, reason no-policy: ");
}
END_TEST

START_TEST(every_field_has_a_class)
{
    explain_body("/v1/chat/completions",
                 "{\"model\":\"m\",\"n\":1,\"stream\":false,\"seed\":null,\"a\":{\"user\":1},"
                 "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\","
                 "\"more\":[1]}]}],\"tools\":[{\"type\":\"function\",\"z\":1}],"
                 "\"logit_bias\":{\"9\":1}}");
    ck_assert_says("dropped        n\n");
    ck_assert_says("dropped        stream\n");
    ck_assert_says("dropped        seed\n");
    ck_assert_says("key, unknown   a\n");
    ck_assert(!says("a.user"));
    ck_assert_says("key            messages[0].content[0].text\n");
    ck_assert_says("key, unknown   messages[0].content[0].more\n");
    ck_assert_says("key, in order  tools[0]\n");
    ck_assert_says("key            tools[0].type\n");
    ck_assert_says("key, unknown   tools[0].z\n");
    ck_assert_says("key, in order  logit_bias\n");
    explain_body("/model/m/converse", "{\"messages\":[{\"role\":\"user\",\"content\":["
                                      "{\"text\":\"x\"},{\"cachePoint\":{}}]}]}");
    ck_assert_says("dropped        messages[0].content[1]\n");
    ck_assert(!says(" messages[0].content[0]\n"));
}
END_TEST

START_TEST(the_field_that_bypasses_is_named)
{
    static const struct {
        const char *target, *body, *want;
    } cases[] = {
        {"/v1/chat/completions",
         "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},"
         "{\"type\":\"file\",\"file\":{\"file_id\":\"f\"}}]}]}",
         "           messages[0].content[1].file.file_id = \"f\"\n"},
        {"/v1/chat/completions", "{\"store\":true}", "           store = true\n"},
        {"/v1/responses",
         "{\"input\":\"x\",\"tools\":[{\"type\":\"function\"},"
         "{\"type\":\"web_search\"}],\"conversation\":{}}",
         "           tools[1].type = \"web_search\"\n           conversation = an object\n"},
        {"/v1/responses", "{\"input\":[{\"id\":\"m\"}]}", "           input[0] = an object\n"},
        {"/v1/messages", "{\"messages\":[{\"Role\":1,\"role\":2}]}",
         "           messages[0] = an object: two of its names differ in case alone\n"},
        {"/v1beta/models/g:generateContent", "{\"tools\":[{\"googleSearch\":{}}]}",
         "           tools[0].googleSearch = an object\n"},
        {"/v1/chat/completions", "{\"model\":\"sonar-pro\"}",
         "           the model that it names, or that it asks for no answer\n"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        explain_body(cases[i].target, cases[i].body);
        ck_assert_says("result     BYPASS, reason field: ");
        ck_assert_says(cases[i].want);
        ck_assert(!says("\nkey ") && !says("\nttl "));
    }
}
END_TEST

START_TEST(other_reasons_and_where_they_lie)
{
    static const struct {
        const char *config, *target, *body, *want;
    } cases[] = {
        {"", "/v1/chat/completions", "{\"stream\":true}",
         "reason stream: the request asks for a "
         "stream\n           stream = true\n"},
        {"", "/api/chat", "{\"messages\":[{}]}", "stream is not said\n"},
        {"", "/v1beta/models/g:streamGenerateContent", "{}", "the path asks for it\n"},
        {"[policy llm]\nmax-temperature = 0.5\n", "/v1/chat/completions", "{\"temperature\":0.7}",
         "reason temperature: the policy caches lower temperatures only\n"
         "           temperature = 0.7\n"},
        {"[policy llm]\ndeterministic-only = yes\n", "/v1beta/models/g:generateContent",
         "{\"generationConfig\":{\"temperature\":1}}",
         "           generationConfig.temperature = 1\n"},
        {"[policy llm]\ndeterministic-only = yes\n", "/v1/chat/completions", "{}",
         "temperature is not said\n"},
        {"", "/v1/chat/completions", "{\"a\":1,\"a\":2}",
         "reason request-json: the request body is not strict JSON\n"
         "           a name stands twice in an object\n"},
        {"", "/v1/chat/completions", "[]", "           not an object\n"},
        {"[tenant acme]\nmax-request = 4b\n", "/v1/chat/completions", "{\"a\":1}",
         "reason request-large: the request is larger than the policy takes\n"
         "           7b, and max-request is 4b\n"},
        {"[tenant acme]\ncache = off\n", "/v1/chat/completions", "{}",
         "           cache = off in the section of the tenant\n"},
        {"[model x]\ncache = off\n", "/v1/chat/completions", "{\"model\":\"x\"}",
         "           cache = off in the section of the model\n"},
        {"[model x:1]\ncache = off\n", "/model/x%3A1/converse", "{\"model\":\"y\"}",
         "           cache = off in the section of the model\n"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        configure(cases[i].config);
        explain_body(cases[i].target, cases[i].body);
        ck_assert_says("result     BYPASS, reason ");
        ck_assert_says(cases[i].want);
    }
    request.headers = headers_of("content-type: text/plain\n");
    configure("");
    explain(false);
    ck_assert_says("reason request-type: the request body is not declared as JSON in UTF-8\n"
                   "           content-type: text/plain\n");
}
END_TEST

START_TEST(times)
{
    configure("[policy llm]\nttl = 2h\nallow-controls = yes\nttl-jitter = 10\n");
    request.ttl = 60000;
    request.headers =
        headers_of("content-type: application/json\nx-cache-ttl: 90\ncache-control: max-age=5\n");
    explain(false);
    ck_assert_says(": policy 2h, txn.cache.ttl 1m, X-Cache-TTL 90s, jitter up to 10 %\n");
    ck_assert_says("controls   cache-control: max-age=5\n           x-cache-ttl: 90\n"
                   "           obeyed, as allow-controls is yes\n");
    ck_assert_says("           nothing would be served after 5s\n");
    configure("[policy llm]\nttl = 2h\n");
    explain(false);
    ck_assert_says("ttl        1m: policy 2h, txn.cache.ttl 1m\n");
    ck_assert_says("           not obeyed, as allow-controls is no\n");
    ck_assert(!says("would be served"));
}
END_TEST

START_TEST(what_would_happen)
{
    static const struct {
        const char *config, *mode, *headers, *want;
    } cases[] = {
        {"", "refresh", "",
         "result     would not be looked up, reason mode; the answer would be stored for 24h\n"},
        {"", "readonly", "",
         "result     would be looked up under this key; a miss would not be stored "
         "(txn.cache.mode)\n"},
        {"", "bypass", "", "result     BYPASS, reason mode: "},
        {"[policy llm]\nmode = shadow\n", "", "",
         "           a hit would only be counted: the policy's mode is shadow\n"},
        {"[policy llm]\nallow-controls = yes\n", "", "cache-control: no-cache\n",
         "result     would not be looked up, reason control; the answer would be stored"},
        {"[policy llm]\nallow-controls = yes\n", "", "cache-control: no-store\n",
         "result     BYPASS, reason control: "},
        {"[policy llm]\nallow-controls = yes\n", "", "cache-control: only-if-cached\n",
         "           a miss would be answered with 504: only-if-cached\n"},
        {"[policy llm]\nallow-controls = yes\n", "", "range: x\ncache-control: only-if-cached\n",
         "           it would be answered with 504: only-if-cached\n"},
    };
    char headers[200];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        configure(cases[i].config);
        snprintf(headers, sizeof headers, "content-type: application/json\n%s", cases[i].headers);
        request.headers = headers_of(headers);
        request.mode = str_of(cases[i].mode);
        explain(false);
        ck_assert_says(cases[i].want);
    }
}
END_TEST

START_TEST(what_is_long_is_cut)
{
    struct buf body = buf_new(1 << 20);

    buf_append(&body, STR("{\"messages\":["));
    for (int i = 0; i < 100; i++)
        buf_printf(&body, "%s{\"role\":\"user\",\"content\":\"\xc3\xa4\xc3\xb6\xf0\x9f\x98\x80\"}",
                   i ? "," : "");
    buf_append(&body, STR("]}"));
    request.body = buf_str(&body);
    explain(false);
    ck_assert_says("and 161 more\n");
    ck_assert_says(" bytes more\n");
    ck_assert(!says("?"));
    struct str rest = buf_str(&out);
    while (rest.len)
        ck_assert_uint_le(str_split(&rest, '\n').len, 100);
    explain(true);
    ck_assert_says("key            messages[99].content\n");
    ck_assert(!says("and 1") && !says("bytes more"));
    ck_assert_says("\"role\":\"user\"}]}\n");
    buf_free(&body);
}
END_TEST

START_TEST(without_a_secret)
{
    const struct explain_options options = {.no_secret = true};

    explain_one(&out, config, &secret, &request, &options);
    ck_assert_says("           the configuration has no secret: ");
}
END_TEST

/* A request with a credential that other parts of it repeat. */
static void make_repeating(const char *header, const char *target)
{
    char lines[200];

    snprintf(lines, sizeof lines,
             "content-type: application/json\nx-copy: a SECRET-1234567890\n"
             "x-cache-namespace: SECRET-1234567890\n%s\n",
             header);
    request.headers = headers_of(lines);
    request.target = str_of(target);
    request.tenant = STR("SECRET-1234567890");
    request.body = STR("{\"model\":\"SECRET-1234567890\",\"SECRET-1234567890\":1}");
}

static void check_nothing_said(void)
{
    ck_assert_msg(!says("SECRET"), "%.*s", STR_ARGS(buf_str(&out)));
    ck_assert_says("***");
}

/* Wherever a credential is, and wherever it is repeated: in the request, or in the other one. */
START_TEST(no_credential_is_said)
{
    static const struct {
        const char *header, *target;
    } cases[] = {
        {"authorization: Bearer SECRET-1234567890", "/v1/x"},
        {"authorization: SECRET-1234567890", "/v1/x"},
        {"proxy-authorization: Basic SECRET-1234567890", "/v1/x"},
        {"x-api-key: SECRET-1234567890", "/v1/x"},
        {"api-key: SECRET-1234567890", "/v1/x"},
        {"x-goog-api-key: SECRET-1234567890", "/v1/x"},
        {"cookie: a=b; session=SECRET-1234567890; c=d", "/v1/x"},
        {"x-amz-security-token: SECRET-1234567890", "/v1/x"},
        {"x-y: z", "/v1/x?key=SECRET-1234567890&x=y"},
        {"x-y: z", "/v1/x?a=b&k%65y=SECRET-1234567890"},
        {"x-y: z", "/v1/x?access_token=SECRET-1234567890"},
        {"x-y: z", "/v1/x?X-Amz-Signature=SECRET-1234567890"},
    };
    struct request pair[2];

    configure("[policy llm]\nvary = authorization proxy-authorization x-api-key api-key "
              "x-goog-api-key cookie x-amz-security-token x-copy\nallow-controls = yes\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_repeating(cases[i].header, cases[i].target);
        explain(true);
        check_nothing_said();
        pair[1] = request;
        make_repeating("x-y: z", "/v1/x");
        pair[0] = request;
        pair[0].tenant = STR("other");
        buf_clear(&out);
        ck_assert(!explain_two(&out, config, &secret, pair));
        check_nothing_said();
    }
}
END_TEST

/* A short one cannot be looked for everywhere, but is not said where it stands. */
START_TEST(short_credentials)
{
    configure("[policy llm]\nvary = x-api-key\ntenant-from = header:x-api-key\n");
    request.headers = headers_of("content-type: application/json\nx-api-key: zq7\n");
    request.target = STR("/v1/chat/completions?key=zq7&apikey=zq7");
    explain(false);
    ck_assert(!says("zq7"));
}
END_TEST

START_TEST(nothing_steers_the_terminal)
{
    request.target = STR("/v1/\033[31m/chat/completions?\x9b=\x7f");
    request.host = STR("a\nb\xff");
    request.tenant = STR("t\033]0;x\007\xc2\x9b");
    request.body = STR("{\"model\":\"\\u001b[31m\x7f\xc2\x85\"}");
    explain(true);
    for (size_t i = 0; i < out.len; i++) {
        uint8_t c = (uint8_t)out.ptr[i];
        ck_assert_msg(c == '\n' || (c >= 0x20 && c < 0x7f), "byte %02x in\n%.*s", c,
                      STR_ARGS(buf_str(&out)));
    }
    ck_assert_says("/v1/?[31m/chat/completions");
}
END_TEST

START_TEST(settings)
{
    struct request r = {.ttl = 5};

    ck_assert(explain_set(&r, STR("tenant"), STR("t")) && explain_set(&r, STR("mode"), STR("m")));
    ck_assert_str_is(r.tenant, "t");
    ck_assert_str_is(r.mode, "m");
    ck_assert(explain_set(&r, STR("policy"), STR("p")) &&
              explain_set(&r, STR("backend"), STR("b")));
    ck_assert_str_is(r.policy, "p");
    ck_assert_str_is(r.backend, "b");
    ck_assert(explain_set(&r, STR("upstream"), STR("u")) &&
              explain_set(&r, STR("scheme"), STR("s")));
    ck_assert_str_is(r.upstream, "u");
    ck_assert_str_is(r.scheme, "s");
    ck_assert(explain_set(&r, STR("ttl"), STR("9")));
    ck_assert_int_eq(r.ttl, 9000);
    explain_set(&r, STR("ttl"), STR(""));
    ck_assert_int_eq(r.ttl, 0);
    explain_set(&r, STR("ttl"), STR("soon"));
    ck_assert_int_eq(r.ttl, -1);
    explain_set(&r, STR("ttl"), STR("0"));
    ck_assert_int_eq(r.ttl, -1);
    ck_assert(!explain_set(&r, STR("tennant"), STR("t")));
    ck_assert(!explain_set(&r, STR(""), STR("t")));
}
END_TEST

Suite *suite_explain(void)
{
    Suite *suite = suite_create("explain");
    TCase *cases = tcase_create("explain");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, all_of_it);
    tcase_add_test(cases, who_asks_and_who_shares);
    tcase_add_test(cases, whose_policy_and_api);
    tcase_add_test(cases, every_field_has_a_class);
    tcase_add_test(cases, the_field_that_bypasses_is_named);
    tcase_add_test(cases, other_reasons_and_where_they_lie);
    tcase_add_test(cases, times);
    tcase_add_test(cases, what_would_happen);
    tcase_add_test(cases, what_is_long_is_cut);
    tcase_add_test(cases, without_a_secret);
    tcase_add_test(cases, no_credential_is_said);
    tcase_add_test(cases, short_credentials);
    tcase_add_test(cases, nothing_steers_the_terminal);
    tcase_add_test(cases, settings);
    suite_add_tcase(suite, cases);
    return suite;
}
