/* The APIs that are not OpenAI's, after their vendors' references. None of them says that `null`
 * is absence. */
#include "api_table.h"

/* Anthropic, Messages. cache_control sets what is billed, not what is said. A message whose
 * content is a string is documented as short for one text block. Files that were uploaded can be
 * deleted. With 0 for max_tokens only Anthropic's own cache is filled. */
static const struct api_object anthropic_part;

static const struct api_field anthropic_source_fields[] = {
    OBJECT("content", anthropic_part),
    BYPASS("file_id"),
    API_FIELDS_END,
};
static const struct api_object anthropic_source = {.fields = anthropic_source_fields};

static const struct api_field anthropic_part_fields[] = {
    KEY("type"),
    TEXT("text"),
    OBJECT("source", anthropic_source),
    OBJECT("content", anthropic_part), /* of a tool's result */
    KEY("input"),
    DROP("cache_control"),
    BYPASS("file_id"),
    API_FIELDS_END,
};
static const struct api_object anthropic_part = {.fields = anthropic_part_fields};

static const struct api_field anthropic_message_fields[] = {
    KEY("role"),
    TEXT_OR_OBJECT("content", anthropic_part),
    API_FIELDS_END,
};
static const struct api_object anthropic_message = {
    .fields = anthropic_message_fields,
    .text_parts = "content",
};

/* What Anthropic runs itself. */
static const char *const anthropic_server_tools[] = {
    "web_search_", "web_fetch_", "code_execution_", "mcp", NULL,
};

static const struct api_field anthropic_tool_fields[] = {DROP("cache_control"), API_FIELDS_END};
static const struct api_object anthropic_tool = {
    .fields = anthropic_tool_fields,
    .keep_order = true,
    .bypass_types = anthropic_server_tools,
};

static const struct api_field anthropic_fields[] = {
    KEY("model"),
    TEXT_OR_OBJECT("messages", anthropic_message),
    TEXT_OR_OBJECT("system", anthropic_part),
    KEY_IF("max_tokens", API_ZERO_BYPASSES),
    KEY("stop_sequences"),
    VALUE("temperature"),
    VALUE("top_k"),
    VALUE("top_p"),
    KEY_IF("stream", API_FALSE_IS_ABSENT),
    KEY("thinking"),
    OBJECT("tools", anthropic_tool),
    KEY("tool_choice"),
    KEY("output_config"),
    KEY("output_format"),
    KEY("context_management"),
    KEY("fallbacks"),
    KEY("inference_geo"),
    DROP("metadata"),
    DROP("service_tier"),
    DROP("speed"),
    DROP("cache_control"),
    BYPASS("container"),
    BYPASS("mcp_servers"),
    BYPASS("fallback_credit_token"),
    API_FIELDS_END,
};
const struct api_object anthropic_messages = {.fields = anthropic_fields};

/* Gemini, on AI Studio and Vertex. Its JSON takes each name in camel and in snake case. What
 * fileData points to can change or expire, as can what is cached. */
static const struct api_object gemini_part;

static const struct api_field gemini_result_fields[] = {
    KEY("name"),
    KEY("response"),
    OBJECT("parts", gemini_part),
    API_FIELDS_END,
};
static const struct api_object gemini_result = {.fields = gemini_result_fields};

static const struct api_field gemini_part_fields[] = {
    TEXT("text"),
    KEY("inlineData"),
    BYPASS("fileData"),
    BYPASS("file_data"),
    OBJECT("functionResponse", gemini_result),
    OBJECT("function_response", gemini_result),
    API_FIELDS_END,
};
static const struct api_object gemini_part = {.fields = gemini_part_fields};

static const struct api_field gemini_content_fields[] = {
    KEY("role"),
    TEXT_OR_OBJECT("parts", gemini_part),
    API_FIELDS_END,
};
static const struct api_object gemini_content = {.fields = gemini_content_fields};

static const struct api_field gemini_config_fields[] = {
    VALUE("temperature"),
    VALUE("topP"),
    VALUE("top_p"),
    VALUE("topK"),
    VALUE("top_k"),
    VALUE("presencePenalty"),
    VALUE("presence_penalty"),
    VALUE("frequencyPenalty"),
    VALUE("frequency_penalty"),
    API_FIELDS_END,
};
static const struct api_object gemini_config = {.fields = gemini_config_fields};

/* Whatever is no declaration is what Google does itself: it searches, runs code, reads files. */
static const struct api_field gemini_tool_fields[] = {
    KEY("functionDeclarations"),
    KEY("function_declarations"),
    API_FIELDS_END,
};
static const struct api_object gemini_tool = {
    .fields = gemini_tool_fields,
    .keep_order = true,
    .only_fields = true,
};

