/* What the tests of the core begin with: bytes as HAProxy sends them, a reader of ACKs, and a
 * policy, a request and an answer that are fine. */
#ifndef TESTS_CORE_FIXTURE_H
#define TESTS_CORE_FIXTURE_H

#include "core/plan.h"
#include "core/spop.h"

/* Append one value in SPOP's encoding, written apart from the agent's own. */
void wire_varint(struct buf *out, uint64_t value);
void wire_string(struct buf *out, struct str bytes);
void wire_item_null(struct buf *out, const char *name);
void wire_item_bool(struct buf *out, const char *name, bool value);
void wire_item_number(struct buf *out, const char *name, enum spop_type type, uint64_t value);
void wire_item_bytes(struct buf *out, const char *name, enum spop_type type, struct str value);
void wire_message(struct buf *out, const char *name, unsigned args);

/* Appends a whole frame. */
void wire_frame(struct buf *out, uint8_t type, uint32_t flags, uint64_t stream_id,
                uint64_t frame_id, struct str payload);

/* The payloads of a HELLO as HAProxy 2.6 sends it, of a lookup and of a store. */
void wire_hello(struct buf *out);
void wire_lookup(struct buf *out);
void wire_store(struct buf *out);

/* The block for lines "name: value\n", behind a guard (see unit_guard). */
struct str block_of(const char *lines);

/* Those lines, or a block of bytes, read; one of some that are used in turn. */
const struct headers *headers_of(const char *lines);
const struct headers *headers_in(struct str block);

/* The variables that an ACK sets. */
struct ack_reader {
    struct spop_frame frame;
    struct {
        struct str name;
        struct spop_data value;
    } variables[32];
    size_t count;
};

/* Reads an ACK that is all of `bytes`; fails the test when it is anything else. */
void ack_read(struct ack_reader *out, struct str bytes);

/* The variable of that name; fails the test when it is missing. */
const struct spop_data *ack_variable(const struct ack_reader *ack, const char *name);

/* Fails the test unless the variables are those named, in any order, each once. */
void ack_names_are(const struct ack_reader *ack, const char *names);

/* Each is new at every call; strings in them are static, their headers are as headers_of() gives
 * them. */
struct policy sample_policy(void);
struct request sample_request(void);
struct response sample_response(void);

/* A scope without a section for its tenant: the policy, which may be NULL, says everything. */
struct scope sample_scope(const struct policy *policy, const struct request *request);

struct key_secret sample_secret(void);

/* A list of the words of a text, for a policy; lives until the test ends. */
struct str_list list_of(const char *words);

#endif
