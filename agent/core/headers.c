#include "headers.h"

#include "spop.h"

/* 1: a field was read; 0: the end was, and nothing follows it; -1: malformed. */
static int next_header(struct str *block, struct header *out)
{
    if (!spop_read_string(block, &out->name) || !spop_read_string(block, &out->value))
        return -1;
    if (out->name.len == 0)
        return out->value.len == 0 && block->len == 0 ? 0 : -1;
    out->value = str_trim(out->value);
    return 1;
}

static uint64_t length_bit(struct str name)
{
    return UINT64_C(1) << (name.len & 63);
}

void headers_read(struct headers *out, struct str block)
{
    int more = 1;

    out->count = 0;
    out->lengths = 0;
    while (more > 0 && out->count < HEADERS_MAX) {
        more = next_header(&block, &out->items[out->count]);
        if (more > 0)
            out->lengths |= length_bit(out->items[out->count++].name);
    }
    out->malformed = more != 0;
    if (out->malformed)
        out->count = 0;
}

struct str headers_get(const struct headers *headers, struct str name)
{
    if (!(headers->lengths & length_bit(name)))
        return (struct str){NULL, 0};
    for (size_t i = 0; i < headers->count; i++)
        if (str_eq(headers->items[i].name, name))
            return headers->items[i].value;
    return (struct str){NULL, 0};
}

size_t headers_count(const struct headers *headers, struct str name)
{
    size_t count = 0;

    if (!(headers->lengths & length_bit(name)))
        return 0;
    for (size_t i = 0; i < headers->count; i++)
        count += str_eq(headers->items[i].name, name);
    return count;
}

bool header_replayable(struct str name)
{
    static const char *const never[] = {
        /* hop-by-hop, RFC 9110 7.6.1 */
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
        "upgrade",
        /* about this connection's credentials */
        "proxy-authenticate", "proxy-authorization", "proxy-authentication-info",
        "authentication-info", "www-authenticate", "set-cookie", "set-cookie2",
        /* made by HAProxy or by the cache itself */
        "content-length", "content-type", "content-encoding", "content-range", "date", "age", "via",
        "vary", "cache-status", "x-cache-status", "x-cache-key", "x-cache-ttl",
        /* about one exchange */
        "alt-svc", "server-timing", "retry-after", "request-id", "x-request-id", "x-correlation-id",
        "x-amzn-requestid", "apim-request-id", "x-ms-request-id", "openai-processing-ms", "cf-ray",
        "traceparent", "tracestate", "x-envoy-upstream-service-time",
        "x-amzn-bedrock-invocation-latency"};
    static const char *const never_prefix[] = {"x-ratelimit-", "anthropic-ratelimit-", "ratelimit"};

    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (str_eq_nocase(name, str_of(never[i])))
            return false;
    for (size_t i = 0; i < sizeof never_prefix / sizeof *never_prefix; i++) {
        struct str prefix = str_of(never_prefix[i]);
        if (name.len >= prefix.len && str_eq_nocase((struct str){name.ptr, prefix.len}, prefix))
            return false;
    }
    return true;
}
