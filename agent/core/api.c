#include "api.h"

/* Sorted themselves, while nothing in them is: a part of a message (text, an image, a tool call
 * or result, whose arguments are the model's own), and other small objects. */
static const struct api_field leaf_fields[] = {{.name = NULL}};
static const struct api_object leaf = {leaf_fields};

/* The messages of OpenAI, Anthropic and Ollama, and the items of OpenAI's Responses. */
static const struct api_field message_fields[] = {{"content", &leaf}, {.name = NULL}};
static const struct api_object message = {message_fields};

/* Gemini's Content, which is its message. */
static const struct api_field content_fields[] = {{"parts", &leaf}, {.name = NULL}};
static const struct api_object content = {content_fields};

static const struct api_field request_fields[] = {
    {"contents", &content},           {"input", &message}, {"messages", &message},
    {"stream_options", &leaf},        {"system", &leaf},   {"systemInstruction", &content},
    {"system_instruction", &content}, {.name = NULL},
};
const struct api_object api_request = {request_fields};

const struct api_field *api_field(const struct api_object *object, struct str name)
{
    if (!object)
        return NULL;
    for (const struct api_field *field = object->fields; field->name; field++) {
        if (str_eq(str_of(field->name), name))
            return field;
    }
    return NULL;
}
