#include "normalize.h"

#include "nfc.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    ALLOWANCE = 8000000, /* for the texts of a request, see mask.h */
    IDENTITY_MAX = 64 + MASKS_MAX * (MASK_EXPRESSION_MAX + 32),
};

struct normalizer {
    bool nfc, collapse_space, trim;
    struct masks *masks; /* owned; NULL: none */
    struct buf identity; /* owned */
    int64_t allowance;
};

static bool write_identity(struct buf *out, const struct normalize_options *options)
{
    buf_append_byte(out, MASK_MARKER);
    buf_printf(out, "%s %s %s %zu", options->nfc ? "nfc" : "-",
               options->collapse_space ? "collapse-space" : "-", options->trim ? "trim" : "-",
               options->mask_count);
    for (size_t i = 0; i < options->mask_count; i++) {
        buf_printf(out, " %zu:", options->masks[i].len);
        buf_append(out, options->masks[i]);
    }
    buf_append_byte(out, MASK_MARKER);
    return buf_ok(out);
}

bool normalizer_new(struct normalizer **out, const struct normalize_options *options,
                    char error[MASK_ERROR_MAX])
{
    struct normalizer *n;

    *out = NULL;
    if (!options->nfc && !options->collapse_space && !options->trim && !options->mask_count)
        return true;
    snprintf(error, MASK_ERROR_MAX, "no memory");
    n = calloc(1, sizeof *n);
    if (!n)
        return false;
    n->nfc = options->nfc;
    n->collapse_space = options->collapse_space;
    n->trim = options->trim;
    n->identity = buf_new(IDENTITY_MAX);
    if (options->mask_count)
        n->masks = masks_new(options->masks, options->mask_count, error);
    if ((options->mask_count && !n->masks) || !write_identity(&n->identity, options)) {
        normalizer_free(n);
        return false;
    }
    *out = n;
    return true;
}

void normalizer_free(struct normalizer *n)
{
    if (!n)
        return;
    masks_free(n->masks);
    buf_free(&n->identity);
    free(n);
}

struct str normalizer_identity(const struct normalizer *n)
{
    return buf_str(&n->identity);
}

void normalizer_begin(struct normalizer *n)
{
    n->allowance = ALLOWANCE;
}

static bool is_space(char c)
{
    return str_is_space(c) || c == '\v' || c == '\f';
}

static void collapse_space(struct buf *b)
{
    size_t to = 0;

    for (size_t i = 0; i < b->len; i++)
        if (!is_space(b->ptr[i]))
            b->ptr[to++] = b->ptr[i];
        else if (i == 0 || !is_space(b->ptr[i - 1]))
            b->ptr[to++] = ' ';
    b->len = to;
}

static void trim(struct buf *b)
{
    size_t start = 0;

    while (b->len && is_space(b->ptr[b->len - 1]))
        b->len--;
    while (start < b->len && is_space(b->ptr[start]))
        start++;
    buf_consume(b, start);
}

static bool write_unmasked(struct normalizer *n, struct str text, struct buf *out)
{
    if (n->masks)
        return masks_write(n->masks, out, text, &n->allowance);
    buf_append(out, text);
    return buf_ok(out);
}

static bool write_text(struct normalizer *n, struct str text, struct buf *out)
{
    struct buf composed = buf_new(out->max);
    bool ok;

    if (!n->nfc || nfc_is_plain(text))
        return write_unmasked(n, text, out);
    if (!n->masks)
        return nfc_write(out, text, &n->allowance);
    ok = nfc_write(&composed, text, &n->allowance) && write_unmasked(n, buf_str(&composed), out);
    buf_free(&composed);
    return ok;
}

bool normalize_text(struct normalizer *n, struct str text, struct buf *out)
{
    buf_clear(out);
    if (!write_text(n, text, out))
        return false;
    if (n->collapse_space)
        collapse_space(out);
    if (n->trim)
        trim(out);
    return true;
}
