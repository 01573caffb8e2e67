/* Unicode's normalisation form C: one spelling for characters that are the same (UAX #15). */
#ifndef CORE_NFC_H
#define CORE_NFC_H

#include "buf.h"

/* Whether a look at the bytes is enough to know that the text is in the form already: it has no
 * character from U+0300 on. */
bool nfc_is_plain(struct str text);

/* Appends valid UTF-8 in the form. *allowance is what the work may cost, about 1 per nanosecond,
 * and is less afterwards. False: it was spent, a character has more than some hundred marks, the
 * text is no UTF-8, or there is no memory; what was appended is then of no use. */
__attribute__((warn_unused_result)) bool nfc_write(struct buf *out, struct str text,
                                                   int64_t *allowance);

#endif
