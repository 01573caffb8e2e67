/* OpenAI's APIs, after its API reference and OpenAPI description; Azure's and other servers that
 * speak them add fields, which are in the key unless they are named here. There `null` says of an
 * optional field what absence says. */
#include "api_table.h"

/* Models that search, or run code, whatever the request says: OpenAI's, Perplexity's, Groq's, and
 * any under a suffix of OpenRouter's. */
const char *const openai_live_models[] = {
    "*-search-preview*", "*-search-api*",   "*deep-research*", "sonar*", "*/sonar*",
    "compound-*",        "*groq/compound*", "*:online",        NULL,
};

/* Tools that the caller runs. Any other type is one that the provider runs itself: it searches,
 * runs code, or asks a third party. */
static const char *const own_tools[] = {"function", "custom", NULL};

/* A model sees its tools in the order they came in, their members too. */
static const struct api_field tool_fields[] = {KEY("type"), API_FIELDS_END};
static const struct api_object tool = {
    .fields = tool_fields,
    .keep_order = true,
    .own_types = own_tools,
};

/* A file that was uploaded can be deleted. */
static const struct api_field file_fields[] = {
    BYPASS("file_id"),
    KEY("file_data"),
    KEY("filename"),
    API_FIELDS_END,
};
static const struct api_object file = {.fields = file_fields};

static const struct api_field chat_part_fields[] = {
    KEY("type"),    TEXT("text"),         KEY("image_url"), KEY("input_audio"),
    KEY("refusal"), OBJECT("file", file), API_FIELDS_END,
};
static const struct api_object chat_part = {.fields = chat_part_fields};

static const struct api_field chat_message_fields[] = {
    KEY("role"),          TEXT_OR_OBJECT("content", chat_part),
    KEY("name"),          KEY("tool_calls"),
    KEY("tool_call_id"),  KEY("refusal"),
    KEY("function_call"), BYPASS("audio"), /* the id of an earlier answer */
    API_FIELDS_END,
};
static const struct api_object chat_message = {
    .fields = chat_message_fields,
    .null_is_absent = true,
    .tool_roles = api_tool_roles,
};

/* top_k, min_p and repetition_penalty are those of vLLM, SGLang and OpenRouter; data_sources is
 * Azure's. xAI, Alibaba and OpenRouter search when search_parameters, enable_search or plugins say
 * so. */
static const struct api_field chat_fields[] = {
    KEY("model"),
    TEXT_OR_OBJECT("messages", chat_message),
    VALUE("temperature"),
    VALUE("top_p"),
    KEY("max_tokens"),
    KEY("max_completion_tokens"),
    KEY_IF("stream", API_FALSE_IS_ABSENT),
    OBJECT("tools", tool),
    KEY("tool_choice"),
    KEY("parallel_tool_calls"),
    KEY("functions"),
    KEY("function_call"),
    KEY("response_format"),
    VALUE("frequency_penalty"),
    VALUE("presence_penalty"),
    VALUE("top_k"),
    VALUE("min_p"),
    VALUE("repetition_penalty"),
    KEY("logit_bias"),
    KEY("logprobs"),
    KEY("top_logprobs"),
    KEY_IF("n", API_ONE_IS_ABSENT),
    KEY("seed"),
    KEY("stop"),
    KEY("reasoning_effort"),
    KEY("verbosity"),
    KEY("modalities"),
    KEY("audio"),
    KEY("prediction"),
    KEY("moderation"),
    DROP("user"),
    DROP("metadata"),
    DROP("safety_identifier"),
    DROP("prompt_cache_key"),
    DROP("prompt_cache_retention"),
    DROP("prompt_cache_options"),
    DROP("service_tier"),
    DROP("stream_options"),
    BYPASS_IF("store", API_IF_NOT_FALSE | API_FALSE_IS_ABSENT),
    BYPASS("web_search_options"),
    BYPASS("search_parameters"),
    BYPASS_IF("enable_search", API_IF_NOT_FALSE | API_FALSE_IS_ABSENT),
    BYPASS("plugins"),
    BYPASS("data_sources"),
    BYPASS("dataSources"),
    API_FIELDS_END,
};
const struct api_object openai_chat = {.fields = chat_fields, .null_is_absent = true};

