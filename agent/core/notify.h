/* What a NOTIFY asks: the messages of spoe/README.md as a request or an answer. */
#ifndef CORE_NOTIFY_H
#define CORE_NOTIFY_H

#include "policy.h"
#include "spop.h"

enum notify_kind { NOTIFY_NOTHING, NOTIFY_LOOKUP, NOTIFY_STORE, NOTIFY_WAIT, NOTIFY_RELEASE };

struct notify {
    enum notify_kind kind;
    struct request request;   /* of a lookup; `exact` of a wait */
    struct response response; /* of a store */
    struct str ticket;        /* of all but a lookup */
    struct headers headers;   /* what request or response points to */
};

/* Reads the payload of a NOTIFY frame to its end; slices point into it. Messages and arguments
 * that are not known are skipped; of two messages that are, the first counts. False when it is
 * malformed. */
__attribute__((warn_unused_result)) bool notify_read(struct str payload, struct notify *out);

/* txn.cache.ttl as a text, which is seconds in digits, in milliseconds; -1 when it is something
 * else or not positive. */
int64_t notify_ttl(struct str text);

#endif
