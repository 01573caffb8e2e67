#include "core/canonical.h"
#include "unit.h"

#include <stdio.h>

/* Requests are written with ' for ". */
static struct json_doc doc;
static struct buf first, second, text;

static void setup(void)
{
    first = buf_new(1 << 20);
    second = buf_new(1 << 20);
    text = buf_new(1 << 20);
}

static void teardown(void)
{
    json_free(&doc);
    buf_free(&first);
    buf_free(&second);
    buf_free(&text);
    unit_guard_release();
}

static const struct api *named(const char *name)
{
    const struct api *api = api_named(str_of(name));
    ck_assert_msg(api != NULL, "%s", name);
    return api;
}

/* Puts the canonical form of a request, with `more` before its last brace, into *out. */
static enum reason write_with(struct buf *out, const char *api, const char *request,
                              const char *more)
{
    buf_clear(&text);
    buf_printf(&text, "%.*s%s}", (int)strlen(request) - 1, request, more);
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\'')
            text.ptr[i] = '"';
    enum json_error error = json_read(&doc, unit_guard(buf_str(&text)));
    ck_assert_msg(error == JSON_OK, "%.*s: %s", STR_ARGS(buf_str(&text)), json_error_name(error));
    buf_clear(out);
    return canonical_write(out, &doc, named(api)->request, NULL);
}

static struct str form(struct buf *out, const char *api, const char *request, const char *more)
{
    enum reason reason = write_with(out, api, request, more);
    ck_assert_msg(reason == REASON_NONE, "%s: %s%s: %s", api, request, more, reason_name(reason));
    return buf_str(out);
}

/* Calls `check` for each of the words of each row. */
struct words {
    const char *api, *words;
};

static void each_word(const struct words *rows, size_t count,
                      void (*check)(const char *api, const char *word))
{
    for (size_t i = 0; i < count; i++) {
        struct str rest = str_of(rows[i].words);
        while (rest.len) {
            struct str part = str_split(&rest, ' ');
            char word[64];
            snprintf(word, sizeof word, "%.*s", STR_ARGS(part));
            check(rows[i].api, word);
        }
    }
}

