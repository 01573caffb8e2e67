/* A borrowed run of bytes: it owns nothing, may hold NUL, and dies with what it points into. */
#ifndef CORE_STR_H
#define CORE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct str {
    const char *ptr;
    size_t len;
};

#define STR(literal) ((struct str){.ptr = (literal), .len = sizeof(literal) - 1})

/* For printf: "%.*s". */
#define STR_ARGS(s) (int)(s).len, (s).ptr

static inline struct str str_of(const char *text)
{
    return (struct str){.ptr = text, .len = strlen(text)};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Equal but for the case of ASCII letters, as HTTP compares names of fields. */
static inline bool str_eq_nocase(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq((struct str){s.ptr, prefix.len}, prefix);
}

static inline bool str_ends(struct str s, struct str end)
{
    return s.len >= end.len && str_eq((struct str){s.ptr + (s.len - end.len), end.len}, end);
}

/* What stands from offset `from` on; empty when that is past the end. */
static inline struct str str_from(struct str s, size_t from)
{
    size_t skip = from < s.len ? from : s.len;

    /* NULL + 0 is undefined in C */
    return (struct str){skip ? s.ptr + skip : s.ptr, s.len - skip};
}

static inline bool str_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without the white space at both ends. */
static inline struct str str_trim(struct str s)
{
    while (s.len && str_is_space(s.ptr[0]))
        s.ptr++, s.len--;
    while (s.len && str_is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* Whether a control character of ASCII other than TAB is in it: no line of text has one, nor has
 * the value of a header (RFC 9110 5.5). */
static inline bool str_has_control(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (((unsigned char)s.ptr[i] < ' ' && s.ptr[i] != '\t') || s.ptr[i] == 0x7f)
            return true;
    return false;
}

/* Whether the word has letters and digits of ASCII and the bytes of `others` only, and at least
 * one. */
static inline bool str_made_of(struct str word, const char *others)
{
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c && strchr(others, c))))
            return false;
    }
    return word.len > 0;
}

/* Takes what stands before the first `separator` off the front of *rest and returns it;
 * the last part empties *rest. Ask `rest->len` first: an empty rest gives an empty part. */
static inline struct str str_split(struct str *rest, char separator)
{
    const char *at = rest->len ? memchr(rest->ptr, separator, rest->len) : NULL;
    struct str part = {rest->ptr, at ? (size_t)(at - rest->ptr) : rest->len};

    *rest = at ? str_from(*rest, part.len + 1) : str_from(*rest, rest->len);
    return part;
}

#endif
