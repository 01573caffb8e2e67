/* One request, one key; another request, another key and another digest. And tickets. */
#include "core_fixture.h"
#include "unit.h"

/* The fields of the key in the order in which they are hashed. */
enum field {
    POLICY,
    TENANT,
    UPSTREAM,
    BACKEND,
    METHOD,
    SCHEME,
    HOST,
    TARGET,
    VARY_A,
    VARY_B,
    BODY,
    FIELDS
};

struct fields {
    struct str at[FIELDS];
};

static struct buf scratch;
static struct key_secret secret;
static struct policy policy;
static struct key_context context;

static void setup(void)
{
    scratch = buf_new(1 << 20);
    secret = sample_secret();
    policy = sample_policy();
    context = (struct key_context){.api = STR("")};
}

static void teardown(void)
{
    buf_free(&scratch);
    unit_guard_release();
}

static struct key key_of(const struct request *request, struct str body)
{
    struct key_body hashed;
    struct key key;

    key_body_hash(&hashed, &secret, unit_guard(body));
    policy.rules = key_rules(&policy, &scratch);
    context.owner.kind = policy.shared ? STR("shared") : STR("tenant");
    context.owner.name = policy.shared ? STR("") : request->tenant;
    ck_assert(key_derive(&key, &secret, &policy, request, &hashed, &context, &scratch));
    return key;
}

static struct key key_of_fields(const struct fields *f)
{
    struct buf headers = buf_new(1000);
    struct request request = {
        .tenant = f->at[TENANT],
        .upstream = f->at[UPSTREAM],
        .backend = f->at[BACKEND],
        .method = f->at[METHOD],
        .scheme = f->at[SCHEME],
        .host = f->at[HOST],
        .target = f->at[TARGET],
    };

    policy.name = f->at[POLICY];
    wire_string(&headers, STR("openai-beta"));
    wire_string(&headers, f->at[VARY_A]);
    wire_string(&headers, STR("x-version"));
    wire_string(&headers, f->at[VARY_B]);
    buf_append(&headers, STR("\0\0"));
    request.headers = headers_in(buf_str(&headers));
    buf_free(&headers);
    return key_of(&request, f->at[BODY]);
}

static bool same(const struct key *a, const struct key *b)
{
    bool text = str_eq(key_hash(a), key_hash(b));
    bool digest = a->digest.high == b->digest.high && a->digest.low == b->digest.low;

    ck_assert_msg(text == digest, "key and digest disagree");
    return text;
}

START_TEST(same_request_same_key)
{
    struct request request = sample_request(), again = sample_request();
    struct key a = key_of(&request, request.body), b = key_of(&again, again.body);

    ck_assert(same(&a, &b));
    ck_assert(str_eq(key_text(&a), key_text(&b)));
    ck_assert_uint_eq(a.tenant, b.tenant);
    ck_assert_uint_eq(a.length, request.body.len);
}
END_TEST

START_TEST(every_field_counts)
{
    const struct fields base = {{STR("ab"), STR("ab"), STR("ab"), STR("ab"), STR("ab"), STR("ab"),
                                 STR("ab"), STR("ab"), STR("ab"), STR("ab"), STR("ab")}};
    const struct str others[] = {STR("ac"), STR("a"), STR(""), STR("abc"), STR("ab\0")};
    struct key first = key_of_fields(&base);

    for (size_t field = 0; field < FIELDS; field++)
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
            struct fields changed = base;
            changed.at[field] = others[i];
            struct key key = key_of_fields(&changed);
            ck_assert_msg(!same(&first, &key), "field %zu, other %zu", field, i);
        }
}
END_TEST

