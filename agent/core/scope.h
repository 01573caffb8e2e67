/* For whom a request is looked up, and by whose rules: the tenant, from where the policy takes it,
 * and the limits that policy and [tenant NAME] set together. */
#ifndef CORE_SCOPE_H
#define CORE_SCOPE_H

#include "api.h"
#include "config.h"
#include "key.h"

#define SCOPE_CREDENTIAL "credential:"

enum { SCOPE_TEXT_MAX = sizeof SCOPE_CREDENTIAL - 1 + HEX128 };

/* Points into itself: not to be copied. */
struct scope {
    const struct config *config; /* where the rules for models are; NULL: nowhere */
    const struct policy *policy; /* NULL: none of the name that HAProxy gave */
    const struct tenant *tenant; /* its section; NULL: it has none */
    struct str identity;         /* of the tenant; empty: there is none */
    struct str source;           /* which word of tenant-from gave it */
    struct key_owner owner;      /* who shares what is stored */
    int64_t ttl;                 /* milliseconds: the longest that any answer is kept */
    int64_t max_request, max_body;
    bool allow_controls;
    char text[SCOPE_TEXT_MAX]; /* what `identity` may point to */
};

/* Finds them. Everything in *out is borrowed from the configuration, the request and *out.
 * `scratch` is overwritten. */
void scope_find(struct scope *out, const struct config *config, const struct key_secret *secret,
                const struct request *request, struct buf *scratch);

/* Whether the owner's name may be a credential: what a header of such a name said. */
bool scope_hides_owner(const struct scope *scope);

/* Who owns the answers of a tenant, where they are not shared by all: `name` is that of a section
 * or an identity. Borrowed from both. */
struct key_owner scope_owner_of(const struct config *config, struct str name);

/* What is said in the configuration of the model that a request names, in its body or in its path;
 * or NULL. Either may be the one that answers: of two the stricter. A request that names none is
 * what `*` alone stands for. */
const struct model *scope_model(const struct scope *scope, const struct api *api,
                                struct str in_body, struct str target);

/* What the tokens of the model that a request names cost, the one in its path before the one in its
 * body; NULL when nothing is said of it. */
const struct price *scope_price(const struct scope *scope, const struct api *api,
                                struct str in_body, struct str target);

/* The same of the first of some names, each with a space behind it, of which something is said. */
const struct price *scope_price_of(const struct config *config, struct str names);

/* The narrower of two limits, of which the second is 0 when it was not said. */
static inline int64_t scope_narrower(int64_t limit, int64_t other)
{
    return other > 0 && other < limit ? other : limit;
}

#endif
