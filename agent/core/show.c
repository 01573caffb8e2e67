#include "show.h"

size_t show_character(struct str text)
{
    uint8_t first = (uint8_t)text.ptr[0];
    size_t len = first >= 0xf0 && first < 0xf8 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;

    if (first >= 0xf8 || len > text.len)
        return 1;
    for (size_t i = 1; i < len; i++)
        if ((text.ptr[i] & 0xc0) != 0x80)
            return 1;
    return len;
}

static bool is_control(struct str c)
{
    uint8_t first = (uint8_t)c.ptr[0];

    if (c.len == 1)
        return first < 0x20 || first >= 0x7f;
    return first == 0xc2 && (uint8_t)c.ptr[1] < 0xa0; /* U+0080 to U+009F */
}

static void show(struct buf *out, struct str text, size_t max, bool quoted)
{
    size_t shown = 0;

    while (text.len && shown < max) {
        struct str c = {text.ptr, show_character(text)};
        if (quoted && c.ptr[0] == '\n')
            buf_append(out, STR("\\n"));
        else if (is_control(c))
            buf_append_byte(out, '?');
        else {
            if (quoted && (c.ptr[0] == '"' || c.ptr[0] == '\\'))
                buf_append_byte(out, '\\');
            buf_append(out, c);
        }
        shown += c.len;
        text = str_from(text, c.len);
    }
    if (text.len)
        buf_append(out, STR("..."));
}

void show_text(struct buf *out, struct str text, size_t max)
{
    show(out, text, max, false);
}

void show_quoted(struct buf *out, struct str text, size_t max)
{
    buf_append_byte(out, '"');
    show(out, text, max, true);
    buf_append_byte(out, '"');
}
