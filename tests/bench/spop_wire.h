/* SPOP as the bench programs need it: frames written into growable bytes and read from a slice,
 * sockets opened by address. Kept apart from the agent's codec on purpose: what measures shares
 * no code with what is measured. Any failure here ends the program. */
#ifndef BENCH_SPOP_WIRE_H
#define BENCH_SPOP_WIRE_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum frame_type {
    FRAME_HAPROXY_HELLO = 1,
    FRAME_HAPROXY_DISCONNECT = 2,
    FRAME_NOTIFY = 3,
    FRAME_AGENT_HELLO = 101,
    FRAME_AGENT_DISCONNECT = 102,
    FRAME_ACK = 103,
};

/* The low four bits of a typed value; a boolean's value is bit 4. */
enum value_type {
    VALUE_NULL = 0,
    VALUE_BOOL = 1,
    VALUE_INT32 = 2,
    VALUE_UINT32 = 3,
    VALUE_INT64 = 4,
    VALUE_UINT64 = 5,
    VALUE_IPV4 = 6,
    VALUE_IPV6 = 7,
    VALUE_STRING = 8,
    VALUE_BINARY = 9,
    VALUE_TRUE = 0x11,
};

enum { FRAME_PREFIX = 4, FRAME_FLAGS = 4, ACTION_SET_VAR = 1, SCOPE_TRANSACTION = 2 };

__attribute__((noreturn, format(printf, 1, 2))) static inline void die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

/* Growable bytes: 0 .. len is filled. */
struct bytes {
    uint8_t *ptr;
    size_t len, cap;
};

static inline uint8_t *bytes_room(struct bytes *b, size_t more)
{
    if (b->cap - b->len < more) {
        b->cap = (b->len + more) * 2;
        b->ptr = realloc(b->ptr, b->cap);
        if (!b->ptr)
            die("no memory");
    }
    return b->ptr + b->len;
}

static inline void put(struct bytes *b, const void *from, size_t n)
{
    memcpy(bytes_room(b, n), from, n);
    b->len += n;
}

static inline void put_byte(struct bytes *b, unsigned byte)
{
    *bytes_room(b, 1) = (uint8_t)byte;
    b->len++;
}

/* SPOE.txt 3.1: below 240 one byte, then four bits, then seven bits a byte. */
static inline void put_varint(struct bytes *b, uint64_t n)
{
    if (n < 240) {
        put_byte(b, (unsigned)n);
        return;
    }
    put_byte(b, (unsigned)(n & 0xff) | 240);
    for (n = (n - 240) >> 4; n >= 128; n = (n - 128) >> 7)
        put_byte(b, (unsigned)(n & 0xff) | 128);
    put_byte(b, (unsigned)n);
}

static inline void put_text(struct bytes *b, const void *text, size_t n)
{
    put_varint(b, n);
    put(b, text, n);
}

static inline void put_name(struct bytes *b, const char *name)
{
    put_text(b, name, strlen(name));
}

static inline void put_value(struct bytes *b, enum value_type type, const void *value, size_t n)
{
    put_byte(b, type);
    put_text(b, value, n);
}

static inline void put_string(struct bytes *b, const char *value)
{
    put_value(b, VALUE_STRING, value, strlen(value));
}

static inline void put_number(struct bytes *b, enum value_type type, uint64_t value)
{
    put_byte(b, type);
    put_varint(b, value);
}

/* Starts a frame; frame_end() writes its length. Returns where it began. */
static inline size_t frame_begin(struct bytes *b, enum frame_type type, uint64_t stream,
                                 uint64_t frame)
{
    static const uint8_t fin[FRAME_FLAGS] = {0, 0, 0, 1};
    size_t at = b->len;

    put(b, fin, FRAME_PREFIX); /* room for the length */
    put_byte(b, type);
    put(b, fin, sizeof(fin));
    put_varint(b, stream);
    put_varint(b, frame);
    return at;
}

static inline void frame_end(struct bytes *b, size_t at)
{
    uint32_t length = htonl((uint32_t)(b->len - at - FRAME_PREFIX));

    memcpy(b->ptr + at, &length, sizeof(length));
}

