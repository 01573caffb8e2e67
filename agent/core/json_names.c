/* A name is compared eight bytes at a time, its parts. All members are sorted by the first part;
 * then each run of members that are equal so far is sorted by the next one, and so on:
 *
 *     top_k   top_logprobs   top_p    their first parts: "top_k", "top_logp", "top_p"
 *
 * No name holds a NUL, so that one is the end of a name. */
#include "json_names.h"

#include <stdlib.h>

enum {
    PART = sizeof(uint64_t),
    FEW = 64, /* are sorted by insertion, and need no memory */
};

struct member {
    uint64_t part; /* of its name, from `offset` on; the first byte is the most significant */
    uint32_t offset, node;
};

struct sorter {
    const struct json_node *nodes;
    bool fold;
    struct member *members, *spare; /* of the same size */
};

static uint64_t part_of(struct str name, uint32_t offset, bool fold)
{
    uint64_t part = 0;

    for (size_t i = offset; i < offset + PART; i++) {
        uint8_t c = i < name.len ? (uint8_t)name.ptr[i] : 0;
        if (fold && c >= 'A' && c <= 'Z')
            c |= 0x20;
        part = part << 8 | c;
    }
    return part;
}

static void sort_few(struct member *members, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct member member = members[i];
        uint32_t to = i;
        for (; to > 0 && members[to - 1].part > member.part; to--)
            members[to] = members[to - 1];
        members[to] = member;
    }
}

static uint8_t byte_of(const struct member *member, unsigned which)
{
    return (uint8_t)(member->part >> 8 * which);
}

/* Copies the members to `to`, sorted by one byte; those that share it keep their order. */
static void sort_by_byte(struct member *to, const struct member *members, uint32_t count,
                         unsigned which, const uint32_t *counts)
{
    uint32_t start[256], sum = 0;

    for (unsigned value = 0; value < 256; value++) {
        start[value] = sum;
        sum += counts[value];
    }
    for (uint32_t i = 0; i < count; i++)
        to[start[byte_of(&members[i], which)]++] = members[i];
}

/* By each byte in turn, the least significant first. */
static void sort_many(struct member *members, struct member *spare, uint32_t count)
{
    uint32_t counts[PART][256] = {0};
    struct member *from = members, *to = spare;

    for (uint32_t i = 0; i < count; i++)
        for (unsigned which = 0; which < PART; which++)
            counts[which][byte_of(&members[i], which)]++;
    for (unsigned which = 0; which < PART; which++) {
        if (counts[which][byte_of(members, which)] == count)
            continue; /* all have the same */
        sort_by_byte(to, from, count, which, counts[which]);
        struct member *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != members)
        memcpy(members, from, count * sizeof *members);
}

static void sort_run(struct sorter *s, uint32_t from, uint32_t end, uint32_t offset)
{
    for (uint32_t i = from; i < end; i++) {
        struct member *m = &s->members[i];
        m->offset = offset;
        m->part = part_of(s->nodes[m->node].name, offset, s->fold);
    }
    if (end - from > FEW)
        sort_many(s->members + from, s->spare, end - from);
    else
        sort_few(s->members + from, end - from);
}

/* Where the run ends that begins with the member at `from`: what follows with the same part, read
 * from the same offset. Behind the run members were read less far, and equal bytes there are of
 * another part. */
static uint32_t run_end(const struct member *members, uint32_t from, uint32_t count)
{
    uint32_t end = from + 1;

    while (end < count && members[end].part == members[from].part &&
           members[end].offset == members[from].offset)
        end++;
    return end;
}

static bool sort(struct sorter *s, uint32_t count)
{
    sort_run(s, 0, count, 0);
    for (uint32_t i = 0; i < count;) {
        const struct member *m = &s->members[i];
        uint32_t end = run_end(s->members, i, count);
        if (end == i + 1)
            i++;
        else if (m->part & 0xff)
            sort_run(s, i, end, m->offset + PART);
        else
            return false; /* the names have ended */
    }
    return true;
}

enum json_error json_names_sort(const struct json_node *nodes, uint32_t *order, uint32_t count,
                                bool fold)
{
    struct member few[FEW], *many = NULL;

    if (count > FEW && !(many = malloc(2 * sizeof *many * count)))
        return JSON_MEMORY;
    struct sorter s = {nodes, fold, many ? many : few, many ? many + count : NULL};
    for (uint32_t i = 0; i < count; i++)
        s.members[i].node = order[i];
    bool differ = sort(&s, count);
    for (uint32_t i = 0; i < count; i++)
        order[i] = s.members[i].node;
    free(many);
    return differ ? JSON_OK : JSON_DUPLICATE;
}
