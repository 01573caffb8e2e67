#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUF_FIRST = 256 };

void buf_free(struct buf *b)
{
    free(b->ptr);
    *b = buf_new(b->max);
}

bool buf_reserve_slow(struct buf *b, size_t more)
{
    if (b->failed)
        return false;
    if (b->cap - b->len >= more)
        return true;
    if (more > b->max || b->len > b->max - more) {
        b->failed = true;
        return false;
    }
    size_t cap = b->cap ? b->cap : BUF_FIRST;
    while (cap < b->len + more)
        cap *= 2;
    if (cap > b->max)
        cap = b->max;
    char *grown = realloc(b->ptr, cap);
    if (!grown) {
        b->failed = true;
        return false;
    }
    b->ptr = grown;
    b->cap = cap;
    return true;
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int need = vsnprintf(NULL, 0, format, args);
    va_end(args);
    /* vsnprintf ends with a NUL: room for it is asked for and then not counted */
    if (need < 0 || !buf_reserve(b, (size_t)need + 1)) {
        b->failed = true;
        return;
    }
    va_start(args, format);
    vsnprintf(b->ptr + b->len, (size_t)need + 1, format, args);
    va_end(args);
    b->len += (size_t)need;
}

void buf_consume(struct buf *b, size_t n)
{
    if (n >= b->len) {
        b->len = 0;
        return;
    }
    if (n == 0)
        return;
    memmove(b->ptr, b->ptr + n, b->len - n);
    b->len -= n;
}
