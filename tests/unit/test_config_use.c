/* What is done with a configuration: checked, overridden, printed, compared, inherited, kept. */
#include "config_fixture.h"

static struct buf printed(const struct config *c)
{
    struct buf out = buf_new(1 << 20);

    config_print(c, &out);
    ck_assert(buf_ok(&out));
    return out;
}

static const struct {
    const char *text, *said; /* "": valid */
} combinations[] = {
    {"[redis]\naddress = h:1",
     "f: [redis] address: agents that share a Redis must agree on a secret: set [key] secret or "
     "secret-file; head -c 32 /dev/urandom | base64 makes one\n"},
    {"[redis]\naddress = h:1\n[key]\nsecret = 0123456789abcdef", ""},
    {"[redis]\naddress = h:1\n[key]\nsecret-file = /s", ""},
    {"[key]\nsecret = 0123456789abcdef\nsecret-file = /s",
     "f: [key] secret: secret-file is set as well; keep one\n"},
    {"[redis]\nuser = u", "f: [redis] user: needs a password or password-file\n"},
    {"[redis]\nuser = u\npassword = p", ""},
    {"[redis]\nuser = u\npassword-file = p", ""},
    {"[tenant a]\npolicy = llm\n[tenant b]\nmatch = x b id:b\n[tenant c]\nmatch = c", ""},
    {"[tenant a]\nttl = 1h\npolicy = other",
     "f:3: [tenant a] policy: there is no [policy other]\n"},
    {"[tenant a]\nmatch = x y\n[tenant b]\nmatch = z\n  y",
     "f:4: [tenant b] match: \"y\" is matched by [tenant a] as well\n"},
    {"[tenant a]\n[tenant b]\nmatch = a",
     "f:3: [tenant b] match: \"a\" is matched by [tenant a] as well\n"},
    {"[tenant b]\nmatch = a\n[tenant a]",
     "f:2: [tenant b] match: \"a\" is matched by [tenant a] as well\n"},
    {"[model a]\nmatch = gpt-* gpt-4\n[model b]\nmatch = gpt-4* gpt-*\n[model gpt-5]",
     "f:4: [model b] match: \"gpt-*\" is matched by [model a] as well\n"},
    {"[model a]\nmatch = gpt-4\n[model gpt-4]",
     "f:2: [model a] match: \"gpt-4\" is matched by [model gpt-4] as well\n"},
    {"[redis]\npassword = p\npassword-file = p",
     "f: [redis] password: password-file is set as well; keep one\n"},
    {"[key]\nsecret-file = /s\n[redis]\nsentinels = a:1 b:2\nmaster = m", ""},
    {"[key]\nsecret-file = /s\n[redis]\ncluster = a:1 b:2", ""},
    {"[redis]\nsentinels = a:1\nmaster = m",
     "f: [redis] sentinels: agents that share a Redis must agree on a secret: set [key] secret or "
     "secret-file; head -c 32 /dev/urandom | base64 makes one\n"},
    {"[redis]\ncluster = a:1",
     "f: [redis] cluster: agents that share a Redis must agree on a secret: set [key] secret or "
     "secret-file; head -c 32 /dev/urandom | base64 makes one\n"},
    {"[key]\nsecret-file = /s\n[redis]\nsentinels = a:1",
     "f: [redis] sentinels and master: one needs the other\n"},
    {"[redis]\nmaster = m", "f: [redis] sentinels and master: one needs the other\n"},
    {"[key]\nsecret-file = /s\n[redis]\naddress = a:1\ncluster = a:1",
     "f: [redis] address, sentinels and cluster: keep one of them\n"},
    {"[key]\nsecret-file = /s\n[redis]\nsentinels = a:1\nmaster = m\ncluster = a:1",
     "f: [redis] address, sentinels and cluster: keep one of them\n"},
    {"[key]\nsecret-file = /s\n[redis]\ncluster = a:1\ndatabase = 1",
     "f: [redis] database: a cluster has database 0 only\n"},
    {"[redis]\ntls-ca-file = /ca", "f: [redis] tls-...: without tls = yes nothing is encrypted\n"},
    {"[redis]\ntls-server-name = h",
     "f: [redis] tls-...: without tls = yes nothing is encrypted\n"},
    {"[redis]\ntls = yes\ntls-cert-file = /c",
     "f: [redis] tls-cert-file and tls-key-file: one needs the other\n"},
    {"[redis]\ntls = yes\ntls-key-file = /c",
     "f: [redis] tls-cert-file and tls-key-file: one needs the other\n"},
    {"[key]\nsecret-file = /s\n[redis]\ntls = yes\naddress = unix:/r",
     "f: [redis] tls: there is none over a unix socket\n"},
    {"[key]\nsecret-file = /s\n[redis]\ntls = yes\nsentinels = a:1 unix:/r\nmaster = m",
     "f: [redis] tls: there is none over a unix socket\n"},
    {"[key]\nsecret-file = /s\n[redis]\ntls = yes\ncluster = unix:/r",
     "f: [redis] tls: there is none over a unix socket\n"},
    {"[redis]\nsentinel-user = u",
     "f: [redis] sentinel-user: needs a sentinel-password or sentinel-password-file\n"},
    {"[redis]\nsentinel-password = p\nsentinel-password-file = p",
     "f: [redis] sentinel-password: sentinel-password-file is set as well; keep one\n"},
};

