#include "nfc.h"

#include <utf8proc.h>

enum {
    FIRST_MARK = 0x300,     /* every character below follows none, and is in the form */
    FIRST_MARK_LEAD = 0xcc, /* the byte it begins with: none of those below has one as high */
    PIECE_MAX = 128,        /* characters of a piece, decomposed; UAX #15 section 13 asks for 30 */
    /* as measured; the marks of a piece are sorted by a sort whose time is the square of them */
    COST_CHARACTER = 6,
    COST_PIECE = 40,
    COST_MARK = 15,
    COST_MARK_BEFORE = 3,
};

static const utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;

bool nfc_is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((uint8_t)text.ptr[i] >= FIRST_MARK_LEAD)
            return false;
    return true;
}

/* The length in bytes of the character at the front; 0 when it is none. */
static size_t read_character(const char *at, const char *end, utf8proc_int32_t *code)
{
    const uint8_t *bytes = (const uint8_t *)at;

    if (bytes[0] < 0x80) {
        *code = bytes[0];
        return 1;
    }
    utf8proc_ssize_t len = utf8proc_iterate(bytes, end - at, code);
    return len > 0 ? (size_t)len : 0;
}

/* Whether the character may become one with those before it, or change places with them. */
static bool is_mark(utf8proc_int32_t code, const utf8proc_property_t *property)
{
    if (code >= 0x1160 && code <= 0x11ff) /* vowels and finals of Hangul syllables */
        return true;
    return property->category >= UTF8PROC_CATEGORY_MN && property->category <= UTF8PROC_CATEGORY_ME;
}

/* Whether the character has another spelling than itself, and that may be the one to write. */
static bool has_spellings(utf8proc_int32_t code, const utf8proc_property_t *property)
{
    static const struct {
        utf8proc_int32_t first, last;
    } composed[] = {
        {0x388, 0x52f},   /* Greek and Cyrillic, */
        {0x1e00, 0x1eff}, /* Latin with marks as Vietnamese has them, */
        {0x3041, 0x30ff}, /* Hiragana and Katakana: these are all in the form, and frequent */
    };

    if (property->decomp_type != 0 || property->decomp_seqindex == UINT16_MAX)
        return false;
    for (size_t i = 0; i < sizeof composed / sizeof *composed; i++)
        if (code >= composed[i].first && code <= composed[i].last)
            return false;
    return true;
}

static bool write_piece(struct buf *out, struct str piece)
{
    utf8proc_int32_t codes[PIECE_MAX + 1]; /* one more for the NUL of utf8proc_reencode() */
    utf8proc_ssize_t len =
        utf8proc_decompose((const utf8proc_uint8_t *)piece.ptr, (utf8proc_ssize_t)piece.len, codes,
                           PIECE_MAX, options);

    if (len < 0 || len > PIECE_MAX)
        return false;
    len = utf8proc_reencode(codes, len, options);
    if (len < 0)
        return false;
    buf_append(out, (struct str){(const char *)codes, (size_t)len});
    return true;
}

/* A character and the marks that follow it. What one piece becomes does not depend on the others.
 */
struct piece {
    const char *start;
    int64_t marks;
    bool same; /* in the form, without doubt */
};

/* Writes the piece, which ends at `end`, with what stands before it from *kept on; or leaves it for
 * later, when it is as it should be. */
static bool end_piece(struct buf *out, const struct piece *piece, const char *end,
                      const char **kept, int64_t *allowance)
{
    if (piece->same)
        return true;
    *allowance -= COST_PIECE + piece->marks * (COST_MARK + piece->marks * COST_MARK_BEFORE / 2);
    if (*allowance < 0)
        return false;
    buf_append(out, (struct str){*kept, (size_t)(piece->start - *kept)});
    *kept = end;
    return write_piece(out, (struct str){piece->start, (size_t)(end - piece->start)});
}

/* Adds the character to the piece, or ends that and begins another. */
static bool add_character(struct buf *out, struct piece *piece, utf8proc_int32_t code,
                          const char *at, const char **kept, int64_t *allowance)
{
    const utf8proc_property_t *property = code < FIRST_MARK ? NULL : utf8proc_get_property(code);
    bool mark = property && is_mark(code, property);

    if (!mark) {
        if (!end_piece(out, piece, at, kept, allowance))
            return false;
        *piece = (struct piece){.start = at, .same = true};
    }
    if (mark || (property && has_spellings(code, property)))
        piece->same = false;
    piece->marks += mark;
    return true;
}

bool nfc_write(struct buf *out, struct str text, int64_t *allowance)
{
    const char *kept = text.ptr, *end = text.ptr + text.len;
    struct piece piece = {.start = text.ptr, .same = true};
    utf8proc_int32_t code;
    size_t len;

    for (const char *at = text.ptr; at < end; at += len) {
        len = read_character(at, end, &code);
        *allowance -= COST_CHARACTER;
        if (!len || *allowance < 0 || !add_character(out, &piece, code, at, &kept, allowance))
            return false;
    }
    if (!end_piece(out, &piece, end, &kept, allowance))
        return false;
    buf_append(out, (struct str){kept, (size_t)(end - kept)});
    return buf_ok(out);
}
