/* What a configuration says of one tenant and of one model, over what the policy says, and of what
 * a model costs. */
#ifndef CORE_TENANT_H
#define CORE_TENANT_H

#include "policy.h"

/* Whether the headers of a tenant's requests may steer the cache. */
enum tenant_controls { CONTROLS_AS_POLICY, CONTROLS_NO, CONTROLS_YES };

/* A [tenant NAME] section; owned by the configuration. */
struct tenant {
    struct str name;
    struct str_list match;         /* its identities; empty: NAME */
    struct str policy;             /* a policy that exists; empty: the one HAProxy named */
    struct str group;              /* tenants of one group share; empty: a tenant for itself */
    int64_t ttl;                   /* milliseconds; 0: as the policy says */
    int64_t max_request, max_body; /* bytes; 0: as the policy says */
    int64_t allow_controls;        /* enum tenant_controls */
    int64_t generation;            /* part of the key */
    bool cache;
};

/* A [model NAME] section; owned by the configuration. */
struct model {
    struct str name;
    struct str_list match; /* names, or beginnings with '*' behind; empty: NAME */
    int64_t ttl;           /* milliseconds; 0: as the policy says */
    bool cache;
};

/* A [price NAME] section: what the tokens of models cost, in millionths for a million of them, and
 * so in 10^-12 for one. */
struct price {
    struct str name;
    struct str_list match; /* as of a model */
    int64_t prompt, completion;
};

/* What up to ENTRY_TOKENS_MAX tokens each cost, in 10^-9. NULL: nothing. */
static inline uint64_t price_of(const struct price *price, int64_t prompt, int64_t completion)
{
    if (!price)
        return 0;
    return (uint64_t)(((double)prompt * (double)price->prompt +
                       (double)completion * (double)price->completion) /
                      1000);
}

#endif
