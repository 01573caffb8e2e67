/* Words, each standing for something: a hash table in an arena. It owns neither. */
#ifndef CORE_WORD_INDEX_H
#define CORE_WORD_INDEX_H

#include "arena.h"

struct word_index_slot {
    struct str word;
    void *item; /* NULL: a free slot */
};

/* An index starts as {0}. */
struct word_index {
    struct word_index_slot *slots;
    size_t room, count; /* room: 0 or a power of two, always more than count */
};

/* What the word stands for, or NULL. */
void *word_index_find(const struct word_index *index, struct str word);

/* Lets a word stand for an item that is not NULL; a word that stands for one already keeps it.
 * The word must live as long as the index. False when there is no memory. */
__attribute__((warn_unused_result)) bool
word_index_add(struct word_index *index, struct arena *memory, struct str word, void *item);

/* Forgets all words and keeps the memory. */
void word_index_clear(struct word_index *index);

#endif
