/* How an entry stands in a store that others can read or write: as it is, compressed, encrypted,
 * or both, in this order. The first bytes say which, so what was written under other options is
 * read all the same; but with keys nothing is read that is not encrypted, since who can write to
 * Redis could have put it there. */
#ifndef CORE_SEAL_H
#define CORE_SEAL_H

#include "cipher.h"
#include "reason.h"

struct seal_options {
    bool compress;
    size_t above;                   /* bytes: what is longer is compressed */
    int level;                      /* of zstd */
    const struct str *dictionaries; /* see compress.h; not kept */
    size_t dictionary_count;
    const struct cipher_keys *keys; /* NULL or none: nothing is encrypted; not kept */
    bool bind;                      /* see cipher.h */
};

struct seal;

/* NULL without memory, when OpenSSL does not have the algorithms, or a dictionary is none. */
struct seal *seal_new(const struct seal_options *options);

/* NULL is fine. */
void seal_free(struct seal *s);

/* Whether seal_write() uses its salt. */
bool seal_needs_salt(const struct seal *s);

/* The value to store under the key for an entry. `salt`: random bytes, others at each call; ignored
 * unless seal_needs_salt(). *value is borrowed from `entry` or from the seal, until it is used
 * again. False without memory. */
__attribute__((warn_unused_result)) bool seal_write(struct seal *s, const struct key *key,
                                                    const unsigned char salt[CIPHER_SALT],
                                                    struct str entry, struct str *value);

/* The entry in a value found under the key. REASON_NONE: *entry is borrowed from `value` or from
 * the seal, until it is used again; it is not judged, see entry_read(). REASON_CORRUPT: cannot be
 * opened. REASON_FRAME_SMALL: longer than `max` bytes, for which no memory was taken.
 * REASON_INTERNAL: no memory. */
__attribute__((warn_unused_result)) enum reason
seal_read(struct seal *s, const struct key *key, size_t max, struct str value, struct str *entry);

#endif