static const struct api_field item_part_fields[] = {
    KEY("type"),     TEXT("text"),    KEY("image_url"), KEY("detail"),     KEY("file_data"),
    KEY("filename"), KEY("file_url"), KEY("refusal"),   BYPASS("file_id"), API_FIELDS_END,
};
static const struct api_object item_part = {
    .fields = item_part_fields,
    .null_is_absent = true,
};

static const struct api_field item_fields[] = {
    KEY("type"),
    KEY("role"),
    TEXT_OR_OBJECT("content", item_part),
    OBJECT("output", item_part), /* of a tool */
    KEY("id"),
    KEY("status"),
    KEY("call_id"),
    KEY("name"),
    KEY("arguments"),
    KEY("summary"),
    KEY("encrypted_content"),
    API_FIELDS_END,
};
/* A reference to an item may leave its type out; an image made earlier is one by its id. */
static const struct api_object item = {
    .fields = item_fields,
    .null_is_absent = true,
    .bypass_types = (const char *const[]){"item_reference", "image_generation_call", NULL},
    .told_by = (const char *const[]){"type", "role", NULL},
};

/* `prompt` names a prompt that is stored upstream and may move. `store` is true by default there:
 * an answer's id lives upstream, in the tenant's own account. */
static const struct api_field responses_fields[] = {
    KEY("model"),
    TEXT_OR_OBJECT("input", item),
    TEXT("instructions"),
    VALUE("temperature"),
    VALUE("top_p"),
    KEY("max_output_tokens"),
    KEY_IF("stream", API_FALSE_IS_ABSENT),
    OBJECT("tools", tool),
    KEY("tool_choice"),
    KEY("parallel_tool_calls"),
    KEY("max_tool_calls"),
    KEY("reasoning"),
    KEY("text"),
    KEY("top_logprobs"),
    KEY("truncation"),
    KEY("include"),
    KEY("moderation"),
    KEY("context_management"),
    KEY("store"),
    /* told again in the answer */
    KEY("user"),
    KEY("metadata"),
    KEY("safety_identifier"),
    KEY("prompt_cache_key"),
    DROP("prompt_cache_retention"),
    DROP("prompt_cache_options"),
    DROP("service_tier"),
    DROP("stream_options"),
    BYPASS_IF("background", API_IF_NOT_FALSE | API_FALSE_IS_ABSENT),
    BYPASS("conversation"),
    BYPASS("previous_response_id"),
    BYPASS("prompt"),
    BYPASS("plugins"),
    API_FIELDS_END,
};
const struct api_object openai_responses = {.fields = responses_fields, .null_is_absent = true};

static const struct api_field completions_fields[] = {
    KEY("model"),
    TEXT("prompt"),
    KEY("suffix"),
    KEY("max_tokens"),
    VALUE("temperature"),
    VALUE("top_p"),
    VALUE("frequency_penalty"),
    VALUE("presence_penalty"),
    VALUE("top_k"),
    VALUE("min_p"),
    VALUE("repetition_penalty"),
    KEY_IF("n", API_ONE_IS_ABSENT),
    KEY("best_of"),
    KEY("echo"),
    KEY("logit_bias"),
    KEY("logprobs"),
    KEY("seed"),
    KEY("stop"),
    KEY_IF("stream", API_FALSE_IS_ABSENT),
    DROP("stream_options"),
    DROP("user"),
    API_FIELDS_END,
};
const struct api_object openai_completions = {
    .fields = completions_fields,
    .null_is_absent = true,
};

static const struct api_field embeddings_fields[] = {
    KEY("model"),           KEY("input"), KEY("dimensions"),
    KEY("encoding_format"), DROP("user"), API_FIELDS_END,
};
const struct api_object openai_embeddings = {.fields = embeddings_fields, .null_is_absent = true};
