/* Percent-encoded text (RFC 3986 2.1). */
#ifndef CORE_PERCENT_H
#define CORE_PERCENT_H

#include "hex.h"

/* Takes the next byte off the front of a text that is not empty, decoded; what is no %XX stands for
 * itself. */
static inline char percent_take(struct str *text)
{
    char byte = text->ptr[0];
    int high = text->len > 2 ? hex_digit(text->ptr[1]) : -1;
    int low = text->len > 2 ? hex_digit(text->ptr[2]) : -1;
    bool encoded = byte == '%' && high >= 0 && low >= 0;

    *text = str_from(*text, encoded ? 3 : 1);
    return encoded ? (char)(16 * high + low) : byte;
}

#endif
