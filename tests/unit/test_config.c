/* Reading: types, mistakes, limits. */
#include "config_fixture.h"

#include <stdio.h>

START_TEST(defaults)
{
    struct config *c = good("");
    const struct policy *llm = config_policy(c, STR("llm"));

    check_list(&c->listen, "127.0.0.1:9201");
    check_list(&c->status, "");
    ck_assert_int_eq(c->max_connections, 1024);
    ck_assert_int_eq(c->max_frame_size, 1 << 20);
    ck_assert_int_eq(c->hello_timeout, 5000);
    ck_assert_int_eq(c->idle_timeout, 0);
    ck_assert_int_eq(c->drain_timeout, 10000);
    ck_assert_int_eq(c->log_level, LOG_LEVEL_INFO);
    ck_assert_str_is(c->secret, "");
    ck_assert_int_eq(c->memory_size, 64 << 20);
    ck_assert_str_is(c->redis_address, "");
    ck_assert_int_eq(c->redis_database, 0);
    ck_assert_int_eq(c->redis_timeout, 50);
    ck_assert_int_eq(c->redis_connect_timeout, 1000);
    ck_assert_int_eq(c->redis_max_pending, 1024);
    ck_assert_uint_eq(c->sections[CONFIG_POLICY].count, 1);
    check_list(&llm->methods, "POST");
    check_list(&llm->statuses, "200");
    check_list(&llm->content_types, "application/json");
    check_list(&llm->vary, "anthropic-version anthropic-beta openai-beta openai-organization "
                           "openai-project x-goog-user-project x-goog-fieldmask "
                           "x-amzn-bedrock-guardrailidentifier x-amzn-bedrock-guardrailversion "
                           "x-amzn-bedrock-trace origin");
    check_list(&llm->ignore_vary, "accept-encoding");
    check_list(&llm->ignore_query, "");
    check_list(&llm->replay, "openai-model openai-version content-language "
                             "access-control-allow-origin access-control-allow-credentials "
                             "access-control-expose-headers");
    check_list(&llm->emit, "x-cache-status x-cache-key x-cache-ttl age cache-status");
    ck_assert_int_eq(llm->ttl, 86400000);
    ck_assert_int_eq(llm->max_request, 1 << 20);
    ck_assert_int_eq(llm->max_body, 1 << 20);
    ck_assert(llm->json && !llm->shared);
    ck_assert(config_validate(c, &errors));
    ck_assert(config_policy(c, STR("ll")) == NULL);
    config_unref(c);
}
END_TEST

START_TEST(every_type_is_read)
{
    struct config *c = good("\xEF\xBB\xBF; a comment\r\n"
                            "[agent]\r\n"
                            "listen = 127.0.0.1:9201, unix:/run/spoa/cache.sock\r\n"
                            "\t[::1]:9201 ; an inline comment\r\n"
                            "# between\r\n"
                            "    *:9202\r\n"
                            "status: localhost:9280\r\n"
                            "log-level = debug\r\n"
                            "idle-timeout = 0\r\n"
                            "[redis]\n"
                            "address = unix:/run/redis.sock\n"
                            "password = a;b#c\n"
                            "[key]\n"
                            "secret = 0123456789abcdef\n"
                            "[redis]\n"
                            "timeout=20ms\n"
                            "[policy empty]\n"
                            "[policy b-2]\n"
                            "methods = get,Post get\n"
                            "content-types = Text/HTML, application/problem+json\n"
                            "vary =\n"
                            "ignore-query = utm_source a[] %20\n"
                            "request-body = any\n"
                            "scope = shared");

    check_list(&c->listen, "127.0.0.1:9201 unix:/run/spoa/cache.sock [::1]:9201 *:9202");
    check_list(&c->status, "localhost:9280");
    ck_assert_int_eq(c->log_level, LOG_LEVEL_DEBUG);
    ck_assert_str_is(c->redis_address, "unix:/run/redis.sock");
    ck_assert_str_eq(c->redis_address.ptr, "unix:/run/redis.sock");
    ck_assert_str_is(c->redis_password, "a;b#c");
    ck_assert_str_is(c->secret, "0123456789abcdef");
    ck_assert_int_eq(c->redis_timeout, 20);
    ck_assert_uint_eq(c->sections[CONFIG_POLICY].count, 3);
    ck_assert_int_eq(config_policy(c, STR("empty"))->ttl, 86400000);
    const struct policy *b = config_policy(c, STR("b-2"));
    check_list(&b->methods, "GET POST");
    check_list(&b->content_types, "text/html application/problem+json");
    check_list(&b->vary, "");
    check_list(&b->ignore_query, "utm_source a[] %20");
    ck_assert(!b->json && b->shared);
    config_unref(c);
}
END_TEST

