/* How counters went over the last hour, for who looks later: samples in a ring, oldest first out.
 * It has no clock: it is told when. */
#ifndef CORE_HISTORY_H
#define CORE_HISTORY_H

#include "buf.h"

enum { HISTORY_SECONDS = 5, HISTORY_STEPS = 720 };

/* X(series) */
#define HISTORY(X) X(hits) X(coalesced) X(misses) X(bypasses) X(stored) X(refused)

struct history_sample {
#define X(series) uint64_t series;
    HISTORY(X)
#undef X
};

struct history {
    struct history_sample samples[HISTORY_STEPS + 1];
    size_t count; /* ever taken */
    int64_t last; /* ms since the epoch, of the last one */
};

/* Takes a sample of the counters; HISTORY_SECONDS after the one before. */
void history_take(struct history *h, int64_t now, const struct history_sample *sample);

/* Appends {"every":5,"end":MS,"hits":[1,2,...],...}: by how much each went up in each step. */
void history_render(const struct history *h, struct buf *out);

#endif
