/* One spelling for every JSON text that means the same: no white space, escapes decoded and
 * then written in one way, members of envelope objects sorted by name. What the API's table
 * says is no part of the meaning is left out. The result is JSON too, but for what a normalizer
 * adds. */
#ifndef CORE_CANONICAL_H
#define CORE_CANONICAL_H

#include "api.h"
#include "buf.h"
#include "json.h"
#include "normalize.h"
#include "reason.h"

/* Appends the canonical form of the document to *out. `envelope` says what is known of its
 * objects; NULL keeps everything in its order. Numbers keep the text they were written with,
 * but for those that API_BY_VALUE names. `normalizer` changes what is API_TEXT, and its identity
 * stands before the form: forms of different normalizers differ. NULL: text stays as it came. Uses
 * the document's scratch memory. REASON_NONE; REASON_FIELD: a field is API_BYPASS;
 * REASON_NORMALIZE: see normalize_text(); REASON_INTERNAL: no memory, or nothing was read. What
 * was written is of use with REASON_NONE alone. */
__attribute__((warn_unused_result)) enum reason canonical_write(struct buf *out,
                                                                struct json_doc *doc,
                                                                const struct api_object *envelope,
                                                                struct normalizer *normalizer);

/* What became of a node, for who wants to know why. */
enum canonical_note {
    NOTE_NONE,    /* it is inside of something that is written as it came, or an element */
    NOTE_KEY,     /* a member that is known and written */
    NOTE_ORDERED, /* the same, what it holds in the order it came; or such an object */
    NOTE_UNKNOWN, /* a member that no table names: written, in the order it came */
    NOTE_DROP,    /* left out */
    NOTE_BYPASS,  /* why there is no form */
    NOTE_TWINS,   /* an object, why there is none: two names differ in case alone */
};

/* The same, and fills notes[0 .. doc->count), which are all NOTE_NONE. It goes on when there is no
 * form, and so notes every reason. */
__attribute__((warn_unused_result)) enum reason
canonical_annotate(struct buf *out, struct json_doc *doc, const struct api_object *envelope,
                   struct normalizer *normalizer, uint8_t *notes);

#endif
