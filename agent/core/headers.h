/* The fields of a request or an answer, read from the binary form in which HAProxy gives them
 * (req.hdrs_bin): for each field a varint length and a lower-case name, a varint length and a
 * value; an empty name and an empty value end it. Order and repeated fields are kept. */
#ifndef CORE_HEADERS_H
#define CORE_HEADERS_H

#include "str.h"
#include <stdint.h>

enum { HEADERS_MAX = 256 }; /* fewer fields than this; HAProxy takes 101 (tune.http.maxhdr) */

struct header {
    struct str name, value; /* borrowed; the value is trimmed */
};

struct headers {
    size_t count;
    bool malformed;   /* it could not be read to its end, and holds nothing */
    uint64_t lengths; /* bit n: a name has n characters, modulo 64; most names are not there */
    struct header items[HEADERS_MAX];
};

/* Reads a block; its slices point into it. No bytes at all are malformed: even without a field a
 * block has its end. */
void headers_read(struct headers *out, struct str block);

/* The value of the first field called `name` (lower case); {NULL, 0} when there is none. */
struct str headers_get(const struct headers *headers, struct str name);

/* How many fields are called `name` (lower case). */
size_t headers_count(const struct headers *headers, struct str name);

/* Whether a field of a response may be stored and replayed at all: not hop-by-hop (RFC 9110
 * 7.6.1), not one the proxy makes itself, not a cookie, nothing that belongs to one exchange
 * (request ids, rate limits, dates). Any case. */
bool header_replayable(struct str name);

#endif
