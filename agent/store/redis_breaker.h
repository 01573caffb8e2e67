/* When to leave a node alone: it opens after some failures in a row, is tried out after a pause,
 * and closes when that went well. A node that fails again soon waits for twice as long each time,
 * so it never flaps. It has no clock and no timer: times are given, in nanoseconds. */
#ifndef STORE_REDIS_BREAKER_H
#define STORE_REDIS_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum { BREAKER_FAILURES = 3 }; /* in a row, and it opens */

struct redis_breaker {
    bool open;
    unsigned failures; /* in a row */
    int64_t pause;     /* before the next try while it is open */
    int64_t closed;    /* when it closed last */
};

/* A command did well. */
void redis_breaker_passed(struct redis_breaker *b);

/* A command failed. True when that opened it. */
bool redis_breaker_failed(struct redis_breaker *b, int64_t now);

/* How the try after a pause went. One more failure opens it again until a command did well. */
void redis_breaker_tried(struct redis_breaker *b, int64_t now, bool good);

#endif
