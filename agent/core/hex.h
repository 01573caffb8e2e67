/* Hex digits, and 64-bit numbers as sixteen of them: so they stand in keys, tickets and entries. */
#ifndef CORE_HEX_H
#define CORE_HEX_H

#include "buf.h"
#include <stdint.h>

enum { HEX64 = 16, HEX128 = 32 };

/* The value of a hex digit in either case; -1 for what is none. */
static inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Writes HEX64 digits, and no NUL. */
static inline void hex64_write(char *out, uint64_t value)
{
    for (int i = HEX64 - 1; i >= 0; i--, value >>= 4)
        out[i] = "0123456789abcdef"[value & 15];
}

static inline void hex64_append(struct buf *out, uint64_t value)
{
    char digits[HEX64];

    hex64_write(digits, value);
    buf_append(out, (struct str){digits, sizeof digits});
}

/* False unless `text` is exactly sixteen digits, lower case. */
__attribute__((warn_unused_result)) static inline bool hex64_read(struct str text, uint64_t *out)
{
    /* 16 + the value of a digit; 0 for what is none */
    static const uint8_t digits[256] = {
        ['0'] = 16, ['1'] = 17, ['2'] = 18, ['3'] = 19, ['4'] = 20, ['5'] = 21,
        ['6'] = 22, ['7'] = 23, ['8'] = 24, ['9'] = 25, ['a'] = 26, ['b'] = 27,
        ['c'] = 28, ['d'] = 29, ['e'] = 30, ['f'] = 31,
    };
    unsigned all = 16;
    uint64_t value = 0;

    if (text.len != HEX64)
        return false;
    for (size_t i = 0; i < HEX64; i++) {
        unsigned digit = digits[(unsigned char)text.ptr[i]];
        all &= digit;
        value = value << 4 | (digit & 15);
    }
    *out = value;
    return all == 16;
}

#endif