/* The same bytes in a row, cut elsewhere: "ab|c" is not "a|bc". */
START_TEST(bytes_do_not_move_between_fields)
{
    for (size_t left = 0; left < FIELDS; left++)
        for (size_t right = left + 1; right < FIELDS; right++) {
            struct fields a = {{STR("")}}, b;
            for (size_t i = 0; i < FIELDS; i++)
                a.at[i] = i > left && i < right ? STR("") : STR("z");
            b = a;
            a.at[left] = STR("ab"), a.at[right] = STR("c");
            b.at[left] = STR("a"), b.at[right] = STR("bc");
            struct key one = key_of_fields(&a), two = key_of_fields(&b);
            ck_assert_msg(!same(&one, &two), "fields %zu and %zu", left, right);
            /* nor do those that could be a delimiter */
            a.at[left] = STR("a\0\0\0\0\0\0\0\0b"), a.at[right] = STR("c");
            b.at[left] = STR("a"), b.at[right] = STR("b\0\0\0\0\0\0\0\0c");
            one = key_of_fields(&a), two = key_of_fields(&b);
            ck_assert_msg(!same(&one, &two), "fields %zu and %zu", left, right);
            /* and whole values change places */
            a.at[left] = STR("x"), a.at[right] = STR("");
            b.at[left] = STR(""), b.at[right] = STR("x");
            one = key_of_fields(&a), two = key_of_fields(&b);
            ck_assert_msg(!same(&one, &two), "fields %zu and %zu", left, right);
        }
}
END_TEST

START_TEST(letters_count_but_in_scheme_and_host)
{
    const struct fields base = {{STR("p"), STR("ab"), STR("ab"), STR("ab"), STR("ab"), STR("ab"),
                                 STR("ab"), STR("ab"), STR("ab"), STR("ab"), STR("ab")}};
    struct key first = key_of_fields(&base);

    for (size_t field = TENANT; field < FIELDS; field++) {
        struct fields upper = base;
        upper.at[field] = STR("AB");
        struct key key = key_of_fields(&upper);
        ck_assert_msg(same(&first, &key) == (field == HOST || field == SCHEME), "field %zu", field);
    }
}
END_TEST

START_TEST(vary_headers)
{
    static const char *const blocks[] = {
        "",
        "openai-beta:\n",
        "openai-beta: a\n",
        "openai-beta: a,b\n",
        "openai-beta: a, b\n",
        "openai-beta: a\nopenai-beta: b\n",
        "openai-beta: b\nopenai-beta: a\n",
        "openai-beta: a\nopenai-beta:\n",
        "x-version: a\n",
        "x-version:\n",
        "openai-beta:\nx-version:\n",
        "openai-beta: a\nx-version: b\n",
        "openai-beta: b\nx-version: a\n",
        "openai-beta: ab\nx-version:\n",
        "openai-beta: A\n",
    };
    enum { BLOCKS = sizeof blocks / sizeof *blocks };
    struct key keys[BLOCKS];
    struct request request = sample_request();

    for (size_t i = 0; i < BLOCKS; i++) {
        request.headers = headers_of(blocks[i]);
        keys[i] = key_of(&request, STR("b"));
        for (size_t j = 0; j < i; j++)
            ck_assert_msg(!same(&keys[i], &keys[j]), "\"%s\" and \"%s\"", blocks[i], blocks[j]);
    }
    /* what does not count: other headers, their order, white space around the value */
    request.headers = headers_of("a: 1\nx-version:b\t\ncookie: x\nopenai-beta:   a \n");
    struct key key = key_of(&request, STR("b"));
    ck_assert(same(&key, &keys[11]));
}
END_TEST

