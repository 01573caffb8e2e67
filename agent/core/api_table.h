/* For the files that hold the tables of api.h: how a row is written, and what they give. */
#ifndef CORE_API_TABLE_H
#define CORE_API_TABLE_H

#include "api.h"

#define API_FIELDS_END                                                                             \
    {                                                                                              \
        .name = NULL                                                                               \
    }

#define KEY(name_)                                                                                 \
    {                                                                                              \
        .name = (name_)                                                                            \
    }
#define KEY_IF(name_, flags_)                                                                      \
    {                                                                                              \
        .name = (name_), .flags = (flags_)                                                         \
    }
#define VALUE(name_)                                                                               \
    {                                                                                              \
        .name = (name_), .flags = API_BY_VALUE                                                     \
    }
#define DROP(name_)                                                                                \
    {                                                                                              \
        .name = (name_), .class = API_DROP                                                         \
    }
#define BYPASS(name_)                                                                              \
    {                                                                                              \
        .name = (name_), .class = API_BYPASS                                                       \
    }
#define BYPASS_IF(name_, flags_)                                                                   \
    {                                                                                              \
        .name = (name_), .class = API_BYPASS, .flags = (flags_)                                    \
    }
#define TEXT(name_)                                                                                \
    {                                                                                              \
        .name = (name_), .flags = API_TEXT                                                         \
    }
#define OBJECT(name_, object_)                                                                     \
    {                                                                                              \
        .name = (name_), .object = &(object_)                                                      \
    }

#define TEXT_OR_OBJECT(name_, object_)                                                             \
    {                                                                                              \
        .name = (name_), .flags = API_TEXT, .object = &(object_)                                   \
    }

/* An object whose members are sorted and otherwise not known. */
extern const struct api_object api_sorted;

/* Models on OpenAI's APIs that search by themselves. */
extern const char *const openai_live_models[];

/* Roles of messages that hold what a tool has found. */
extern const char *const api_tool_roles[];

/* The requests, see api.c for their APIs. */
extern const struct api_object openai_chat, openai_responses, openai_completions, openai_embeddings;
extern const struct api_object anthropic_messages, gemini_generate, gemini_embed, bedrock_converse,
    bedrock_invoke, ollama_generate, ollama_embed, cohere_chat, cohere_embed, cohere_rerank;

#endif
