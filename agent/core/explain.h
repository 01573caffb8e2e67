/* Says for people what would become of a request, and why: what `spoa-cache explain` prints. It
 * asks the functions that serve HAProxy, and shows what they looked at. No credential is in the
 * text. */
#ifndef CORE_EXPLAIN_H
#define CORE_EXPLAIN_H

#include "config.h"
#include "key.h"

enum { EXPLAIN_MAX = 256 << 20 }; /* bytes that a text never passes */

struct explain_options {
    bool full;      /* nothing is cut, however long */
    bool no_secret; /* the secret is not that of an agent: keys are not its keys */
};

/* Appends what there is to say of a request. buf_ok() tells whether there was memory. */
void explain_one(struct buf *out, const struct config *config, const struct key_secret *secret,
                 const struct request *request, const struct explain_options *options);

/* The same in short for two requests, and whether the one could be given the answer to the other:
 * each difference that keeps them apart. Returns that. */
bool explain_two(struct buf *out, const struct config *config, const struct key_secret *secret,
                 const struct request requests[2]);

/* Sets what haproxy.cfg says of a request: policy, tenant, upstream, backend, mode, ttl (seconds),
 * scheme. False when it is none of these. The request borrows the value. */
bool explain_set(struct request *request, struct str name, struct str value);

/* Appends what one of these wrote as JSON: a member for each label, which is a list of its lines.
 */
void explain_json(struct buf *out, struct str text);

#endif