static const struct api_field gemini_generate_fields[] = {
    KEY("model"),
    TEXT_OR_OBJECT("contents", gemini_content),
    TEXT_OR_OBJECT("systemInstruction", gemini_content),
    TEXT_OR_OBJECT("system_instruction", gemini_content),
    OBJECT("generationConfig", gemini_config),
    OBJECT("generation_config", gemini_config),
    KEY("safetySettings"),
    KEY("safety_settings"),
    OBJECT("tools", gemini_tool),
    KEY("toolConfig"),
    KEY("tool_config"),
    KEY("modelArmorConfig"),
    KEY("model_armor_config"),
    DROP("labels"),
    DROP("serviceTier"),
    DROP("service_tier"),
    BYPASS("cachedContent"),
    BYPASS("cached_content"),
    API_FIELDS_END,
};
const struct api_object gemini_generate = {.fields = gemini_generate_fields};

/* embedContent, and batchEmbedContents, whose `requests` are the same. */
static const struct api_field gemini_embed_fields[] = {
    KEY("model"),   OBJECT("content", gemini_content), KEY("taskType"),
    KEY("title"),   KEY("outputDimensionality"),       OBJECT("requests", gemini_embed),
    API_FIELDS_END,
};
const struct api_object gemini_embed = {.fields = gemini_embed_fields};

/* Amazon Bedrock, Converse. A cache point is a block of its own and sets what is billed; an object
 * in S3 can change; a system tool is one that Amazon runs. */
static const struct api_field bedrock_source_fields[] = {
    KEY("bytes"),
    BYPASS("s3Location"),
    API_FIELDS_END,
};
static const struct api_object bedrock_source = {.fields = bedrock_source_fields};

static const struct api_field bedrock_media_fields[] = {
    KEY("format"),
    OBJECT("source", bedrock_source),
    API_FIELDS_END,
};
static const struct api_object bedrock_media = {.fields = bedrock_media_fields};

static const struct api_object bedrock_block;

static const struct api_field bedrock_result_fields[] = {
    KEY("toolUseId"),
    OBJECT("content", bedrock_block),
    KEY("status"),
    API_FIELDS_END,
};
static const struct api_object bedrock_result = {.fields = bedrock_result_fields};

static const struct api_field bedrock_block_fields[] = {
    TEXT("text"),
    OBJECT("image", bedrock_media),
    OBJECT("document", bedrock_media),
    OBJECT("video", bedrock_media),
    OBJECT("audio", bedrock_media),
    KEY("toolUse"),
    OBJECT("toolResult", bedrock_result),
    DROP("cachePoint"),
    API_FIELDS_END,
};
static const struct api_object bedrock_block = {
    .fields = bedrock_block_fields,
    .empty_is_absent = true,
};

static const struct api_field bedrock_message_fields[] = {
    KEY("role"),
    TEXT_OR_OBJECT("content", bedrock_block),
    API_FIELDS_END,
};
static const struct api_object bedrock_message = {.fields = bedrock_message_fields};

static const struct api_field bedrock_inference_fields[] = {
    KEY("maxTokens"), KEY("stopSequences"), VALUE("temperature"), VALUE("topP"), API_FIELDS_END,
};
static const struct api_object bedrock_inference = {.fields = bedrock_inference_fields};

static const struct api_field bedrock_tool_fields[] = {
    KEY("toolSpec"),
    DROP("cachePoint"),
    BYPASS("systemTool"),
    API_FIELDS_END,
};
static const struct api_object bedrock_tool = {
    .fields = bedrock_tool_fields,
    .keep_order = true,
    .empty_is_absent = true,
};

static const struct api_field bedrock_tools_fields[] = {
    OBJECT("tools", bedrock_tool),
    KEY("toolChoice"),
    API_FIELDS_END,
};
static const struct api_object bedrock_tools = {.fields = bedrock_tools_fields};

static const struct api_field bedrock_fields[] = {
    TEXT_OR_OBJECT("messages", bedrock_message),
    TEXT_OR_OBJECT("system", bedrock_block),
    OBJECT("inferenceConfig", bedrock_inference),
    OBJECT("toolConfig", bedrock_tools),
    KEY("guardrailConfig"),
    KEY("additionalModelRequestFields"),
    KEY("additionalModelResponseFieldPaths"),
    KEY("promptVariables"),
    KEY("outputConfig"),
    DROP("requestMetadata"),
    DROP("performanceConfig"),
    DROP("serviceTier"),
    API_FIELDS_END,
};
const struct api_object bedrock_converse = {.fields = bedrock_fields};

/* InvokeModel: a body for the model, of which only the top is sorted. In it, what is kept elsewhere
 * has the names that Converse (Nova) and Anthropic give it. */
static const struct api_object invoke_block;

static const struct api_field invoke_block_fields[] = {
    BYPASS("s3Location"),
    BYPASS("file_id"),
    OBJECT("source", invoke_block),
    OBJECT("content", invoke_block),
    OBJECT("image", invoke_block),
    OBJECT("document", invoke_block),
    OBJECT("video", invoke_block),
    OBJECT("audio", invoke_block),
    OBJECT("toolResult", invoke_block),
    API_FIELDS_END,
};
static const struct api_object invoke_block = {
    .fields = invoke_block_fields,
    .keep_order = true,
};

