/* One message to a unix datagram socket, as syslog and systemd take them. It never waits. */
#ifndef NET_DATAGRAM_H
#define NET_DATAGRAM_H

#include "core/str.h"

/* Whether the message was taken. A path that begins with '@' is an abstract address (unix(7)). */
bool datagram_send(const char *path, struct str message);

#endif