/* A slice being read; reading past its end ends the program. */
struct reader {
    const uint8_t *at, *end;
};

static inline const uint8_t *take(struct reader *r, size_t n)
{
    const uint8_t *at = r->at;

    if ((size_t)(r->end - at) < n)
        die("a frame ends inside a value");
    r->at += n;
    return at;
}

static inline uint64_t take_varint(struct reader *r)
{
    uint64_t n = *take(r, 1);
    unsigned shift = 4;
    uint8_t byte;

    if (n < 240)
        return n;
    do {
        byte = *take(r, 1);
        n += (uint64_t)byte << shift;
        shift += 7;
    } while (byte >= 128);
    return n;
}

static inline struct reader take_text(struct reader *r)
{
    size_t n = take_varint(r);
    const uint8_t *at = take(r, n);

    return (struct reader){at, at + n};
}

static inline bool text_is(struct reader text, const char *name)
{
    size_t n = strlen(name);

    return (size_t)(text.end - text.at) == n && memcmp(text.at, name, n) == 0;
}

static inline bool text_has(struct reader text, const char *word)
{
    return memmem(text.at, (size_t)(text.end - text.at), word, strlen(word)) != NULL;
}

/* A typed value: `number` of a boolean or an integer, `text` of a string, binary or address. */
struct value {
    uint8_t type; /* with the flags: VALUE_TRUE is a true boolean */
    uint64_t number;
    struct reader text;
};

static inline struct value take_value(struct reader *r)
{
    struct value v = {.type = *take(r, 1)};
    size_t address = (v.type & 0xf) == VALUE_IPV4 ? 4 : 16;

    switch (v.type & 0xf) {
    case VALUE_NULL:
    case VALUE_BOOL:
        break;
    case VALUE_IPV4:
    case VALUE_IPV6:
        v.text.at = take(r, address);
        v.text.end = r->at;
        break;
    case VALUE_STRING:
    case VALUE_BINARY:
        v.text = take_text(r);
        break;
    default:
        v.number = take_varint(r);
    }
    return v;
}

/* The next whole frame of *input, without its length, or false. */
static inline bool take_frame(struct reader *input, struct reader *frame)
{
    uint32_t length;

    if (input->end - input->at < FRAME_PREFIX)
        return false;
    memcpy(&length, input->at, sizeof(length));
    length = ntohl(length);
    if (input->end - input->at - FRAME_PREFIX < (ptrdiff_t)length)
        return false;
    *frame = (struct reader){input->at + FRAME_PREFIX, input->at + FRAME_PREFIX + length};
    input->at = frame->end;
    return true;
}

/* "unix:PATH" or "ADDR:PORT" (IPv4) as a socket address. */
static inline socklen_t parse_address(const char *text, struct sockaddr_storage *out)
{
    struct sockaddr_un *local = (struct sockaddr_un *)out;
    struct sockaddr_in *inet = (struct sockaddr_in *)out;
    const char *colon = strrchr(text, ':');
    char host[64];

    memset(out, 0, sizeof(*out));
    if (strncmp(text, "unix:", 5) == 0) {
        local->sun_family = AF_UNIX;
        if (snprintf(local->sun_path, sizeof(local->sun_path), "%s", text + 5) >=
            (int)sizeof(local->sun_path))
            die("%s: the path is too long for a socket", text);
        return sizeof(*local);
    }
    inet->sin_family = AF_INET;
    if (!colon || snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text) < 1 ||
        inet_pton(AF_INET, host, &inet->sin_addr) != 1)
        die("%s: expected unix:PATH or ADDR:PORT", text);
    inet->sin_port = htons((uint16_t)atoi(colon + 1));
    return sizeof(*inet);
}

/* TCP_NODELAY where it means something. */
static inline void no_delay(int fd)
{
    int one = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static inline void pin_to_cpu(const char *number)
{
    size_t cpu = strtoul(number, NULL, 10);
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0)
        die("cannot run on CPU %s", number);
}

#endif
