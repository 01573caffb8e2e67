/* Says in the log, once for a node, what an operator should know about it: that it has no
 * maxmemory, refuses writes when it is full, or holds keys that are not ours. */
#ifndef STORE_REDIS_ADVICE_H
#define STORE_REDIS_ADVICE_H

#include "redis_conn.h"

/* Asks over a connection that is ready, and warns when the answers are there. What the user may
 * not ask is passed over in silence. The texts are borrowed until the connection is gone; keys of
 * ours begin with `own`. */
void redis_advice_ask(struct redis_conn *conn, const char *address, struct str own);

#endif
