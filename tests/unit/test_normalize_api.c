/* Which strings of a request are text for the model, per API, and what becomes of them in its
 * canonical form. Requests are written with ' for ". */
#include "core/canonical.h"
#include "unit.h"

static struct json_doc doc;
static struct buf first, second, text;
static struct normalizer *n;

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
    normalizer_free(n);
    n = NULL;
    unit_guard_release();
}

static void use(bool trim, const char *mask)
{
    struct str masks[] = {str_of(mask ? mask : "")};
    struct normalize_options options = {.trim = trim, .masks = masks, .mask_count = mask != NULL};
    char error[MASK_ERROR_MAX];

    normalizer_free(n);
    ck_assert_msg(normalizer_new(&n, &options, error), "%s", error);
}

static enum reason write_form(struct buf *out, const char *api, const char *request,
                              struct normalizer *normalizer)
{
    buf_clear(&text);
    buf_append(&text, str_of(request));
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\'')
            text.ptr[i] = '"';
    enum json_error error = json_read(&doc, unit_guard(buf_str(&text)));
    ck_assert_msg(error == JSON_OK, "%s: %s", request, json_error_name(error));
    buf_clear(out);
    return canonical_write(out, &doc, api_named(str_of(api))->request, normalizer);
}

static struct str form(struct buf *out, const char *api, const char *request,
                       struct normalizer *normalizer)
{
    enum reason reason = write_form(out, api, request, normalizer);
    ck_assert_msg(reason == REASON_NONE, "%s: %s: %s", api, request, reason_name(reason));
    return buf_str(out);
}

