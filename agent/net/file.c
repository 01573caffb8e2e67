#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool file_read(const char *path, struct buf *out)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = -1;

    if (file < 0)
        return false;
    for (;;) {
        char piece[4096];
        got = read(file, piece, sizeof piece);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        buf_append(out, (struct str){piece, (size_t)got});
        if (!buf_ok(out)) {
            errno = EFBIG;
            got = -1;
            break;
        }
    }
    int why = errno;
    close(file);
    errno = why;
    return got == 0;
}

bool file_read_secret(const char *path, struct buf *out)
{
    if (!file_read(path, out))
        return false;
    while (out->len && (out->ptr[out->len - 1] == '\n' || out->ptr[out->len - 1] == '\r'))
        out->len--;
    return true;
}

void file_wipe(struct buf *b)
{
    if (b->ptr)
        explicit_bzero(b->ptr, b->cap);
    buf_free(b);
}
