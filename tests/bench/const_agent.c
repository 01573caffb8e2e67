/* The ceiling to compare with: an agent that answers every lookup with one constant hit, as the
 * contract (spoe/README.md) wants it. It reads all there is, answers all, writes once per read,
 * and checks nothing. One thread. Not for anything but measuring. */
#include "spop_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <xxhash.h>

enum { INPUT = 1 << 20, BACKLOG = 1024, EVENTS = 64 };

struct conn {
    int fd;
    size_t len; /* input: 0 .. len is read and not answered */
    uint8_t input[INPUT];
};

static struct bytes actions; /* of every ACK */
static struct bytes output;  /* of this turn */

static void set_var(const char *name)
{
    put_byte(&actions, ACTION_SET_VAR);
    put_byte(&actions, 3);
    put_byte(&actions, SCOPE_TRANSACTION);
    put_name(&actions, name);
}

static void set_string(const char *name, const char *value)
{
    set_var(name);
    put_string(&actions, value);
}

static void set_int(const char *name, uint64_t value)
{
    set_var(name);
    put_number(&actions, VALUE_INT64, value);
}

static void make_actions(struct bytes body)
{
    static const char key[] = "0123456789abcdef0123456789abcdef";

    set_string("status", "HIT");
    set_var("hit");
    put_byte(&actions, VALUE_TRUE);
    set_int("code", 200);
    set_string("ctype", "application/json");
    set_int("age", 7);
    set_int("ttl", 86393);
    set_string("key", key);
    set_string("emit", "x-cache-status x-cache-key age cache-status");
    set_string("cache_status", "spoa-cache; hit; ttl=86393; key=0123456789abcdef0123456789abcdef");
    set_int("sum", XXH3_64bits(body.ptr, body.len));
    set_var("body");
    put_value(&actions, VALUE_BINARY, body.ptr, body.len);
}

/* A JSON text of n bytes: a string. */
static struct bytes make_body(size_t n)
{
    struct bytes body = {0};

    while (body.len < n)
        put_byte(&body, body.len == 0 || body.len + 1 == n ? '"' : 'a' + (unsigned)body.len % 26);
    return body;
}

static struct bytes read_body(const char *path)
{
    struct bytes body = {0};
    int fd = open(path, O_RDONLY);
    struct stat info;

    if (fd < 0 || fstat(fd, &info) != 0)
        die("%s: %s", path, strerror(errno));
    bytes_room(&body, (size_t)info.st_size);
    if (read(fd, body.ptr, (size_t)info.st_size) != info.st_size)
        die("%s: short read", path);
    body.len = (size_t)info.st_size;
    close(fd);
    return body;
}

/* Offers pipelining only to a HAProxy up to 3.0, which is known by its "async". */
static void answer_hello(struct reader frame)
{
    uint64_t size = 0;
    bool pipelining = false;
    size_t at;

    while (frame.at < frame.end) {
        struct reader name = take_text(&frame);
        struct value value = take_value(&frame);

        if (text_is(name, "max-frame-size"))
            size = value.number;
        else if (text_is(name, "capabilities"))
            pipelining = text_has(value.text, "async");
    }
    at = frame_begin(&output, FRAME_AGENT_HELLO, 0, 0);
    put_name(&output, "version");
    put_string(&output, "2.0");
    put_name(&output, "max-frame-size");
    put_number(&output, VALUE_UINT32, size);
    put_name(&output, "capabilities");
    put_string(&output, pipelining ? "pipelining" : "");
    frame_end(&output, at);
}

static void answer_disconnect(void)
{
    size_t at = frame_begin(&output, FRAME_AGENT_DISCONNECT, 0, 0);

    put_name(&output, "status-code");
    put_number(&output, VALUE_UINT32, 0);
    put_name(&output, "message");
    put_string(&output, "normal");
    frame_end(&output, at);
}

static void answer(struct reader frame)
{
    uint8_t type = *take(&frame, 1);
    uint64_t stream, id;
    size_t at;

    take(&frame, FRAME_FLAGS);
    stream = take_varint(&frame);
    id = take_varint(&frame);
    if (type == FRAME_NOTIFY) {
        at = frame_begin(&output, FRAME_ACK, stream, id);
        put(&output, actions.ptr, actions.len);
        frame_end(&output, at);
    } else if (type == FRAME_HAPROXY_HELLO) {
        answer_hello(frame);
    } else {
        answer_disconnect();
    }
}

/* The sockets block, so that a write is whole; only reading asks not to wait. */
static bool write_all(int fd)
{
    ssize_t n = 1;

    for (size_t done = 0; done < output.len && n > 0; done += (size_t)n)
        n = send(fd, output.ptr + done, output.len - done, MSG_NOSIGNAL);
    output.len = 0;
    return n > 0;
}

static bool serve(struct conn *c)
{
    ssize_t n = recv(c->fd, c->input + c->len, INPUT - c->len, MSG_DONTWAIT);
    struct reader input, frame;

    if (n < 0 && errno == EAGAIN)
        return true;
    if (n <= 0)
        return false;
    c->len += (size_t)n;
    input = (struct reader){c->input, c->input + c->len};
    while (take_frame(&input, &frame))
        answer(frame);
    c->len = (size_t)(input.end - input.at);
    memmove(c->input, input.at, c->len);
    return write_all(c->fd);
}

static int listen_on(const char *text)
{
    struct sockaddr_storage address;
    socklen_t length = parse_address(text, &address);
    int fd = socket(address.ss_family, SOCK_STREAM, 0), one = 1;

    if (address.ss_family == AF_UNIX)
        unlink(text + 5);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, BACKLOG) != 0)
        die("%s: %s", text, strerror(errno));
    return fd;
}

static void watch(int epoll, int fd, struct conn *c)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll: %s", strerror(errno));
}

static void accept_one(int epoll, int listener)
{
    int fd = accept(listener, NULL, NULL);
    struct conn *c = fd < 0 ? NULL : malloc(sizeof(*c));

    if (fd < 0)
        return;
    if (!c)
        die("no memory");
    c->fd = fd;
    c->len = 0;
    no_delay(fd);
    watch(epoll, fd, c);
}

__attribute__((noreturn)) static void run(int listener)
{
    int epoll = epoll_create1(0);
    struct epoll_event ready[EVENTS];

    watch(epoll, listener, NULL);
    for (;;) {
        int n = epoll_wait(epoll, ready, EVENTS, -1);

        for (int i = 0; i < n; i++) {
            struct conn *c = ready[i].data.ptr;

            if (!c) {
                accept_one(epoll, listener);
            } else if (!serve(c)) {
                close(c->fd);
                free(c);
            }
        }
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'},
        {"body", required_argument, NULL, 'b'},
        {"body-file", required_argument, NULL, 'f'},
        {"cpu", required_argument, NULL, 'p'},
        {NULL, 0, NULL, 0},
    };
    const char *address = NULL;
    struct bytes body = make_body(128);
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'l')
            address = optarg;
        else if (option == 'b')
            body = make_body(strtoul(optarg, NULL, 10));
        else if (option == 'f')
            body = read_body(optarg);
        else if (option == 'p')
            pin_to_cpu(optarg);
        else
            address = NULL, optind = argc;
    }
    if (!address || optind != argc)
        die("usage: const_agent --listen unix:PATH|ADDR:PORT [--body BYTES | --body-file FILE] "
            "[--cpu N]");
    make_actions(body);
    run(listen_on(address));
}
