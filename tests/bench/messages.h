/* The messages of the contract (spoe/README.md), as a HAProxy 2.6 sends them for an LLM request. */
#ifndef BENCH_MESSAGES_H
#define BENCH_MESSAGES_H

#include "spop_wire.h"

enum {
    MAX_FRAME = 131068,  /* HAProxy's with tune.bufsize 131072 */
    FIRST_STREAM = 1000, /* from here 1024 stream ids take two bytes */
    MAX_DEPTH = 1024,
};

/* A NOTIFY, and where the two bytes of its stream id stand. */
struct request {
    struct bytes frame;
    size_t stream_at;
};

static inline void put_header(struct bytes *block, const char *name, const char *value)
{
    put_name(block, name);
    put_name(block, value);
}

/* The value of an argument that holds a header block, as HAProxy's req.hdrs_bin gives it. */
static inline void put_headers(struct bytes *b, bool request, size_t length)
{
    struct bytes block = {0};
    char digits[24];

    snprintf(digits, sizeof(digits), "%zu", length);
    if (request) {
        put_header(&block, "host", "api.example.com");
        put_header(&block, "user-agent", "OpenAI/Python 1.40.0");
        put_header(&block, "accept", "application/json");
        put_header(&block, "accept-encoding", "identity");
        put_header(&block, "authorization", "Bearer sk-proj-0123456789abcdef0123456789abcdef");
        put_header(&block, "x-tenant-id", "acme");
    } else {
        put_header(&block, "server", "uvicorn");
    }
    if (length) {
        put_header(&block, "content-type", "application/json");
        put_header(&block, "content-length", digits);
    }
    put_header(&block, "", "");
    put_value(b, VALUE_BINARY, block.ptr, block.len);
    free(block.ptr);
}

static inline void put_filler(struct bytes *b, size_t until)
{
    static const char words[] = "the quick brown fox jumps over the lazy dog and back again ";

    while (b->len < until)
        put_byte(b, (unsigned)words[b->len % (sizeof(words) - 1)]);
}

static inline void put_literal(struct bytes *b, const char *text)
{
    put(b, text, strlen(text));
}

/* A chat of n bytes (200 at least) in messages of some 400 bytes, different for each entry. */
static inline struct bytes chat(size_t n, size_t entry)
{
    static const char end[] = "\"}],\"temperature\":0,\"max_tokens\":512}";
    static const char next[] = "\"},{\"role\":\"user\",\"content\":\"";
    struct bytes b = {0};
    char model[64];

    snprintf(model, sizeof(model), "{\"model\":\"gpt-4o\",\"seed\":%zu,", entry);
    put_literal(&b, model);
    put_literal(&b, "\"messages\":[{\"role\":\"system\",\"content\":\"You are helpful.");
    while (b.len + 500 < n) {
        put_literal(&b, next);
        put_filler(&b, b.len + 400);
    }
    put_filler(&b, n - (sizeof(end) - 1));
    put_literal(&b, end);
    return b;
}

/* A completion of n bytes (130 at least). */
static inline struct bytes completion(size_t n)
{
    static const char end[] = "\"},\"finish_reason\":\"stop\"}]}";
    struct bytes b = {0};

    put_literal(&b, "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"choices\":[{\"index\":"
                    "0,\"message\":{\"role\":\"assistant\",\"content\":\"");
    put_filler(&b, n - (sizeof(end) - 1));
    put_literal(&b, end);
    return b;
}

static inline void put_argument(struct bytes *b, const char *name, const char *value)
{
    put_name(b, name);
    if (value)
        put_string(b, value);
    else
        put_byte(b, VALUE_NULL);
}

static inline size_t message_begin(struct request *r, const char *name, unsigned arguments)
{
    size_t at = frame_begin(&r->frame, FRAME_NOTIFY, FIRST_STREAM, 1);

    r->stream_at = at + FRAME_PREFIX + 1 + FRAME_FLAGS;
    put_name(&r->frame, name);
    put_byte(&r->frame, arguments);
    return at;
}

static inline void put_whole_body(struct bytes *b, struct bytes body)
{
    put_name(b, "whole");
    put_byte(b, VALUE_TRUE);
    put_name(b, "body");
    put_value(b, VALUE_BINARY, body.ptr ? (const void *)body.ptr : "", body.len);
}

/* A lookup of entry number `entry`; a GET by policy "get" without a body, else a chat. */
static inline struct request make_lookup(size_t entry, size_t request_body)
{
    struct request r = {0};
    struct bytes *b = &r.frame, body = {0};
    bool post = request_body > 0;
    size_t at = message_begin(&r, "lookup", 12);
    char target[80];

    if (post)
        body = chat(request_body, entry);
    snprintf(target, sizeof(target), "/v1/%s?entry=%zu", post ? "chat/completions" : "models",
             entry);
    put_argument(b, "policy", post ? "llm" : "get");
    put_argument(b, "tenant", "acme");
    put_argument(b, "upstream", NULL);
    put_argument(b, "ttl", NULL);
    put_argument(b, "mode", NULL);
    put_argument(b, "method", post ? "POST" : "GET");
    put_argument(b, "scheme", "https");
    put_argument(b, "host", "api.example.com");
    put_argument(b, "target", target);
    put_name(b, "headers");
    put_headers(b, true, body.len);
    put_whole_body(b, body);
    frame_end(b, at);
    free(body.ptr);
    return r;
}

static inline struct request make_store(struct reader ticket, size_t response_body)
{
    struct request r = {0};
    struct bytes *b = &r.frame, body = completion(response_body);
    size_t at = message_begin(&r, "store", 5);

    put_name(b, "ticket");
    put_value(b, VALUE_STRING, ticket.at, (size_t)(ticket.end - ticket.at));
    put_name(b, "code");
    put_number(b, VALUE_INT64, 200);
    put_name(b, "headers");
    put_headers(b, false, body.len);
    put_whole_body(b, body);
    frame_end(b, at);
    free(body.ptr);
    return r;
}

static inline void put_hello(struct bytes *b)
{
    size_t at = frame_begin(b, FRAME_HAPROXY_HELLO, 0, 0);

    put_argument(b, "supported-versions", "2.0");
    put_name(b, "max-frame-size");
    put_number(b, VALUE_UINT32, MAX_FRAME);
    put_argument(b, "capabilities", "pipelining,async");
    put_argument(b, "engine-id", "0b7a6b1c-5c1f-4c6b-9d55-3f1d0f7f2a01");
    frame_end(b, at);
}

#endif
