/* The body of a hit: its usage is 0 or its id another, and nothing else has changed. */
#include "core/hit_body.h"

#include "../hit_oracle.h"
#include "answers.h"
#include "core/entry.h"
#include "unit.h"

static struct json_doc doc;
static struct buf out;

static const struct hit_body_options keep = {.zero_usage = false};
static const struct hit_body_options zero = {.zero_usage = true};
static const struct hit_body_options renew = {.new_id = true, .nonce = {7, 20261122}};
static const struct hit_body_options both = {
    .zero_usage = true, .new_id = true, .nonce = {7, 20261122}};

static void setup(void)
{
    out = buf_new(1 << 20);
}

static void teardown(void)
{
    buf_free(&out);
    json_free(&doc);
    unit_guard_release();
}

/* Reads the body and writes that of the hit into `out`, behind something that stands there. */
static struct str hit_of(struct str body, enum api_gate gate,
                         const struct hit_body_options *options)
{
    buf_clear(&out);
    buf_append(&out, STR("before"));
    ck_assert_msg(json_read(&doc, body) == JSON_OK, "not JSON: %.*s", STR_ARGS(body));
    hit_body_write(&out, body, &doc, gate, options);
    ck_assert(buf_ok(&out));
    ck_assert(str_starts(buf_str(&out), STR("before")));
    struct str hit = str_from(buf_str(&out), strlen("before"));
    const char *wrong = oracle_hit(body, hit, gate, options);
    ck_assert_msg(!wrong, "gate %d: %s: %.*s", gate, wrong, STR_ARGS(hit));
    ck_assert(entry_body_is_clean(body) <= entry_body_is_clean(hit));
    return hit;
}

START_TEST(kept)
{
    struct str body = unit_json(samples[_i].answer);

    ck_assert(str_eq(hit_of(body, samples[_i].gate, &keep), body));
}
END_TEST

START_TEST(usage_zeroed)
{
    struct str hit = hit_of(unit_json(samples[_i].answer), samples[_i].gate, &zero);
    struct str want = unit_json(samples[_i].zeroed);

    ck_assert_msg(str_eq(hit, want), "got %.*s\nwant %.*s", STR_ARGS(hit), STR_ARGS(want));
}
END_TEST

START_TEST(both_changes)
{
    struct str body = unit_json(samples[_i].answer);
    struct str renewed = unit_guard(hit_of(body, samples[_i].gate, &renew));
    const char *name = oracle_id_name(samples[_i].gate);
    bool has_id = name && json_member(&doc, doc.nodes, str_of(name));

    ck_assert(str_eq(renewed, body) == !has_id);
    hit_of(body, samples[_i].gate, &both);
    ck_assert(str_eq(hit_of(renewed, samples[_i].gate, &zero),
                     unit_guard(hit_of(body, samples[_i].gate, &both))));
}
END_TEST

/* Other APIs than the one that wrote it: what an answer is said to be is changed, no more. */
START_TEST(other_gates)
{
    for (enum api_gate gate = GATE_NONE; gate <= GATE_COHERE_RERANK; gate++)
        hit_of(unit_json(samples[_i].answer), gate, &both);
}
END_TEST