START_TEST(combinations_are_checked)
{
    struct config *c = good(combinations[_i].text);
    bool valid = config_validate(c, &errors);

    ck_assert_str_is(buf_str(&errors), combinations[_i].said);
    ck_assert(valid == (combinations[_i].said[0] == '\0'));
    config_unref(c);
}
END_TEST

static const struct {
    const char *name, *value, *said; /* "": accepted */
} overrides[] = {
    {"REDIS_ADDRESS", "h:1", ""},
    {"REDIS_ADDRESS", "", ""},
    {"REDIS_MAX_PENDING", " 7\n", ""},
    {"POLICY_LLM_TTL", "1h", ""},
    {"POLICY_A_B_MAX_BODY", "2mb", ""},
    {"REDIS_TIMEOUT", "5",
     "environment SPOA_CACHE_REDIS_TIMEOUT: [redis] timeout: \"5\" is not a duration from 1ms to "
     "10s, in ms, s, m, h or d\n"},
    {"POLICY_LLM_TTL", "1",
     "environment SPOA_CACHE_POLICY_LLM_TTL: [policy llm] ttl: \"1\" is not a duration from 1s to "
     "3650d, in ms, s, m, h or d\n"},
    {"REDIS_ADDRESS", "a\nb",
     "environment SPOA_CACHE_REDIS_ADDRESS: [redis] address: \"a?b\" is not an address: HOST:PORT, "
     "[V6]:PORT or unix:PATH\n"},
    {"KEY_SECRET_FILE", "a ;b",
     "environment SPOA_CACHE_KEY_SECRET_FILE: [key] secret-file: \"a ;b\" is not a path\n"},
    {"REDIS_PASSWORD_FIL", "x",
     "environment SPOA_CACHE_REDIS_PASSWORD_FIL: names no key; did you mean "
     "\"SPOA_CACHE_REDIS_PASSWORD_FILE\"?\n"},
    {"POLICY_C_TTL", "1h",
     "environment SPOA_CACHE_POLICY_C_TTL: names no key of a [policy NAME] that the file has; did "
     "you "
     "mean \"SPOA_CACHE_POLICY_X_TTL\"?\n"},
    {"redis_address", "h:1", "environment SPOA_CACHE_redis_address: names no key\n"},
    {"POLICY_X_IGNORE_VARY", "a",
     "environment SPOA_CACHE_POLICY_X_IGNORE_VARY: names keys of more than one section\n"},
    {"", "a", "environment SPOA_CACHE_: names no key\n"},
    {"TENANT_ACME_EU_2_TTL", "1h", ""},
    {"MODEL_META_LLAMA_1_3_CACHE", "off", ""},
    {"TENANT_ACME_EU_2_CACHE", "maybe",
     "environment SPOA_CACHE_TENANT_ACME_EU_2_CACHE: [tenant Acme.eu_2] cache: \"maybe\" is not "
     "one of off|on\n"},
    {"TENANT_SOMEBODY_TTL", "1h",
     "environment SPOA_CACHE_TENANT_SOMEBODY_TTL: names no key of a [tenant NAME] that the file "
     "has\n"},
    {"MODEL_META_LLAMA_1_3_CACHES", "off",
     "environment SPOA_CACHE_MODEL_META_LLAMA_1_3_CACHES: names no key of a [model NAME] that the "
     "file has; did you mean \"SPOA_CACHE_MODEL_META_LLAMA_1_3_CACHE\"?\n"},
    {"TENANT_TWIN_TTL", "1h",
     "environment SPOA_CACHE_TENANT_TWIN_TTL: names keys of more than one section\n"},
    /* what Kubernetes sets for a service called spoa-cache */
    {"SERVICE_HOST", "10.0.0.1", ""},
    {"SERVICE_PORT_SPOP", "9201", ""},
    {"PORT", "tcp://10.0.0.1:9201", ""},
    {"PORT_9201_TCP_ADDR", "10.0.0.1", ""},
};

