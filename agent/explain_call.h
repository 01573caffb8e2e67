/* POST /explain at the HTTP door: one HTTP/1.1 request message, or two, and the text about them.
 * The query says what haproxy.cfg would say of the request (tenant=acme, see explain_set()), and
 * with "vs-" before the name of the second alone. */
#ifndef EXPLAIN_CALL_H
#define EXPLAIN_CALL_H

#include "net/http_door.h"

/* See struct http_action. `ctx` points to the pointer to the configuration in use. */
unsigned explain_call(void *ctx, const struct http_call *call, struct buf *out);

#endif
