/* Makes texts equal that an operator holds to be: text for a model, on its way into the key. A
 * model may well answer them differently, hence nothing of this is done unless it is asked for. */
#ifndef CORE_NORMALIZE_H
#define CORE_NORMALIZE_H

#include "mask.h"

/* In the order in which it is done. */
struct normalize_options {
    bool nfc;                /* characters in Unicode's normalisation form C */
    const struct str *masks; /* regular expressions, see mask.h: their matches do not count */
    size_t mask_count;
    bool collapse_space; /* white space, however long and with line breaks: one space */
    bool trim;           /* no white space at either end */
};

/* White space is that of ASCII: space, \t, \n, \v, \f, \r. */
struct normalizer;

/* *out does what is asked for, and keeps nothing of the options; NULL when that is nothing. False:
 * a mask cannot be used, or there is no memory; `error` says why. */
__attribute__((warn_unused_result)) bool normalizer_new(struct normalizer **out,
                                                        const struct normalize_options *options,
                                                        char error[MASK_ERROR_MAX]);

/* NULL is fine. */
void normalizer_free(struct normalizer *n);

/* Bytes that are the same for two normalizers only if they do the same; they live as long as it
 * does. No text begins with them. */
struct str normalizer_identity(const struct normalizer *n);

/* A new request: its texts together have the whole allowance again, some milliseconds' worth. */
void normalizer_begin(struct normalizer *n);

/* Puts the text, valid UTF-8, into *out, in the place of what that holds. Two texts become the
 * same only if all in which they differ is what the options say. False: it would cost more than is
 * allowed, or there is no memory; what *out holds is then of no use. */
__attribute__((warn_unused_result)) bool normalize_text(struct normalizer *n, struct str text,
                                                        struct buf *out);

#endif
