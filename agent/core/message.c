#include "message.h"

#include "decimal.h"
#include "spop.h"

void message_begin(struct message *message)
{
    if (!message->block.max)
        message->block = buf_new(MESSAGE_HEAD_MAX);
    buf_clear(&message->block);
}

void message_free(struct message *message)
{
    buf_free(&message->block);
}

/* A token of RFC 9110 5.6.2. */
static bool is_token(struct str text)
{
    return str_made_of(text, "!#$%&'*+-.^_`|~");
}

bool message_target(struct str target)
{
    for (size_t i = 0; i < target.len; i++)
        if ((uint8_t)target.ptr[i] <= ' ' || (uint8_t)target.ptr[i] >= 0x7f)
            return false;
    return target.len && target.ptr[0] == '/';
}

const char *message_header(struct message *message, struct str name, struct str value)
{
    struct buf *block = &message->block;

    if (!is_token(name))
        return "a header's name is not one";
    if (str_has_control(value))
        return "a header's value has control characters in it";
    spop_write_string(block, name);
    for (size_t i = block->len - (buf_ok(block) ? name.len : 0); i < block->len; i++)
        if (block->ptr[i] >= 'A' && block->ptr[i] <= 'Z')
            block->ptr[i] |= 0x20;
    spop_write_string(block, str_trim(value));
    return buf_ok(block) ? NULL : "the headers are too long";
}

const char *message_end(struct message *message, struct request *request)
{
    struct headers *headers = &message->headers;

    spop_write_string(&message->block, STR(""));
    spop_write_string(&message->block, STR(""));
    headers_read(headers, buf_str(&message->block));
    if (headers->malformed)
        return "too many headers";
    if (headers_count(headers, STR("host")) > 1)
        return "more than one Host";
    if (headers_count(headers, STR("host")))
        request->host = headers_get(headers, STR("host"));
    request->headers = headers;
    return NULL;
}

/* Takes a line off the text, without its end. */
static struct str take_line(struct str *text)
{
    struct str line = str_split(text, '\n');

    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

static const char *read_request_line(struct request *request, struct str line)
{
    request->method = str_split(&line, ' ');
    request->target = str_split(&line, ' ');
    if (!is_token(request->method) || !str_starts(line, STR("HTTP/1.")))
        return "a message begins with a line METHOD /PATH HTTP/1.1";
    return message_target(request->target) ? NULL : "the target is not a path and perhaps a query";
}

static const char *read_headers(struct message *message, struct str *text)
{
    struct str line;

    while ((line = take_line(text)).len) {
        struct str value = line, name = str_split(&value, ':');
        if (name.len == line.len)
            return "a line of the head has no colon, or the empty line behind it is missing";
        const char *wrong = message_header(message, name, value);
        if (wrong)
            return wrong;
    }
    return NULL;
}

/* RFC 9112 6: a message with a body says how long it is; one that was written by hand need not. */
static const char *read_body(const struct headers *headers, struct request *request,
                             struct str *text)
{
    int64_t length;
    size_t lengths = headers_count(headers, STR("content-length"));

    if (headers_count(headers, STR("transfer-encoding")))
        return "a body with a Transfer-Encoding is not read: give it plain, without that header";
    request->body = *text;
    request->whole = true;
    if (lengths) {
        if (lengths > 1 || !decimal_read(headers_get(headers, STR("content-length")), &length))
            return "Content-Length is not one number";
        if ((uint64_t)length > text->len)
            return "the body is shorter than Content-Length";
        request->body.len = (size_t)length;
    }
    *text = str_from(*text, request->body.len);
    return NULL;
}

const char *message_read(struct message *message, struct request *request, struct str *text)
{
    while (text->len && (text->ptr[0] == '\r' || text->ptr[0] == '\n'))
        *text = str_from(*text, 1);
    message_begin(message);
    request->host = STR("");
    const char *wrong = read_request_line(request, take_line(text));
    if (!wrong)
        wrong = read_headers(message, text);
    if (!wrong)
        wrong = message_end(message, request);
    return wrong ? wrong : read_body(&message->headers, request, text);
}

const char *message_read_all(struct message *messages, struct request *requests, size_t *count,
                             struct str text)
{
    size_t room = *count;

    for (*count = 0; *count == 0 || str_trim(text).len; ++*count) {
        if (*count == room)
            return "something follows the last message";
        const char *wrong = message_read(&messages[*count], &requests[*count], &text);
        if (wrong)
            return wrong;
    }
    return NULL;
}
