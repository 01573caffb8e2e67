/* The page at /, an HTML document in one piece: status.html. */
#ifndef PAGE_H
#define PAGE_H

#include "core/buf.h"

/* The document; static storage. */
struct str page_text(void);

/* Appends the Content-Security-Policy (level 3) under which it works, and nothing else that might
 * get into it. */
void page_policy(struct buf *out);

#endif
