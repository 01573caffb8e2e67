/* The key is the hash of these fields, each behind its length (8 bytes, little-endian), so that
 * no two different lists of fields are the same bytes:
 *
 *   version of this list, policy, its generation, its rules (which name the vary headers), who
 *   shares it: kind, name, generation, upstream, backend, method, scheme, host (lower case), the
 *   parameters that are ignored, the target without them, for each vary header the number of its
 *   fields and their values, kind of body, API, namespace, hash of the canonical body under either
 *   secret, its length
 *
 * A change to the list changes KEY_VERSION, so that old entries are never found again.
 */
#include "key.h"

#include <endian.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define KEY_VERSION "4"

static void derive(unsigned char *out, size_t len, struct str secret, XXH64_hash_t seed)
{
    for (size_t at = 0; at < len; at += sizeof(XXH128_canonical_t), seed++) {
        XXH128_canonical_t block;
        XXH128_canonicalFromHash(&block, XXH3_128bits_withSeed(secret.ptr, secret.len, seed));
        memcpy(out + at, &block, sizeof block);
    }
}

void key_secret_derive(struct key_secret *out, struct str secret)
{
    derive(out->key, sizeof out->key, secret, 1);
    derive(out->digest, sizeof out->digest, secret, 1001);
}

static struct hash128 hash(const unsigned char *secret, struct str bytes)
{
    XXH128_hash_t h = XXH3_128bits_withSecret(bytes.ptr, bytes.len, secret, 192);

    return (struct hash128){h.high64, h.low64};
}

void key_body_hash(struct key_body *out, const struct key_secret *secret, struct str canonical)
{
    out->key = hash(secret->key, canonical);
    out->digest = hash(secret->digest, canonical);
    out->length = canonical.len;
}

struct hash128 key_digest(const struct key_secret *secret, struct str bytes)
{
    return hash(secret->digest, bytes);
}

uint64_t key_mac(const struct key_secret *secret, struct str bytes)
{
    return XXH3_64bits_withSecret(bytes.ptr, bytes.len, secret->digest, sizeof secret->digest);
}

static void append_number(struct buf *out, uint64_t value)
{
    uint64_t little = htole64(value);

    buf_append(out, (struct str){(const char *)&little, sizeof little});
}

void key_field(struct buf *out, struct str field)
{
    append_number(out, field.len);
    buf_append(out, field);
}

static void append_list(struct buf *out, const struct str_list *list)
{
    append_number(out, list->count);
    for (size_t i = 0; i < list->count; i++)
        key_field(out, list->items[i]);
}

static void append_lower(struct buf *out, struct str field)
{
    key_field(out, field);
    if (!buf_ok(out))
        return;
    for (char *c = out->ptr + out->len - field.len; c < out->ptr + out->len; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + ('a' - 'A'));
}

/* Path and query as received, but for the parameters that the policy ignores. */
static void append_target(struct buf *out, const struct policy *policy, struct str target)
{
    const struct str_list *ignored = &policy->ignore_query;
    struct str query = target;

    append_list(out, ignored);
    if (ignored->count == 0) {
        key_field(out, target);
        return;
    }
    key_field(out, str_split(&query, '?'));
    while (query.len) {
        struct str parameter = str_split(&query, '&'), value = parameter;
        if (!str_list_has(ignored, str_split(&value, '=')))
            key_field(out, parameter);
    }
    append_number(out, UINT64_MAX); /* no field is that long: the parameters end here */
}

static void append_vary(struct buf *out, const struct policy *policy, const struct headers *headers)
{
    append_number(out, policy->vary.count);
    for (size_t i = 0; i < policy->vary.count; i++) {
        struct str name = policy->vary.items[i];
        size_t fields = headers_count(headers, name);

        append_number(out, fields);
        for (size_t j = 0; fields && j < headers->count; j++)
            if (str_eq(headers->items[j].name, name))
                key_field(out, headers->items[j].value);
    }
}

uint64_t key_rules(const struct policy *policy, struct buf *scratch)
{
    buf_clear(scratch);
    append_list(scratch, &policy->vary);
    append_list(scratch, &policy->ignore_vary);
    append_list(scratch, &policy->store_finish);
    append_number(scratch, policy->store_tool_calls);
    append_number(scratch, (uint64_t)policy->min_output_tokens);
    append_number(scratch, policy->shared);
    return XXH3_64bits(scratch->ptr, scratch->len);
}

static void append_hash(struct buf *out, struct hash128 h)
{
    append_number(out, h.high);
    append_number(out, h.low);
}

static void append_fields(struct buf *out, const struct policy *policy, uint64_t rules,
                          const struct request *request, const struct key_body *body,
                          const struct key_context *context)
{
    key_field(out, STR(KEY_VERSION));
    key_field(out, policy->name);
    append_number(out, (uint64_t)policy->generation);
    append_number(out, rules);
    key_field(out, context->owner.kind);
    key_field(out, context->owner.name);
    append_number(out, (uint64_t)context->owner.generation);
    key_field(out, request->upstream);
    key_field(out, request->backend);
    key_field(out, request->method);
    append_lower(out, request->scheme);
    append_lower(out, request->host);
    append_target(out, policy, request->target);
    append_vary(out, policy, request->headers);
    key_field(out, policy->json ? STR("json") : STR("any"));
    key_field(out, context->api);
    key_field(out, context->namespace);
    append_hash(out, body->key);
    append_hash(out, body->digest);
    append_number(out, body->length);
}

static void append_text(struct key *key, struct str part)
{
    memcpy(key->text + key->text_len, part.ptr, part.len);
    key->text_len += part.len;
}

static void append_hex(struct key *key, uint64_t value)
{
    hex64_write(key->text + key->text_len, value);
    key->text_len += HEX64;
}

uint64_t key_owner_digest(const struct key_secret *secret, const struct key_owner *owner,
                          struct buf *scratch)
{
    if (owner->name.len == 0)
        return 0;
    buf_clear(scratch);
    key_field(scratch, owner->kind);
    key_field(scratch, owner->name);
    return key_digest(secret, buf_str(scratch)).low;
}

bool key_derive(struct key *out, const struct key_secret *secret, const struct policy *policy,
                const struct request *request, const struct key_body *body,
                const struct key_context *context, struct buf *scratch)
{
    out->rules = policy->rules;
    buf_clear(scratch);
    append_fields(scratch, policy, out->rules, request, body, context);
    if (!buf_ok(scratch) || policy->name.len > KEY_POLICY_MAX)
        return false;
    struct hash128 h = hash(secret->key, buf_str(scratch));
    out->digest = hash(secret->digest, buf_str(scratch));
    out->length = body->length;
    out->tenant = key_owner_digest(secret, &context->owner, scratch);
    out->text_len = 0;
    append_text(out, STR(KEY_PREFIX));
    append_text(out, policy->name);
    append_text(out, STR(":"));
    append_hex(out, out->tenant);
    append_text(out, STR(":"));
    append_hex(out, h.high);
    append_hex(out, h.low);
    return true;
}