/* Every text for the model is "  t  ", every other string has its spaces elsewhere. */
static const struct {
    const char *api, *request;
} requests[] = {
    {"openai-chat",
     "{'model':' m ','messages':[{'role':'system','content':'  t  ','name':' n '},"
     "{'role':'user','content':[{'type':'text','text':'  t  '},"
     "{'type':'image_url','image_url':{'url':' u ','text':' x '}},"
     "{'type':'input_audio','input_audio':{'data':' d ','format':' wav '}}]},"
     "{'role':'assistant','content':null,'refusal':' r ','tool_calls':[{'id':' i ',"
     "'type':'function','function':{'name':' f ','arguments':' {} ','text':' x '}}]},"
     "{'role':'tool','tool_call_id':' i ','content':' {\\'a\\': 1} '},"
     "{'content':[{'type':'text','text':' tool '}],'role':'tool'},"
     "{'role':'function','name':' f ','content':' result '},"
     "{'role':'developer','content':'  t  '}],"
     "'tools':[{'type':'function','function':{'name':' f ','description':' d ',"
     "'parameters':{'properties':{'text':{'description':' d ','enum':[' e ']}}}}}],"
     "'stop':[' s '],'response_format':{'json_schema':{'schema':{'content':' x ','text':' x '}}},"
     "'content':' x ','text':' x ','prompt':' x ','prediction':{'content':' p '}}"},
    {"openai-responses",
     "{'model':' m ','instructions':'  t  ','input':[{'role':'user','content':'  t  '},"
     "{'type':'message','role':'user','content':[{'type':'input_text','text':'  t  '},"
     "{'type':'input_image','image_url':' u ','detail':' d '},"
     "{'type':'input_file','filename':' f ','file_data':' d '}]},"
     "{'type':'function_call','name':' f ','arguments':' {} ','call_id':' c '},"
     "{'type':'function_call_output','call_id':' c ','output':' {} '},"
     "{'type':'function_call_output','call_id':' c ',"
     "'output':[{'type':'input_text','text':' result '}]},"
     "{'type':'reasoning','summary':[{'type':'summary_text','text':' s '}],"
     "'encrypted_content':' e '}],"
     "'tools':[{'type':'function','name':' f ','parameters':{'text':' x '}}],"
     "'text':{'format':{'schema':{'text':' x '}}},'user':' u ','metadata':{'text':' x '}}"},
    {"openai-responses", "{'model':'m','input':'  t  '}"},
    {"openai-responses",
     "{'model':'m','input':['  t  ',['a '],{'role':'user','content':['  t  ']}]}"},
    {"openai-completions", "{'model':' m ','prompt':'  t  ','suffix':' s ','stop':' s '}"},
    {"openai-completions", "{'model':'m','prompt':['  t  ','  t  '],'stop':[' s ']}"},
    {"openai-completions", "{'model':'m','prompt':[[1,2],[' a '],{'text':' x '}]}"},
    {"openai-embeddings", "{'model':' m ','input':' a '}"},
    {"openai-embeddings", "{'model':' m ','input':[' a ',' b ']}"},
    {"anthropic",
     "{'model':' m ','system':'  t  ','messages':[{'role':'user','content':'  t  '},"
     "{'role':'assistant','content':[{'type':'text','text':'  t  '},"
     "{'type':'thinking','thinking':' h ','signature':' s '},"
     "{'type':'tool_use','id':' i ','name':' f ','input':{'text':' x ','content':' x '}}]},"
     "{'role':'user','content':[{'type':'tool_result','tool_use_id':' i ','content':' {} '},"
     "{'type':'tool_result','tool_use_id':' i ','content':[{'type':'text','text':' r '}]},"
     "{'type':'document','title':' t ','source':{'type':'text','data':' d '}},"
     "{'type':'document','source':{'type':'content','content':[{'type':'text','text':' d '}]}},"
     "{'type':'image','source':{'type':'base64','data':' d '}},"
     "{'type':'text','text':'  t  '}]}],"
     "'tools':[{'name':' f ','description':' d ','input_schema':{'text':' x '}}],"
     "'stop_sequences':[' s '],'text':' x ','content':' x '}"},
    {"anthropic", "{'model':'m','system':[{'type':'text','text':'  t  ',"
                  "'cache_control':{'type':'ephemeral'}},{'type':'text','text':'  t  '}]}"},
    {"gemini", "{'contents':[{'role':' user ','parts':[{'text':'  t  '},"
               "{'inlineData':{'mimeType':' image/png ','data':' d '}},"
               "{'functionCall':{'name':' f ','args':{'text':' x '}}},"
               "{'functionResponse':{'name':' f ','response':{'text':' x '}}}]}],"
               "'systemInstruction':{'parts':[{'text':'  t  '}]},"
               "'generationConfig':{'stopSequences':[' s '],'responseSchema':{'text':' x '}},"
               "'tools':[{'functionDeclarations':[{'name':' f ','parameters':{'text':' x '}}]}]}"},
    {"gemini", "{'contents':{'parts':{'text':'  t  '}},"
               "'system_instruction':{'parts':{'text':'  t  '}},'text':' x '}"},
    {"gemini-embed", "{'model':' m ','content':{'parts':[{'text':' a '}]},'title':' t '}"},
    {"gemini-embed", "{'requests':[{'model':' m ','content':{'parts':[{'text':' a '}]}}]}"},
    {"bedrock",
     "{'system':[{'text':'  t  '},{'guardContent':{'text':{'text':' g '}}}],"
     "'messages':[{'role':'user','content':[{'text':'  t  '},"
     "{'image':{'format':' png ','source':{'bytes':' b '}}},"
     "{'document':{'name':' n ','source':{'bytes':' b ','text':' x '}}},"
     "{'toolUse':{'toolUseId':' i ','name':' f ','input':{'text':' x '}}},"
     "{'toolResult':{'toolUseId':' i ','content':[{'text':' r '},{'json':{'text':' x '}}]}}]}],"
     "'toolConfig':{'tools':[{'toolSpec':{'name':' f ','description':' d '}}]},"
     "'promptVariables':{'v':{'text':' x '}}}"},
    {"bedrock-invoke", "{'system':' a ','messages':[{'role':'user','content':' a '}]}"},
    {"ollama", "{'model':' m ','messages':[{'role':'user','content':'  t  ','images':[' b ']},"
               "{'role':'assistant','content':'  t  ','thinking':' h ',"
               "'tool_calls':[{'function':{'name':' f ','arguments':{'content':' x '}}}]},"
               "{'role':'tool','content':' r ','tool_name':' f '}],"
               "'format':{'content':' x '},'tools':[{'function':{'content':' x '}}]}"},
    {"ollama", "{'model':' m ','prompt':'  t  ','system':'  t  ','suffix':' s ','template':' p ',"
               "'images':[' b ']}"},
    {"ollama-embed", "{'model':' m ','input':[' a ']}"},
    {"ollama-embed", "{'model':' m ','prompt':' a '}"},
    {"cohere",
     "{'model':' m ','messages':[{'role':'system','content':'  t  '},"
     "{'role':'user','content':[{'type':'text','text':'  t  '},"
     "{'type':'image_url','image_url':{'url':' u '}}]},"
     "{'role':'assistant','tool_plan':' p ','tool_calls':[{'function':{'arguments':' {} '}}]},"
     "{'role':'tool','tool_call_id':' i ','content':[{'type':'text','text':' r '}]}],"
     "'documents':[' d ',{'data':{'text':' d '}}],'stop_sequences':[' s ']}"},
    {"cohere", "{'message':'  t  ','preamble':'  t  ','documents':[{'text':' d '}]}"},
    {"cohere-embed", "{'model':' m ','texts':[' a '],'inputs':[{'content':[{'text':' a '}]}]}"},
    {"cohere-rerank", "{'model':' m ','query':' q ','documents':[' d ',{'text':' d '}]}"},
    {"generic", "{'prompt':' a ','messages':[{'content':' a '}],'text':' a ','system':' a '}"},
};

