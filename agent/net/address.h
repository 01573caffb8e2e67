/* Addresses as the configuration writes them: "HOST:PORT", "[V6]:PORT", "*:PORT", "unix:PATH". */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include "core/str.h"
#include <sys/socket.h>
#include <sys/un.h>

struct address {
    struct sockaddr_storage sa;
    socklen_t len;
};

/* The host in "HOST:PORT", or in "[V6]:PORT" without its brackets; *port is what stands behind the
 * last colon. Both are empty when there is none. */
struct str address_host(struct str text, struct str *port);

/* Fills *out for listening; names are resolved, which may block. Returns NULL, or what is wrong
 * (static storage). */
const char *address_resolve(struct address *out, struct str text);

/* The path of a unix address, or NULL. */
const char *address_path(const struct address *a);

#endif
