/* What requests say beside their key. Requests are written with ' for ". */
#include "core/api_read.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>

static struct json_doc doc;

static void teardown(void)
{
    json_free(&doc);
    unit_guard_release();
}

static const struct api *named(const char *name)
{
    const struct api *api = api_named(str_of(name));

    ck_assert_msg(api != NULL, "%s", name);
    return api;
}

/* Reads a request into `doc`. */
static const struct json_doc *read_request(const char *request)
{
    char text[512];
    size_t len = strlen(request);

    ck_assert_uint_le(len, sizeof text);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)(request[i] == '\'' ? '"' : request[i]);
    ck_assert_msg(json_read(&doc, unit_guard((struct str){text, len})) == JSON_OK, "%s", request);
    return &doc;
}

START_TEST(answers_wanted)
{
    static const struct {
        const char *api, *request;
        int64_t want;
    } cases[] = {
        {"openai-chat", "{}", 1},
        {"openai-chat", "{'n':null}", 1},
        {"openai-chat", "{'n':1}", 1},
        {"openai-chat", "{'n':3,'prompt':['a','b']}", 3},
        {"openai-chat", "{'n':3.0}", 3},
        {"openai-chat", "{'n':1048576}", 1048576},
        /* not known */
        {"openai-chat", "{'n':1048577}", 0},
        {"openai-chat", "{'n':'3'}", 0},
        {"openai-chat", "{'n':0}", 0},
        {"openai-chat", "{'n':-1}", 0},
        {"openai-chat", "{'n':1.5}", 0},
        {"openai-chat", "{'n':1e999}", 0},
        {"openai-chat", "{'n':[1]}", 0},
        {"openai-chat", "{'n':true}", 0},
        {"openai-responses", "{'n':3}", 0},
        /* prompts times answers to each */
        {"openai-completions", "{}", 1},
        {"openai-completions", "{'prompt':'a'}", 1},
        {"openai-completions", "{'prompt':''}", 1},
        {"openai-completions", "{'prompt':'a','n':2}", 2},
        {"openai-completions", "{'prompt':['a','b','c']}", 3},
        {"openai-completions", "{'prompt':['a','b','c'],'n':2}", 6},
        {"openai-completions", "{'prompt':[1,2,3],'n':2}", 2},
        {"openai-completions", "{'prompt':[[1,2],[3]],'n':2}", 4},
        {"openai-completions", "{'prompt':['a','b'],'n':'2'}", 0},
        {"openai-completions", "{'prompt':['a','b'],'n':1048576}", 0},
        {"openai-completions", "{'prompt':{},'n':2}", 0},
        {"openai-completions", "{'prompt':[],'n':2}", 0},
        {"openai-completions", "{'prompt':7,'n':2}", 0},
        /* vectors */
        {"openai-embeddings", "{'input':'a'}", 1},
        {"openai-embeddings", "{'input':['a','b']}", 2},
        {"openai-embeddings", "{'input':[1,2]}", 1},
        {"openai-embeddings", "{'input':[[1],[2]]}", 2},
        {"openai-embeddings", "{'input':2}", 0},
        {"ollama-embed", "{'input':['a','b']}", 2},
        {"ollama-embed", "{'prompt':'a'}", 1},
        {"cohere-embed", "{'texts':['a','b']}", 2},
        {"cohere-embed", "{'inputs':[{'content':[]},{'content':[]},{'content':[]}]}", 3},
        {"cohere-embed", "{'images':['data:,'],'texts':null}", 1},
        {"gemini-embed", "{'content':{'parts':[{'text':'a'},{'text':'b'}]}}", 1},
        {"gemini-embed", "{'requests':[{'content':{}},{'content':{}}]}", 2},
        {"gemini-embed", "{'requests':[]}", 0},
        /* candidates */
        {"gemini", "{}", 1},
        {"gemini", "{'generationConfig':{}}", 1},
        {"gemini", "{'generationConfig':{'candidateCount':3}}", 3},
        {"gemini", "{'generationConfig':{'candidate_count':3}}", 3},
        {"gemini", "{'generation_config':{'candidateCount':3}}", 3},
        {"gemini", "{'generation_config':{'candidate_count':3}}", 3},
        {"gemini", "{'generationConfig':{'candidateCount':'3'}}", 0},
        {"gemini", "{'generationConfig':3}", 1},
        {"gemini", "{'candidateCount':3}", 1},
        {"bedrock-invoke", "{'texts':['a','b']}", 2},
        {"bedrock-invoke", "{'inputText':'a'}", 1},
        {"anthropic", "{'n':3}", 0},
        {"generic", "{'n':3}", 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t got = api_answers_wanted(named(cases[i].api), read_request(cases[i].request));
        ck_assert_msg(got == cases[i].want, "%s %s: %lld", cases[i].api, cases[i].request,
                      (long long)got);
    }
}
END_TEST

START_TEST(temperature)
{
    static const struct {
        const char *api, *request;
        enum api_said said;
        double value;
    } cases[] = {
        {"openai-chat", "{}", API_NOT_SAID, NAN},
        {"openai-chat", "{'temperature':null}", API_NOT_SAID, NAN},
        {"openai-chat", "{'temperature':0}", API_SAID, 0},
        {"openai-chat", "{'temperature':7e-1,'options':{'temperature':0}}", API_SAID, 0.7},
        {"openai-responses", "{'temperature':1}", API_SAID, 1},
        {"openai-completions", "{'temperature':1}", API_SAID, 1},
        {"anthropic", "{'temperature':0.5}", API_SAID, 0.5},
        {"cohere", "{'temperature':0.5}", API_SAID, 0.5},
        {"generic", "{'temperature':0.5}", API_SAID, 0.5},
        {"ollama", "{'options':{'temperature':0.5}}", API_SAID, 0.5},
        {"ollama", "{'temperature':0.5}", API_NOT_SAID, NAN},
        {"ollama", "{'options':[0]}", API_NOT_SAID, NAN},
        {"gemini", "{'generationConfig':{'temperature':0.5}}", API_SAID, 0.5},
        {"gemini", "{'generation_config':{'temperature':0.5}}", API_SAID, 0.5},
        {"gemini", "{'temperature':0.5}", API_NOT_SAID, NAN},
        {"bedrock", "{'inferenceConfig':{'temperature':0.5}}", API_SAID, 0.5},
        {"bedrock", "{'temperature':0.5}", API_NOT_SAID, NAN},
        {"bedrock-invoke", "{'temperature':0.5}", API_SAID, 0.5},
        {"bedrock-invoke", "{'textGenerationConfig':{'temperature':0.5}}", API_SAID, 0.5},
        {"bedrock-invoke", "{'inferenceConfig':{'temperature':0.5}}", API_SAID, 0.5},
        /* no number, or two of them */
        {"openai-chat", "{'temperature':'0'}", API_SAID, NAN},
        {"openai-chat", "{'temperature':false}", API_SAID, NAN},
        {"openai-chat", "{'temperature':[0]}", API_SAID, NAN},
        {"openai-chat",
         "{'temperature':0.00000000000000000000000000000000000000000000000000000000000000}",
         API_SAID, NAN},
        {"bedrock-invoke", "{'temperature':0,'inferenceConfig':{'temperature':0}}", API_SAID, NAN},
        {"gemini", "{'generationConfig':{'temperature':0},'generation_config':{'temperature':1}}",
         API_SAID, NAN},
        /* none of theirs */
        {"openai-embeddings", "{'temperature':1}", API_NOT_ASKED, NAN},
        {"gemini-embed", "{}", API_NOT_ASKED, NAN},
        {"ollama-embed", "{'options':{'temperature':1}}", API_NOT_ASKED, NAN},
        {"cohere-embed", "{}", API_NOT_ASKED, NAN},
        {"cohere-rerank", "{}", API_NOT_ASKED, NAN},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value = -1;
        enum api_said said =
            api_temperature(named(cases[i].api), read_request(cases[i].request), &value);
        ck_assert_msg(said == cases[i].said, "%s %s: %d", cases[i].api, cases[i].request, said);
        ck_assert_msg(isnan(cases[i].value) ? isnan(value) : value == cases[i].value, "%s %s: %g",
                      cases[i].api, cases[i].request, value);
    }
}
END_TEST

START_TEST(model)
{
    static const struct {
        const char *api, *request, *target, *want;
    } cases[] = {
        {"openai-chat", "{'model':'gpt-4.1'}", "/v1/chat/completions", "gpt-4.1"},
        {"openai-chat", "{'model':'b'}", "/openai/deployments/d/chat/completions", "b"},
        {"openai-chat", "{}", "/openai/deployments/d/chat/completions?api-version=1", "d"},
        {"openai-chat", "{'model':''}", "/openai/deployments/d/chat/completions/", "d"},
        {"openai-chat", "{'model':7}", "/openai/deployments/d/extensions/chat/completions", "d"},
        {"openai-embeddings", "{}", "/openai/deployments/e-3/embeddings", "e-3"},
        {"openai-chat", "{}", "/v1/chat/completions", ""},
        {"openai-chat", "{}", "/deployments/d/other", ""},
        {"anthropic", "{'model':'claude'}", "/v1/messages", "claude"},
        {"anthropic", "{}", "/deployments/d/v1/messages", ""},
        {"gemini", "{}",
         "/v1beta/models/gemini-2.5-flash:generateContent?key=/models/k:", "gemini-2.5-flash"},
        {"gemini", "{}", "/v1/projects/p/locations/l/publishers/google/models/m:generateContent",
         "m"},
        {"gemini", "{}", "/models/x/v1/models/m:generateContent", "m"},
        {"gemini", "{}", "/v1beta/models/m:countTokens", ""},
        {"gemini", "{}", "/v1beta/models/:generateContent", ""},
        {"gemini-embed", "{}", "/v1beta/models/e:batchEmbedContents", "e"},
        {"gemini-embed", "{}", "/v1beta/models/e:embedContent", "e"},
        {"bedrock", "{}", "/model/anthropic.claude-v2:1/converse", "anthropic.claude-v2:1"},
        {"bedrock", "{}", "/model/anthropic.claude-v2%3A1/converse", "anthropic.claude-v2%3A1"},
        {"bedrock-invoke", "{}", "/model/amazon.titan-text/invoke", "amazon.titan-text"},
        {"bedrock", "{}", "/model/m/converse-stream", "m"},
        {"bedrock", "{}", "/model", ""},
        {"generic", "{}", "/v1/models/m/x", ""},
        {"generic", "{'model':'m'}", "", "m"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read_request(cases[i].request);
        struct str got = api_model(named(cases[i].api), &doc, unit_guard(str_of(cases[i].target)));
        ck_assert_msg(str_eq(got, str_of(cases[i].want)), "%s %s: %.*s", cases[i].request,
                      cases[i].target, STR_ARGS(got));
    }
}
END_TEST

START_TEST(what_more_than_the_request_decides)
{
    static const struct {
        const char *api, *request;
        bool bypass;
    } cases[] = {
        {"openai-chat", "{'model':'gpt-4o-search-preview'}", true},
        {"openai-chat", "{'model':'gpt-4o-mini-search-preview-2025-03-11'}", true},
        {"openai-chat", "{'model':'GPT-4o-Search-Preview'}", true},
        {"openai-chat", "{'model':'openai/gpt-5-search-api-2025-10-14'}", true},
        {"openai-responses", "{'model':'o3-deep-research'}", true},
        {"openai-responses", "{'model':'o4-mini-deep-research-2025-06-26'}", true},
        {"openai-chat", "{'model':'sonar'}", true},
        {"openai-chat", "{'model':'sonar-reasoning-pro'}", true},
        {"openai-chat", "{'model':'perplexity/sonar-pro'}", true},
        {"openai-chat", "{'model':'compound-beta-mini'}", true},
        {"openai-chat", "{'model':'groq/compound'}", true},
        {"openai-chat", "{'model':'openai/gpt-4.1:online'}", true},
        {"openai-completions", "{'model':'openai/gpt-4.1:online'}", true},
        {"openai-chat", "{'model':'a','models':['b','perplexity/sonar']}", true},
        {"openai-chat", "{'model':'a','models':['b',7]}", false},
        {"openai-chat", "{'models':'sonar'}", false},
        {"openai-chat", "{'model':'gpt-4o'}", false},
        {"openai-chat", "{'model':'gpt-4o-search'}", false},
        {"openai-chat", "{'model':'my-sonar'}", false},
        {"openai-chat", "{'model':'r1-1776'}", false},
        {"openai-chat", "{'model':'openai/gpt-4.1:online-ish'}", false},
        {"openai-chat", "{'model':''}", false},
        {"openai-chat", "{'model':['sonar']}", false},
        {"openai-chat", "{}", false},
        {"openai-embeddings", "{'model':'sonar'}", false},
        {"generic", "{'model':'sonar'}", false},
        /* what Ollama is asked, or not */
        {"ollama", "{'model':'m','messages':[{'role':'user','content':'Hi'}]}", false},
        {"ollama", "{'model':'m','prompt':'Hi','keep_alive':0}", false},
        {"ollama", "{'model':'m'}", true},
        {"ollama", "{'model':'m','keep_alive':0}", true},
        {"ollama", "{'model':'m','prompt':'','messages':[],'keep_alive':0}", true},
        {"ollama", "{'model':'m','prompt':null}", true},
        {"ollama-embed", "{'model':'m'}", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(api_bypasses(named(cases[i].api), read_request(cases[i].request)) ==
                          cases[i].bypass,
                      "%s %s", cases[i].api, cases[i].request);
}
END_TEST

/* Such names cost time and are no models. */
START_TEST(names_without_end)
{
    static char text[4096];

    for (int more = 0; more < 2; more++) {
        snprintf(text, sizeof text, "{'model':'%0*d'}", API_MODEL_MAX + more, 0);
        ck_assert(api_bypasses(named("openai-chat"), read_request(text)) == more);
        ck_assert(!api_bypasses(named("generic"), read_request(text)));
        size_t len = (size_t)snprintf(text, sizeof text, "{'models':['a'");
        for (int i = 1; i < 64 + more; i++)
            len += (size_t)snprintf(text + len, sizeof text - len, ",'a'");
        snprintf(text + len, sizeof text - len, "]}");
        ck_assert(api_bypasses(named("openai-chat"), read_request(text)) == more);
        ck_assert(!api_bypasses(named("generic"), read_request(text)));
    }
}
END_TEST

START_TEST(models_in_paths)
{
    static const struct {
        const char *api, *target;
        bool bypass;
    } cases[] = {
        {"openai-chat", "/openai/deployments/gpt-4o-search-preview/chat/completions", true},
        {"openai-chat", "/openai/deployments/gpt-4o/chat/completions?a=-search-preview-", false},
        {"openai-chat", "/sonar/chat/completions", false},
        {"bedrock", "/model/arn%3Aaws%3Abedrock%3Ar%3A1%3Aprompt%2FP1/converse", true},
        {"bedrock", "/model/arn:aws:bedrock:r:1:prompt%2fP1:2/converse", true},
        {"bedrock", "/model/arn%3Aaws%3Abedrock%3Ar%3A1%3Ainference-profile%2Fp/converse", false},
        {"bedrock-invoke", "/model/amazon.nova-lite-v1%3A0/invoke", false},
        {"gemini", "/v1beta/models/gemini-2.5-flash:generateContent", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(api_bypasses_path(named(cases[i].api), unit_guard(str_of(cases[i].target))) ==
                          cases[i].bypass,
                      "%s", cases[i].target);
}
END_TEST

START_TEST(streams_in_paths)
{
    static const struct {
        const char *api, *target;
        bool stream;
    } cases[] = {
        {"gemini", "/v1beta/models/m:streamGenerateContent?alt=sse", true},
        {"gemini", "/v1beta/models/m:streamGenerateContent/", true},
        {"gemini", "/v1beta/models/m:generateContent?a=:streamGenerateContent", false},
        {"bedrock", "/model/m/converse-stream", true},
        {"bedrock", "/model/m/converse", false},
        {"bedrock-invoke", "/model/m/invoke-with-response-stream", true},
        {"openai-chat", "/v1/chat/completions", false},
        {"generic", "/v1beta/models/m:streamGenerateContent", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(api_streams_path(named(cases[i].api), unit_guard(str_of(cases[i].target))) ==
                          cases[i].stream,
                      "%s", cases[i].target);
}
END_TEST

Suite *suite_api_read(void)
{
    Suite *suite = suite_create("api_read");
    TCase *cases = tcase_create("api_read");

    tcase_add_checked_fixture(cases, NULL, teardown);
    tcase_add_test(cases, answers_wanted);
    tcase_add_test(cases, temperature);
    tcase_add_test(cases, model);
    tcase_add_test(cases, what_more_than_the_request_decides);
    tcase_add_test(cases, names_without_end);
    tcase_add_test(cases, models_in_paths);
    tcase_add_test(cases, streams_in_paths);
    suite_add_tcase(suite, cases);
    return suite;
}
