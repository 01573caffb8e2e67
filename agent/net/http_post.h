/* One POST to the HTTP door of an agent on this machine, for commands: it blocks. */
#ifndef NET_HTTP_POST_H
#define NET_HTTP_POST_H

#include "core/buf.h"

/* Posts nothing to the target ("/purge?kind=all") at the unix socket, and appends the body of the
 * answer, whose status it returns; 0 when there is none: errno says why. */
unsigned http_post(const char *path, struct str target, struct buf *body);

/* Appends text as it stands in a query (RFC 3986 2.1). */
void http_post_escape(struct buf *out, struct str text);

#endif
