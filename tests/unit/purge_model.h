/* What the script of store/purge_script.h does, without a Redis. */
#ifndef TESTS_PURGE_MODEL_H
#define TESTS_PURGE_MODEL_H

#include "core/purge.h"

enum { MODEL_SCOPES = 64, MODEL_RING = 256, MODEL_TERMS = 8 };

struct model_scope {
    char name[40]; /* empty: none */
    int64_t epoch;
};

/* The hash. All zero: there is none. */
struct purge_model {
    int64_t epoch, serial, term, run, held, held_from;
    size_t count, was_count;
    struct model_scope scopes[MODEL_SCOPES];
    struct model_scope ring[MODEL_RING];
    struct {
        int64_t term, epoch;
    } was[MODEL_TERMS];
};

/* Appends what the server `run` answers at its time `now` (ms) to the words that were sent. The
 * table must not get full. */
void purge_model_run(struct purge_model *m, int64_t run, int64_t now, const struct str *words,
                     struct buf *out);

#endif