START_TEST(the_environment_sets_one_key)
{
    struct config *c =
        good("[redis]\naddress=old:1\n[policy a-b]\n[policy x]\n[policy x-ignore]\n"
             "[tenant Acme.eu_2]\n[tenant twin]\n[tenant Twin]\n[model meta/llama@1:3]\n");
    bool set = config_override(c, overrides[_i].name, overrides[_i].value, &errors);

    ck_assert_str_is(buf_str(&errors), overrides[_i].said);
    ck_assert(set == (overrides[_i].said[0] == '\0'));
    config_unref(c);
}
END_TEST

START_TEST(the_environment_comes_last)
{
    struct config *c = good("[redis]\naddress=old:1\n[policy a-b]\nvary = x y\nttl = 2h\n");

    ck_assert(config_override(c, "REDIS_ADDRESS", "h:1", &errors));
    ck_assert(config_override(c, "REDIS_MAX_PENDING", " 7\n", &errors));
    ck_assert(config_override(c, "POLICY_A_B_VARY", "Z", &errors));
    ck_assert(config_override(c, "POLICY_LLM_SCOPE", "shared", &errors));
    ck_assert_str_is(c->redis_address, "h:1");
    ck_assert_int_eq(c->redis_max_pending, 7);
    check_list(&config_policy(c, STR("a-b"))->vary, "z");
    ck_assert_int_eq(config_policy(c, STR("a-b"))->ttl, 7200000);
    ck_assert(config_policy(c, STR("llm"))->shared);
    config_unref(c);
}
END_TEST

START_TEST(what_is_printed_is_read_again)
{
    struct config *c = good("[agent]\nlisten = 127.0.0.1:1 unix:/a [::1]:2\nidle-timeout=90s\n"
                            "[redis]\nuser = a b;c\npassword = pass-word\n"
                            "[key]\nsecret = 0123456789abcdef\n"
                            "[policy z]\nmax-body=3kb\nscope=shared\nrequest-body=any\nemit=\n"
                            "mask = [0-9]+ = x ; c\n  [a b]: [;] c ; c\n  [#]=\n"
                            "[tenant T]\nmatch = x y\ncache = off\nallow-controls = yes\n"
                            "[tenant u]\n[model m@1:2]\nttl = 1h\nmatch = *\n");
    struct buf more = buf_new(8192);

    for (int i = 0; i < 64; i++)
        buf_printf(&more, "header-number-%d%c", i, i == 63 ? '\0' : ',');
    ck_assert(config_override(c, "POLICY_Z_VARY", more.ptr, &errors));
    struct buf first = printed(c);
    ck_assert(contains(&first, "\n# password = ***\n"));
    ck_assert(contains(&first, "\n# secret = ***\n"));
    ck_assert(!contains(&first, "pass-word"));
    ck_assert(!contains(&first, "0123456789abcdef"));
    ck_assert(contains(&first, "\n# How long an answer is served.\n"
                               "# a duration from 1s to 3650d; default 24h; reloads\n"
                               "ttl = 24h\n"));
    ck_assert(contains(&first, "\nstatus =\n"));
    ck_assert(contains(&first, "needs a restart\nlisten = 127.0.0.1:1 unix:/a [::1]:2\n"));
    c->secret = c->redis_password = STR("");
    buf_clear(&first);
    config_print(c, &first);

    struct config *again = config_read(buf_str(&first), "printed", &errors);
    ck_assert_str_is(buf_str(&errors), "");
    struct buf second = printed(again);
    ck_assert(str_eq(buf_str(&first), buf_str(&second)));
    ck_assert_uint_eq(config_policy(again, STR("z"))->vary.count, 64);
    const struct str_list *mask = &config_policy(again, STR("z"))->mask;
    ck_assert_uint_eq(mask->count, 3);
    ck_assert_str_is(mask->items[0], "[0-9]+ = x");
    ck_assert_str_is(mask->items[1], "[a b]: [;] c");
    ck_assert_str_is(mask->items[2], "[#]=");
    ck_assert(!config_tenant(again, STR("y"))->cache && config_tenant(again, STR("u"))->cache);
    ck_assert_int_eq(config_model(again, STR("any"))->ttl, 3600000);
    ck_assert_ptr_null(config_needs_restart(c, again));
    config_unref(again);
    config_unref(c);
    buf_free(&more);
    buf_free(&first);
    buf_free(&second);
}
END_TEST

