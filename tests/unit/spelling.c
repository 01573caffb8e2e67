#include "spelling.h"

uint32_t random_below(uint32_t limit)
{
    static uint64_t state = 88172645463325252;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % limit;
}

void spell_space(struct buf *out)
{
    while (random_below(4) == 3)
        buf_append_byte(out, (uint8_t) " \t\r\n"[random_below(4)]);
}

static void spell_unit(struct buf *out, uint32_t unit)
{
    buf_printf(out, random_below(2) ? "\\u%04x" : "\\u%04X", unit);
}

/* One character, which ends before the result, as itself or escaped. */
static const char *spell_character(struct buf *out, const char *at)
{
    uint32_t lead = (uint8_t)*at, len = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint32_t code = len == 1 ? lead : lead & (0x7fU >> len);

    for (uint32_t i = 1; i < len; i++)
        code = code << 6 | ((uint8_t)at[i] & 0x3f);
    if ((code == '"' || code == '\\' || code == '/') && random_below(2))
        buf_append(out, (struct str){(char[]){'\\', *at}, 2});
    else if (code >= 0x20 && code != '"' && code != '\\' && random_below(4))
        buf_append(out, (struct str){at, len});
    else if (code < 0x10000)
        spell_unit(out, code);
    else
        spell_unit(out, 0xd7c0 + (code >> 10)), spell_unit(out, 0xdc00 + (code & 0x3ff));
    return at + len;
}

void spell_string(struct buf *out, struct str s)
{
    buf_append_byte(out, '"');
    for (const char *at = s.ptr; at < s.ptr + s.len;)
        at = spell_character(out, at);
    buf_append_byte(out, '"');
}
