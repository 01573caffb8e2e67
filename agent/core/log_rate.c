#include "log_rate.h"

static bool is_over(const struct log_kind *kind, int64_t now)
{
    return now - kind->begun >= LOG_RATE_WINDOW;
}

struct log_kind *log_rate_kind(struct log_rate *rate, const void *name, int64_t now)
{
    struct log_kind *room = NULL;

    for (struct log_kind *kind = rate->kinds; kind < rate->kinds + LOG_RATE_KINDS; kind++) {
        if (kind->name == name)
            return kind;
        if (!room && (!kind->name || (kind->held == 0 && is_over(kind, now))))
            room = kind;
    }
    if (!room)
        return &rate->kinds[LOG_RATE_KINDS - 1];
    *room = (struct log_kind){.name = name, .begun = now};
    return room;
}

bool log_kind_admits(struct log_kind *kind, int64_t now)
{
    if (kind->held == 0 && is_over(kind, now)) {
        kind->begun = now;
        kind->lines = 0;
    }
    if (kind->lines == LOG_RATE_LINES)
        return false;
    kind->lines++;
    return true;
}

void log_kind_hold(struct log_kind *kind, enum log_level level, struct str text)
{
    kind->held++;
    kind->level = level;
    kind->len = text.len < LOG_RATE_TEXT ? text.len : LOG_RATE_TEXT;
    memcpy(kind->text, text.ptr, kind->len);
}

struct log_kind *log_rate_due(struct log_rate *rate, int64_t now)
{
    for (struct log_kind *kind = rate->kinds; kind < rate->kinds + LOG_RATE_KINDS; kind++)
        if (kind->held && is_over(kind, now))
            return kind;
    return NULL;
}

void log_kind_clear(struct log_kind *kind)
{
    *kind = (struct log_kind){.name = NULL};
}
