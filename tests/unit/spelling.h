/* Random ways to write JSON that mean the same. The same sequence in every run. */
#ifndef TESTS_SPELLING_H
#define TESTS_SPELLING_H

#include "core/buf.h"

/* A random number below `limit`. */
uint32_t random_below(uint32_t limit);

/* Appends white space, most often none. */
void spell_space(struct buf *out);

/* Appends a string that decodes to `s`, which is UTF-8: each character as itself or escaped. */
void spell_string(struct buf *out, struct str s);

#endif