START_TEST(paths)
{
    static const struct {
        const char *target, *api;
    } cases[] = {
        {"/v1/chat/completions", "openai-chat"},
        {"/chat/completions", "openai-chat"},
        {"/v1/chat/completions/", "openai-chat"},
        {"/v1/chat/completions?x=/v1/embeddings", "openai-chat"},
        {"/openai/deployments/d/chat/completions?api-version=2024-10-21", "openai-chat"},
        {"https://api.example/v1/chat/completions", "openai-chat"},
        {"/v1/completions", "openai-completions"},
        {"/openai/deployments/chat/completions", "openai-chat"},
        {"/v1/responses", "openai-responses"},
        {"/openai/v1/responses?api-version=preview", "openai-responses"},
        {"/v1/responses/resp_1/cancel", "generic"},
        {"/v1/embeddings", "openai-embeddings"},
        {"/v1/messages", "anthropic"},
        {"/v1/messages?beta=true", "anthropic"},
        {"/v1/messages/count_tokens", "generic"},
        {"/v1beta/models/gemini-2.5-flash:generateContent?key=k", "gemini"},
        {"/v1/projects/p/locations/l/publishers/google/models/m:generateContent", "gemini"},
        {"/v1beta/models/m:embedContent", "gemini-embed"},
        {"/v1beta/models/m:batchEmbedContents", "gemini-embed"},
        {"/v1beta/models/m:countTokens", "generic"},
        {"/model/anthropic.claude-v2%3A1/converse", "bedrock"},
        {"/model/m/invoke", "bedrock-invoke"},
        {"/model/m/converse-stream", "bedrock"},
        {"/model/m/invoke-with-response-stream", "bedrock-invoke"},
        {"/v1beta/models/m:streamGenerateContent?alt=sse", "gemini"},
        {"/api/chat", "ollama"},
        {"/api/generate", "ollama"},
        {"/api/embed", "ollama-embed"},
        {"/api/embeddings", "ollama-embed"},
        {"/v2/chat", "cohere"},
        {"/v2/embed", "cohere-embed"},
        {"/v1/embed", "cohere-embed"},
        {"/v2/rerank", "cohere-rerank"},
        {"/v1/rerank", "cohere-rerank"},
        {"/rerank", "generic"},
        {"/v1/Chat/Completions", "generic"},
        {"/?/v1/messages", "generic"},
        {"/", "generic"},
        {"", "generic"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(api_of_path(unit_guard(str_of(cases[i].target))) == named(cases[i].api), "%s",
                      cases[i].target);
}
END_TEST

START_TEST(names)
{
    size_t count = 0;

    for (const char *const *name = api_names(); *name; name++, count++)
        ck_assert_str_eq(named(*name)->name, *name);
    ck_assert_uint_eq(count, 15);
    ck_assert(api_generic() == named("generic"));
    ck_assert(!api_named(STR("auto")) && !api_named(STR("")) && !api_named(STR("openai")));
    ck_assert(named("ollama")->stream_by_default && !named("ollama-embed")->stream_by_default);
    ck_assert(named("anthropic")->gate == GATE_ANTHROPIC && !named("anthropic")->stream_by_default);
    ck_assert_str_eq(named("openai-chat")->counts->name, "n");
}
END_TEST

START_TEST(fields_by_name)
{
    const struct api_object *chat = named("openai-chat")->request;

    ck_assert_str_eq(api_field(chat, STR("n"))->name, "n");
    ck_assert(api_field(chat, STR("user"))->class == API_DROP);
    ck_assert(!api_field(chat, STR("use")) && !api_field(chat, STR("userr")));
    ck_assert(!api_field(chat, STR("")) && !api_field(chat, STR("user\0r")));
    ck_assert(!api_field(chat, STR("User")) && !api_field(NULL, STR("user")));
}
END_TEST

static const struct words keys[] = {
    {"openai-chat", "model messages tools tool_choice parallel_tool_calls functions function_call "
                    "response_format temperature top_p frequency_penalty presence_penalty "
                    "logit_bias logprobs top_logprobs max_tokens max_completion_tokens n seed stop "
                    "reasoning_effort verbosity modalities audio prediction moderation stream "
                    "top_k min_p repetition_penalty chat_template_kwargs guided_json provider"},
    /* `input`, and `tools` of Gemini, stand in test_api_rows.h: they are not of any form */
    {"openai-responses", "model instructions tools tool_choice parallel_tool_calls "
                         "max_output_tokens max_tool_calls reasoning temperature top_p text "
                         "top_logprobs truncation include moderation context_management store "
                         "stream user metadata safety_identifier prompt_cache_key unheard_of"},
    {"openai-completions", "model prompt suffix max_tokens temperature top_p n best_of echo "
                           "logit_bias logprobs seed stop stream frequency_penalty "
                           "presence_penalty metadata store unheard_of"},
    {"openai-embeddings", "model input dimensions encoding_format unheard_of"},
    {"anthropic", "model messages system max_tokens stop_sequences temperature top_k top_p "
                  "thinking tools tool_choice output_config output_format context_management "
                  "fallbacks inference_geo stream user unheard_of"},
    {"gemini", "contents systemInstruction system_instruction generationConfig generation_config "
               "safetySettings toolConfig modelArmorConfig model user unheard_of"},
    {"gemini-embed", "model content taskType title outputDimensionality requests unheard_of"},
    {"bedrock", "messages system inferenceConfig toolConfig guardrailConfig "
                "additionalModelRequestFields additionalModelResponseFieldPaths promptVariables "
                "outputConfig stream unheard_of"},
    {"bedrock-invoke", "anthropic_version messages max_tokens metadata user cachedContent"},
    {"ollama", "model messages prompt suffix system template context raw format images options "
               "think truncate shift tools logprobs top_logprobs stream unheard_of"},
    {"ollama-embed", "model input prompt truncate dimensions options unheard_of"},
    {"cohere", "model messages tools strict_tools tool_choice documents citation_options "
               "response_format safety_mode max_tokens stop_sequences temperature seed "
               "frequency_penalty presence_penalty k p logprobs thinking stream unheard_of"},
    {"cohere-embed", "model input_type texts images inputs embedding_types max_tokens "
                     "output_dimension truncate unheard_of"},
    {"cohere-rerank", "model query documents top_n max_tokens_per_doc return_documents"},
    {"generic", "model user metadata stream store previous_response_id"},
};

static const struct words drops[] = {
    {"openai-chat", "user metadata safety_identifier prompt_cache_key prompt_cache_retention "
                    "prompt_cache_options service_tier stream_options"},
    {"openai-responses", "prompt_cache_retention prompt_cache_options service_tier "
                         "stream_options"},
    {"openai-completions", "user stream_options"},
    {"openai-embeddings", "user"},
    {"anthropic", "metadata service_tier speed cache_control"},
    {"gemini", "labels serviceTier service_tier"},
    {"bedrock", "requestMetadata performanceConfig serviceTier"},
    {"ollama", "keep_alive"},
    {"ollama-embed", "keep_alive"},
    {"cohere", "priority"},
    {"cohere-embed", "priority"},
    {"cohere-rerank", "priority"},
};

static const struct words bypasses[] = {
    {"openai-chat", "web_search_options store data_sources dataSources search_parameters "
                    "enable_search plugins"},
    {"openai-responses", "background conversation previous_response_id prompt plugins"},
    {"anthropic", "container mcp_servers fallback_credit_token"},
    {"gemini", "cachedContent cached_content"},
    {"cohere", "conversation_id connectors"},
};

static void changes_key(const char *api, const char *name)
{
    static const char *const values[] = {"'p'",
                                         "'q'",
                                         "2",
                                         "3",
                                         "true",
                                         "[]",
                                         "['p','q']",
                                         "['q','p']",
                                         "{}",
                                         "{'p':[{'q':1}]}",
                                         "{'p':[{'q':2}]}"};
    char more[128];

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        snprintf(more, sizeof more, ",'%s':%s", name, values[i]);
        struct str one = form(&first, api, "{'zz':1}", more);
        ck_assert_msg(!str_eq(one, form(&second, api, "{'zz':1}", "")), "%s %s", api, more);
        for (size_t j = 0; j < i; j++) {
            snprintf(more, sizeof more, ",'%s':%s", name, values[j]);
            ck_assert_msg(!str_eq(one, form(&second, api, "{'zz':1}", more)), "%s %s", api, more);
        }
    }
}

static void leaves_key(const char *api, const char *name)
{
    static const char *const values[] = {"'p'", "false", "null", "['p']", "{'p':[{'q':1}]}"};
    char more[128];

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        snprintf(more, sizeof more, ",'%s':%s", name, values[i]);
        ck_assert_msg(str_eq(form(&first, api, "{'zz':1}", more), STR("{\"zz\":1}")), "%s %s", api,
                      name);
        /* not by the same name elsewhere */
        snprintf(more, sizeof more, ",'zzz':{'%s':%s}", name, values[i]);
        ck_assert_msg(!str_eq(form(&first, api, "{'zz':1}", more),
                              form(&second, api, "{'zz':1}", ",'zzz':{}")),
                      "%s %s", api, name);
    }
}

