#include "word_index.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { FIRST_ROOM = 8 };

/* The slot that holds the word, or the free one where it belongs. */
static struct word_index_slot *slot_of(const struct word_index *index, struct str word)
{
    size_t at = XXH3_64bits(word.ptr, word.len) & (index->room - 1);

    while (index->slots[at].item && !str_eq(index->slots[at].word, word))
        at = (at + 1) & (index->room - 1);
    return &index->slots[at];
}

void *word_index_find(const struct word_index *index, struct str word)
{
    return index->count ? slot_of(index, word)->item : NULL;
}

static bool grow(struct word_index *index, struct arena *memory)
{
    struct word_index larger = {.room = index->room ? 2 * index->room : FIRST_ROOM,
                                .count = index->count};

    if (!(larger.slots = arena_alloc(memory, larger.room * sizeof *larger.slots)))
        return false;
    for (size_t i = 0; i < index->room; i++)
        if (index->slots[i].item)
            *slot_of(&larger, index->slots[i].word) = index->slots[i];
    *index = larger;
    return true;
}

bool word_index_add(struct word_index *index, struct arena *memory, struct str word, void *item)
{
    if (2 * (index->count + 1) > index->room && !grow(index, memory))
        return false;
    struct word_index_slot *slot = slot_of(index, word);
    if (!slot->item) {
        *slot = (struct word_index_slot){word, item};
        index->count++;
    }
    return true;
}

void word_index_clear(struct word_index *index)
{
    if (index->room)
        memset(index->slots, 0, index->room * sizeof *index->slots);
    index->count = 0;
}
