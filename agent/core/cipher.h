/* Entries that only who has a key can read, and nobody else can write: AES-256-GCM.
 *
 *   "spoa-sealed/1 "  flags (1 byte)  id of the key (4)  salt (16)      all of it authenticated,
 *   the encrypted entry                                                 with the key text in Redis
 *   tag (16)
 *
 * Numbers are little-endian. Each entry has a key of its own, HKDF-Expand with SHA-256 (RFC 5869
 * 2.3) of the file's key over
 *
 *   "spoa-cache value 1"  flags  salt  [request digest (16)  request length (8)]
 *
 * with which one text is encrypted ever, and hence with the nonce zero. The salt is why it is not
 * a random nonce under the file's key: of those a key takes 2^32 (NIST SP 800-38D 8.3), which a
 * busy cache writes in weeks; 128 random bits take 2^48 before two are likely to be the same by
 * more than 2^-32, and the bound form needs a key for each entry anyway.
 *
 * What it protects:
 * - Redis, its dumps, replicas and the way to them show neither answer nor digest of a request, and
 *   can neither make nor change an entry, nor move it to another key. They can delete entries or
 *   bring back an older one of the same key, which its fresh-until still ends. They see the keys:
 *   policy, keyed digests of the tenant and the request, times, and the length of a value, of
 *   which compression makes more telling what is in it.
 * - Bound to the request, the file's key does not open an entry either. It takes the second digest
 *   of the request, which stands nowhere in Redis but inside the encrypted part: who has Redis and
 *   the key file, and not [key] secret, cannot compute it; who has that too must know the whole
 *   request or guess it, and a guess is checked as fast as the agent makes a key. It is no more
 *   than that because the digest is XXH3, which is fast and keyed but was not made to withstand an
 *   attacker: that nothing shorter leads to it than the request is believed and not proved.
 *   HAProxy has the digest in each ticket: do not log txn.cache.ticket.
 * - Who has the agent's process, or HAProxy's, has everything that passes through it.
 */
#ifndef CORE_CIPHER_H
#define CORE_CIPHER_H

#include "cipher_keys.h"
#include "key.h"

enum { CIPHER_SALT = 16, CIPHER_OVERHEAD = 14 + 1 + 4 + CIPHER_SALT + 16 };

/* Contexts that every value reuses. */
struct cipher;

/* Copies the keys, at least one. NULL without memory, or without the algorithms. */
struct cipher *cipher_new(const struct cipher_keys *keys);

/* NULL is fine. */
void cipher_free(struct cipher *c);

/* Whether a value begins as what cipher_write() makes. */
bool cipher_begins(struct str value);

/* Puts `plain`, encrypted for this key of the store, into *out. `bind`: only for who knows the
 * request. `salt` is random, another one at each call. False without memory. */
__attribute__((warn_unused_result)) bool cipher_write(struct cipher *c, const struct key *key,
                                                      bool bind,
                                                      const unsigned char salt[CIPHER_SALT],
                                                      struct str plain, struct buf *out);

/* Puts what was encrypted into *out. False when it is of a key that is not there, of another key
 * of the store or another request, changed in any byte, or there is no memory; *out is then
 * empty. */
__attribute__((warn_unused_result)) bool cipher_read(struct cipher *c, const struct key *key,
                                                     struct str value, struct buf *out);

#endif