/* What stands behind `section` on line 1 and what is said of it. */
static const struct {
    const char *text, *said;
} mistakes[] = {
    /* values, one of each type and shape */
    {"[redis]\ntimeout = 50",
     "f:2: [redis] timeout: \"50\" is not a duration from 1ms to 10s, in ms, s, m, h or d\n"},
    {"[redis]\ntimeout = 11s",
     "f:2: [redis] timeout: \"11s\" is not a duration from 1ms to 10s, in ms, s, m, h or d\n"},
    {"[agent]\nmax-frame-size = 9mb",
     "f:2: [agent] max-frame-size: \"9mb\" is not a size from 256b to 8mb, in b, kb, mb or gb\n"},
    {"[agent]\nmax-connections = 0",
     "f:2: [agent] max-connections: \"0\" is not a whole number from 1 to 100000\n"},
    {"[agent]\nmax-connections =",
     "f:2: [agent] max-connections: \"\" is not a whole number from 1 to 100000\n"},
    {"[agent]\nlog-level = Info",
     "f:2: [agent] log-level: \"Info\" is not one of error|warning|info|debug\n"},
    {"[policy llm]\nscope = all", "f:2: [policy llm] scope: \"all\" is not one of tenant|shared\n"},
    {"[agent]\nlisten =", "f:2: [agent] listen: 0 words are given, not 1 to 64\n"},
    {"[agent]\nlisten = 9201",
     "f:2: [agent] listen: \"9201\" is not an address: HOST:PORT, [V6]:PORT or unix:PATH\n"},
    {"[agent]\nlisten = ::1:9201",
     "f:2: [agent] listen: \"::1:9201\" is not an address: HOST:PORT, [V6]:PORT or unix:PATH\n"},
    {"[agent]\nstatus = h:65536",
     "f:2: [agent] status: \"h:65536\" is not an address: HOST:PORT, [V6]:PORT or unix:PATH\n"},
    {"[redis]\naddress = unix:",
     "f:2: [redis] address: \"unix:\" is not an address: HOST:PORT, [V6]:PORT or unix:PATH\n"},
    {"[redis]\naddress = h:",
     "f:2: [redis] address: \"h:\" is not an address: HOST:PORT, [V6]:PORT or unix:PATH\n"},
    {"[key]\nsecret = hidden",
     "f:2: [key] secret: what was given is not a text of 16 to 4096 bytes\n"},
    {"[policy llm]\nstatuses = 200 206",
     "f:2: [policy llm] statuses: \"206\" is not one of 200 203 "
     "300 301 302 307 308 404 410\n"},
    {"[policy llm]\nemit = age x-foo", "f:2: [policy llm] emit: \"x-foo\" is not one of "
                                       "x-cache-status x-cache-key x-cache-ttl age cache-status\n"},
    {"[policy llm]\nreplay = Set-Cookie",
     "f:2: [policy llm] replay: \"Set-Cookie\" is not the name "
     "of a response header that may be replayed\n"},
    {"[policy llm]\nvary = a # b", "f:2: [policy llm] vary: \"#\" is not a header's name\n"},
    {"[policy llm]\nvary = "
     "a23456789012345678901234567890123456789012345678901",
     "f:2: [policy llm] vary: \"a23456789012345678901234567890123456789012345678901\" is not a "
     "header's name\n"},
    {"[policy llm]\nmethods = P(ST", "f:2: [policy llm] methods: \"P(ST\" is not a method\n"},
    {"[policy llm]\ncontent-types = application/json; charset=utf-8",
     "f:2: [policy llm] content-types: \"application/json;\" is not a TYPE/SUBTYPE without "
     "parameters\n"},
    {"[policy llm]\ncontent-types = json",
     "f:2: [policy llm] content-types: \"json\" is not a TYPE/SUBTYPE without parameters\n"},
    {"[policy llm]\nignore-query = a=b",
     "f:2: [policy llm] ignore-query: \"a=b\" is not a query parameter's name\n"},
    {"[policy llm]\nttl = 999ms",
     "f:2: [policy llm] ttl: \"999ms\" is not a duration from 1s to 3650d, in ms, s, m, h or d\n"},
    {"[policy llm]\ntenant-from = header:",
     "f:2: [policy llm] tenant-from: \"header:\" is not variable, credential or header:NAME\n"},
    {"[policy llm]\ntenant-from = header",
     "f:2: [policy llm] tenant-from: \"header\" is not variable, credential or header:NAME\n"},
    {"[policy llm]\ntenant-from =",
     "f:2: [policy llm] tenant-from: 0 words are given, not 1 to 64\n"},
    {"[policy llm]\nnormalize = nfkc",
     "f:2: [policy llm] normalize: \"nfkc\" is not one of trim collapse-space nfc\n"},
    {"[policy llm]\nttl-jitter = 51",
     "f:2: [policy llm] ttl-jitter: \"51\" is not a whole number from 0 to 50\n"},
    {"[tenant a]\nallow-controls = maybe",
     "f:2: [tenant a] allow-controls: \"maybe\" is not one of policy|no|yes\n"},
    {"[tenant a]\npolicy = L",
     "f:2: [tenant a] policy: \"L\" is not a policy's name: 1 to 32 of a-z, 0-9 and -\n"},
    {"[tenant a]\nmatch = acme-*",
     "f:2: [tenant a] match: \"acme-*\" is not an identity of up to 160 bytes without *\n"},
    {"[model a]\nmatch = a*b",
     "f:2: [model a] match: \"a*b\" is not a model of up to 160 bytes, with * at its end only\n"},
    /* keys */
    {"[tenant a]\ncahce = off", "f:2: \"cahce\" is no key of [tenant]; did you mean \"cache\"?\n"},
    {"[model a]\npolicy = llm", "f:2: \"policy\" is no key of [model]\n"},
    {"[tenant a]\nttl=1s\n[model a]\nttl=1s\n[tenant A]\nttl=1s\n[tenant a]\ncache=on\nttl=2s",
     "f:9: \"ttl\" was given on line 2 already\n"},
    {"[redis]\nadress = h:1", "f:2: \"adress\" is no key of [redis]; did you mean \"address\"?\n"},
    {"[redis]\nbanana = h:1", "f:2: \"banana\" is no key of [redis]\n"},
    {"[policy llm]\nmax_body = 1mb",
     "f:2: \"max_body\" is no key of [policy]; did you mean \"max-body\"?\n"},
    {"[redis]\ndatabase = 1\n[agent]\n[redis]\ndatabase = 2",
     "f:5: \"database\" was given on line 2 already\n"},
    {"[policy a]\nttl=1s\n[policy b]\nttl=1s\n[policy a]\nttl=1s",
     "f:6: \"ttl\" was given on line 2 already\n"},
    {"listen = h:1", "f:1: \"listen\" stands before any [SECTION]\n"},
    {"[agent]\n= x", "f:2: a value without a key\n"},
    /* continuation */
    {"[redis]\naddress = h:1\n# c\n  x = y",
     "f:4: \"address\" is no list and ends with its line\n"},
    {"[agent]\nlisten = h:1\n\n  h:2\n  h\n  h:3\n",
     "f:5: [agent] listen: \"h\" is not an address: HOST:PORT, [V6]:PORT or unix:PATH\n"},
    {"[redis]\nadress = h:1\n  h:2",
     "f:2: \"adress\" is no key of [redis]; did you mean \"address\"?\n"},
    /* sections */
    {"[polcy llm]\nttl = 1\n", "f:1: \"polcy llm\" is no section; did you mean \"policy\"?\n"},
    {"[]\n", "f:1: \"\" is no section\n"},
    {"[policy]\n", "f:1: a policy has a name: [policy NAME]\n"},
    {"[policy A]\nttl = 1\n", "f:1: \"A\" is not a policy's name: 1 to 32 of a-z, 0-9 and -\n"},
    {"[policy a23456789012345678901234567890123]\n",
     "f:1: \"a23456789012345678901234567890123\" is not a policy's name: 1 to 32 of a-z, 0-9 and "
     "-\n"},
    {"[tenant]\n", "f:1: a tenant has a name: [tenant NAME]\n"},
    {"[model ]\n", "f:1: a model has a name: [model NAME]\n"},
    {"[tennant a]\n", "f:1: \"tennant a\" is no section; did you mean \"tenant\"?\n"},
    {"[tenant a:b]\n", "f:1: \"a:b\" is not a tenant's name: 1 to 32 of a-z, A-Z, 0-9 and . _ -\n"},
    {"[tenant a23456789012345678901234567890123]\n",
     "f:1: \"a23456789012345678901234567890123\" is not a tenant's name: 1 to 32 of a-z, A-Z, 0-9 "
     "and . _ -\n"},
    {"[model a*]\n",
     "f:1: \"a*\" is not a model's name: 1 to 64 of a-z, A-Z, 0-9 and . _ - : / @\n"},
    {"[model a234567890123456789012345678901234567890123456789012345678901234]\nttl = 1",
     "f:2: [model a234567890123456789012345678901234567890123456789012345678901234] ttl: \"1\" is "
     "not a duration from 0 to 3650d, in ms, s, m, h or d\n"},
    {"[model a2345678901234567890123456789012345678901234567890123456789012345]\n",
     "f:1: \"a23456789012345678901234567890123456789012345678901234567890...\" is not a model's "
     "name: 1 to 64 of a-z, A-Z, 0-9 and . _ - : / @\n"},
    {"[policy llm", "f:1: expected [SECTION] and nothing else on the line\n"},
    {"[policy llm] ttl = 1h", "f:1: expected [SECTION] and nothing else on the line\n"},
    {"[agent", "f:1: expected [SECTION] and nothing else on the line\n"},
    {"[agent]\n[redis ; ]\ntimeout = 1", "f:2: expected [SECTION] and nothing else on the line\n"},
    {"[agent] listen = h:1", "f:1: expected [SECTION] and nothing else on the line\n"},
    /* lines */
    {"[agent]\nlisten\n", "f:2: expected [SECTION], KEY = VALUE or a comment\n"},
    {"[agent]\nlisten ; = h:1\n", "f:2: expected [SECTION], KEY = VALUE or a comment\n"},
    {"[agent]\nlisten = h\x01:1\n", "f:2: the line holds a control character\n"},
    {"[agent]\nlisten = h\r:1\n", "f:2: the line holds a control character\n"},
};

