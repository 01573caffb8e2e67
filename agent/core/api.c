#include "api_table.h"

#define PATHS(...)                                                                                 \
    .paths = (const char *const[])                                                                 \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define PLACES(...) ((const struct api_place[]){__VA_ARGS__, {.name = NULL}})
#define AT(name_)                                                                                  \
    {                                                                                              \
        .name = (name_)                                                                            \
    }
#define IN(object_, name_)                                                                         \
    {                                                                                              \
        .object = (object_), .name = (name_)                                                       \
    }
#define EACH(name_)                                                                                \
    {                                                                                              \
        .name = (name_), .list = true                                                              \
    }

#define TEMPERATURE .temperatures = PLACES(AT("temperature"))
#define OPENAI .model_after = "/deployments/", .live_models = openai_live_models

/* Of a prompt that is kept at Amazon, the draft can change. */
#define BEDROCK .model_after = "/model/", .live_models = LIST("*:prompt%2F*", "*%3Aprompt%2F*")

/* X(name, the rest of struct api). Azure is OpenAI under other paths. InvokeModel has the body and
 * the answer of whatever model it calls. Ollama loads or unloads a model that is asked nothing. */
#define APIS(X)                                                                                    \
    X("openai-chat", PATHS("/chat/completions"), .request = &openai_chat,                          \
      .gate = GATE_OPENAI_CHAT, .counts = PLACES(AT("n")), TEMPERATURE, OPENAI)                    \
    X("openai-responses", PATHS("/responses"), .request = &openai_responses,                       \
      .gate = GATE_OPENAI_RESPONSES, TEMPERATURE, OPENAI)                                          \
    X("openai-completions", PATHS("/completions"), .request = &openai_completions,                 \
      .gate = GATE_OPENAI_COMPLETIONS, .counts = PLACES(EACH("prompt"), AT("n")), TEMPERATURE,     \
      OPENAI)                                                                                      \
    X("openai-embeddings", PATHS("/embeddings"), .request = &openai_embeddings,                    \
      .gate = GATE_OPENAI_EMBEDDINGS, .counts = PLACES(EACH("input")),                             \
      .model_after = "/deployments/")                                                              \
    X("anthropic", PATHS("/v1/messages"), .request = &anthropic_messages, .gate = GATE_ANTHROPIC,  \
      TEMPERATURE)                                                                                 \
    X("gemini", PATHS(":generateContent"), .request = &gemini_generate, .gate = GATE_GEMINI,       \
      .counts = PLACES(                                                                            \
          IN("generationConfig", "candidateCount"), IN("generationConfig", "candidate_count"),     \
          IN("generation_config", "candidateCount"), IN("generation_config", "candidate_count")),  \
      .temperatures =                                                                              \
          PLACES(IN("generationConfig", "temperature"), IN("generation_config", "temperature")),   \
      .stream_paths = LIST(":streamGenerateContent"), .model_after = "/models/")                   \
    X("gemini-embed", PATHS(":embedContent", ":batchEmbedContents"), .request = &gemini_embed,     \
      .gate = GATE_GEMINI, .counts = PLACES(EACH("requests")), .model_after = "/models/")          \
    X("bedrock", PATHS("/converse"), .request = &bedrock_converse, .gate = GATE_BEDROCK,           \
      .stream_paths = LIST("/converse-stream"),                                                    \
      .temperatures = PLACES(IN("inferenceConfig", "temperature")), BEDROCK)                       \
    X("bedrock-invoke", PATHS("/invoke"), .request = &bedrock_invoke, .gate = GATE_BEDROCK_INVOKE, \
      .stream_paths = LIST("/invoke-with-response-stream"),                                        \
      .counts = PLACES(EACH("texts"), EACH("inputs"), EACH("images"), AT("n")),                    \
      .temperatures = PLACES(AT("temperature"), IN("textGenerationConfig", "temperature"),         \
                             IN("inferenceConfig", "temperature")),                                \
      BEDROCK)                                                                                     \
    X("ollama", PATHS("/api/chat", "/api/generate"), .request = &ollama_generate,                  \
      .gate = GATE_OLLAMA, .stream_by_default = true,                                              \
      .temperatures = PLACES(IN("options", "temperature")), .asks = LIST("prompt", "messages"))    \
    X("ollama-embed", PATHS("/api/embed", "/api/embeddings"), .request = &ollama_embed,            \
      .gate = GATE_OLLAMA, .counts = PLACES(EACH("input")))                                        \
    X("cohere", PATHS("/v2/chat", "/v1/chat"), .request = &cohere_chat, .gate = GATE_COHERE_CHAT,  \
      TEMPERATURE)                                                                                 \
    X("cohere-embed", PATHS("/v2/embed", "/v1/embed"), .request = &cohere_embed,                   \
      .gate = GATE_COHERE_EMBED, .counts = PLACES(EACH("texts"), EACH("inputs"), EACH("images")))  \
    X("cohere-rerank", PATHS("/v2/rerank", "/v1/rerank"), .request = &cohere_rerank,               \
      .gate = GATE_COHERE_RERANK)                                                                  \
    X("generic", PATHS(NULL), .request = &api_sorted, TEMPERATURE)

static const struct api apis[] = {
#define X(name_, ...) {.name = name_, __VA_ARGS__},
    APIS(X)
#undef X
};

_Static_assert(sizeof apis / sizeof *apis == API_COUNT, "API_COUNT");

static const struct api_field no_fields[] = {API_FIELDS_END};
const char *const api_tool_roles[] = {"tool", "function", NULL};
const struct api_object api_sorted = {.fields = no_fields};

const struct api *api_named(struct str name)
{
    for (size_t i = 0; i < API_COUNT; i++)
        if (str_eq(str_of(apis[i].name), name))
            return &apis[i];
    return NULL;
}

struct str api_path(struct str target)
{
    struct str path = str_split(&target, '?');

    while (path.len && path.ptr[path.len - 1] == '/')
        path.len--;
    return path;
}

size_t api_path_end(struct str path, const char *const *ends)
{
    size_t best = 0;

    for (; ends && *ends; ends++)
        if (str_ends(path, str_of(*ends)) && strlen(*ends) > best)
            best = strlen(*ends);
    return best;
}

/* The longest end wins: /chat/completions is no /completions. */
const struct api *api_of_path(struct str target)
{
    const struct api *best = api_generic();
    struct str path = api_path(target);
    size_t best_len = 0;

    for (size_t i = 0; i < API_COUNT; i++) {
        const char *const *const lists[] = {apis[i].paths, apis[i].stream_paths};
        for (size_t j = 0; j < 2; j++) {
            size_t len = api_path_end(path, lists[j]);
            if (len > best_len)
                best = &apis[i], best_len = len;
        }
    }
    return best;
}

size_t api_index(const struct api *api)
{
    return (size_t)(api - apis);
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
