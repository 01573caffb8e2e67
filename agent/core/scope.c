#include "scope.h"

#include "api_read.h"
#include "credential.h"
#include "hex.h"

/* Where clients put what they log in with; "key" is a parameter of the query at Google's APIs. */
static const struct str credential_headers[] = {
    {"authorization", 13}, {"x-api-key", 9}, {"api-key", 7}, {"x-goog-api-key", 14}};

/* How often the query has the parameter "key"; *value is the last one's. */
static size_t key_parameters(struct str target, struct str *value)
{
    size_t count = 0;

    str_split(&target, '?');
    while (target.len) {
        struct str rest = str_split(&target, '&');
        if (!str_eq(str_split(&rest, '='), STR("key")))
            continue;
        *value = rest;
        count++;
    }
    return count;
}

/* A keyed digest of all credentials of the request; empty when there is none, or one comes more
 * than once. */
static struct str credential(struct scope *out, const struct key_secret *secret,
                             const struct request *request, struct buf *scratch)
{
    enum { HEADERS = sizeof credential_headers / sizeof *credential_headers };
    struct str value = {NULL, 0};
    size_t most = key_parameters(request->target, &value), bytes = value.len;

    buf_clear(scratch);
    key_field(scratch, value);
    for (size_t i = 0; i < HEADERS; i++) {
        size_t count = headers_count(request->headers, credential_headers[i]);
        value = headers_get(request->headers, credential_headers[i]);
        key_field(scratch, value);
        bytes += value.len;
        most = count > most ? count : most;
    }
    if (most > 1 || bytes == 0 || !buf_ok(scratch))
        return STR("");
    struct hash128 digest = key_digest(secret, buf_str(scratch));
    memcpy(out->text, SCOPE_CREDENTIAL, sizeof SCOPE_CREDENTIAL - 1);
    hex64_write(out->text + sizeof out->text - HEX128, digest.high);
    hex64_write(out->text + sizeof out->text - HEX64, digest.low);
    return (struct str){out->text, sizeof out->text};
}

/* The value of a header that HAProxy sets; empty unless it is there once. */
static struct str trusted_header(const struct headers *headers, struct str name)
{
    return headers_count(headers, name) == 1 ? headers_get(headers, name) : STR("");
}

/* The first that is there of what the policy names. */
static struct str identity(struct scope *out, const struct key_secret *secret,
                           const struct request *request, struct buf *scratch)
{
    const struct str_list *sources = &out->policy->tenant_from;
    struct str found = STR("");

    for (size_t i = 0; i < sources->count && found.len == 0; i++) {
        struct str source = sources->items[i];
        if (str_eq(source, STR("variable")))
            found = request->tenant;
        else if (str_eq(source, STR("credential")))
            found = credential(out, secret, request, scratch);
        else if (str_starts(source, STR("header:")))
            found = trusted_header(request->headers, str_from(source, sizeof "header:" - 1));
        out->source = source;
    }
    return found;
}

/* All identities of one section are one tenant. */
static struct key_owner owner_of(const struct tenant *tenant, struct str identity)
{
    if (!tenant)
        return (struct key_owner){.kind = STR("tenant"), .name = identity};
    if (tenant->group.len)
        return (struct key_owner){STR("group"), tenant->group, tenant->generation};
    return (struct key_owner){STR("section"), tenant->name, tenant->generation};
}

static void set_limits(struct scope *out)
{
    static const struct tenant nobody = {.cache = true};
    const struct tenant *tenant = out->tenant ? out->tenant : &nobody;

    out->ttl = scope_narrower(out->policy->ttl, tenant->ttl);
    out->max_request = scope_narrower(out->policy->max_request, tenant->max_request);
    out->max_body = scope_narrower(out->policy->max_body, tenant->max_body);
    out->allow_controls = tenant->allow_controls == CONTROLS_AS_POLICY
                              ? out->policy->allow_controls
                              : tenant->allow_controls == CONTROLS_YES;
}

void scope_find(struct scope *out, const struct config *config, const struct key_secret *secret,
                const struct request *request, struct buf *scratch)
{
    out->config = config;
    out->policy = config_policy(config, request->policy);
    out->tenant = NULL;
    out->identity = out->source = STR("");
    if (!out->policy)
        return;
    out->identity = identity(out, secret, request, scratch);
    if (out->identity.len)
        out->tenant = config_tenant(config, out->identity);
    if (out->tenant && out->tenant->policy.len)
        out->policy = config_policy(config, out->tenant->policy);
    out->owner = out->policy->shared ? (struct key_owner){.kind = STR("shared"), .name = STR("")}
                                     : owner_of(out->tenant, out->identity);
    set_limits(out);
}

bool scope_hides_owner(const struct scope *scope)
{
    return str_eq(scope->owner.kind, STR("tenant")) && str_starts(scope->source, STR("header:")) &&
           credential_name(str_from(scope->source, sizeof "header:" - 1));
}

static const struct model *stricter(const struct model *one, const struct model *other)
{
    if (!one || !other)
        return one ? one : other;
    if (one->cache != other->cache)
        return one->cache ? other : one;
    return one->ttl && (one->ttl < other->ttl || !other->ttl) ? one : other;
}

const struct model *scope_model(const struct scope *scope, const struct api *api,
                                struct str in_body, struct str target)
{
    char decoded[API_MODEL_MAX];
    struct str in_path = api_model_decoded(api_model_in_path(api, target), decoded);

    if (!scope->config)
        return NULL;
    if (!in_path.len)
        return config_model(scope->config, in_body);
    return stricter(config_model(scope->config, in_path),
                    in_body.len ? config_model(scope->config, in_body) : NULL);
}

struct key_owner scope_owner_of(const struct config *config, struct str name)
{
    const struct tenant *tenant = config_tenant_section(config, name);

    return owner_of(tenant ? tenant : config_tenant(config, name), name);
}

const struct price *scope_price(const struct scope *scope, const struct api *api,
                                struct str in_body, struct str target)
{
    char decoded[API_MODEL_MAX];
    const struct price *price = NULL;

    if (!scope->config || scope->config->sections[CONFIG_PRICE].count == 0)
        return NULL;
    struct str in_path = api_model_decoded(api_model_in_path(api, target), decoded);
    if (in_path.len)
        price = config_price(scope->config, in_path);
    return price ? price : config_price(scope->config, in_body);
}

const struct price *scope_price_of(const struct config *config, struct str names)
{
    const struct price *price = NULL;

    do
        price = config_price(config, str_split(&names, ' '));
    while (!price && names.len);
    return price;
}