START_TEST(a_mistake_is_named)
{
    struct config *c = config_read(unit_guard(str_of(mistakes[_i].text)), "f", &errors);

    ck_assert_str_is(buf_str(&errors), mistakes[_i].said);
    ck_assert_ptr_null(c);
}
END_TEST

START_TEST(all_mistakes_are_named)
{
    struct config *c = config_read(STR("[agent]\n"
                                       "listen = x\n"
                                       "nokey\n"
                                       "[what]\n"
                                       "a = b\n"
                                       "c = d\n"
                                       "[redis]\n"
                                       "  timeout = 1h\n"
                                       "database = -1\n"),
                                   "f", &errors);

    ck_assert_ptr_null(c);
    ck_assert_str_is(
        buf_str(&errors),
        "f:2: [agent] listen: \"x\" is not an address: HOST:PORT, [V6]:PORT or unix:PATH\n"
        "f:3: expected [SECTION], KEY = VALUE or a comment\n"
        "f:4: \"what\" is no section\n"
        "f:8: [redis] timeout: \"1h\" is not a duration from 1ms to 10s, in ms, s, m, h or d\n"
        "f:9: [redis] database: \"-1\" is not a whole number from 0 to 65535\n");
}
END_TEST

START_TEST(a_nul_is_refused)
{
    struct config *c = config_read(STR("[redis]\ntimeout = 5s\0 ; x\n"), "f", &errors);

    ck_assert_ptr_null(c);
    ck_assert_str_is(buf_str(&errors), "f:2: the line holds a control character\n");
}
END_TEST