static void bypasses_cache(const char *api, const char *name)
{
    static const char *const values[] = {"true", "'p'", "[]", "{}", "{'p':[{'q':1}]}", "0"};
    char more[128];

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        snprintf(more, sizeof more, ",'%s':%s", name, values[i]);
        ck_assert_msg(write_with(&first, api, "{'zz':1}", more) == REASON_FIELD, "%s %s", api,
                      more);
        snprintf(more, sizeof more, ",'zzz':{'%s':%s}", name, values[i]);
        form(&first, api, "{'zz':1}", more);
    }
}

START_TEST(every_field)
{
    each_word(keys, sizeof keys / sizeof *keys, changes_key);
    each_word(drops, sizeof drops / sizeof *drops, leaves_key);
    each_word(bypasses, sizeof bypasses / sizeof *bypasses, bypasses_cache);
}
END_TEST

/* Sampling numbers are compared by value, whether of the request or of an object in it. */
static void by_value(const char *api, const char *open, const char *name, const char *close)
{
    static const char *const halves[] = {"0.50", "5e-1"};
    char more[128];

    snprintf(more, sizeof more, ",%s'%s':0.5%s", open, name, close);
    struct str half = form(&first, api, "{'zz':1}", more);
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        snprintf(more, sizeof more, ",%s'%s':%s%s", open, name, halves[i], close);
        ck_assert_msg(str_eq(half, form(&second, api, "{'zz':1}", more)), "%s %s", api, more);
    }
    snprintf(more, sizeof more, ",%s'%s':0.51%s", open, name, close);
    ck_assert_msg(!str_eq(half, form(&second, api, "{'zz':1}", more)), "%s %s", api, more);
}

