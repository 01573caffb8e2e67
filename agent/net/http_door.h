/* The HTTP door: who runs the agent looks in here, on addresses of its own. What is open is for
 * everyone who reaches an address (GET, HEAD); the rest is administration (POST), for who may use a
 * unix socket, whose permissions say who that is, or has the token. It knows the rules of HTTP and
 * not what is said; it shares the loop but no descriptor with lookups, and bounds its clients: how
 * many there are at each address, how long they take, what they send, and its share of the loop. */
#ifndef NET_HTTP_DOOR_H
#define NET_HTTP_DOOR_H

#include "core/buf.h"
#include "core/policy.h"
#include "net/http_code.h"
#include <ev.h>

struct http_door;

enum { HTTP_DOOR_CONNECTIONS = 64 }; /* at each address; one more is closed at once */
enum { HTTP_CALL_ARGUMENTS = 16 };

struct http_argument {
    struct str name, value;
};

/* What stands for the client of a call, see struct http_action. */
struct http_client;

/* A request with its query, decoded, and its body, whole. */
struct http_call {
    struct http_argument arguments[HTTP_CALL_ARGUMENTS];
    size_t count;
    struct str body;
    struct http_client *client;
};

/* What can be asked for. */
struct http_action {
    const char *path;
    /* Appends the text of the answer and returns its status code; or returns 0, and then calls
     * http_door_answer() once, sooner or later, even after the door was closed. It runs in the
     * loop: in less time than lookups can wait. With the argument format=json a 200 has JSON. */
    unsigned (*run)(void *ctx, const struct http_call *call, struct buf *out);
    void *ctx;
    bool open;        /* GET or HEAD, by everyone; else POST, by who may */
    const char *type; /* Content-Type of a 200; NULL: text, or JSON when that was asked for */
};

struct http_door_options {
    const struct str_list *addresses;  /* see address.h; at least one */
    const struct http_action *actions; /* ended by one without a path */
    const char *content_policy;        /* Content-Security-Policy, of every answer */
    /* The token that lets in who does not come by a unix socket; empty: nothing does. */
    struct str (*token)(void *ctx);
    void *ctx;
};

/* Opens the door; what the options point to stays in place, but for the addresses. NULL, and
 * *error says what failed (static), and *where at which address, when it cannot be opened. */
struct http_door *http_door_open(struct ev_loop *loop, const struct http_door_options *options,
                                 struct str *where, const char **error);

/* The value of an argument; false when the call has none of that name. */
bool http_call_has(const struct http_call *call, struct str name, struct str *value);

/* Answers a call whose action returned 0; the client is void afterwards. */
void http_door_answer(struct http_client *client, unsigned code, struct str text);

/* Closes it and frees it. NULL is ignored. */
void http_door_close(struct http_door *door);

#endif