START_TEST(ignored_query_parameters)
{
    static const struct {
        const char *one, *other;
        bool same;
    } cases[] = {
        {"/p?utm=1&a=2", "/p?utm=9&a=2", true},
        {"/p?utm=1&a=2", "/p?a=2", true},
        {"/p?utm&a=2", "/p?a=2&ref=x", true},
        {"/p?a=2", "/p?a=3", false},
        {"/p?a=1&b=2", "/p?b=2&a=1", false},
        {"/p?a=1&b=2", "/p?a=1%26b=2", false},
        {"/p?a=1&b=2", "/p?a=1b=2", false},
        {"/p?utmx=1", "/p?utmx=2", false},
        {"/p?xutm=1", "/p?xutm=2", false},
        {"/p?UTM=1", "/p?UTM=2", false},
        {"/utm=1", "/utm=2", false},
        {"/p?a=?utm=1", "/p?a=?utm=2", false},
        {"/p?a", "/pa", false},
        {"/p?", "/p??", false},
        {"/p?a=1&utm=1", "/q?a=1&utm=1", false},
        {"/p?utm=1&/x", "/p/x?utm=1", false},
    };
    struct request request = sample_request();

    policy.ignore_query = list_of("utm ref");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        request.target = unit_guard(str_of(cases[i].one));
        struct key one = key_of(&request, STR("b"));
        request.target = unit_guard(str_of(cases[i].other));
        struct key other = key_of(&request, STR("b"));
        ck_assert_msg(same(&one, &other) == cases[i].same, "%s and %s", cases[i].one,
                      cases[i].other);
    }
    policy.ignore_query.count = 0;
    request.target = STR("/p?utm=1");
    struct key one = key_of(&request, STR("b"));
    request.target = STR("/p?utm=2");
    struct key other = key_of(&request, STR("b"));
    ck_assert(!same(&one, &other));
}
END_TEST

START_TEST(shared_scope)
{
    struct request request = sample_request();

    struct key own = key_of(&request, STR("b"));
    ck_assert_uint_ne(own.tenant, 0);
    policy.shared = true;
    struct key shared = key_of(&request, STR("b"));
    request.tenant = STR("other");
    struct key other = key_of(&request, STR("b"));
    request.tenant = (struct str){NULL, 0};
    struct key nobody = key_of(&request, STR("b"));
    ck_assert(!same(&own, &shared));
    ck_assert(same(&shared, &other));
    ck_assert(same(&shared, &nobody));
    ck_assert_uint_eq(shared.tenant, 0);
    ck_assert_uint_eq(nobody.tenant, 0);
    policy.shared = false; /* a tenant that is named like the scope is not the scope */
    request.tenant = STR("shared");
    struct key named = key_of(&request, STR("b"));
    ck_assert(!same(&shared, &named));
}
END_TEST

START_TEST(kinds_of_body)
{
    struct request request = sample_request();
    struct key json = key_of(&request, STR("b"));

    policy.json = false;
    struct key any = key_of(&request, STR("b"));
    ck_assert(!same(&json, &any));
    struct key empty = key_of(&request, (struct str){NULL, 0});
    ck_assert(!same(&empty, &any));
    ck_assert_uint_eq(empty.length, 0);
}
END_TEST

START_TEST(secrets)
{
    struct request request = sample_request();
    struct key one = key_of(&request, request.body);

    key_secret_derive(&secret, STR("the secret of the testt"));
    struct key two = key_of(&request, request.body);
    ck_assert(!same(&one, &two));
    ck_assert_uint_ne(one.tenant, two.tenant);
    ck_assert(memcmp(secret.key, secret.digest, sizeof secret.key) != 0);
    struct key_secret other = sample_secret();
    ck_assert_uint_ne(key_mac(&secret, STR("x")), key_mac(&other, STR("x")));
    /* one secret for keys, one for digests: neither hash follows from the other */
    struct key_body body;
    key_body_hash(&body, &secret, STR("b"));
    ck_assert(body.key.high != body.digest.high && body.key.low != body.digest.low);
}
END_TEST

static struct str digest_text(const struct key *key)
{
    static char text[HEX128];

    hex64_write(text, key->digest.high);
    hex64_write(text + HEX64, key->digest.low);
    return (struct str){text, sizeof text};
}

/* The text of keys is in every Redis that is in use: to change it is to empty them all. */
START_TEST(golden)
{
    struct request request = sample_request();

    request.upstream = STR("pool-1");
    request.headers = headers_of("content-type: application/json\nopenai-beta: v2\n");
    struct key key = key_of(&request, STR("{\"messages\":[],\"model\":\"m\"}"));
    ck_assert_str_is(key_text(&key), "sc:llm:48c62a63c9040ba8:f2538e7aac3de540897d5dd5fdd8d750");
    ck_assert_str_is(key_hash(&key), "f2538e7aac3de540897d5dd5fdd8d750");
    ck_assert_str_is(digest_text(&key), "d0d99eb0238fce15dd9b48547389d217");
    ck_assert_uint_eq(key.length, 27);
    policy.ignore_query = list_of("utm");
    request.target = STR("/p?a=1&utm=2&b=3");
    key = key_of(&request, STR(""));
    ck_assert_str_is(key_hash(&key), "f626cfc826ceec6dab7c445fbff071f5");
}
END_TEST

