/* One node: a connection, the commands that wait for it, and whether it is worth asking at all.
 * It bounds what waits and counts errors; deadlines and redirects are its owner's business. */
#ifndef STORE_REDIS_NODE_H
#define STORE_REDIS_NODE_H

#include "core/metrics.h"
#include "redis_conn.h"
#include "redis_watch.h"
#include "store.h"

struct redis_node;
struct redis_state;

/* One GET, PTTL or SET. Its maker owns it, and lends it to a node until that has called `answered`.
 */
struct redis_command {
    struct redis_command *earlier, *later; /* the maker's */
    struct redis_node *node;               /* where it waits */
    struct store_read *read; /* NULL: a write, or a read that nobody waits for any more */
    int64_t deadline;        /* of a read: clock_now() */
    char *bytes;             /* of the command; the maker's */
    size_t len;
    size_t put_bytes;  /* of the value that a write carries */
    uint32_t coverage; /* of the node when it was sent */
    unsigned char redirects;
    int64_t sent; /* nanoseconds, as clock_now() */
    bool write, late;
    int answer; /* of a read: the type of reply that is one, beside nil for all but numbers */
};

/* What all nodes of a store share. */
struct redis_pool {
    struct ev_loop *loop;
    struct metrics *metrics;
    struct redis_conn_options conn;  /* for each of them, but for the address */
    int64_t timeout;                 /* nanoseconds */
    size_t max_pending;              /* reads, and as many writes */
    bool redirects;                  /* MOVED and ASK are followed */
    struct str own_keys;             /* what every key begins with; empty: no advice */
    struct redis_watch_events watch; /* of every node; none: nodes are not watched */
    struct redis_node *nodes;        /* all there are; owned */
    /* The answer to a command, borrowed until it returns; NULL: the connection ended first. */
    void (*answered)(void *context, struct redis_node *from, struct redis_command *command,
                     const redisReply *reply);
    /* A node was lost, or is not what it was thought to be. */
    void (*trouble)(void *context);
    /* Keys are now at other nodes. */
    void (*moved)(void *context);
    void *context;
};

/* The node at that address, which begins to connect when it is new. NULL when there is no memory,
 * too many nodes, or no such address. */
struct redis_node *redis_pool_node(struct redis_pool *p, struct str address);

/* Frees a node and what waits for it (`answered` with NULL). Not from inside a callback of its
 * own. */
void redis_pool_drop(struct redis_pool *p, struct redis_node *n);

/* See redis_states(). */
size_t redis_pool_states(const struct redis_pool *p, struct redis_state *out, size_t max);

/* Drops all nodes. */
void redis_pool_free(struct redis_pool *p);

/* Whether a read has a chance of an answer in time. */
bool redis_node_ready(const struct redis_node *n);

/* Whether the node takes one more read; if not, *why says what to answer instead. */
bool redis_node_takes_read(const struct redis_node *n, enum store_result *why);

/* Whether it takes one more write of a value of so many bytes. */
bool redis_node_takes_write(const struct redis_node *n, size_t bytes);

/* Sends a command that the node takes, behind an ASKING when that is said. False, and it is not
 * lent, when the connection is gone after all. */
bool redis_node_send(struct redis_node *n, struct redis_command *command, bool asking);

/* The deadline of a read that waits there has passed: it has no `read` any more. */
void redis_node_late(struct redis_command *command);

/* What redis_watch_coverage() says of it; 0 when it is not watched. */
uint32_t redis_node_coverage(const struct redis_node *n);

/* Whether all that changed in it up to 100 ms ago has been reported. */
bool redis_node_is_fresh(const struct redis_node *n);

/* As the pool was told; lives as long as the node. */
struct str redis_node_address(const struct redis_node *n);

/* In the pool, the next one or NULL. */
struct redis_node *redis_node_next(const struct redis_node *n);

/* A mark of its owner, at first false. */
bool *redis_node_mark(struct redis_node *n);

/* Whether nothing was sent to it for so many nanoseconds, and nothing waits. */
bool redis_node_idle(const struct redis_node *n, int64_t nanoseconds);

#endif
