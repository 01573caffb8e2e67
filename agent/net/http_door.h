/* The HTTP door: what runs the agent looks in here, on an address of its own. GET /metrics,
 * /healthz and /readyz. It shares the loop but no descriptor with lookups, and bounds its clients.
 */
#ifndef NET_HTTP_DOOR_H
#define NET_HTTP_DOOR_H

#include "core/metrics.h"
#include <ev.h>

struct http_door;

struct http_door_options {
    struct str address; /* see address.h */
    const struct metrics *metrics;
    const char *version;
    bool (*ready)(void *ctx); /* whether lookups have a chance of an answer */
    void *ctx;
};

/* Opens the door; what the options point to stays in place. NULL and *error (static) when it
 * cannot be opened. */
struct http_door *http_door_open(struct ev_loop *loop, const struct http_door_options *options,
                                 const char **error);

/* Closes it and frees it. NULL is ignored. */
void http_door_close(struct http_door *door);

#endif
