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

/* Fills *out for listening; names are resolved, which may block. Returns NULL, or what is wrong
 * (static storage). */
const char *address_resolve(struct address *out, struct str text);

/* The path of a unix address, or NULL. */
const char *address_path(const struct address *a);

#endif