static const struct api_field invoke_tool_fields[] = {BYPASS("systemTool"), API_FIELDS_END};
static const struct api_object invoke_tool = {
    .fields = invoke_tool_fields,
    .keep_order = true,
    .bypass_types = anthropic_server_tools,
};

static const struct api_field invoke_tools_fields[] = {
    OBJECT("tools", invoke_tool),
    API_FIELDS_END,
};
static const struct api_object invoke_tools = {.fields = invoke_tools_fields, .keep_order = true};

static const struct api_field bedrock_invoke_fields[] = {
    OBJECT("messages", invoke_block),
    OBJECT("tools", invoke_tool),
    OBJECT("toolConfig", invoke_tools),
    KEY_IF("max_tokens", API_ZERO_BYPASSES),
    API_FIELDS_END,
};
const struct api_object bedrock_invoke = {.fields = bedrock_invoke_fields};

/* Ollama. It keeps the order of a tool's properties. `stream` is true when it is absent, so
 * `false` is not. */
static const struct api_field ollama_options_fields[] = {
    VALUE("temperature"),
    VALUE("top_k"),
    VALUE("top_p"),
    VALUE("min_p"),
    VALUE("typical_p"),
    VALUE("repeat_penalty"),
    VALUE("presence_penalty"),
    VALUE("frequency_penalty"),
    API_FIELDS_END,
};
static const struct api_object ollama_options = {.fields = ollama_options_fields};

static const struct api_field ollama_message_fields[] = {TEXT("content"), API_FIELDS_END};
static const struct api_object ollama_message = {
    .fields = ollama_message_fields,
    .tool_roles = api_tool_roles,
};

static const struct api_field ollama_generate_fields[] = {
    KEY("model"),
    TEXT_OR_OBJECT("messages", ollama_message),
    TEXT("prompt"),
    KEY("suffix"),
    TEXT("system"),
    KEY("template"),
    KEY("context"),
    KEY("raw"),
    KEY("format"),
    KEY("images"),
    OBJECT("options", ollama_options),
    KEY("think"),
    KEY("truncate"),
    KEY("shift"),
    KEY("tools"),
    KEY("logprobs"),
    KEY("top_logprobs"),
    KEY("stream"),
    DROP("keep_alive"),
    API_FIELDS_END,
};
const struct api_object ollama_generate = {.fields = ollama_generate_fields};

static const struct api_field ollama_embed_fields[] = {
    KEY("model"),       KEY("input"),      KEY("prompt"),
    KEY("truncate"),    KEY("dimensions"), OBJECT("options", ollama_options),
    DROP("keep_alive"), API_FIELDS_END,
};
const struct api_object ollama_embed = {.fields = ollama_embed_fields};

/* Cohere. `priority` says how early a request is handled. */
static const struct api_field cohere_part_fields[] = {TEXT("text"), API_FIELDS_END};
static const struct api_object cohere_part = {.fields = cohere_part_fields};

static const struct api_field cohere_message_fields[] = {
    KEY("role"),
    TEXT_OR_OBJECT("content", cohere_part),
    API_FIELDS_END,
};
static const struct api_object cohere_message = {
    .fields = cohere_message_fields,
    .tool_roles = api_tool_roles,
};

static const struct api_field cohere_chat_fields[] = {
    KEY("model"),
    TEXT_OR_OBJECT("messages", cohere_message),
    TEXT("message"), /* of version 1, as is preamble */
    TEXT("preamble"),
    KEY("tools"),
    KEY("strict_tools"),
    KEY("tool_choice"),
    KEY("documents"),
    KEY("citation_options"),
    KEY("response_format"),
    KEY("safety_mode"),
    KEY("max_tokens"),
    KEY("stop_sequences"),
    VALUE("temperature"),
    KEY("seed"),
    VALUE("frequency_penalty"),
    VALUE("presence_penalty"),
    VALUE("k"),
    VALUE("p"),
    KEY("logprobs"),
    KEY("thinking"),
    KEY_IF("stream", API_FALSE_IS_ABSENT),
    DROP("priority"),
    BYPASS("conversation_id"),
    BYPASS("connectors"),
    API_FIELDS_END,
};
const struct api_object cohere_chat = {.fields = cohere_chat_fields};

static const struct api_field cohere_embed_fields[] = {
    KEY("model"),    KEY("input_type"),      KEY("texts"),      KEY("images"),
    KEY("inputs"),   KEY("embedding_types"), KEY("max_tokens"), KEY("output_dimension"),
    KEY("truncate"), DROP("priority"),       API_FIELDS_END,
};
const struct api_object cohere_embed = {.fields = cohere_embed_fields};

static const struct api_field cohere_rerank_fields[] = {
    KEY("model"),
    KEY("query"),
    KEY("documents"),
    KEY("top_n"),
    KEY("max_tokens_per_doc"),
    KEY("return_documents"),
    KEY("rank_fields"),
    DROP("priority"),
    API_FIELDS_END,
};
const struct api_object cohere_rerank = {.fields = cohere_rerank_fields};
