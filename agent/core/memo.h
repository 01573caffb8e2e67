/* What bodies were found to mean, by digests of their bytes: a byte-identical repeat is not read
 * again. Bounded: the newer of two that need the same place stays. */
#ifndef CORE_MEMO_H
#define CORE_MEMO_H

#include "meaning.h"

/* What a meaning depends on. */
struct memo_key {
    struct key_body bytes;       /* of the body as it came */
    const struct policy *policy; /* compared as pointers: see memo_clear() */
    const struct api *api;
};

struct memo_slot;

/* Starts as {0}. */
struct memo {
    struct memo_slot *slots; /* owned; NULL: none yet, or no memory, and then nothing is kept */
};

/* The meaning, borrowed until the memo changes, or NULL. */
const struct meaning *memo_find(const struct memo *memo, const struct memo_key *key);

/* Keeps a copy of it. */
void memo_add(struct memo *memo, const struct memo_key *key, const struct meaning *meaning);

/* Forgets everything and frees it: whenever policies may change or move. */
void memo_clear(struct memo *memo);

#endif
