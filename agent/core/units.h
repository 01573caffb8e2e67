/* Numbers with a unit, as people write them in a configuration: 250ms, 24h, 64mb. */
#ifndef CORE_UNITS_H
#define CORE_UNITS_H

#include "buf.h"
#include <stdint.h>

enum units {
    UNITS_NONE,     /* a whole number */
    UNITS_DURATION, /* ms, s, m, h, d; counted in milliseconds; without a unit only 0 */
    UNITS_MONEY,    /* a decimal number; counted in millionths */
    UNITS_SIZE,     /* b, kb, mb, gb, powers of 1024; counted in bytes, which need no unit */
};

/* Reads digits and a unit in either case; no sign, no space, and a fraction, of up to 6 digits,
 * only of money. False when the text is anything else or the value does not fit. */
__attribute__((warn_unused_result)) bool units_parse(enum units units, struct str text,
                                                     int64_t *out);

/* Appends a value, at least 0, with the largest unit that loses nothing; units_parse reads it. */
void units_format(enum units units, int64_t value, struct buf *out);

/* The words for its units, for messages; static storage. */
const char *units_names(enum units units);

#endif
