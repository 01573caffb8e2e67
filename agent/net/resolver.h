/* Names to addresses without holding up the event loop: getaddrinfo() blocks, so a thread of its
 * own calls it: one for each name at a time, however many wait for it or gave up. */
#ifndef NET_RESOLVER_H
#define NET_RESOLVER_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

enum { RESOLVER_ADDRESSES = 8, RESOLVER_TEXT = 64 };

/* Numeric addresses, the one to prefer first. */
struct resolver_result {
    size_t count;
    char address[RESOLVER_ADDRESSES][RESOLVER_TEXT];
    const char *error; /* why there is none: static storage */
};

/* Somebody who waits for a look-up. */
struct resolver;

/* The address itself when `host` is a numeric one, IPv4 or IPv6; false when it is a name. */
bool resolver_numeric(struct resolver_result *result, const char *host);

/* Looks `host` (copied) up, or waits for the look-up of it that is under way. `done` is called
 * once, from the loop and never before this returns; the result is borrowed until `done` returns,
 * and the resolver is gone then. NULL when there is no memory or no thread to be had. */
struct resolver *resolver_start(struct ev_loop *loop, const char *host,
                                void (*done)(void *context, const struct resolver_result *result),
                                void *context);

/* Waits no longer: `done` will not be called. */
void resolver_cancel(struct resolver *r);

#endif
