#include "redis_breaker.h"

#include "net/clock.h"

static const int64_t FIRST_PAUSE = 100LL * CLOCK_MS, LONGEST_PAUSE = 5LL * CLOCK_SECOND;
static const int64_t FORGET_AFTER = 10LL * CLOCK_SECOND; /* of being closed */

static void lengthen(struct redis_breaker *b)
{
    b->pause = b->pause * 2 < LONGEST_PAUSE ? b->pause * 2 : LONGEST_PAUSE;
}

void redis_breaker_passed(struct redis_breaker *b)
{
    b->failures = 0;
}

bool redis_breaker_failed(struct redis_breaker *b, int64_t now)
{
    if (b->open || ++b->failures < BREAKER_FAILURES)
        return false;
    if (b->pause && now - b->closed < FORGET_AFTER)
        lengthen(b);
    else
        b->pause = FIRST_PAUSE;
    b->open = true;
    return true;
}

void redis_breaker_tried(struct redis_breaker *b, int64_t now, bool good)
{
    if (!good) {
        lengthen(b);
        return;
    }
    b->open = false;
    b->failures = BREAKER_FAILURES - 1;
    b->closed = now;
}
