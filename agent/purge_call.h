/* POST /purge?kind=KIND&name=NAME at the HTTP door, see README.md. `format=json` in the query asks
 * for JSON. It is answered when the purge has taken place in the store. */
#ifndef PURGE_CALL_H
#define PURGE_CALL_H

#include "core/config.h"
#include "net/http_door.h"
#include "store/purge_book.h"

struct purge_target {
    struct config *const *config; /* the pointer to the one in use */
    struct purge_book *book;
};

/* See struct http_action. `ctx` is a struct purge_target. */
unsigned purge_call(void *ctx, const struct http_call *call, struct buf *out);

#endif
