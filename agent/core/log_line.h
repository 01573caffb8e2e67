/* A line of the log as text: logfmt, "level=info msg=\"...\"", or JSON. Foreign text cannot begin a
 * line of its own, nor a field. */
#ifndef CORE_LOG_LINE_H
#define CORE_LOG_LINE_H

#include "buf.h"
#include "config.h"

enum { LOG_LINE_TEXT = 1000 }; /* bytes of a message that are shown */

struct log_line {
    struct str time; /* empty: whoever collects the log adds it */
    enum log_level level;
    struct str text;
    uint64_t suppressed; /* how many of its kind were not logged before it */
};

/* Appends the line with its end. */
void log_line_print(const struct log_line *line, enum log_format format, struct buf *out);

#endif
