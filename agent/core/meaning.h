/* What a JSON request means to the cache: whether it may be cached at all, and the digests by which
 * requests that mean the same are the same. */
#ifndef CORE_MEANING_H
#define CORE_MEANING_H

#include "api.h"
#include "json.h"
#include "key.h"
#include "policy.h"
#include "reason.h"

enum { MEANING_MODEL_MAX = 128 };

struct meaning {
    enum reason reason;   /* REASON_NONE, or why the request is not cached: the rest is void then */
    struct key_body body; /* of the canonical form */
    int64_t count;        /* how many answers the request asks for; 0: not known */
    char model[MEANING_MODEL_MAX];
    size_t model_len; /* 0: the body names no model */
};

/* Reads a body by the rules of `policy` and `api`. `doc` and `canonical` are overwritten; they hold
 * what was read and its canonical form until either is used again. */
void meaning_read(struct meaning *out, struct json_doc *doc, struct buf *canonical,
                  const struct key_secret *secret, const struct policy *policy,
                  const struct api *api, struct str body);

/* The model that the body names, or empty; points into *meaning. */
static inline struct str meaning_model(const struct meaning *meaning)
{
    return (struct str){meaning->model, meaning->model_len};
}

#endif
