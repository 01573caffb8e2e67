/* What http_door.c and http_client.c share; nobody else includes it. */
#ifndef NET_HTTP_PRIVATE_H
#define NET_HTTP_PRIVATE_H

#include "http_door.h"
#include <ev.h>
#include <microhttpd.h>

struct http_peer;
struct http_entrance;

struct http_door {
    struct http_door_options options;
    struct ev_loop *loop;
    struct http_entrance *entrances; /* owned */
    size_t entrance_count, next;     /* the one that a turn begins with */
    ev_timer tick;                   /* lets connections time out */
    ev_timer rest;                   /* until the next turn, see http_door.c */
    bool again;                      /* there is something to do in it, whatever the daemons say */
    bool acted;                      /* by the daemon that is run, in this turn */
    int64_t turn_ends;               /* clock_now(): no daemon's second action begins later */
    struct http_client *waiting;     /* for an answer, or for the next turn */
    struct http_peer *peers;         /* all connections */
};

/* Has the door do something soon. */
void http_door_wake(struct http_door *door);

/* Callback of the daemon, see MHD_AccessHandlerCallback; the context is the door. */
enum MHD_Result http_client_request(void *door, struct MHD_Connection *connection, const char *path,
                                    const char *method, const char *version, const char *piece,
                                    size_t *piece_len, void **state);

/* The daemon has done with the request, which may be NULL; it is freed as soon as no action still
 * owes it an answer. */
void http_client_completed(struct http_client *client);

/* Lets those that wait for the next turn go on. */
void http_client_resume(struct http_door *door);

/* Lets all that wait go on: the door closes. */
void http_client_release(struct http_door *door);

#endif