/* The request with its texts trimmed by hand. */
static const char *trimmed(const char *request)
{
    static char copy[4096];
    size_t len = 0;

    while (*request && len < sizeof copy - 1) {
        if (strncmp(request, "'  t  '", 7) == 0)
            request += 7, memcpy(copy + len, "'t'", 3), len += 3;
        else
            copy[len++] = *request++;
    }
    copy[len] = '\0';
    return copy;
}

START_TEST(texts_and_nothing_else)
{
    bool seen[64] = {false};

    use(true, NULL);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        const char *api = requests[i].api;
        struct str got = form(&first, api, requests[i].request, n);
        struct str identity = normalizer_identity(n);
        ck_assert(str_starts(got, identity));
        got = str_from(got, identity.len);
        struct str want = form(&second, api, trimmed(requests[i].request), NULL);
        ck_assert_msg(str_eq(got, want), "%s:\n%.*s\n%.*s", api, STR_ARGS(got), STR_ARGS(want));
        for (size_t j = 0; api_names()[j]; j++)
            seen[j] |= strcmp(api_names()[j], api) == 0;
    }
    for (size_t j = 0; api_names()[j]; j++)
        ck_assert_msg(seen[j], "%s has no request here", api_names()[j]);
}
END_TEST

START_TEST(nothing_by_default)
{
    ck_assert_str_is(form(&first, "openai-chat",
                          "{'messages':[{'role':'user','content':' e\\u0301  \\n2026-11-22 '}]}",
                          NULL),
                     "{\"messages\":[{\"content\":\" e\xcc\x81  \\u000a2026-11-22 \","
                     "\"role\":\"user\"}]}");
}
END_TEST

#define CHAT(content) "{'messages':[{'role':'user','content':'" content "'}]}"

START_TEST(masked)
{
    use(false, "\\d{4}-\\d{2}-\\d{2}");
    struct str got = form(&first, "openai-chat", CHAT("on 2026-11-22: \\n"), n);
    ck_assert_str_is(str_from(got, normalizer_identity(n).len),
                     "{\"messages\":[{\"content\":\"on \xff"
                     "A: \\u000a\",\"role\":\"user\"}]}");
    ck_assert(str_eq(got, form(&second, "openai-chat", CHAT("on 1999-01-01: \\n"), n)));
    ck_assert(!str_eq(got, form(&second, "openai-chat", CHAT("on 1999-01-1: \\n"), n)));
}
END_TEST

/* Nobody can write what stands for a match, by no escape and no other name. */
START_TEST(masked_text_is_no_other_text)
{
    static const char *const others[] = {
        CHAT(""),
        CHAT("A"),
        CHAT("\\u00ffA"),
        CHAT("\xc3\xbf"
             "A"),
        CHAT("\\u0001A"),
        CHAT("\\\\xffA"),
        CHAT("\\ufffdA"),
        CHAT("\\uffffA"),
        CHAT("\\udbff\\udfffA"),
        CHAT("\\\\u00ffA"),
    };

    use(false, "secret");
    struct str got = form(&first, "openai-chat", CHAT("secret"), n);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(!str_eq(got, form(&second, "openai-chat", others[i], n)), "%s", others[i]);
    ck_assert_int_eq(json_read(&doc, STR("{\"a\":\"\xff"
                                         "A\"}")),
                     JSON_ENCODING);
}
END_TEST

