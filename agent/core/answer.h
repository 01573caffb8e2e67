/* What HAProxy is told: a decision as the variables of spoe/README.md. */
#ifndef CORE_ANSWER_H
#define CORE_ANSWER_H

#include "plan.h"
#include "spop.h"

/* Sets the variables of a lookup's ACK. `entry` is read on a hit only;
 * `now` is in milliseconds since the epoch. */
void answer_lookup(struct spop_ack *ack, const struct plan *plan, const struct entry *entry,
                   const struct key_secret *secret, int64_t now);

/* Sets the variables of a store's ACK: stored when the reason is REASON_NONE. */
void answer_store(struct spop_ack *ack, enum reason reason);

#endif
