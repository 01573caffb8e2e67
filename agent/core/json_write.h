/* JSON being written (RFC 8259). */
#ifndef CORE_JSON_WRITE_H
#define CORE_JSON_WRITE_H

#include "buf.h"

/* Appends a string: UTF-8 in quotes, with as few escapes as there can be. */
void json_write_string(struct buf *out, struct str text);

/* The same of bytes that may not be UTF-8 or not fit for a terminal: what is not becomes '?'. */
void json_write_foreign(struct buf *out, struct str bytes);

/* Appends a number; faster than printf. */
void json_write_number(struct buf *out, uint64_t value);

/* Appends `"name":`, behind a comma when something stands before it in its object. */
void json_write_name(struct buf *out, const char *name);

#endif
