#include "policy.h"

#include "decimal.h"

bool str_list_has(const struct str_list *list, struct str item)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_eq(list->items[i], item))
            return true;
    return false;
}

bool str_list_has_nocase(const struct str_list *list, struct str item)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_eq_nocase(list->items[i], item))
            return true;
    return false;
}

enum policy_mode policy_mode(struct str word)
{
    if (word.len == 0)
        return MODE_NORMAL;
    if (str_eq(word, STR("refresh")))
        return MODE_REFRESH;
    return str_eq(word, STR("readonly")) ? MODE_READONLY : MODE_BYPASS;
}

/* "type/subtype" of a Content-Type value; *parameters is what follows the first semicolon. */
static struct str media_type(struct str content_type, struct str *parameters)
{
    *parameters = content_type;
    return str_trim(str_split(parameters, ';'));
}

bool media_type_is_json(struct str content_type)
{
    struct str parameters, type = media_type(content_type, &parameters);

    return str_eq_nocase(type, STR("application/json")) ||
           (type.len > 5 && str_eq_nocase(str_from(type, type.len - 5), STR("+json")));
}

/* Whether the charset parameter, when there is one, says UTF-8 (RFC 8259 8.1 knows no other). */
static bool charset_is_utf8(struct str parameters)
{
    while (parameters.len) {
        struct str value = str_split(&parameters, ';');
        struct str name = str_trim(str_split(&value, '='));
        value = str_trim(value);
        if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
            value = (struct str){value.ptr + 1, value.len - 2};
        if (str_eq_nocase(name, STR("charset")) && !str_eq_nocase(value, STR("utf-8")))
            return false;
    }
    return true;
}

static bool request_type_is_json(const struct headers *headers)
{
    struct str parameters, type = headers_get(headers, STR("content-type"));

    media_type(type, &parameters);
    return headers_count(headers, STR("content-type")) == 1 && media_type_is_json(type) &&
           charset_is_utf8(parameters);
}

/* Whether every content coding named is "identity", and so the body is as it looks. */
static bool is_identity(const struct headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        const struct header *h = &headers->items[i];
        if (str_eq(h->name, STR("content-encoding")) && h->value.len &&
            !str_eq_nocase(h->value, STR("identity")))
            return false;
    }
    return true;
}

static bool has_any(const struct headers *headers, const struct str *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (headers_get(headers, names[i]).ptr)
            return true;
    return false;
}

enum reason policy_may_lookup(const struct policy *policy, const struct request *request)
{
    /* RFC 9110 13 and 14: the answer may be a part, or an error, because of these */
    static const struct str partial[] = {
        {"range", 5}, {"if-range", 8}, {"if-match", 8}, {"if-unmodified-since", 19}};
    /* by custom these turn a POST into another method */
    static const struct str override[] = {
        {"x-http-method-override", 22}, {"x-http-method", 13}, {"x-method-override", 17}};

    if (policy_mode(request->mode) == MODE_BYPASS)
        return REASON_MODE;
    if (request->ttl < 0)
        return REASON_TTL;
    if (!str_list_has(&policy->methods, request->method))
        return REASON_METHOD;
    if (!policy->shared && request->tenant.len == 0)
        return REASON_NO_TENANT;
    if (!request->whole)
        return REASON_REQUEST_CUT;
    if (request->headers->malformed)
        return REASON_REQUEST_HEADERS;
    if (has_any(request->headers, partial, sizeof partial / sizeof *partial))
        return REASON_RANGE;
    if (has_any(request->headers, override, sizeof override / sizeof *override))
        return REASON_METHOD;
    if (!is_identity(request->headers))
        return REASON_REQUEST_ENCODING;
    if (request->body.len > (uint64_t)policy->max_request)
        return REASON_REQUEST_LARGE;
    if (policy->json && !request_type_is_json(request->headers))
        return REASON_REQUEST_TYPE;
    return REASON_NONE;
}

/* Whether each header that the answer names in Vary is part of the key, or cannot matter. */
static bool vary_is_covered(const struct policy *policy, const struct headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        struct str names = headers->items[i].value;
        if (!str_eq(headers->items[i].name, STR("vary")))
            continue;
        while (names.len) {
            struct str name = str_trim(str_split(&names, ','));
            if (name.len && !str_list_has_nocase(&policy->vary, name) &&
                !str_list_has_nocase(&policy->ignore_vary, name))
                return false;
        }
    }
    return true;
}

/* Whether every Content-Length equals the length of the body; none is fine. */
static bool length_is_met(const struct headers *headers, size_t body)
{
    int64_t length;

    for (size_t i = 0; i < headers->count; i++)
        if (str_eq(headers->items[i].name, STR("content-length")) &&
            (!decimal_read(headers->items[i].value, &length) || (uint64_t)length != body))
            return false;
    return true;
}

bool policy_coalesces(const struct policy *policy, struct str method)
{
    return policy->coalesce_wait > 0 && !policy->shadow &&
           str_list_has(&policy->coalesce_methods, method);
}

bool policy_stores_status(const struct policy *policy, int64_t code)
{
    char digits[3];

    if (code < 100 || code > 999)
        return false;
    digits[0] = (char)('0' + code / 100);
    digits[1] = (char)('0' + code / 10 % 10);
    digits[2] = (char)('0' + code % 10);
    return str_list_has(&policy->statuses, (struct str){digits, sizeof digits});
}

bool policy_stores_type(const struct policy *policy, struct str content_type)
{
    struct str parameters;

    return str_list_has_nocase(&policy->content_types, media_type(content_type, &parameters));
}

/* Whether the origin says that the answer is for one user, or not to be kept (RFC 9111 5.2.2). */
static bool is_private(const struct headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        struct str directives = headers->items[i].value;
        if (!str_eq(headers->items[i].name, STR("cache-control")))
            continue;
        while (directives.len) {
            struct str arguments = str_split(&directives, ',');
            struct str name = str_trim(str_split(&arguments, '='));
            if (str_eq_nocase(name, STR("private")) || str_eq_nocase(name, STR("no-store")))
                return true;
        }
    }
    return false;
}

enum reason policy_may_store(const struct policy *policy, const struct response *response)
{
    if (!response->whole)
        return REASON_RESPONSE_CUT;
    if (response->headers->malformed)
        return REASON_RESPONSE_HEADERS;
    if (!policy_stores_status(policy, response->code))
        return REASON_STATUS;
    if (headers_count(response->headers, STR("content-type")) != 1 ||
        !policy_stores_type(policy, headers_get(response->headers, STR("content-type"))))
        return REASON_TYPE;
    if (!is_identity(response->headers))
        return REASON_ENCODING;
    if (!vary_is_covered(policy, response->headers))
        return REASON_VARY;
    if (headers_get(response->headers, STR("content-range")).ptr)
        return REASON_RANGE;
    if (policy->shared && is_private(response->headers))
        return REASON_PRIVATE;
    if (response->body.len == 0)
        return REASON_EMPTY;
    if (response->body.len > (uint64_t)policy->max_body)
        return REASON_LARGE;
    if (!length_is_met(response->headers, response->body.len))
        return REASON_LENGTH;
    return REASON_NONE;
}
