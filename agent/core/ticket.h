/* What a lookup hands to the messages that follow it through HAProxy (txn.cache.ticket), so that
 * the agent keeps nothing in between and any agent with the same secret can store the answer. One
 * line of text, authenticated with the secret. */
#ifndef CORE_TICKET_H
#define CORE_TICKET_H

#include "key.h"

struct ticket {
    struct str policy; /* of the ticket that was read: borrowed from it */
    struct key key;
    int64_t ttl;     /* milliseconds */
    int64_t max_age; /* milliseconds: nothing older is served to this request */
    struct str api;  /* by whose rules the answer is judged, see api.h; borrowed like `policy` */
    int64_t count;   /* how many answers there must be; 0: not known */
    int64_t room;    /* the longest body that may be kept, bytes */
    int64_t lease; /* ms since the epoch: until then the request has the lease of its key; 0: no */
    bool deaf;     /* as in struct plan */
    int64_t epoch; /* of purges that were known before the origin was asked */
    uint64_t seen; /* as in struct plan */
    struct str models; /* as in struct purge_subject; borrowed like `policy` */
};

enum { TICKET_MAX = 512 };

/* Appends the ticket. */
void ticket_write(struct buf *out, const struct key_secret *secret, const struct ticket *ticket);

/* False when it was not written with this secret, or is damaged. */
__attribute__((warn_unused_result)) bool
ticket_read(struct str text, const struct key_secret *secret, struct ticket *out);

#endif
