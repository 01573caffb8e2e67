/* One connection from HAProxy: reads all frames there are, hands each NOTIFY to a handler, writes
 * all answers of a turn of the loop at once. It knows frames and negotiation, not what is asked.
 *
 *          read()                 handler->notify()              answer, now or later
 *   fd ────────────▶ input ─────▶ struct spop_exchange ────────▶ output ───────────▶ fd
 *                frame by frame                          one write per connection and turn
 *
 * HAProxy <= 3.0 pipelines, and so do we. To HAProxy >= 3.1 pipelining is not announced: bytes
 * that fill its receive buffer at once stop its SPOP multiplexer for good. For the same reason an
 * answer that HAProxy no longer waits for is never sent there ("late" in spop_conn.c). */
#ifndef NET_SPOP_CONN_H
#define NET_SPOP_CONN_H

#include "core/spop.h"

struct spop_conn;

/* A NOTIFY that waits for its ACK; embedded in what the handler keeps for it. It is opened
 * once and ended once, by spop_exchange_end(), unless its connection is gone by then. */
struct spop_exchange {
    struct spop_conn *conn; /* NULL once nobody waits any more */
    uint64_t stream_id, frame_id;
    struct spop_exchange *next, **link; /* of the connection's list */
};

/* The negotiated size: the longest frame, without its prefix. */
size_t spop_conn_frame_size(const struct spop_conn *conn);

/* Whether the other side is the engine of HAProxy <= 3.0. */
bool spop_conn_is_legacy(const struct spop_conn *conn);

/* Opens an exchange for a NOTIFY that has just been read. */
void spop_exchange_open(struct spop_exchange *ex, struct spop_conn *conn,
                        const struct spop_frame *frame);

/* Begins the ACK. False when nobody waits for it any more: the exchange has ended. */
__attribute__((warn_unused_result)) bool spop_exchange_ack(struct spop_exchange *ex,
                                                           struct spop_ack *ack);

/* Ends the exchange; the ACK begun leaves at the end of this turn of the loop. */
void spop_exchange_end(struct spop_exchange *ex, struct spop_ack *ack);

#endif
