/* One spelling for every JSON text that means the same: no white space, escapes decoded and
 * then written in one way, members of envelope objects sorted by name. Numbers keep the text
 * they were written with. The result is JSON too. */
#ifndef CORE_CANONICAL_H
#define CORE_CANONICAL_H

#include "api.h"
#include "buf.h"
#include "json.h"

/* Appends the canonical form of the document to *out (see buf_ok). `envelope` says which
 * objects may be sorted; NULL keeps every order. Uses the document's scratch memory. */
void canonical_write(struct buf *out, struct json_doc *doc, const struct api_object *envelope);

#endif
