/* The body of a hit where it may differ from what is stored: `hit-usage zero`, since a hit cost no
 * tokens, and `hit-id new`, for clients that take two answers with one id for the same. */
#ifndef CORE_HIT_BODY_H
#define CORE_HIT_BODY_H

#include "api.h"
#include "buf.h"
#include "json.h"

struct hit_body_options {
    bool zero_usage;
    bool new_id;
    uint64_t nonce[2]; /* random, another for every hit; a new id is made of it alone */
};

/* Appends `body` to *out with those changes and otherwise byte for byte, at the same length.
 * `doc` is what json_read() made of this very `body`, which is not in *out.
 *
 * Usage: every number in the API's places for it (usage.h) becomes 0, with spaces before it where
 * more digits stood; text, null and names stay.
 *
 * Id: of the whole answer only; ids of its parts and ids it refers to stay. A new one has the
 * length, the prefix and the alphabet of the old one. An id that is written with escapes, and one
 * of an API whose answers have none that is known, stays. The vendor does not know a new id: a
 * client that sends one as previous_response_id (OpenAI's Responses) gets an error.
 *
 * Strict JSON stays strict JSON, and a clean body (entry.h) clean. Nothing is appended when it
 * does not fit; see buf_ok(). */
void hit_body_write(struct buf *out, struct str body, const struct json_doc *doc,
                    enum api_gate gate, const struct hit_body_options *options);

#endif
