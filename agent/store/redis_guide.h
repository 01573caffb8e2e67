/* A connection to one of several servers that know where the data is: Sentinels, or nodes of a
 * cluster. It goes to the next one whenever it is asked anew, the connection fails or the server
 * does not say in time; at most once a second. */
#ifndef STORE_REDIS_GUIDE_H
#define STORE_REDIS_GUIDE_H

#include "redis_conn.h"

struct redis_guide_options {
    struct redis_conn_options conn; /* but for the address */
    /* Address number n of those to try; empty when there are not so many. Borrowed for long enough
     * to be copied. */
    struct str (*address)(void *context, size_t n);
    /* A server is there: send it the questions. Not from inside redis_guide_new(). */
    void (*ask)(void *context, struct redis_conn *conn);
    void *context;
};

struct redis_guide;

/* Begins to ask. NULL when there is no memory. */
struct redis_guide *redis_guide_new(struct ev_loop *loop,
                                    const struct redis_guide_options *options);

/* What is known is wrong: ask the next server, in a second at the latest. */
void redis_guide_ask(struct redis_guide *g);

/* The server said what was asked, so it is kept. */
void redis_guide_answered(struct redis_guide *g);

/* The address of the present server. */
struct str redis_guide_address(const struct redis_guide *g);

/* Its connection ends as in redis_conn_free(). */
void redis_guide_free(struct redis_guide *g);

#endif