START_TEST(markdown_has_every_key)
{
    struct buf out = buf_new(1 << 16);

    config_print_markdown(&out);
    ck_assert(buf_ok(&out));
    ck_assert(contains(&out, "`[policy NAME]`\n\n| key | | value | default | changes on |\n"));
    ck_assert(contains(&out, "\n\n`[tenant NAME]`\n\n| key |"));
    ck_assert(contains(&out, "\n\n`[model NAME]`\n\n| key |"));
    ck_assert(contains(&out, "\n| `scope` | "));
    ck_assert(contains(&out, " | one of any\\|json | `json` | reload |\n"));
    ck_assert(contains(&out, "| a whole number from 0 to 65535 | `0` | restart |\n"));
    buf_free(&out);
}
END_TEST

START_TEST(what_is_in_force_needs_room_to_be_shown)
{
    struct config *c = good("");

    for (int json = 0; json < 2; json++) {
        struct buf out = buf_new(0); /* as if there were no memory */
        config_show(c, json, false, &out);
        ck_assert(!buf_ok(&out));
        buf_free(&out);
    }
    config_unref(c);
}
END_TEST

static const struct {
    const char *text, *title; /* NULL: reloads */
} changes[] = {
    {"", NULL},
    {"[agent]\nlisten = h:1", "[agent] listen"},
    {"[agent]\nlisten = 127.0.0.1:9201 h:1", "[agent] listen"},
    {"[agent]\nstatus = h:1", "[agent] status"},
    {"[agent]\nlog-level = error\nidle-timeout = 1s\nmax-connections = 1\n", NULL},
    {"[key]\nsecret = 0123456789abcdef", "[key] secret"},
    {"[memory]\nsize = 2mb", "[memory] size"},
    {"[redis]\naddress = h:1", "[redis] address"},
    {"[policy llm]\nttl = 1h\nmask = x\n[policy other]\n", NULL},
    {"[tenant a]\npolicy = llm\n[model m]\nttl = 1h\n", NULL},
};

START_TEST(a_change_that_needs_a_restart_is_named)
{
    struct config *old = good(""), *new_config = good(changes[_i].text);
    const char *title = config_needs_restart(old, new_config);

    if (changes[_i].title)
        ck_assert_pstr_eq(title, changes[_i].title);
    else
        ck_assert_ptr_null(title);
    config_unref(old);
    config_unref(new_config);
}
END_TEST

START_TEST(what_is_in_force_is_inherited)
{
    struct config *old = good("[agent]\nlisten = h:1 h:2\nlog-level = error\n"
                              "[redis]\naddress = h:1\npassword = a;b\ntimeout = 70ms\n"
                              "[key]\nsecret = 0123456789abcdef");
    struct config *c = good("[agent]\nlisten = h:3\n[policy new]");

    ck_assert(config_inherit(c, old));
    ck_assert_ptr_null(config_needs_restart(old, c));
    config_unref(old);
    check_list(&c->listen, "h:1 h:2");
    ck_assert_str_is(c->redis_address, "h:1");
    ck_assert_str_is(c->redis_password, "a;b");
    ck_assert_str_is(c->secret, "0123456789abcdef");
    ck_assert_int_eq(c->redis_timeout, 70);
    ck_assert_int_eq(c->log_level, LOG_LEVEL_INFO);
    ck_assert_uint_eq(c->sections[CONFIG_POLICY].count, 2);
    config_unref(c);
}
END_TEST

START_TEST(a_reference_keeps_it)
{
    struct config *c = good("");
    const struct policy *llm = config_policy(config_ref(c), STR("llm"));

    config_unref(c);
    ck_assert_str_is(llm->name, "llm");
    config_unref(c);
    config_unref(NULL);
}
END_TEST

Suite *suite_config_use(void)
{
    Suite *suite = suite_create("config_use");
    TCase *tests = tcase_create("config_use");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, combinations_are_checked, 0,
                        sizeof combinations / sizeof *combinations);
    tcase_add_loop_test(tests, the_environment_sets_one_key, 0,
                        sizeof overrides / sizeof *overrides);
    tcase_add_test(tests, the_environment_comes_last);
    tcase_add_test(tests, what_is_printed_is_read_again);
    tcase_add_test(tests, markdown_has_every_key);
    tcase_add_test(tests, what_is_in_force_needs_room_to_be_shown);
    tcase_add_loop_test(tests, a_change_that_needs_a_restart_is_named, 0,
                        sizeof changes / sizeof *changes);
    tcase_add_test(tests, what_is_in_force_is_inherited);
    tcase_add_test(tests, a_reference_keeps_it);
    suite_add_tcase(suite, tests);
    return suite;
}
