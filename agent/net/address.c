#include "address.h"

#include <netdb.h>

struct str address_host(struct str text, struct str *port)
{
    const char *colon = text.len ? memrchr(text.ptr, ':', text.len) : NULL;
    struct str host = {text.ptr, colon ? (size_t)(colon - text.ptr) : 0};

    *port = colon ? str_from(text, host.len + 1) : STR("");
    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = (struct str){host.ptr + 1, host.len - 2};
    return host;
}

static const char *unix_address(struct address *out, struct str path)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&out->sa;

    if (path.len == 0 || path.len >= sizeof un->sun_path)
        return "the path of a unix socket has 1 to 107 characters";
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path.ptr, path.len);
    out->len = (socklen_t)sizeof *un;
    return NULL;
}

const char *address_resolve(struct address *out, struct str text)
{
    char host[256], port[8];
    struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};

    *out = (struct address){.len = 0};
    if (str_starts(text, STR("unix:")))
        return unix_address(out, str_from(text, 5));
    struct str number, name = address_host(text, &number);
    if (name.len == 0 || name.len >= sizeof host || number.len >= sizeof port)
        return "expected HOST:PORT or unix:PATH";
    memcpy(host, name.ptr, name.len);
    host[name.len] = '\0';
    memcpy(port, number.ptr, number.len);
    port[number.len] = '\0';
    int error = getaddrinfo(str_eq(name, STR("*")) ? NULL : host, port, &hints, &found);
    if (error)
        return gai_strerror(error);
    memcpy(&out->sa, found->ai_addr, found->ai_addrlen);
    out->len = found->ai_addrlen;
    freeaddrinfo(found);
    return NULL;
}

const char *address_path(const struct address *a)
{
    return a->sa.ss_family == AF_UNIX ? ((const struct sockaddr_un *)&a->sa)->sun_path : NULL;
}
