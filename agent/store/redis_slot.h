/* Redis Cluster in bytes: which slot a key is in, and where an answer says that slot is now
 * (redis.io, "Redis cluster specification"). */
#ifndef STORE_REDIS_SLOT_H
#define STORE_REDIS_SLOT_H

#include "core/str.h"

enum { REDIS_SLOTS = 16384, REDIS_ADDRESS_MAX = 256 + 8 };

/* CRC16 (XMODEM) of the key, or of what stands in its first {} when that is not empty: keys with
 * the same tag there are at the same node. */
unsigned redis_slot_of(struct str key);

/* Writes "HOST:PORT" as addresses are written here, a V6 address in brackets. An empty host, "?"
 * or none (ptr NULL) means that of `known`, the address that was asked. False when it does not
 * fit or there is no host. */
bool redis_slot_address(char out[static REDIS_ADDRESS_MAX], struct str host, struct str port,
                        struct str known);

/* The address in "MOVED SLOT HOST:PORT" or "ASK SLOT HOST:PORT"; false when it is malformed. */
bool redis_slot_redirect(char out[static REDIS_ADDRESS_MAX], struct str error, struct str known);

#endif
