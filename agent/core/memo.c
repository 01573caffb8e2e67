#include "memo.h"

#include <stdlib.h>

enum { MEMO_SLOTS = 1024 }; /* a power of two */

struct memo_slot {
    struct memo_key key; /* policy NULL: empty */
    struct meaning meaning;
};

static struct memo_slot *slot_of(const struct memo *memo, const struct memo_key *key)
{
    return &memo->slots[key->bytes.key.low & (MEMO_SLOTS - 1)];
}

static bool same_hash(const struct hash128 *a, const struct hash128 *b)
{
    return a->high == b->high && a->low == b->low;
}

static bool same_key(const struct memo_key *a, const struct memo_key *b)
{
    return a->policy == b->policy && a->api == b->api && a->bytes.length == b->bytes.length &&
           same_hash(&a->bytes.key, &b->bytes.key) && same_hash(&a->bytes.digest, &b->bytes.digest);
}

const struct meaning *memo_find(const struct memo *memo, const struct memo_key *key)
{
    if (!memo->slots || !same_key(&slot_of(memo, key)->key, key))
        return NULL;
    return &slot_of(memo, key)->meaning;
}

void memo_add(struct memo *memo, const struct memo_key *key, const struct meaning *meaning)
{
    if (!memo->slots)
        memo->slots = calloc(MEMO_SLOTS, sizeof *memo->slots);
    if (memo->slots)
        *slot_of(memo, key) = (struct memo_slot){*key, *meaning};
}

void memo_clear(struct memo *memo)
{
    free(memo->slots);
    memo->slots = NULL;
}
