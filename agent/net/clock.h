/* The clock that nobody sets: libev's ev_now() is the time of day. */
#ifndef NET_CLOCK_H
#define NET_CLOCK_H

#include <stdint.h>
#include <time.h>

enum { CLOCK_MS = 1000000, CLOCK_SECOND = 1000 * CLOCK_MS };

/* Nanoseconds. */
static inline int64_t clock_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * CLOCK_SECOND + t.tv_nsec;
}

#endif
