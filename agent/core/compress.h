/* Entries made smaller: each one zstd frame (RFC 8878) that says how long its content is, so
 * `zstd -d` shows it to an operator. A dictionary, as `zstd --train` makes one, holds what many
 * entries have in common; a frame names the one it was made with. */
#ifndef CORE_COMPRESS_H
#define CORE_COMPRESS_H

#include "buf.h"
#include "reason.h"

enum { COMPRESS_DICTIONARIES_MAX = 8 };

/* Contexts that every value reuses. */
struct compressor;

/* Whether the bytes are a dictionary of zstd's (RFC 8878 5), with an ID. */
bool compress_is_dictionary(struct str bytes);

/* Compresses at a level of zstd's with the first dictionary, if there is one, and reads what was
 * made with any of them or none. At most COMPRESS_DICTIONARIES_MAX, which are copied. NULL without
 * memory, or when one is none. */
struct compressor *compressor_new(int level, const struct str *dictionaries, size_t count);

/* NULL is fine. */
void compressor_free(struct compressor *c);

/* Whether a value begins as what compress_write() makes. */
bool compress_begins(struct str value);

/* Puts `plain`, compressed, into *out. False when it would not be smaller, or there is no memory:
 * then it is kept as it is. */
__attribute__((warn_unused_result)) bool compress_write(struct compressor *c, struct str plain,
                                                        struct buf *out);

/* Puts what the frame holds into *out. REASON_NONE; or REASON_CORRUPT, also for want of its
 * dictionary; REASON_FRAME_SMALL when it says that it holds more than `max` bytes, for which no
 * memory is taken; REASON_INTERNAL without memory. A frame that holds more than it says is
 * corrupt. */
__attribute__((warn_unused_result)) enum reason
compress_read(struct compressor *c, struct str frame, size_t max, struct buf *out);

#endif
