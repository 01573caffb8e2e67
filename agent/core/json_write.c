#include "json_write.h"

#include "decimal.h"
#include "json_scan.h"
#include "show.h"

enum { FOREIGN_MAX = 64 << 10 };

static void write_escape(struct buf *out, char c)
{
    static const char digits[] = "0123456789abcdef";

    if ((uint8_t)c >= 0x20)
        buf_append(out, (struct str){(char[]){'\\', c}, 2});
    else
        buf_append(out,
                   (struct str){(char[]){'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]}, 6});
}

void json_write_string(struct buf *out, struct str text)
{
    const char *at = text.ptr, *end = text.ptr + text.len;

    buf_append_byte(out, '"');
    for (;;) {
        const char *stop = json_scan(at, end, false);
        buf_append(out, (struct str){at, (size_t)(stop - at)});
        if (stop == end)
            break;
        write_escape(out, *stop);
        at = stop + 1;
    }
    buf_append_byte(out, '"');
}

void json_write_foreign(struct buf *out, struct str bytes)
{
    show_quoted(out, bytes, FOREIGN_MAX);
}

void json_write_number(struct buf *out, uint64_t value)
{
    char digits[20], *first = digits + sizeof digits;

    do
        *--first = (char)('0' + value % 10);
    while (value /= 10);
    buf_append(out, (struct str){first, (size_t)(digits + sizeof digits - first)});
}

void json_write_item(struct buf *out)
{
    char last = out->len ? out->ptr[out->len - 1] : '{';

    if (last != '{' && last != '[')
        buf_append_byte(out, ',');
}

void json_write_name(struct buf *out, const char *name)
{
    json_write_item(out);
    buf_printf(out, "\"%s\":", name);
}

void json_write_named_integer(struct buf *out, const char *name, int64_t value)
{
    struct decimal_text text;

    json_write_name(out, name);
    buf_append(out, decimal_write(&text, value));
}

void json_write_named_bool(struct buf *out, const char *name, bool value)
{
    json_write_name(out, name);
    buf_append(out, value ? STR("true") : STR("false"));
}

void json_write_named_foreign(struct buf *out, const char *name, struct str bytes)
{
    json_write_name(out, name);
    json_write_foreign(out, bytes);
}
