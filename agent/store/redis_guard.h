/* hiredis asserts that a server keeps to the protocol, and so lets one abort the process. A guard
 * stands before its makers of replies and refuses what would: an answer to no command, a type of
 * RESP3, and to a subscriber what is no message. Refusing ends the connection. */
#ifndef STORE_REDIS_GUARD_H
#define STORE_REDIS_GUARD_H

#include "core/str.h"

#include <hiredis/async.h>

struct redis_guard {
    redisAsyncContext *ac;
    const char *refused; /* why an answer was not taken, or NULL; static storage */
    char channel[64];    /* that SUBSCRIBE named; empty: none did */
    bool confirms;       /* the message that is being read is the answer to SUBSCRIBE */
    redisReplyObjectFunctions standard, guarded;
};

/* Guards a connection that was just opened. *g stays in place until the connection is gone. */
void redis_guard_attach(struct redis_guard *g, redisAsyncContext *ac);

/* To be told of every command after the handshake: of a SUBSCRIBE, which names one channel, it
 * remembers that. */
void redis_guard_sent(struct redis_guard *g, struct str command);

#endif
