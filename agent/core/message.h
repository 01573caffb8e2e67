/* A request as an HTTP/1.1 message (RFC 9112), read from a text that somebody wrote or captured:
 * request line, headers, empty line, body. It becomes what HAProxy would send of it. */
#ifndef CORE_MESSAGE_H
#define CORE_MESSAGE_H

#include "buf.h"
#include "headers.h"
#include "policy.h"

enum { MESSAGE_HEAD_MAX = 64 << 10 }; /* bytes of its headers */

struct message {
    struct headers headers; /* in `block` */
    struct buf block;       /* owned: as in headers.h */
};

/* Without headers. It may be begun again, which keeps memory. */
void message_begin(struct message *message);

/* Frees what it owns. */
void message_free(struct message *message);

/* Adds a header. NULL, or what is wrong (static storage). */
const char *message_header(struct message *message, struct str name, struct str value);

/* After the last header: gives them to the request, with the Host among them unless it has none.
 * The request points to *message. NULL, or what is wrong (static storage). */
const char *message_end(struct message *message, struct request *request);

/* Whether it is a path and perhaps a query. */
bool message_target(struct str target);

/* Takes one message off *text, which a Content-Length ends; without one all of the text is its
 * body. Lines end with CRLF or LF, and empty lines before it are passed over. Fills method, target,
 * host, headers, body and whole; they point into the text and to *message. NULL, or what is wrong
 * (static storage). */
const char *message_read(struct message *message, struct request *request, struct str *text);

/* Reads the messages in a text, *count at most and at least one, into as many requests; *count is
 * how many there were. NULL, or what is wrong (static storage). */
const char *message_read_all(struct message *messages, struct request *requests, size_t *count,
                             struct str text);

#endif
