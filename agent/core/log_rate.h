/* How much of one kind of message is logged: some lines in a while. What is more is counted, and
 * the last of it is said when the while is over. It knows no clock: `now` is in milliseconds. */
#ifndef CORE_LOG_RATE_H
#define CORE_LOG_RATE_H

#include "config.h"

enum {
    LOG_RATE_LINES = 10,
    LOG_RATE_WINDOW = 10 * 1000, /* milliseconds */
    LOG_RATE_KINDS = 64,         /* more share the last place */
    LOG_RATE_TEXT = 240,         /* bytes of a held message that are kept */
};

struct log_kind {
    const void *name; /* NULL: a free place */
    int64_t begun;    /* of the window */
    unsigned lines;   /* logged in it */
    uint64_t held;    /* not logged in it */
    enum log_level level;
    size_t len;
    char text[LOG_RATE_TEXT]; /* of the last one held */
};

/* All zeros is one that has seen nothing. */
struct log_rate {
    struct log_kind kinds[LOG_RATE_KINDS];
};

/* The place of a kind, whose name is any address of its own. It lives as long as *rate. */
struct log_kind *log_rate_kind(struct log_rate *rate, const void *name, int64_t now);

/* Whether a line of that kind may be logged; otherwise it is to be held. */
__attribute__((warn_unused_result)) bool log_kind_admits(struct log_kind *kind, int64_t now);

/* Counts a line that was not admitted, and keeps its text. */
void log_kind_hold(struct log_kind *kind, enum log_level level, struct str text);

/* A kind that holds lines and whose window is over, or any that holds lines when `now` is
 * INT64_MAX; NULL: none. The caller logs its text, and calls log_kind_clear(). */
struct log_kind *log_rate_due(struct log_rate *rate, int64_t now);

/* Begins anew. */
void log_kind_clear(struct log_kind *kind);

#endif
