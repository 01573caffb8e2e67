#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool file_read_open(int file, struct buf *out)
{
    char piece[4096];
    ssize_t got;

    while ((got = read(file, piece, sizeof piece)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        buf_append(out, (struct str){piece, (size_t)got});
        if (!buf_ok(out)) {
            errno = EFBIG;
            return false;
        }
    }
    return true;
}

bool file_read(const char *path, struct buf *out)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);

    if (file < 0)
        return false;
    bool good = file_read_open(file, out);
    int why = errno;
    close(file);
    errno = why;
    return good;
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
