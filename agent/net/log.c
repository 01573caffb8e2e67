#include "log.h"

#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LINES_PER_SECOND = 50 }; /* a hostile peer must not fill the disk */

static enum log_level threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    threshold = level;
}

/* Whether a line can be written without waiting: whoever collects the log may not read it, and a
 * pipe that takes anything takes more than a line (PIPE_BUF). */
static bool is_read(void)
{
    struct pollfd error = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&error, 1, 0) == 1 && (error.revents & POLLOUT);
}

/* Whether one more line may be written this second; says afterwards how many were not. */
static bool within_rate(void)
{
    static time_t second;
    static unsigned lines;
    time_t now = time(NULL);

    if (now != second) {
        if (lines > LINES_PER_SECOND)
            fprintf(stderr, "warning %u messages were not logged\n", lines - LINES_PER_SECOND);
        second = now;
        lines = 0;
    }
    return ++lines <= LINES_PER_SECOND;
}

void log_write(enum log_level level, const char *format, ...)
{
    static const char *const names[] = {
        [LOG_LEVEL_ERROR] = "error",
        [LOG_LEVEL_WARNING] = "warning",
        [LOG_LEVEL_INFO] = "info",
        [LOG_LEVEL_DEBUG] = "debug",
    };
    char line[1024];
    va_list args;

    if (level > threshold || !is_read() || !within_rate())
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    fprintf(stderr, "%s %s\n", names[level], line);
}
