#include "log_line.h"

#include "show.h"
#include <inttypes.h>

static const char *level_name(enum log_level level)
{
    static const char *const names[] = {
        [LOG_LEVEL_ERROR] = "error",
        [LOG_LEVEL_WARNING] = "warning",
        [LOG_LEVEL_INFO] = "info",
        [LOG_LEVEL_DEBUG] = "debug",
    };

    return names[level];
}

static void print_logfmt(const struct log_line *line, struct buf *out)
{
    if (line->time.len)
        buf_printf(out, "time=%.*s ", STR_ARGS(line->time));
    buf_printf(out, "level=%s msg=", level_name(line->level));
    show_quoted(out, line->text, LOG_LINE_TEXT);
    if (line->suppressed)
        buf_printf(out, " suppressed=%" PRIu64, line->suppressed);
}

static void print_json(const struct log_line *line, struct buf *out)
{
    buf_append_byte(out, '{');
    if (line->time.len)
        buf_printf(out, "\"time\":\"%.*s\",", STR_ARGS(line->time));
    buf_printf(out, "\"level\":\"%s\",\"msg\":", level_name(line->level));
    show_quoted(out, line->text, LOG_LINE_TEXT);
    if (line->suppressed)
        buf_printf(out, ",\"suppressed\":%" PRIu64, line->suppressed);
    buf_append_byte(out, '}');
}

void log_line_print(const struct log_line *line, enum log_format format, struct buf *out)
{
    if (format == LOG_FORMAT_JSON)
        print_json(line, out);
    else
        print_logfmt(line, out);
    buf_append_byte(out, '\n');
}
