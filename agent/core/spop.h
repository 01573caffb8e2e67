/* SPOP 2.0 (HAProxy's SPOE.txt, "Version 1.2"): frames, typed data, negotiation. Bytes in, values
 * out: slices point into the input, nothing is copied, nothing is remembered.
 *
 *   frame    length (4 bytes, network order) | type (1) | flags (4) | stream id | frame id |
 * payload HELLO    payload = items:    name, typed data NOTIFY   payload = messages: name, number
 * of arguments (1 byte), arguments: name, typed data ACK      payload = actions:  type (1), number
 * of arguments (1), scope (1), name, typed data
 */
#ifndef CORE_SPOP_H
#define CORE_SPOP_H

#include "buf.h"
#include <stdint.h>

enum spop_frame_type {
    SPOP_HAPROXY_HELLO = 1,
    SPOP_HAPROXY_DISCONNECT = 2,
    SPOP_NOTIFY = 3,
    SPOP_AGENT_HELLO = 101,
    SPOP_AGENT_DISCONNECT = 102,
    SPOP_ACK = 103,
};

enum spop_flag { SPOP_FIN = 0x1, SPOP_ABORT = 0x2 };

/* Status codes of DISCONNECT frames (SPOE.txt 3.2.9). */
enum spop_error {
    SPOP_NORMAL = 0,
    SPOP_IO = 1,
    SPOP_TIMEOUT = 2,
    SPOP_TOO_BIG = 3,
    SPOP_INVALID = 4,
    SPOP_NO_VERSION = 5,
    SPOP_NO_FRAME_SIZE = 6,
    SPOP_NO_CAPABILITIES = 7,
    SPOP_BAD_VERSION = 8,
    SPOP_BAD_FRAME_SIZE = 9,
    SPOP_FRAGMENTED = 10,
    SPOP_INTERLACED = 11,
    SPOP_NO_FRAME_ID = 12,
    SPOP_RESOURCES = 13,
    SPOP_UNKNOWN = 99,
};

enum spop_type {
    SPOP_NULL = 0,
    SPOP_BOOL = 1,
    SPOP_INT32 = 2,
    SPOP_UINT32 = 3,
    SPOP_INT64 = 4,
    SPOP_UINT64 = 5,
    SPOP_IPV4 = 6,
    SPOP_IPV6 = 7,
    SPOP_STRING = 8,
    SPOP_BINARY = 9,
};

enum {
    SPOP_MIN_FRAME_SIZE = 256, /* the least that either side may announce */
    SPOP_LENGTH_PREFIX = 4,
};

struct spop_frame {
    uint8_t type; /* enum spop_frame_type, or one we do not know */
    uint32_t flags;
    uint64_t stream_id, frame_id;
    struct str payload; /* borrowed from the input */
};

struct spop_data {
    enum spop_type type;
    uint64_t number; /* BOOL: 0 or 1; integers: two's complement */
    /* STRING, BINARY and addresses: the value; BOOL and integers: their encoding, so that values
     * that differ are different bytes; NULL: empty. Borrowed. */
    struct str bytes;
};

struct spop_message {
    struct str name;
    unsigned args; /* to be read with spop_arg_next(), each once */
};

struct spop_arg {
    struct str name;
    struct spop_data value;
};

/* What HAProxy says in its HELLO. */
struct spop_hello {
    uint32_t max_frame_size;
    bool pipelining;
    bool async; /* offered by HAProxy <= 3.0 only: tells the two engines apart */
    bool healthcheck;
};

/* Takes one frame off `in`. > 0: so many bytes were one frame; 0: it is not whole yet;
 * < 0: minus an enum spop_error, and the connection is beyond repair. The length is checked
 * against `max` (the negotiated size, without the prefix) before the payload is there. */
ptrdiff_t spop_frame_read(struct str in, size_t max, struct spop_frame *out);

/* How long the frame is that begins `in`, prefix included; 0 while the prefix is not whole. */
size_t spop_frame_length(struct str in);

/* Each takes one value off the front of *in; false when there is no whole value. */
__attribute__((warn_unused_result)) bool spop_read_long_varint(struct str *in, uint64_t *out);
__attribute__((warn_unused_result)) static inline bool spop_read_varint(struct str *in,
                                                                        uint64_t *out)
{
    if (in->len == 0 || (uint8_t)in->ptr[0] >= 240)
        return spop_read_long_varint(in, out);
    *out = (uint8_t)in->ptr[0];
    in->ptr++;
    in->len--;
    return true;
}
__attribute__((warn_unused_result)) bool spop_read_string(struct str *in, struct str *out);
__attribute__((warn_unused_result)) bool spop_read_data(struct str *in, struct spop_data *out);
__attribute__((warn_unused_result)) bool spop_message_next(struct str *in,
                                                           struct spop_message *out);
__attribute__((warn_unused_result)) bool spop_arg_next(struct str *in, struct spop_arg *out);

/* Appends bytes behind their length, as spop_read_string() takes them. */
void spop_write_string(struct buf *out, struct str bytes);

/* Reads the payload of HAPROXY-HELLO. SPOP_NORMAL, or the code to refuse it with. */
enum spop_error spop_hello_read(struct str payload, struct spop_hello *out);

/* The status code in the payload of HAPROXY-DISCONNECT; SPOP_UNKNOWN when there is none. */
uint64_t spop_disconnect_read(struct str payload);

/* Appends an AGENT-HELLO. */
void spop_hello_write(struct buf *out, uint32_t max_frame_size, bool pipelining);

/* Appends an AGENT-DISCONNECT. */
void spop_disconnect_write(struct buf *out, enum spop_error status);

/* What DISCONNECT says for a code; static storage. */
const char *spop_error_name(enum spop_error error);

/* An ACK under construction at the end of a buffer. */
struct spop_ack {
    struct buf *out;
    size_t start; /* where it begins in *out */
    size_t body;  /* where its actions begin */
    size_t max;   /* the longest frame, without the prefix */
    bool begun;   /* there was memory for its head */
};

/* Begins an ACK of the NOTIFY with these ids. */
void spop_ack_begin(struct spop_ack *ack, struct buf *out, size_t max, uint64_t stream_id,
                    uint64_t frame_id);

/* Each adds "set variable txn.<prefix>.<name>". Names are short: ours. Bytes are copied; that there
 * was no room or memory for them is told by spop_ack_end() and buf_ok(). */
void spop_ack_bool(struct spop_ack *ack, struct str name, bool value);
void spop_ack_int(struct spop_ack *ack, struct str name, int64_t value);
void spop_ack_string(struct spop_ack *ack, struct str name, struct str value);
void spop_ack_binary(struct spop_ack *ack, struct str name, struct str value);

/* Takes back every variable set since spop_ack_begin(). */
void spop_ack_reset(struct spop_ack *ack);

/* Whether what has been set fits into a frame. */
bool spop_ack_fits(const struct spop_ack *ack);

/* Ends the ACK: from now on it may be sent. When it does not fit, it leaves without variables
 * and the result is false. buf_ok() of the buffer tells whether there was memory. */
bool spop_ack_end(struct spop_ack *ack);

#endif
