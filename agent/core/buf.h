/* Growable bytes with a hard maximum. A write that does not fit, or finds no memory, writes
 * nothing and marks the buffer failed; so a run of appends is checked once, with buf_ok(). */
#ifndef CORE_BUF_H
#define CORE_BUF_H

#include "str.h"
#include <stdint.h>

struct buf {
    char *ptr; /* owned; 0 .. len is filled, len .. cap is room */
    size_t len, cap;
    size_t max; /* cap never passes it */
    bool failed;
};

/* An empty buffer; it allocates nothing before the first byte. */
static inline struct buf buf_new(size_t max)
{
    return (struct buf){.max = max};
}

/* Frees the bytes; the buffer is empty again and keeps its maximum. */
void buf_free(struct buf *b);

/* Empties it, keeps the memory and clears the failure. */
static inline void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = false;
}

/* Back to a length it had before: takes back what was appended since, and the failure. */
static inline void buf_truncate(struct buf *b, size_t len)
{
    b->len = len;
    b->failed = false;
}

/* Room for `more` bytes at ptr + len, or false and failed; the slow one is for the other. */
__attribute__((warn_unused_result)) bool buf_reserve_slow(struct buf *b, size_t more);
__attribute__((warn_unused_result)) static inline bool buf_reserve(struct buf *b, size_t more)
{
    return (!b->failed && b->cap - b->len >= more) || buf_reserve_slow(b, more);
}

static inline void buf_append(struct buf *b, struct str bytes)
{
    if (!buf_reserve(b, bytes.len) || bytes.len == 0)
        return;
    memcpy(b->ptr + b->len, bytes.ptr, bytes.len);
    b->len += bytes.len;
}

static inline void buf_append_byte(struct buf *b, uint8_t byte)
{
    if (buf_reserve(b, 1))
        b->ptr[b->len++] = (char)byte;
}

/* Appends formatted text (no NUL is kept). */
__attribute__((format(printf, 2, 3))) void buf_printf(struct buf *b, const char *format, ...);

/* Drops the first n bytes and moves the rest to the front. */
void buf_consume(struct buf *b, size_t n);

static inline bool buf_ok(const struct buf *b)
{
    return !b->failed;
}

/* What is in it; points into *b until that is written to. */
static inline struct str buf_str(const struct buf *b)
{
    return (struct str){.ptr = b->ptr ? b->ptr : "", .len = b->len};
}

#endif
