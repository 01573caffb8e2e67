/* Whole numbers as decimal digits. */
#ifndef CORE_DECIMAL_H
#define CORE_DECIMAL_H

#include "str.h"
#include <stdint.h>

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
