/* One request to the HTTP door of an agent, for commands: it blocks. */
#ifndef NET_HTTP_ASK_H
#define NET_HTTP_ASK_H

#include "core/buf.h"
#include "net/http_code.h"

struct http_ask {
    struct str address; /* see address.h */
    const char *method; /* "GET" or "POST" */
    struct str target;  /* "/purge?kind=all" */
    struct str token;   /* for Authorization: Bearer; empty: none */
};

/* Appends the body of the answer and returns its status; 0 when there is none: *why says why, in
 * static storage or errno's text. */
unsigned http_ask(const struct http_ask *ask, struct buf *body, const char **why);

/* Appends text as it stands in a query (RFC 3986 2.1). */
void http_ask_escape(struct buf *out, struct str text);

#endif
