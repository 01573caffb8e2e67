/* From a request to the key of what is stored for it, and the proof that it is the same request:
 * a second digest under another secret and the length, which stand in the entry. */
#ifndef CORE_KEY_H
#define CORE_KEY_H

#include "buf.h"
#include "hex.h"
#include "policy.h"

/* Both XXH3 secrets, derived from the configured one. */
struct key_secret {
    unsigned char key[192], digest[192];
};

struct hash128 {
    uint64_t high, low;
};

/* A body as far as the key is concerned. */
struct key_body {
    struct hash128 key, digest;
    uint64_t length;
};

/* Who shares what is stored. */
struct key_owner {
    struct str kind;    /* "tenant", "section" (of a tenant), "group" or "shared" */
    struct str name;    /* empty when shared */
    int64_t generation; /* of the tenant's section */
};

/* What else tells requests apart: for whom, by which rules the body was read, and what the client
 * asked for. */
struct key_context {
    struct key_owner owner;
    struct str api, namespace; /* empty: none */
};

#define KEY_PREFIX "sc:" /* of every key in the store */

enum { KEY_POLICY_MAX = 32, KEY_TEXT_MAX = 3 + KEY_POLICY_MAX + 1 + HEX64 + 1 + HEX128 };

struct key {
    char text[KEY_TEXT_MAX]; /* sc:<policy>:<tenant>:<32 hex digits> */
    size_t text_len;
    struct hash128 digest; /* of the same fields under the other secret */
    uint64_t length;       /* of the canonical body, bytes */
    uint64_t tenant;       /* keyed digest of the tenant or group; 0 when all share */
    uint64_t rules;        /* see key_rules() */
};

/* The whole key, as the store has it; points into *key. */
static inline struct str key_text(const struct key *key)
{
    return (struct str){key->text, key->text_len};
}

/* The hash alone, as the client may see it. */
static inline struct str key_hash(const struct key *key)
{
    return str_from(key_text(key), key->text_len - HEX128);
}

/* Spreads a secret of any length over both XXH3 secrets. */
void key_secret_derive(struct key_secret *out, struct str secret);

/* Hashes the canonical body. */
void key_body_hash(struct key_body *out, const struct key_secret *secret, struct str canonical);

/* Appends a field behind its length, so that no two lists of fields are the same bytes. */
void key_field(struct buf *out, struct str field);

/* A digest that nobody can compute without the secret, and that is no key. */
struct hash128 key_digest(const struct key_secret *secret, struct str bytes);

/* A digest of what the policy says of answers and cannot be asked again of one that is stored: what
 * was kept by other rules is not found. `scratch` is overwritten. */
uint64_t key_rules(const struct policy *policy, struct buf *scratch);

/* The digest of who shares an answer, as it stands in keys; 0 when all share. `scratch` is
 * overwritten. */
uint64_t key_owner_digest(const struct key_secret *secret, const struct key_owner *owner,
                          struct buf *scratch);

/* Makes the key of a request that policy_may_lookup() has let pass. `scratch` is overwritten.
 * False when there is no memory. */
__attribute__((warn_unused_result)) bool
key_derive(struct key *out, const struct key_secret *secret, const struct policy *policy,
           const struct request *request, const struct key_body *body,
           const struct key_context *context, struct buf *scratch);

/* Authenticates bytes between agents that share the secret. */
uint64_t key_mac(const struct key_secret *secret, struct str bytes);

#endif
