/* What /status says as text, for a terminal of 80 columns. */
#ifndef STATUS_TEXT_H
#define STATUS_TEXT_H

#include "status_doc.h"

/* Appends it; shares and rates are since `before`, or since the start when that is NULL. */
void status_text(const struct status_doc *now, const struct status_doc *before, struct buf *out);

/* Appends a whole number with a space between thousands. */
void status_text_count(struct buf *out, double value);

#endif
