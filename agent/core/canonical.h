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

#endif
