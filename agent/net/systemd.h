/* What a service and systemd tell each other: sd_notify(3) and sd_listen_fds(3). Both are a few
 * variables of the environment and one datagram, which are documented as stable; so nothing is
 * linked for them. Without systemd each of these does nothing. */
#ifndef NET_SYSTEMD_H
#define NET_SYSTEMD_H

#include "address.h"
#include <stdint.h>

/* Tells the state, lines "NAME=VALUE" as sd_notify(3) lists them. */
__attribute__((format(printf, 1, 2))) void systemd_notify(const char *format, ...);

/* After how long without "WATCHDOG=1" systemd takes the service for dead, in microseconds; 0: it
 * does not watch. */
uint64_t systemd_watchdog(void);

/* The listening stream socket that systemd passed for this address, once; -1: none. The caller
 * owns the descriptor, which does not block. */
int systemd_socket(const struct address *address);

/* Closes the sockets that nobody took, and says so in the log. */
void systemd_close_rest(void);

#endif
