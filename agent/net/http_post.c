#include "http_post.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MAX = 1 << 20, WAIT_SECONDS = 30 };

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval wait = {.tv_sec = WAIT_SECONDS};

    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* Sends a request and reads until the other side closes. */
static bool exchange(int fd, struct str request, struct buf *answer)
{
    char piece[4096];
    ssize_t got;

    while (request.len) {
        ssize_t sent = send(fd, request.ptr, request.len, MSG_NOSIGNAL);
        if (sent < 0)
            return false;
        request = str_from(request, (size_t)sent);
    }
    while ((got = recv(fd, piece, sizeof piece, 0)) > 0)
        buf_append(answer, (struct str){piece, (size_t)got});
    return got == 0 && buf_ok(answer);
}

/* "HTTP/1.1 200 OK ... \r\n\r\n" and the body. */
static unsigned read_answer(struct str answer, struct buf *body)
{
    const char *end = answer.len ? memmem(answer.ptr, answer.len, "\r\n\r\n", 4) : NULL;
    struct str line = answer;

    errno = EPROTO;
    if (!end || !str_starts(answer, STR("HTTP/1.")))
        return 0;
    str_split(&line, ' ');
    buf_append(body, str_from(answer, (size_t)(end - answer.ptr) + 4));
    return (unsigned)strtoul(line.ptr, NULL, 10);
}

unsigned http_post(const char *path, struct str target, struct buf *body)
{
    struct buf request = buf_new(64 << 10), answer = buf_new(ANSWER_MAX);
    int fd = connect_to(path);
    unsigned status = 0;

    if (fd < 0)
        return 0;
    buf_append(&request, STR("POST "));
    buf_append(&request, target);
    buf_append(&request, STR(" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
                             "Connection: close\r\n\r\n"));
    errno = ENOMEM;
    if (buf_ok(&request) && exchange(fd, buf_str(&request), &answer))
        status = read_answer(buf_str(&answer), body);
    int why = errno;
    close(fd);
    buf_free(&request);
    buf_free(&answer);
    errno = why;
    return status;
}

static bool is_unreserved(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void http_post_escape(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (is_unreserved(text.ptr[i]))
            buf_append_byte(out, (uint8_t)text.ptr[i]);
        else
            buf_printf(out, "%%%02X", (unsigned char)text.ptr[i]);
}
