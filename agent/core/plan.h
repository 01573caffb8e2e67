/* What to do about a request, what was found for it, and an answer to it: bytes in, decision out.
 * It meets JSON, key, policy and entry, and knows neither SPOP nor store. */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include "api.h"
#include "entry.h"
#include "json.h"
#include "key.h"
#include "memo.h"
#include "policy.h"
#include "purge.h"
#include "reason.h"
#include "scope.h"
#include "ticket.h"

enum plan_status { PLAN_HIT, PLAN_MISS, PLAN_BYPASS };

/* Memory that every plan reuses; owned. */
struct plan_scratch {
    struct json_doc doc;
    struct buf canonical, fields, body, replay, tags;
    struct memo memo;
};

enum {
    PLAN_CANONICAL_MAX = 64 << 20, /* a body of max-request bytes cannot pass it */
    PLAN_HEADERS_MAX = 1024,       /* content type and replayed headers, bytes */
    PLAN_TAGS_MAX = (PURGE_TAGS_MAX + 1) * (PURGE_NAME_MAX + 1),
    /* What HAProxy needs of its buffer besides a body that it returns: those headers, and the same
     * again for the reply's own and for what haproxy.cfg and its operator add. */
    PLAN_REPLY_MARGIN = PLAN_HEADERS_MAX + 3072,
};

struct plan {
    enum plan_status status;
    enum reason reason;
    bool look;                   /* look `key` up; status and reason follow with plan_found() */
    bool store;                  /* the answer of the origin is wanted */
    bool has_key;                /* `key` is there */
    bool exact;                  /* this HAProxy can return any byte */
    bool own;                    /* the store is our own memory: what it gives needs no checksum */
    bool only;                   /* the client wants no answer but a stored one */
    bool deaf;                   /* the client's own controls were there and not obeyed */
    bool coalesces;              /* identical misses at once shall be one request to the origin */
    bool wait;                   /* another request has the lease: its answer may be waited for */
    bool waited;                 /* it has waited, or tried to: HAProxy has been told of a miss */
    struct key key;              /* complete when has_key */
    int64_t ttl;                 /* milliseconds an answer would be kept, shortened by the jitter */
    int64_t max_age;             /* milliseconds: nothing older is served */
    const struct policy *policy; /* borrowed from the configuration; NULL: none */
    const struct price *price;   /* of the model's tokens, borrowed too; NULL: not known */
    const struct api *api;       /* whose request it is; NULL when it is no JSON */
    int64_t count;               /* how many answers the request asks for; 0: not known */
    size_t room;                 /* the longest body that can be stored and returned, bytes */
    int64_t lease; /* ms since the epoch: the request has the lease until then; 0: no */
    int64_t epoch; /* of purges, to be set before the origin is asked */
    uint64_t seen; /* what the store holds, as a hash, when that is no hit; 0: nothing */
    char models[2 * (PURGE_NAME_MAX + 1)]; /* as in struct purge_subject */
    size_t models_len;
};

/* The one allocates nothing; what it grows to is kept until the other frees it. */
void plan_scratch_init(struct plan_scratch *scratch);
void plan_scratch_free(struct plan_scratch *scratch);

/* Forgets what depends on the policies of earlier requests: whenever there may be others. */
void plan_scratch_forget(struct plan_scratch *scratch);

/* Judges a request and derives its key. Without a policy in the scope: no cache. `frame_size` is
 * the longest frame of the connection. */
void plan_request(struct plan *out, struct plan_scratch *scratch, const struct key_secret *secret,
                  const struct scope *scope, const struct request *request, size_t frame_size);

/* Judges what the store holds under plan->key at time `now` (ms since 1970). What was purged, or
 * the policy would not store today, is no hit. On a hit *entry is filled, its slices pointing into
 * `stored` and `scratch`, its body one that this HAProxy returns unchanged, and fresh for this
 * request no longer than its own limits allow; otherwise the plan's reason says why not. New ids of
 * answers are made of `nonce`, which is another one at each call. */
void plan_found(struct plan *plan, struct plan_scratch *scratch, const struct purges *purges,
                struct str stored, int64_t now, struct hash128 nonce, struct entry *entry);

/* Whether the request, a miss, should take the lease of its key, or wait for the one who has it. */
bool plan_coalesces(const struct plan *plan);

/* The plan of a request that waits, made anew of the ticket it was given; as plan_request() left it
 * for plan_found(). False when the policy is gone, its rules are not those of the lookup any more,
 * or nobody waits by it. */
__attribute__((warn_unused_result)) bool plan_resume(struct plan *out, const struct policy *policy,
                                                     const struct ticket *ticket, bool exact,
                                                     size_t frame_size);

/* Judges an answer. REASON_NONE: *stored holds the entry to be kept under ticket->key. `policy`
 * is the one the ticket names, NULL when there is none of that name any more; when its rules are
 * not those of the lookup any more, REASON_TICKET. */
enum reason plan_answer(struct plan_scratch *scratch, const struct policy *policy,
                        const struct purges *purges, const struct ticket *ticket,
                        const struct response *response, int64_t now, struct buf *stored);

#endif
