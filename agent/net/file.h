/* Small files, read whole. Reading may block: a local disk is meant. */
#ifndef NET_FILE_H
#define NET_FILE_H

#include "core/buf.h"

/* Appends what is left in an open file, up to out->max bytes. False on failure: errno says why. */
__attribute__((warn_unused_result)) bool file_read_open(int file, struct buf *out);

/* The same of a file by its path. */
__attribute__((warn_unused_result)) bool file_read(const char *path, struct buf *out);

/* The same without the line's end that editors and echo leave. The caller wipes the buffer. */
__attribute__((warn_unused_result)) bool file_read_secret(const char *path, struct buf *out);

/* Wipes what the buffer holds and frees it. */
void file_wipe(struct buf *b);

#endif