/* inih's line is 200 bytes with its end; a comment may be as long as it likes. */
START_TEST(a_long_line_is_refused_not_cut)
{
    char text[512];

    for (int length = 195; length <= 205; length++) {
        buf_clear(&errors);
        snprintf(text, sizeof text, "# %0300d\n[redis]\npassword = %0*d", 0, length - 11, 0);
        struct config *c = config_read(str_of(text), "f", &errors);
        ck_assert_msg((c != NULL) == (length <= 198), "%d", length);
        if (c)
            ck_assert_uint_eq(c->redis_password.len, (size_t)length - 11);
        else
            ck_assert_str_is(buf_str(&errors), "f:3: the line is longer than 198 bytes (a list may "
                                               "go on over indented lines)\n");
        config_unref(c);
    }
}
END_TEST

static const struct {
    const char *section, *said;
    int most;
} limits[] = {
    {"policy", "f:64: more than 64 policies\n", CONFIG_MAX_POLICIES - 1}, /* llm is one */
    {"tenant", "f:4097: more than 4096 tenants\n", CONFIG_MAX_TENANTS},
    {"model", "f:257: more than 256 models\n", CONFIG_MAX_MODELS},
};

START_TEST(sections_are_limited)
{
    struct buf text = buf_new(1 << 18);

    for (int i = 1; i <= limits[_i].most; i++)
        buf_printf(&text, "[%s p%d]\n", limits[_i].section, i);
    config_unref(good_str(buf_str(&text)));
    buf_printf(&text, "[%s p0]\n", limits[_i].section);
    ck_assert_ptr_null(config_read(buf_str(&text), "f", &errors));
    ck_assert_str_is(buf_str(&errors), limits[_i].said);
    buf_free(&text);
}
END_TEST

