/* Any UTF-8, normalised as the first byte says: white space and spelling are as they were asked
 * for, nothing else is gone, markers alone are no UTF-8, and without masks a second time changes
 * nothing. */
#include "core/normalize.h"

#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NFC = 1, COLLAPSE = 2, TRIM = 4, MASKS = 8, SLOW = 16, CHOICES = 32 };

static void require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static struct normalizer *chosen(unsigned choice)
{
    static struct normalizer *made[CHOICES]; /* kept, so that reuse is tried as well */
    const struct str masks[] = {STR("\\d{4}-\\d{2}-\\d{2}"), STR("(?i)\\breq_\\K\\w+|\\s+$"),
                                STR("(?:\\w+\\s?)+[!?]")};
    struct normalize_options options = {
        .nfc = choice & NFC, .collapse_space = choice & COLLAPSE, .trim = choice & TRIM};
    char error[MASK_ERROR_MAX];

    if (choice & MASKS)
        options.masks = masks, options.mask_count = choice & SLOW ? 3 : 2;
    if (!made[choice])
        require(normalizer_new(&made[choice], &options, error), "the masks are fine");
    return made[choice];
}

/* Whether all of it is UTF-8, with or without markers; *markers counts them. */
static bool is_text(struct str s, size_t *markers)
{
    utf8proc_int32_t code;

    for (*markers = 0; s.len;) {
        utf8proc_ssize_t len =
            utf8proc_iterate((const utf8proc_uint8_t *)s.ptr, (utf8proc_ssize_t)s.len, &code);
        if (len < 0 && s.len > 1 && (uint8_t)s.ptr[0] == MASK_MARKER && s.ptr[1] >= 'A' &&
            s.ptr[1] <= 'C')
            len = 2, ++*markers;
        if (len < 0)
            return false;
        s = str_from(s, (size_t)len);
    }
    return true;
}

static bool is_space(char c)
{
    return str_is_space(c) || c == '\v' || c == '\f';
}

static void check_space(struct str s, unsigned choice)
{
    for (size_t i = 0; i < s.len && choice & COLLAPSE; i++)
        require(!is_space(s.ptr[i]) || (s.ptr[i] == ' ' && (i == 0 || s.ptr[i - 1] != ' ')),
                "white space was not collapsed");
    if (s.len && choice & TRIM)
        require(!is_space(s.ptr[0]) && !is_space(s.ptr[s.len - 1]), "white space was not trimmed");
}

/* The next byte that is no white space; -1: there is none. */
static int next_solid(struct str *s)
{
    while (s->len && is_space(s->ptr[0]))
        *s = str_from(*s, 1);
    if (s->len == 0)
        return -1;
    int byte = (uint8_t)s->ptr[0];
    *s = str_from(*s, 1);
    return byte;
}

/* The library composes the whole at once. */
static void check_solid(struct str in, struct str out, unsigned choice)
{
    utf8proc_uint8_t *composed = NULL;
    int byte;

    if (choice & NFC) {
        utf8proc_ssize_t len =
            utf8proc_map((const utf8proc_uint8_t *)in.ptr, (utf8proc_ssize_t)in.len, &composed,
                         UTF8PROC_STABLE | UTF8PROC_COMPOSE);
        require(len >= 0, "the library could not compose it");
        in = (struct str){(const char *)composed, (size_t)len};
    }
    do {
        byte = next_solid(&in);
        require(byte == next_solid(&out), "what is no white space was changed");
    } while (byte >= 0);
    free(composed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_from((struct str){(const char *)data, size}, 1);
    struct buf once = buf_new(16 * size + 16), twice = buf_new(16 * size + 16);
    size_t markers;

    if (size == 0 || !is_text(in, &markers) || markers)
        return 0;
    unsigned choice = data[0] % CHOICES;
    struct normalizer *n = chosen(choice);
    if (!n)
        return 0;
    normalizer_begin(n);
    if (normalize_text(n, in, &once)) {
        require(is_text(buf_str(&once), &markers), "the text is no UTF-8 any more");
        require(markers == 0 || choice & MASKS, "a marker that nothing asks for");
        check_space(buf_str(&once), choice);
        if (!(choice & MASKS)) {
            check_solid(in, buf_str(&once), choice);
            normalizer_begin(n);
            require(normalize_text(n, buf_str(&once), &twice) &&
                        str_eq(buf_str(&once), buf_str(&twice)),
                    "a second time changes it again");
        }
    }
    buf_free(&once);
    buf_free(&twice);
    return 0;
}
