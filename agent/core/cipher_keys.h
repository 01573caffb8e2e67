/* The keys that values in a store are encrypted with, as they stand in their file. */
#ifndef CORE_CIPHER_KEYS_H
#define CORE_CIPHER_KEYS_H

#include "buf.h"
#include <stdint.h>

enum { CIPHER_KEY = 32, CIPHER_KEYS_MAX = 16 };

/* The id stands in each value, so that it is known which key opens it: one id, one key, for ever.
 */
struct cipher_key {
    uint32_t id;
    unsigned char bytes[CIPHER_KEY];
};

/* The first one encrypts, all decrypt. */
struct cipher_keys {
    struct cipher_key all[CIPHER_KEYS_MAX];
    size_t count;
};

/* Reads lines "ID KEY": a number, and 32 bytes in base64 (RFC 4648 4). Empty lines and such that
 * begin with '#' are skipped. False, with a line "FILE:LINE: ..." for every mistake, when it is
 * anything else; no message shows a part of a key. */
__attribute__((warn_unused_result)) bool cipher_keys_read(struct cipher_keys *out, struct str text,
                                                          const char *file, struct buf *errors);

/* Overwrites them. */
void cipher_keys_wipe(struct cipher_keys *keys);

#endif