static int allocations_left;

static void *failing_malloc(size_t size)
{
    return allocations_left-- > 0 ? malloc(size) : NULL;
}

START_TEST(every_allocation_may_fail)
{
    struct buf text = buf_new(1 << 16);
    int left = 0;

    buf_append(&text, STR("[tenant a]\nmatch = x y\n[tenant b]\n[model m]\nmatch = m-*\n"
                          "[policy a]\n[policy b]\nmask = a b\n  c d\n"
                          "[policy c]\nvary = a b c\nignore-query ="));
    for (int i = 0; i < 60; i++)
        buf_printf(&text, "\n  %090d.%d", 0, i);
    arena_malloc = failing_malloc;
    for (struct config *c = NULL; !c; left++) {
        buf_clear(&errors);
        allocations_left = left;
        c = config_read(buf_str(&text), "f", &errors);
        ck_assert(c ? errors.len == 0 : contains(&errors, "no memory\n"));
        config_unref(c);
        ck_assert_int_lt(left, 100);
    }
    ck_assert_int_gt(left, 5);
    buf_free(&text);
}
END_TEST

Suite *suite_config(void)
{
    Suite *suite = suite_create("config");
    TCase *tests = tcase_create("config");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, defaults);
    tcase_add_test(tests, every_type_is_read);
    tcase_add_loop_test(tests, a_mistake_is_named, 0, sizeof mistakes / sizeof *mistakes);
    tcase_add_test(tests, all_mistakes_are_named);
    tcase_add_test(tests, a_nul_is_refused);
    tcase_add_test(tests, a_long_line_is_refused_not_cut);
    tcase_add_loop_test(tests, sections_are_limited, 0, sizeof limits / sizeof *limits);
    tcase_add_test(tests, every_allocation_may_fail);
    suite_add_tcase(suite, tests);
    return suite;
}
