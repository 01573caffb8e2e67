/* Regular expressions whose matches are left out of a text: what changes from request to request
 * and does not change the answer. A text that a client chose may make an expression slow, so what
 * matching costs is counted, and the end of the allowance ends it. */
#ifndef CORE_MASK_H
#define CORE_MASK_H

#include "buf.h"

enum {
    MASKS_MAX = 16,
    MASK_EXPRESSION_MAX = 1000, /* bytes of one expression */
    MASK_ERROR_MAX = 256,       /* room for the message of masks_new(), its NUL included */
    /* begins what stands for a match: no byte of UTF-8, so no text can hold it */
    MASK_MARKER = 0xff,
};

struct masks;

/* Compiles the expressions (PCRE2, UTF-8); nothing is kept of `expressions`. NULL: an expression
 * cannot be used, or there is no memory; `error` says why, and where in the expression. */
__attribute__((warn_unused_result)) struct masks *
masks_new(const struct str *expressions, size_t count, char error[MASK_ERROR_MAX]);

/* NULL is fine. */
void masks_free(struct masks *masks);

/* Appends the text, valid UTF-8, with MASK_MARKER and a letter that says which mask in place of
 * each match. All expressions see the text as it came; the match that begins first counts, of two
 * the one whose expression was named first; an empty match is none. *allowance is what matching
 * may cost, about 1 per nanosecond, and is less afterwards. False: it was spent, another limit was
 * hit, or there is no memory; what was appended is then of no use. */
__attribute__((warn_unused_result)) bool masks_write(struct masks *masks, struct buf *out,
                                                     struct str text, int64_t *allowance);

#endif
