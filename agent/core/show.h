/* Foreign text for people: on one line, nothing in it that steers a terminal, cut when it is long.
 */
#ifndef CORE_SHOW_H
#define CORE_SHOW_H

#include "buf.h"

enum { SHOW_SHORT = 60 }; /* bytes that are enough to recognise a value */

/* Appends the text, control characters and what is not UTF-8 as '?', and "..." in the place of what
 * follows the first `max` bytes. */
void show_text(struct buf *out, struct str text, size_t max);

/* The same in quotes, in which quotes, backslashes and line ends stand behind a backslash. */
void show_quoted(struct buf *out, struct str text, size_t max);

/* How long the first character of the text is, in bytes; 1 for a byte that is no part of one. */
size_t show_character(struct str text);

#endif
