/* The HTTP door: who runs the agent looks in here, on an address of its own. GET /metrics, /healthz
 * and /readyz; on a unix socket, whose permissions say who may, POST to what the agent offers
 * besides. It shares the loop but no descriptor with lookups, and bounds its clients. */
#ifndef NET_HTTP_DOOR_H
#define NET_HTTP_DOOR_H

#include "core/metrics.h"
#include <ev.h>

struct http_door;

enum { HTTP_CALL_ARGUMENTS = 16 };

struct http_argument {
    struct str name, value;
};

/* What stands for the client of a call, see struct http_action. */
struct http_client;

/* A POST with its query, decoded, and its body, whole. */
struct http_call {
    struct http_argument arguments[HTTP_CALL_ARGUMENTS];
    size_t count;
    struct str body;
    struct http_client *client;
};

/* What a POST to a path does. */
struct http_action {
    const char *path;
    /* Appends the text of the answer and returns its status code; or returns 0, and then calls
     * http_door_answer() once, sooner or later, even after the door was closed. It runs in the
     * loop: in less time than lookups can wait. */
    unsigned (*run)(void *ctx, const struct http_call *call, struct buf *out);
    void *ctx;
};

struct http_door_options {
    struct str address; /* see address.h */
    const struct metrics *metrics;
    const char *version;
    bool (*ready)(void *ctx); /* whether lookups have a chance of an answer */
    void *ctx;
    const struct http_action *actions; /* ended by one without a path */
};

/* Opens the door; what the options point to stays in place. NULL and *error (static) when it
 * cannot be opened. */
struct http_door *http_door_open(struct ev_loop *loop, const struct http_door_options *options,
                                 const char **error);

/* Answers a call whose action returned 0; the client is void afterwards. */
void http_door_answer(struct http_client *client, unsigned code, struct str text);

/* Closes it and frees it. NULL is ignored. */
void http_door_close(struct http_door *door);

#endif
