/* The stored form of an answer: three lines about it, then the answer as an HTTP message.
 *
 *   spoa-cache/2 <checksum> <created> <fresh until> <usable until> <request digest>
 *       <request length> <tenant digest> <body sum> <flags> <epoch>\r\n  (all on one line)
 *   models: gpt-4o \r\n
 *   tags: prices docs \r\n
 *   tokens: 9 12\r\n             (of the prompt and of the answer; a line that may be missing)
 *   HTTP/1.1 200 \r\n
 *   content-type: application/json\r\n
 *   \r\n
 *   {"id":...}
 *
 * Times are milliseconds since 1970 and the epoch is that of purge.h, in decimal; digests and sums
 * are hex. The checksum is
 * XXH3-64 of everything behind it. To change the format, change the version: a reader that does
 * not know the first word treats the entry as a miss.
 */
#ifndef CORE_ENTRY_H
#define CORE_ENTRY_H

#include "buf.h"
#include "key.h"
#include "purge.h"

enum entry_flag {
    ENTRY_JSON = 1,  /* the body is strict JSON */
    ENTRY_CLEAN = 2, /* the body has no byte that HAProxy <= 3.0 would encode */
};

enum { ENTRY_TOKENS_MAX = 100000000 }; /* no model reads or writes so many */

struct entry {
    int64_t created, fresh_until, usable_until; /* ms since 1970 */
    struct hash128 digest;                      /* of the request; see struct key */
    uint64_t length, tenant;
    uint64_t sum;   /* XXH3-64 of the body, seed 0 */
    unsigned flags; /* enum entry_flag */
    int64_t epoch;  /* of purges that were known before the origin was asked */
    unsigned code;  /* status */
    int64_t prompt_tokens, completion_tokens; /* that the answer cost; 0: not known */
    struct str models, tags; /* as in struct purge_subject; borrowed, like all that follows */
    struct str content_type; /* the header's value */
    struct str headers;      /* lines "name: value\r\n" */
    struct str body;
};

/* XXH3-64 with seed 0: what HAProxy's xxh3 converter gives, as unsigned. */
uint64_t entry_sum(struct str body);

/* Whether HAProxy <= 3.0 returns these bytes as they are: it percent-encodes 00-08, 0A-1F and
 * 7F in the body of `http-request return`. */
bool entry_body_is_clean(struct str body);

/* Appends the body of a JSON entry, spelled so that it is clean and means the same: CR and LF
 * can only stand between tokens and become spaces, DEL becomes an escape. */
void entry_body_clean(struct buf *out, struct str body);

/* Appends the stored form; the sum and the CLEAN flag are worked out here. */
void entry_write(struct buf *out, const struct entry *entry);

/* The same for what never left this process: without the checksum. */
__attribute__((warn_unused_result)) bool entry_read_own(struct str stored, struct entry *out);

/* Reads a stored form; the slices point into `stored`. False when it is damaged, of another
 * version, or not an entry. */
__attribute__((warn_unused_result)) bool entry_read(struct str stored, struct entry *out);

/* Reads what stands before the answer, of a stored form that may be cut behind it; nothing is
 * checked. The fields from `code` on are not set, but for models and tags. */
__attribute__((warn_unused_result)) bool entry_read_head(struct str stored, struct entry *out);

/* What the entry belongs to, stored by that policy under a key with that hash (see key_hash()); the
 * slices are those of the arguments. */
struct purge_subject entry_subject(const struct entry *entry, struct str policy, struct str hash);

/* Takes one line off entry->headers; false when there is none left. */
bool entry_header_next(struct str *headers, struct str *name, struct str *value);

#endif
