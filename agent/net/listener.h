/* A listening socket, TCP or unix, and its accept loop. It knows nothing of what is spoken. */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "address.h"
#include <ev.h>
#include <sys/types.h>

struct listener {
    struct address address;
    void (*accepted)(void *ctx, int fd); /* takes over the descriptor, which does not block */
    void *ctx;
    struct ev_loop *loop;
    ev_io readable;
    ev_timer pause; /* after running out of descriptors */
    dev_t device;   /* of a unix socket's path, to know whether it is still ours */
    ino_t inode;
};

/* Binds and listens, or takes the socket that systemd bound to this address. NULL, or what failed
 * (static or errno's text). The listener stays where it is until listener_close(). A unix socket
 * that nobody listens on any more is replaced; it is for the agent's user and group (0660). */
const char *listener_open(struct listener *l, struct ev_loop *loop, struct str address,
                          void (*accepted)(void *ctx, int fd), void *ctx);

/* Accepts who waits, now, which the loop else does by itself. */
void listener_accept(struct listener *l);

/* Accepts nothing for so long; who connects waits. */
void listener_pause(struct listener *l, double seconds);

/* Stops accepting and, for a unix socket, removes its path unless a successor's is there. */
void listener_close(struct listener *l);

#endif