START_TEST(sampling_numbers)
{
    static const struct {
        const char *api, *open, *close, *words;
    } rows[] = {
        {"openai-chat", "", "",
         "temperature top_p frequency_penalty presence_penalty top_k min_p repetition_penalty"},
        {"openai-completions", "", "",
         "temperature top_p frequency_penalty presence_penalty top_k min_p repetition_penalty"},
        {"openai-responses", "", "", "temperature top_p"},
        {"anthropic", "", "", "temperature top_p top_k"},
        {"gemini", "'generationConfig':{", "}",
         "temperature topP top_p topK top_k presencePenalty presence_penalty frequencyPenalty "
         "frequency_penalty"},
        {"gemini", "'generation_config':{", "}", "temperature"},
        {"bedrock", "'inferenceConfig':{", "}", "temperature topP"},
        {"ollama", "'options':{", "}",
         "temperature top_k top_p min_p typical_p repeat_penalty presence_penalty "
         "frequency_penalty"},
        {"cohere", "", "", "temperature frequency_penalty presence_penalty k p"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str rest = str_of(rows[i].words);
        while (rest.len) {
            struct str part = str_split(&rest, ' ');
            char word[64];
            snprintf(word, sizeof word, "%.*s", STR_ARGS(part));
            by_value(rows[i].api, rows[i].open, word, rows[i].close);
        }
    }
}
END_TEST

/* Every field of a table stands in the lists above, with its class. */
START_TEST(no_field_is_forgotten)
{
    static const struct {
        const struct words *rows;
        size_t count;
    } lists[] = {[API_KEY] = {keys, sizeof keys / sizeof *keys},
                 [API_DROP] = {drops, sizeof drops / sizeof *drops},
                 [API_BYPASS] = {bypasses, sizeof bypasses / sizeof *bypasses}};
    size_t known[3] = {0};

    for (const char *const *name = api_names(); *name; name++) {
        const struct api_field *field = named(*name)->request->fields;
        for (; field->name; field++)
            known[field->class]++;
    }
    for (size_t class = 1; class < 3; class ++) {
        size_t words = 0;
        for (size_t i = 0; i < lists[class].count; i++) {
            struct str rest = str_of(lists[class].rows[i].words);
            while (rest.len) {
                struct str word = str_split(&rest, ' ');
                const struct api_field *field =
                    api_field(named(lists[class].rows[i].api)->request, word);
                ck_assert_msg(field && field->class == class, "%.*s", STR_ARGS(word));
                words++;
            }
        }
        ck_assert_uint_eq(words, known[class]);
    }
}
END_TEST

#include "test_api_rows.h"

START_TEST(must_share)
{
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        ck_assert_msg(str_eq(form(&first, shared[i].api, shared[i].a, ""),
                             form(&second, shared[i].api, shared[i].b, "")),
                      "%s: %.*s\n%.*s", shared[i].api, STR_ARGS(buf_str(&first)),
                      STR_ARGS(buf_str(&second)));
}
END_TEST

START_TEST(must_not_share)
{
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
        ck_assert_msg(!str_eq(form(&first, apart[i].api, apart[i].a, ""),
                              form(&second, apart[i].api, apart[i].b, "")),
                      "%s: %.*s", apart[i].api, STR_ARGS(buf_str(&first)));
}
END_TEST

START_TEST(must_bypass)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        ck_assert_msg(write_with(&first, refused[i].api, refused[i].a, "") == REASON_FIELD,
                      "%s: %s", refused[i].api, refused[i].a);
}
END_TEST

Suite *suite_api(void)
{
    Suite *s = suite_create("api");
    TCase *t = tcase_create("api");
    const TTest *const tests[] = {paths,
                                  names,
                                  fields_by_name,
                                  every_field,
                                  sampling_numbers,
                                  no_field_is_forgotten,
                                  must_share,
                                  must_not_share,
                                  must_bypass};

    tcase_add_checked_fixture(t, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    return s;
}
