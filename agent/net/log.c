#include "log.h"

#include "clock.h"
#include "core/log_line.h"
#include "core/log_rate.h"
#include "datagram.h"
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than a line may become, and no more than a pipe takes in one piece (PIPE_BUF). */
enum { LINE_MAX_BYTES = 4096 };
enum { FACILITY_DAEMON = 3 << 3 }; /* syslog(3) */

static struct log_options options = {.level = LOG_LEVEL_INFO};
static struct log_rate rate;
static uint64_t lost; /* lines that nobody took */

void log_configure(const struct log_options *new_options)
{
    options = *new_options;
}

/* As syslog(3) and sd-daemon(3) number them. */
static int priority(enum log_level level)
{
    static const int numbers[] = {
        [LOG_LEVEL_ERROR] = 3,
        [LOG_LEVEL_WARNING] = 4,
        [LOG_LEVEL_INFO] = 6,
        [LOG_LEVEL_DEBUG] = 7,
    };

    return numbers[level];
}

/* Whether standard error goes to the journal: systemd says what it connected (systemd.exec(5),
 * JOURNAL_STREAM), and a shell may have redirected it since. */
static bool to_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uint64_t device, inode;
    struct stat st;

    return stream && sscanf(stream, "%" SCNu64 ":%" SCNu64, &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

/* The time of day, for whom nobody else adds it (RFC 3339). */
static struct str timestamp(char *out, size_t size)
{
    struct timespec now;
    struct tm tm;
    char seconds[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, size, "%s.%03ldZ", seconds, now.tv_nsec / CLOCK_MS);
    return str_of(out);
}

/* Whether a line can be written without waiting: whoever collects the log may not read it. */
static bool is_read(void)
{
    struct pollfd error = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&error, 1, 0) == 1 && (error.revents & POLLOUT);
}

static bool print_to_syslog(struct log_line line, struct buf *out)
{
    buf_printf(out, "<%d>spoa-cache[%d]: ", FACILITY_DAEMON | priority(line.level), getpid());
    log_line_print(&line, options.format, out);
    return buf_ok(out) && datagram_send("/dev/log", (struct str){out->ptr, out->len - 1});
}

static bool print_to_stderr(struct log_line line, struct buf *out)
{
    char now[64];

    if (to_journal())
        buf_printf(out, "<%d>", priority(line.level));
    else
        line.time = timestamp(now, sizeof now);
    log_line_print(&line, options.format, out);
    return buf_ok(out) && is_read() &&
           write(STDERR_FILENO, out->ptr, out->len) == (ssize_t)out->len;
}

static bool print(enum log_level level, struct str text, uint64_t suppressed)
{
    struct log_line line = {.level = level, .text = text, .suppressed = suppressed};
    struct buf out = buf_new(LINE_MAX_BYTES);
    bool taken = options.sink == LOG_SINK_SYSLOG && print_to_syslog(line, &out);

    if (!taken) { /* also when there is no syslog */
        buf_clear(&out);
        taken = print_to_stderr(line, &out);
    }
    buf_free(&out);
    return taken;
}

/* Says how many lines nobody took, as soon as somebody does. */
static void say_lost(void)
{
    static const char format[] = "%" PRIu64 " lines of this log were lost: nobody took them";
    char text[sizeof format + 20];

    snprintf(text, sizeof text, format, lost);
    if (print(LOG_LEVEL_WARNING, str_of(text), 0))
        lost = 0;
}

static void say(enum log_level level, struct str text, uint64_t suppressed)
{
    if (lost)
        say_lost();
    if (!print(level, text, suppressed))
        lost++;
}

static void say_due(int64_t now)
{
    struct log_kind *kind;

    while ((kind = log_rate_due(&rate, now))) {
        say(kind->level, (struct str){kind->text, kind->len}, kind->held - 1);
        log_kind_clear(kind);
    }
}

void log_write(enum log_level level, const char *format, ...)
{
    char text[LOG_LINE_TEXT + 64];
    int64_t now = clock_now() / CLOCK_MS;
    va_list args;

    if (level > options.level)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    say_due(now);
    struct log_kind *kind = log_rate_kind(&rate, format, now);
    if (log_kind_admits(kind, now))
        say(level, str_of(text), 0);
    else
        log_kind_hold(kind, level, str_of(text));
}

void log_tick(void)
{
    say_due(clock_now() / CLOCK_MS);
}

void log_flush(void)
{
    say_due(INT64_MAX);
}
