/* What may be looked up and what may be stored, with the reason when it may not. Pure: it
 * decides on what it is given and keeps nothing. */
#ifndef CORE_POLICY_H
#define CORE_POLICY_H

#include "headers.h"
#include "reason.h"
#include "str.h"
#include <stdint.h>

struct normalizer;

struct str_list {
    struct str *items;
    size_t count;
};

/* A [policy NAME] section; owned by the configuration. Names of headers are in lower case. */
struct policy {
    struct str name;
    struct str_list methods;
    struct str_list statuses;      /* three digits each */
    struct str_list content_types; /* "type/subtype", lower case */
    struct str_list vary;          /* request headers in the key */
    struct str_list ignore_vary;   /* of a response's Vary: names that cannot change the answer */
    struct str_list ignore_query;  /* query parameters left out of the key */
    struct str_list replay;        /* response headers that come back on a hit */
    struct str_list emit;          /* x-cache-status, x-cache-key, x-cache-ttl, age, ... */
    struct str_list tenant_from;   /* "variable", "credential", "header:NAME"; the first counts */
    struct str_list normalize;     /* trim, collapse-space, nfc */
    struct str_list mask;          /* regular expressions */
    uint64_t rules;                /* their digest, see key_rules() */
    size_t number;                 /* by which it is counted, see metrics_policy() */
    struct normalizer *normalizer; /* made of both; NULL: nothing is normalised */
    struct str tag_header;         /* of a response, which lists tags; empty: none */
    int64_t ttl;                   /* milliseconds */
    int64_t ttl_jitter;            /* percent */
    int64_t generation;            /* part of the key */
    int64_t max_request, max_body; /* bytes */
    bool json;                     /* request bodies are JSON: keyed by meaning, strict */
    bool shared;                   /* scope = shared: tenants share what is stored */
    bool shadow;                   /* look and store, but let the origin answer */
    bool allow_controls;           /* the request's own headers may steer the cache */
    bool zero_usage;               /* hit-usage = zero: a hit says that it cost no tokens */
    bool new_id;                   /* hit-id = new: a hit has an id of its own */
    /* of JSON requests to an LLM API and its answers */
    struct str api;               /* a name of api.h, or "auto": by the path */
    struct str_list store_finish; /* length, content_filter, refusal: kept although cut short */
    bool store_tool_calls;
    int64_t min_output_tokens;
    struct str max_temperature; /* a decimal number; empty: any */
    bool deterministic_only;
    /* identical misses at once */
    struct str_list coalesce_methods;
    int64_t coalesce_wait, coalesce_lease; /* milliseconds */
    int64_t coalesce_max;                  /* requests that wait for one answer */
};

/* What HAProxy sends of a request. Everything is borrowed; what is absent is empty. */
struct request {
    struct str policy, tenant, upstream, backend, mode;
    struct str method, scheme, host, target; /* target: path and query */
    struct str body;
    const struct headers *headers;
    int64_t ttl; /* milliseconds asked for by HAProxy; 0: nothing asked; -1: not understood */
    bool whole;  /* the body is complete */
    bool exact;  /* this HAProxy can return any byte */
};

/* What HAProxy sends of an answer. */
struct response {
    int64_t code;
    struct str connection; /* the value of that header */
    struct str body;
    const struct headers *headers;
    bool whole;
};

/* txn.cache.mode: what HAProxy allows for this request. */
enum policy_mode { MODE_NORMAL, MODE_BYPASS, MODE_REFRESH, MODE_READONLY };

/* The mode for a word; a word we do not know is MODE_BYPASS. */
enum policy_mode policy_mode(struct str word);

/* Whether the request may be looked up at all, judged by everything but the JSON in its body.
 * REASON_NONE, or why not. */
enum reason policy_may_lookup(const struct policy *policy, const struct request *request);

/* Whether identical misses with this method, at once, are one request to the origin. */
bool policy_coalesces(const struct policy *policy, struct str method);

/* Whether the answer may be stored, judged by everything but the JSON in its body. REASON_NONE,
 * or why not. */
enum reason policy_may_store(const struct policy *policy, const struct response *response);

/* Whether the policy keeps answers of this status, of this Content-Type value. */
bool policy_stores_status(const struct policy *policy, int64_t code);
bool policy_stores_type(const struct policy *policy, struct str content_type);

/* Whether a Content-Type value says JSON: application/json or a type ending in +json. */
bool media_type_is_json(struct str content_type);

/* Whether the list holds the item; byte by byte, or in any case. */
bool str_list_has(const struct str_list *list, struct str item);
bool str_list_has_nocase(const struct str_list *list, struct str item);

#endif
