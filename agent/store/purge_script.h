/* What was purged, as one hash in Redis has it, "sc:purges", and the script that reads and changes
 * it at once:
 *
 *   epoch 1700000000000  all 1690000000000  model:gpt-4o 1700000000000     see core/purge.h
 *   serial 7                 how many purges there were
 *   @0 ... @255              the latest of them, "SCOPE EPOCH", each at its serial modulo 256
 *   term, run, was, held     its history
 *
 * An agent says how far it knows the hash, and is answered with what came since: the latest purges,
 * so that one purge costs each agent the same however many there were; or the whole hash, when it
 * knows less than that.
 *
 * A failover, or a restart with an older copy, can lose purges, and later ones can hide that. So
 * the time that one server process has the hash is a term, with a number of its own: when the run
 * id that INFO tells is another one, a new term begins, and `was` has the epoch up to which it
 * inherited the one before. An agent that knows a later epoch of that term knows what was lost, is
 * told so, and writes it back: as new purges. For a while, so that all agents can, nothing is
 * served but what was asked for since the term began. When nobody knows of the term before, or the
 * hash is not the one that it was (evicted, deleted, set back, or swapped with that of another
 * database), nobody knows what was purged: then everything was. */
#ifndef STORE_PURGE_SCRIPT_H
#define STORE_PURGE_SCRIPT_H

#include "core/key.h"
#include "core/purge.h"
#include "store.h"

#define PURGE_KEY KEY_PREFIX "purges"

/* Milliseconds that nothing older is served when a term has begun: an agent tries to connect every
 * two seconds at least, and then compares its book. */
enum { PURGE_HOLD = 2500 };

/* How much a term's first epoch is ahead of the last one and of the clock (ms): so it is higher
 * than any of the lost history, by whatever clock, if no two differ by more. */
enum { PURGE_AHEAD = 60000 };

struct purge_question {
    int64_t now;       /* ms since 1970 */
    int64_t next_term; /* a number that no term has, should one begin; below 2^53 */
    struct str scopes; /* to be purged, with spaces between; or none */
    bool repairs;      /* they were lost: there is nothing more to tell */
};

/* Asks with what is known. The answer is a text for purges_read(). One that says what was lost says
 * nothing else, and nothing was purged. */
void purge_script_run(struct store *redis, const struct purges *known,
                      const struct purge_question *question, struct store_read *read);

#endif
