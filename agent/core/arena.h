/* Memory that is given out in pieces and freed all at once. */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include "str.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* owned; the first one has the room that is left */
    size_t used;                /* bytes of the first one given out */
};

/* `size` zeroed bytes for any type, which live until arena_free(); NULL when there is no
 * memory. An arena starts as {0}. */
__attribute__((warn_unused_result)) void *arena_alloc(struct arena *a, size_t size);

/* Copies the bytes into the arena, with a NUL behind them; ptr is NULL when there is no memory,
 * never otherwise. */
__attribute__((warn_unused_result)) struct str arena_copy(struct arena *a, struct str bytes);

/* Frees all that was ever taken from it; it is empty again. */
void arena_free(struct arena *a);

/* What blocks are taken from: malloc, or what a test puts here to see it fail. */
extern void *(*arena_malloc)(size_t size);

#endif
