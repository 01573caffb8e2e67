/* What spop_conn.c and spop_server.c share; nobody else includes it. */
#ifndef NET_SPOP_PRIVATE_H
#define NET_SPOP_PRIVATE_H

#include "spop_conn.h"
#include "spop_server.h"

enum { SPOP_READ_SIZE = 256 << 10 }; /* bytes read at once into the server's buffer */

enum conn_state {
    CONN_HELLO,   /* connected; waits for HAPROXY-HELLO */
    CONN_RUNNING, /* waits for NOTIFY */
    CONN_CLOSING, /* handles nothing more; waits until its output is written */
    CONN_LINGER,  /* has said all; waits for the other side to close, so that it reads the end */
    CONN_CLOSED,  /* has no descriptor; freed at the end of this turn */
};

struct spop_conn {
    unsigned magic;
    enum conn_state state;
    struct spop_server *server;
    struct spop_conn *next, **link; /* of the server's list of all */
    struct spop_conn *next_dirty;   /* of the server's list of those to settle */
    bool dirty;
    bool pipelining, legacy;
    bool asked; /* a NOTIFY has been read */
    bool held;  /* `input` may hold whole frames, not handled while too much was to be written */
    uint32_t frame_size;
    ev_io readable, writable;
    struct buf input;  /* the beginning of a frame; empty most of the time */
    struct buf output; /* 0 .. sent has been written, sent .. len is to be */
    size_t sent;
    struct spop_exchange *exchanges;
    size_t exchange_count;
    ev_tstamp active; /* when something was last read or answered */
};

struct spop_server {
    struct ev_loop *loop;
    struct spop_handler handler;
    struct spop_limits limits;
    struct metrics *metrics;
    struct spop_conn *conns, *dirty;
    char *scratch; /* owned: SPOP_READ_SIZE bytes that every read goes through */
    ev_prepare settle;
    ev_timer sweep;
    bool failing_checks, draining;
    void (*drained)(void *ctx);
    void *drained_ctx;
};

/* A connection in the server's list, reading. NULL without memory; `fd` is the caller's then. */
struct spop_conn *spop_conn_new(struct spop_server *server, int fd);

/* To be settled at the end of this turn of the loop. */
void spop_conn_mark(struct spop_conn *conn);

/* What a turn of the loop leaves to do: frames held back, the one write, the watchers. */
void spop_conn_settle(struct spop_conn *conn);

/* Closes what has been silent for too long, and gives memory back before that. */
void spop_conn_expire(struct spop_conn *conn, ev_tstamp now);

/* Gives the descriptor up; the memory stays until the connection has been settled. */
void spop_conn_close(struct spop_conn *conn);

/* Frees a closed connection. */
void spop_conn_free(struct spop_conn *conn);

#endif