/* Under another configuration the same marker means another thing. */
START_TEST(normalizers_share_nothing)
{
    use(false, "a+");
    form(&first, "openai-chat", CHAT("x aaa"), n);
    use(false, "b+");
    ck_assert(!str_eq(buf_str(&first), form(&second, "openai-chat", CHAT("x bbb"), n)));
    use(false, "a+");
    ck_assert(str_eq(buf_str(&first), form(&second, "openai-chat", CHAT("x a"), n)));
    use(true, "a+");
    ck_assert(!str_eq(buf_str(&first), form(&second, "openai-chat", CHAT("x aaa"), n)));
    ck_assert(!str_eq(buf_str(&first), form(&second, "openai-chat", CHAT("x aaa"), NULL)));
}
END_TEST

START_TEST(a_text_part_is_still_its_text)
{
    static const char *const same[] = {
        "{'messages':[{'role':'user','content':' 1 t'}]}",
        "{'messages':[{'role':'user','content':'2 t '}]}",
        "{'messages':[{'role':'user','content':[{'type':'text','text':'  3 t'}]}]}",
        "{'messages':[{'role':'user','content':[{'type':'text','text':'4 t','cache_control':0}]}]}",
    };

    use(true, "\\d");
    form(&first, "anthropic", same[0], n);
    for (size_t i = 1; i < sizeof same / sizeof *same; i++)
        ck_assert_msg(str_eq(buf_str(&first), form(&second, "anthropic", same[i], n)), "%s",
                      same[i]);
}
END_TEST

START_TEST(beyond_the_limits)
{
    static const char *const slow = "{'messages':[{'role':'user','content':'%.*s'}]}";
    static const char *const free = "{'user':'%.*s'}";
    struct buf request = buf_new(1 << 20);
    char as[4096];

    memset(as, 'a', sizeof as);
    use(false, "(a|aa)+[bc]");
    buf_printf(&request, slow, (int)sizeof as, as);
    buf_append_byte(&request, '\0');
    ck_assert_int_eq(write_form(&first, "openai-chat", request.ptr, n), REASON_NORMALIZE);
    ck_assert_int_eq(write_form(&first, "openai-chat", request.ptr, NULL), REASON_NONE);
    buf_clear(&request);
    buf_printf(&request, free, (int)sizeof as, as);
    buf_append_byte(&request, '\0');
    ck_assert_int_eq(write_form(&first, "openai-chat", request.ptr, n), REASON_NONE);
    buf_free(&request);
}
END_TEST

/* Many small texts must not cost more than a large one. */
START_TEST(a_request_has_one_allowance)
{
    struct buf request = buf_new(1 << 20);

    use(false, "(a+)+[bc]");
    buf_append(&request, STR("{'messages':[{'content':''}"));
    for (int i = 0; i < 10000; i++)
        buf_append(&request, STR(",{'content':'aaaaaaaaaaaa'}"));
    buf_append(&request, STR("]}\0"));
    ck_assert_int_eq(write_form(&first, "openai-chat", request.ptr, n), REASON_NORMALIZE);
    for (int i = 0; i < 10000; i++)
        ck_assert_int_eq(write_form(&first, "openai-chat", CHAT("aaaaaaaaaaaa"), n), REASON_NONE);
    buf_free(&request);
}
END_TEST

Suite *suite_normalize_api(void)
{
    Suite *s = suite_create("normalize_api");
    TCase *t = tcase_create("normalize_api");
    const TTest *const tests[] = {
        texts_and_nothing_else,
        nothing_by_default,
        masked,
        masked_text_is_no_other_text,
        normalizers_share_nothing,
        a_text_part_is_still_its_text,
        beyond_the_limits,
        a_request_has_one_allowance,
    };

    tcase_add_checked_fixture(t, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    return s;
}
