/* The log: one line an event, on standard error or to syslog. Writing never waits: what nobody
 * reads is lost, and counted. A message that comes again and again is logged some times, and then
 * how often it came. */
#ifndef NET_LOG_H
#define NET_LOG_H

#include "core/config.h"
#include <stdarg.h>

struct log_options {
    enum log_level level; /* lines above it are dropped */
    enum log_format format;
    enum log_sink sink;
};

/* Until it is called: info, logfmt, standard error. */
void log_configure(const struct log_options *options);

/* Writes one line; no newline in the format, whose address says what kind of message it is. */
__attribute__((format(printf, 2, 3))) void log_write(enum log_level level, const char *format, ...);

/* Says what was held back and is due; to be called now and then. */
void log_tick(void);

/* Says all that was held back: this is the end. */
void log_flush(void);

#endif
