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

/* Begins an item of an array or object: appends a comma when something stands before it there. */
void json_write_item(struct buf *out);

/* Begins a member of an object: appends `"name":`, behind such a comma. */
void json_write_name(struct buf *out, const char *name);

/* Append a member whose value is an integer, true or false, or what json_write_foreign() writes. */
void json_write_named_integer(struct buf *out, const char *name, int64_t value);
void json_write_named_bool(struct buf *out, const char *name, bool value);
void json_write_named_foreign(struct buf *out, const char *name, struct str bytes);

#endif
