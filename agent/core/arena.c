#include "arena.h"

#include <stdalign.h>
#include <stdlib.h>

enum { ARENA_BLOCK = 4096 };

struct arena_block {
    struct arena_block *next;
    size_t size; /* of bytes */
    alignas(max_align_t) char bytes[];
};

void *(*arena_malloc)(size_t size) = malloc;

static bool arena_grow(struct arena *a, size_t size)
{
    size_t room = size > ARENA_BLOCK ? size : ARENA_BLOCK;
    struct arena_block *block = arena_malloc(sizeof *block + room);

    if (!block)
        return false;
    *block = (struct arena_block){.next = a->blocks, .size = room};
    a->blocks = block;
    a->used = 0;
    return true;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if ((!a->blocks || a->blocks->size - a->used < size) && !arena_grow(a, size))
        return NULL;
    void *piece = a->blocks->bytes + a->used;
    a->used += size;
    return memset(piece, 0, size);
}

struct str arena_copy(struct arena *a, struct str bytes)
{
    char *copy = arena_alloc(a, bytes.len + 1);

    if (copy && bytes.len)
        memcpy(copy, bytes.ptr, bytes.len);
    return (struct str){copy, copy ? bytes.len : 0};
}

void arena_free(struct arena *a)
{
    for (struct arena_block *block = a->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    *a = (struct arena){0};
}