START_TEST(zeroed_numbers)
{
    static const char *const cases[][2] = {
        {"{'usage':{'a':-12.5e+3,'b':-0,'c':0}}", "{'usage':{'a':       0,'b': 0,'c':0}}"},
        {"{'usage':{'a':[[1,[22]],{'b':{'c':333}}]}}",
         "{'usage':{'a':[[0,[ 0]],{'b':{'c':  0}}]}}"},
        {"{'usage':{'a':'12','b':null,'c':true,'3':{}}}",
         "{'usage':{'a':'12','b':null,'c':true,'3':{}}}"},
        {"{'n':5,'usage':{'x':5},'m':5}", "{'n':5,'usage':{'x':0},'m':5}"},
        {"{'us\\u0061ge':{'\\u0031':5,'t':'\\n1'},'m':[5]}",
         "{'us\\u0061ge':{'\\u0031':0,'t':'\\n1'},'m':[5]}"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert(str_eq(hit_of(unit_json(cases[i][0]), GATE_OPENAI_CHAT, &zero),
                         unit_json(cases[i][1])));
}
END_TEST

/* The text of the member `name` of the hit for a body {"<name>":"<id>"}. */
static struct str id_of_hit(enum api_gate gate, const char *name, const char *id,
                            const uint64_t nonce[2])
{
    struct hit_body_options options = {.new_id = true, .nonce = {nonce[0], nonce[1]}};
    struct buf body = buf_new(4096);

    buf_printf(&body, "{\"%s\":\"%s\"}", name, id);
    struct str hit = hit_of(unit_guard(buf_str(&body)), gate, &options);
    buf_free(&body);
    return (struct str){hit.ptr + strlen(name) + 5, hit.len - strlen(name) - 7};
}

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define HEX DIGITS "abcdef"
#define ANY DIGITS LOWER UPPER

/* Ids as they are given out. In `stays`, what is no # stays as it is. */
static const struct {
    enum api_gate gate;
    const char *name, *id, *stays, *alphabet;
} ids[] = {
    {GATE_OPENAI_CHAT, "id", "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
     "chatcmpl-#############################", ANY},
    {GATE_OPENAI_COMPLETIONS, "id", "cmpl-uqkvlQyYK7bGYrRHQ0eXlWi7",
     "cmpl-########################", ANY},
    {GATE_OPENAI_RESPONSES, "id", "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b",
     "resp_################################################", HEX},
    {GATE_ANTHROPIC, "id", "msg_013Zva2CMHLNnXjNJJKqJ2EF", "msg_########################", ANY},
    {GATE_ANTHROPIC, "id", "msg_bdrk_01XFDUDYJgAACzvnptvVoYEL", "msg_bdrk_########################",
     ANY},
    {GATE_GEMINI, "responseId", "mAitaLmkHPPlz7IPvtfUqQ4", "#######################", ANY},
    {GATE_GEMINI, "responseId", "mAitaLmkHPPlz7IPvtf-qQ4", "###################-###", ANY},
    {GATE_COHERE_CHAT, "id", "c14c80c3-18eb-4519-9460-6c92edd8cfb4",
     "########-####-4###-9###-############", HEX},
    {GATE_COHERE_EMBED, "id", "DA6E531F-54C5-7A73-BF92-F60566D8D753",
     "########-####-7###-B###-############", DIGITS "ABCDEF"},
    {GATE_COHERE_RERANK, "id", "07734bd2-2473-4f07-94e1-0d9f0e6843cf",
     "########-####-4###-9###-############", HEX},
    /* compatible servers */
    {GATE_OPENAI_CHAT, "id", "chatcmpl-07734bd2-2473-4f07-94e1-0d9f0e6843cf",
     "chatcmpl-########-####-4###-9###-############", HEX},
    {GATE_OPENAI_CHAT, "id", "gen-1741569952-Nq0jrKf2Yp8sLmXw3bTz",
     "gen-1741569952-####################", ANY},
    {GATE_OPENAI_CHAT, "id", "e5cc70bb28c444948073e77776eb30ef", "################################",
     HEX},
    {GATE_OPENAI_CHAT, "id", "8231168139794583938", "###################", DIGITS},
    {GATE_OPENAI_CHAT, "id", "chatcmpl-742", "chatcmpl-###", DIGITS},
    {GATE_OPENAI_CHAT, "id", "chatcmpl-b43t6nfmxnb8xqscxl1s", "chatcmpl-####################",
     DIGITS LOWER},
    {GATE_OPENAI_EMBEDDINGS, "id", "embd-AB12CD34EF56GH78", "embd-################", DIGITS UPPER},
    {GATE_OPENAI_CHAT, "id", "oJBfGdM-zqrih-92b4c5ad8f6c0eab", "oJBfGdM-zqrih-################",
     HEX},
    /* no separator is the last one with enough behind it */
    {GATE_OPENAI_CHAT, "id", "a_1234567_12345678", "a_1234567_########", DIGITS},
    {GATE_OPENAI_CHAT, "id", "A_12345678_1234567", "A_########_#######", DIGITS},
    {GATE_OPENAI_CHAT, "id", "_12345678", "_########", DIGITS},
    {GATE_OPENAI_CHAT, "id", "_1234567", "_#######", DIGITS},
    {GATE_OPENAI_CHAT, "id", "req.12345678:9/\xc3\xa4", "###.########:#/\xc3\xa4", DIGITS LOWER},
    {GATE_OPENAI_CHAT, "id", "", "", ANY},
    {GATE_OPENAI_CHAT, "id", "-", "-", ANY},
    {GATE_OPENAI_CHAT, "id", "chatcmpl-", "chatcmpl-", ANY},
};

static void check_id(size_t i, struct str id)
{
    ck_assert_uint_eq(id.len, strlen(ids[i].id));
    for (size_t at = 0; at < id.len; at++) {
        char stays = ids[i].stays[at];
        bool right =
            stays == '#' ? id.ptr[at] && strchr(ids[i].alphabet, id.ptr[at]) : id.ptr[at] == stays;
        ck_assert_msg(right, "%s became %.*s", ids[i].id, STR_ARGS(id));
    }
}

/* What is not kept of an id changes in every place, and every character of the alphabet comes up.
 */
START_TEST(new_ids)
{
    enum { ROUNDS = 100, LONGEST = 64 };
    bool seen[256] = {false}, changed[LONGEST] = {false};
    const char *id = ids[_i].id, *stays = ids[_i].stays;

    for (uint64_t n = 0; n < ROUNDS; n++) {
        struct str made = id_of_hit(ids[_i].gate, ids[_i].name, id, (uint64_t[]){n, 5});
        check_id((size_t)_i, made);
        for (size_t at = 0; at < made.len; at++) {
            seen[(unsigned char)made.ptr[at]] |= stays[at] == '#';
            changed[at] |= made.ptr[at] != id[at];
        }
        unit_guard_release();
    }
    for (size_t at = 0; stays[at]; at++)
        ck_assert_msg(changed[at] == (stays[at] == '#'), "%s: character %zu", id, at);
    for (const char *c = ids[_i].alphabet; strchr(stays, '#') && *c; c++)
        ck_assert_msg(seen[(unsigned char)*c], "%s: never %c", id, *c);
}
END_TEST

/* All of a nonce counts, and nothing else. */
START_TEST(nonces)
{
    enum { NONCES = 200 };
    static char made[NONCES][33];

    for (uint64_t n = 0; n < NONCES; n++) {
        const uint64_t nonce[2] = {n % 2 ? n << 40 : 0, n % 2 ? 0 : n << 40};
        struct str id =
            id_of_hit(GATE_OPENAI_CHAT, "id", "e5cc70bb28c444948073e77776eb30ef", nonce);
        ck_assert_uint_eq(id.len, 32);
        memcpy(made[n], id.ptr, id.len);
        id = id_of_hit(GATE_OPENAI_CHAT, "id", "00000000000000000000000000000a00", nonce);
        ck_assert_str_is(id, made[n]);
        for (uint64_t earlier = 0; earlier < n; earlier++)
            ck_assert_str_ne(made[earlier], made[n]);
        unit_guard_release();
    }
}
END_TEST

START_TEST(ids_that_stay)
{
    static const struct {
        enum api_gate gate;
        const char *body;
    } cases[] = {
        {GATE_OPENAI_CHAT, "{'id':'chatcmpl-\\u0041BCDEFGHIJ'}"},
        {GATE_OPENAI_CHAT, "{'id':'\\/\\n\\t'}"},
        {GATE_OPENAI_CHAT, "{'x':'\\u0041','id':null}"},
        {GATE_OPENAI_CHAT, "{'id':1234567890}"},
        {GATE_OPENAI_CHAT, "{'id':['chatcmpl-ABCDEFGHIJ']}"},
        {GATE_OPENAI_CHAT, "{'Id':'chatcmpl-ABCDEFGHIJ','responseId':'mAitaLmkHPPlz7IPvtfUqQ4'}"},
        {GATE_OPENAI_CHAT, "{'choices':[{'id':'call_abcdefghij'}],'x':{'id':'call_abcdefghij'}}"},
        {GATE_OPENAI_CHAT, "['id','chatcmpl-ABCDEFGHIJ']"},
        {GATE_OPENAI_RESPONSES, "{'previous_response_id':'resp_67cb32528d6881909eb2859a55e18a85',"
                                "'output':[{'id':'msg_67ccd2bf17f0819081ff3bb2cf6508e6'}]}"},
        {GATE_GEMINI, "{'id':'mAitaLmkHPPlz7IPvtfUqQ4'}"},
        {GATE_BEDROCK, "{'id':'chatcmpl-ABCDEFGHIJ','responseId':'mAitaLmkHPPlz7IPvtfUqQ4'}"},
        {GATE_OLLAMA, "{'id':'chatcmpl-ABCDEFGHIJ','responseId':'mAitaLmkHPPlz7IPvtfUqQ4'}"},
        {GATE_NONE, "{'id':'chatcmpl-ABCDEFGHIJ','responseId':'mAitaLmkHPPlz7IPvtfUqQ4'}"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str body = unit_json(cases[i].body);
        ck_assert_msg(str_eq(hit_of(body, cases[i].gate, &both), body), "%s", cases[i].body);
    }
}
END_TEST

/* An id as long as a text is no id. */
START_TEST(long_id)
{
    static char id[300];

    memset(id, 'a', sizeof id - 1);
    id[256] = 0;
    ck_assert(!str_eq(id_of_hit(GATE_OPENAI_CHAT, "id", id, both.nonce), str_of(id)));
    id[256] = 'a';
    ck_assert_str_is(id_of_hit(GATE_OPENAI_CHAT, "id", id, both.nonce), id);
}
END_TEST

/* Dirty before is dirty after, and bytes that no JSON needs are not cleaned away. */
START_TEST(dirty_bytes)
{
    struct str hit = hit_of(unit_json("{'id':'chatcmpl-\x7f"
                                      "ABCDEFGHIJ',\n'usage':{'x':\r\n12}}"),
                            GATE_OPENAI_CHAT, &both);

    ck_assert(!entry_body_is_clean(hit));
    ck_assert(memchr(hit.ptr, 0x7f, hit.len) && memchr(hit.ptr, '\r', hit.len));
}
END_TEST

START_TEST(no_room)
{
    struct str body = unit_json(samples[0].answer);

    ck_assert(json_read(&doc, body) == JSON_OK);
    buf_free(&out);
    out = buf_new(body.len);
    buf_append(&out, STR("x"));
    hit_body_write(&out, body, &doc, GATE_OPENAI_CHAT, &both);
    ck_assert(!buf_ok(&out));
    ck_assert_str_is(buf_str(&out), "x");
}
END_TEST

/* A document that was not read, as when it is not JSON: the bytes go out as they are. */
START_TEST(nothing_read)
{
    static const struct str bodies[] = {STR("{\"id\":\"chatcmpl-ABCDEFGHIJ\""), STR("")};

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        ck_assert(json_read(&doc, bodies[i]) != JSON_OK);
        buf_clear(&out);
        hit_body_write(&out, bodies[i], &doc, GATE_OPENAI_CHAT, &both);
        ck_assert(buf_ok(&out) && str_eq(buf_str(&out), bodies[i]));
    }
}
END_TEST

Suite *suite_hit_body(void)
{
    Suite *suite = suite_create("hit_body");
    TCase *cases = tcase_create("hit_body");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, kept, 0, SAMPLES);
    tcase_add_loop_test(cases, usage_zeroed, 0, SAMPLES);
    tcase_add_loop_test(cases, both_changes, 0, SAMPLES);
    tcase_add_loop_test(cases, other_gates, 0, SAMPLES);
    tcase_add_test(cases, zeroed_numbers);
    tcase_add_loop_test(cases, new_ids, 0, sizeof ids / sizeof *ids);
    tcase_add_test(cases, nonces);
    tcase_add_test(cases, ids_that_stay);
    tcase_add_test(cases, long_id);
    tcase_add_test(cases, dirty_bytes);
    tcase_add_test(cases, no_room);
    tcase_add_test(cases, nothing_read);
    suite_add_tcase(suite, cases);
    return suite;
}
