/* The log: one line an event on standard error, "LEVEL message". The supervisor adds the time. */
#ifndef NET_LOG_H
#define NET_LOG_H

#include "core/config.h"
#include <stdarg.h>

/* Lines above this level are dropped. */
void log_set_level(enum log_level level);

/* Writes one line; no newline in the format. */
__attribute__((format(printf, 2, 3))) void log_write(enum log_level level, const char *format, ...);

#endif
