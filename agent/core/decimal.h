/* Whole numbers as decimal digits. */
#ifndef CORE_DECIMAL_H
#define CORE_DECIMAL_H

#include "str.h"
#include <inttypes.h>
#include <stdio.h>

/* The memory of a number that is written, a NUL behind it. */
struct decimal_text {
    char digits[sizeof "-9223372036854775808"];
};

/* Writes a number; what is returned points into *out. */
static inline struct str decimal_write(struct decimal_text *out, int64_t number)
{
    int len = snprintf(out->digits, sizeof out->digits, "%" PRId64, number);

    return (struct str){out->digits, (size_t)len};
}

/* Decimal digits, at least one, no sign; false when there is anything else or it is too large
 * for an int64_t. */
__attribute__((warn_unused_result)) static inline bool decimal_read(struct str text, int64_t *out)
{
    int64_t value = 0;

    if (text.len == 0 || text.len > 18)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        value = value * 10 + (text.ptr[i] - '0');
    }
    *out = value;
    return true;
}

#endif