/* Else a parameter that counts from now on would find what was stored when it did not. */
START_TEST(the_list_of_ignored_parameters_counts)
{
    struct request request = sample_request();
    struct key keys[4];

    request.target = STR("/p?a=1");
    keys[0] = key_of(&request, STR("{}"));
    policy.ignore_query = list_of("utm");
    keys[1] = key_of(&request, STR("{}"));
    policy.ignore_query = list_of("ref");
    keys[2] = key_of(&request, STR("{}"));
    policy.ignore_query = list_of("ref utm");
    keys[3] = key_of(&request, STR("{}"));
    for (size_t i = 0; i < 4; i++)
        for (size_t j = i + 1; j < 4; j++)
            ck_assert(!same(&keys[i], &keys[j]));
}
END_TEST

START_TEST(api_and_namespace_count)
{
    struct request request = sample_request();
    struct key keys[4];

    keys[0] = key_of(&request, STR("{}"));
    context.api = STR("a");
    keys[1] = key_of(&request, STR("{}"));
    context = (struct key_context){.api = STR(""), .namespace = STR("a")};
    keys[2] = key_of(&request, STR("{}"));
    context = (struct key_context){.api = STR("a"), .namespace = STR("a")};
    keys[3] = key_of(&request, STR("{}"));
    for (size_t i = 0; i < 4; i++)
        for (size_t j = i + 1; j < 4; j++)
            ck_assert(!same(&keys[i], &keys[j]));
}
END_TEST

START_TEST(the_longest_policy_name)
{
    struct request request = sample_request();
    struct key_body body;
    struct key key;

    policy.name = STR("abcdefghijklmnopqrstuvwxyz012345");
    key = key_of(&request, STR("b"));
    ck_assert_uint_eq(key.text_len, KEY_TEXT_MAX);
    policy.name = STR("abcdefghijklmnopqrstuvwxyz0123456");
    key_body_hash(&body, &secret, STR("b"));
    ck_assert(!key_derive(&key, &secret, &policy, &request, &body, &context, &scratch));
}
END_TEST

START_TEST(no_memory_no_key)
{
    struct request request = sample_request();
    struct key_body body;
    struct key key;
    size_t made = 0;

    key_body_hash(&body, &secret, STR("b"));
    for (size_t max = 0; max < 600; max++) {
        struct buf small = buf_new(max);
        bool ok = key_derive(&key, &secret, &policy, &request, &body, &context, &small);
        ck_assert(ok == buf_ok(&small));
        ck_assert(ok || made == 0);
        made += ok;
        buf_free(&small);
    }
    ck_assert_uint_gt(made, 0);
    ck_assert_uint_lt(made, 500);
}
END_TEST

Suite *suite_key(void)
{
    Suite *suite = suite_create("key");
    TCase *cases = tcase_create("key");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, same_request_same_key);
    tcase_add_test(cases, every_field_counts);
    tcase_add_test(cases, bytes_do_not_move_between_fields);
    tcase_add_test(cases, letters_count_but_in_scheme_and_host);
    tcase_add_test(cases, vary_headers);
    tcase_add_test(cases, ignored_query_parameters);
    tcase_add_test(cases, the_list_of_ignored_parameters_counts);
    tcase_add_test(cases, api_and_namespace_count);
    tcase_add_test(cases, shared_scope);
    tcase_add_test(cases, kinds_of_body);
    tcase_add_test(cases, secrets);
    tcase_add_test(cases, golden);
    tcase_add_test(cases, the_longest_policy_name);
    tcase_add_test(cases, no_memory_no_key);
    suite_add_tcase(suite, cases);
    return suite;
}
