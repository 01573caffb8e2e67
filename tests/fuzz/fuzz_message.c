/* Any text as HTTP messages: what is read lies inside the text, means the same when it is written
 * down again, and can be explained without a word of the credentials in it. */
#include "core/explain.h"
#include "core/message.h"

#include "core/credential.h"
#include <stdlib.h>

static void require(bool ok)
{
    if (!ok)
        abort();
}

static bool is_inside(struct str part, struct str text)
{
    return part.len == 0 || (part.ptr >= text.ptr && part.ptr + part.len <= text.ptr + text.len);
}

static void check_parts(const struct request *request, struct str text)
{
    require(request->method.len && request->target.len && request->target.ptr[0] == '/');
    require(is_inside(request->method, text) && is_inside(request->target, text));
    require(is_inside(request->body, text) && request->whole);
    require(!request->headers->malformed);
    for (size_t i = 0; i < request->headers->count; i++) {
        const struct header *h = &request->headers->items[i];
        require(h->name.len && str_trim(h->value).len == h->value.len);
        for (size_t j = 0; j < h->name.len; j++)
            require(h->name.ptr[j] > ' ' && !(h->name.ptr[j] >= 'A' && h->name.ptr[j] <= 'Z'));
    }
}

static void write(struct buf *out, const struct request *request)
{
    buf_append(out, request->method);
    buf_append(out, STR(" "));
    buf_append(out, request->target);
    buf_append(out, STR(" HTTP/1.1\r\n"));
    for (size_t i = 0; i < request->headers->count; i++) {
        buf_append(out, request->headers->items[i].name);
        buf_append(out, STR(": "));
        buf_append(out, request->headers->items[i].value);
        buf_append(out, STR("\r\n"));
    }
    buf_append(out, STR("\r\n"));
    buf_append(out, request->body);
}

static void check_again(const struct request *request)
{
    static struct message again;
    struct buf text = buf_new(1 << 24);
    struct request other = {.ttl = 0};

    write(&text, request);
    struct str rest = buf_str(&text);
    require(buf_ok(&text) && !message_read(&again, &other, &rest) && rest.len == 0);
    require(str_eq(other.method, request->method) && str_eq(other.target, request->target));
    require(str_eq(other.host, request->host) && str_eq(other.body, request->body));
    require(other.headers->count == request->headers->count);
    for (size_t i = 0; i < other.headers->count; i++)
        require(str_eq(other.headers->items[i].name, request->headers->items[i].name) &&
                str_eq(other.headers->items[i].value, request->headers->items[i].value));
    buf_free(&text);
}

/* What stands in the place of a credential may be one. */
static void check_hidden(const struct buf *out, const struct request *request)
{
    for (size_t i = 0; i < request->headers->count; i++) {
        const struct header *h = &request->headers->items[i];
        if (credential_name(h->name) && h->value.len >= 8 &&
            !memchr(h->value.ptr, '*', h->value.len))
            require(!memmem(out->ptr, out->len, h->value.ptr, h->value.len));
    }
}

static const struct config *configuration(void)
{
    static struct config *config;
    struct buf errors = buf_new(4096);

    if (!config)
        config = config_read(STR("[policy llm]\nvary = authorization cookie x-version\n"
                                 "tenant-from = credential header:x-team\nallow-controls = yes\n"
                                 "methods = GET POST\nttl-jitter = 9\nignore-query = a\n"
                                 "normalize = trim\n[tenant a]\nttl = 1h\n[model m]\nttl = 1m\n"),
                             "fuzz", &errors);
    require(config && config_validate(config, &errors));
    buf_free(&errors);
    return config;
}

static void explain(struct request *requests, size_t count)
{
    const struct explain_options options = {.full = count == 1};
    struct buf out = buf_new(EXPLAIN_MAX);
    struct key_secret secret;

    key_secret_derive(&secret, STR("the secret of the fuzzer"));
    for (size_t i = 0; i < count; i++)
        requests[i].policy = requests[i].backend = STR("llm");
    if (count == 1)
        explain_one(&out, configuration(), &secret, requests, &options);
    else
        explain_two(&out, configuration(), &secret, requests);
    require(buf_ok(&out) && out.len && out.ptr[out.len - 1] == '\n');
    for (size_t i = 0; i < count; i++)
        check_hidden(&out, &requests[i]);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct message messages[2]; /* kept, so that reuse is tried as well */
    struct request requests[2] = {{.ttl = 0}};
    struct str text = {(const char *)data, size};
    size_t count = 2;

    if (message_read_all(messages, requests, &count, text))
        return 0;
    require(count == 1 || count == 2);
    for (size_t i = 0; i < count; i++) {
        check_parts(&requests[i], text);
        check_again(&requests[i]);
    }
    explain(requests, count);
    return 0;
}
