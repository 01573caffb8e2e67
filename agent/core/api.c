#include "api_table.h"

#define PATHS(...)                                                                                 \
    .paths = (const char *const[])                                                                 \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

/* X(name, the rest of struct api). Azure is OpenAI under other paths. InvokeModel has the body and
 * the answer of whatever model it calls. */
#define APIS(X)                                                                                    \
    X("openai-chat", PATHS("/chat/completions"), .request = &openai_chat,                          \
      .gate = GATE_OPENAI_CHAT, .count_field = "n")                                                \
    X("openai-responses", PATHS("/responses"), .request = &openai_responses,                       \
      .gate = GATE_OPENAI_RESPONSES)                                                               \
    X("openai-completions", PATHS("/completions"), .request = &openai_completions,                 \
      .gate = GATE_OPENAI_COMPLETIONS, .count_field = "n")                                         \
    X("openai-embeddings", PATHS("/embeddings"), .request = &openai_embeddings,                    \
      .gate = GATE_OPENAI_EMBEDDINGS, .count_field = "input")                                      \
    X("anthropic", PATHS("/v1/messages"), .request = &anthropic_messages, .gate = GATE_ANTHROPIC)  \
    X("gemini", PATHS(":generateContent"), .request = &gemini_generate, .gate = GATE_GEMINI)       \
    X("gemini-embed", PATHS(":embedContent", ":batchEmbedContents"), .request = &gemini_embed,     \
      .gate = GATE_GEMINI)                                                                         \
    X("bedrock", PATHS("/converse"), .request = &bedrock_converse, .gate = GATE_BEDROCK)           \
    X("bedrock-invoke", PATHS("/invoke"), .request = &api_sorted)                                  \
    X("ollama", PATHS("/api/chat", "/api/generate"), .request = &ollama_generate,                  \
      .gate = GATE_OLLAMA, .stream_by_default = true)                                              \
    X("ollama-embed", PATHS("/api/embed", "/api/embeddings"), .request = &ollama_embed,            \
      .gate = GATE_OLLAMA, .count_field = "input")                                                 \
    X("cohere", PATHS("/v2/chat", "/v1/chat"), .request = &cohere_chat, .gate = GATE_COHERE_CHAT)  \
    X("cohere-embed", PATHS("/v2/embed", "/v1/embed"), .request = &cohere_embed,                   \
      .gate = GATE_COHERE_EMBED, .count_field = "texts")                                           \
    X("cohere-rerank", PATHS("/v2/rerank", "/v1/rerank"), .request = &cohere_rerank,               \
      .gate = GATE_COHERE_RERANK)                                                                  \
    X("generic", PATHS(NULL), .request = &api_sorted)

static const struct api apis[] = {
#define X(name_, ...) {.name = name_, __VA_ARGS__},
    APIS(X)
#undef X
};

enum { API_COUNT = sizeof apis / sizeof *apis };

static const struct api_field no_fields[] = {API_FIELDS_END};
const struct api_object api_sorted = {.fields = no_fields};

const struct api *api_named(struct str name)
{
    for (size_t i = 0; i < API_COUNT; i++)
        if (str_eq(str_of(apis[i].name), name))
            return &apis[i];
    return NULL;
}

static bool ends_with(struct str s, struct str end)
{
    return s.len >= end.len && str_eq(str_from(s, s.len - end.len), end);
}

/* The longest end wins: /chat/completions is no /completions. */
const struct api *api_of_path(struct str target)
{
    const struct api *best = api_generic();
    struct str path = str_split(&target, '?');
    size_t best_len = 0;

    while (path.len && path.ptr[path.len - 1] == '/')
        path.len--;
    for (size_t i = 0; i < API_COUNT; i++) {
        for (const char *const *end = apis[i].paths; *end; end++) {
            struct str s = str_of(*end);
            if (s.len > best_len && ends_with(path, s))
                best = &apis[i], best_len = s.len;
        }
    }
    return best;
}

const struct api *api_generic(void)
{
    return &apis[API_COUNT - 1];
}

const char *const *api_names(void)
{
    static const char *const names[] = {
#define X(name_, ...) name_,
        APIS(X)
#undef X
            NULL};
    return names;
}

static bool is_name(const char *known, struct str name)
{
    size_t i = 0;

    while (i < name.len && known[i] && known[i] == name.ptr[i])
        i++;
    return i == name.len && !known[i];
}

/* Asked for every member of an envelope, hence without a strlen() of each name. */
const struct api_field *api_field(const struct api_object *object, struct str name)
{
    if (!object)
        return NULL;
    for (const struct api_field *field = object->fields; field->name; field++)
        if (is_name(field->name, name))
            return field;
    return NULL;
}
