#include "http_ask.h"

#include "address.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

enum { REQUEST_MAX = 64 << 10, ANSWER_MAX = 256 << 20, WAIT_SECONDS = 30 };

static int connect_to(const struct address *address)
{
    struct timeval wait = {.tv_sec = WAIT_SECONDS};
    int fd = socket(address->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    if (connect(fd, (const struct sockaddr *)&address->sa, address->len) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static void write_request(struct buf *out, const struct http_ask *ask)
{
    buf_printf(out, "%s %.*s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", ask->method,
               STR_ARGS(ask->target));
    if (strcmp(ask->method, "POST") == 0)
        buf_append(out, STR("Content-Length: 0\r\n"));
    if (ask->token.len)
        buf_printf(out, "Authorization: Bearer %.*s\r\n", STR_ARGS(ask->token));
    buf_append(out, STR("\r\n"));
}

/* Sends a request and reads until the other side closes. NULL, or what failed. */
static const char *exchange(int fd, struct str request, struct buf *answer)
{
    char piece[64 << 10];
    ssize_t got;

    while (request.len) {
        ssize_t sent = send(fd, request.ptr, request.len, MSG_NOSIGNAL);
        if (sent < 0)
            return strerror(errno);
        request = str_from(request, (size_t)sent);
    }
    while ((got = recv(fd, piece, sizeof piece, 0)) > 0)
        buf_append(answer, (struct str){piece, (size_t)got});
    if (got < 0)
        return errno == EAGAIN ? "no answer in time" : strerror(errno);
    return buf_ok(answer) ? NULL : "the answer is too long";
}

/* "HTTP/1.1 200 OK ... \r\n\r\n" and the body. 0: it is no answer. */
static unsigned read_answer(struct str answer, struct buf *body)
{
    const char *end = answer.len ? memmem(answer.ptr, answer.len, "\r\n\r\n", 4) : NULL;
    struct str line = answer;

    if (!end || !str_starts(answer, STR("HTTP/1.")))
        return 0;
    str_split(&line, ' ');
    buf_append(body, str_from(answer, (size_t)(end - answer.ptr) + 4));
    return (unsigned)strtoul(line.ptr, NULL, 10);
}

static unsigned ask_at(int fd, const struct http_ask *ask, struct buf *body, const char **why)
{
    struct buf request = buf_new(REQUEST_MAX), answer = buf_new(ANSWER_MAX);
    unsigned status = 0;

    write_request(&request, ask);
    *why = buf_ok(&request) ? exchange(fd, buf_str(&request), &answer) : "the request is too long";
    if (!*why && !(status = read_answer(buf_str(&answer), body)))
        *why = "what answers there is no agent";
    buf_free(&request);
    buf_free(&answer);
    return status;
}

unsigned http_ask(const struct http_ask *ask, struct buf *body, const char **why)
{
    struct address address;

    *why = address_resolve(&address, ask->address);
    if (*why)
        return 0;
    int fd = connect_to(&address);
    if (fd < 0) {
        *why = strerror(errno);
        return 0;
    }
    unsigned status = ask_at(fd, ask, body, why);
    close(fd);
    return status;
}

void http_ask_escape(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (str_made_of((struct str){text.ptr + i, 1}, "-._~")) /* unreserved, RFC 3986 2.3 */
            buf_append_byte(out, (uint8_t)text.ptr[i]);
        else
            buf_printf(out, "%%%02X", (unsigned char)text.ptr[i]);
}
