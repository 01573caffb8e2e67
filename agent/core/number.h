/* Numbers of a JSON text by their value: exactly, so no double is made of them. */
#ifndef CORE_NUMBER_H
#define CORE_NUMBER_H

#include "buf.h"

enum { NUMBER_MAX = 64 }; /* a number whose text is longer keeps that text */

/* Appends the one spelling that all spellings of a valid JSON number have: its digits without zeros
 * around them and an exponent, or an integer of at most NUMBER_MAX digits without one. 1, 1.0 and
 * 10e-1 are 1; 0.7 and 7E-1 are 7e-1; -0 is the 0 that it equals. An exponent that nobody means
 * keeps the number's text too. */
void number_write(struct buf *out, struct str number);

#endif
