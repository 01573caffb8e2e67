#include "systemd.h"

#include "datagram.h"
#include "log.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FIRST_SOCKET = 3, SOCKETS_MAX = 64 }; /* SD_LISTEN_FDS_START */

void systemd_notify(const char *format, ...)
{
    const char *path = getenv("NOTIFY_SOCKET");
    char text[512];
    va_list args;

    if (!path)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    datagram_send(path, str_of(text));
}

/* Whether a variable is not set, or says this process. */
static bool is_for_us(const char *variable)
{
    const char *pid = getenv(variable);

    return !pid || atol(pid) == getpid();
}

uint64_t systemd_watchdog(void)
{
    const char *usec = getenv("WATCHDOG_USEC");

    return usec && is_for_us("WATCHDOG_PID") ? strtoull(usec, NULL, 10) : 0;
}

static int sockets_passed(void)
{
    const char *text = getenv("LISTEN_FDS");
    long number = text && getenv("LISTEN_PID") && is_for_us("LISTEN_PID") ? atol(text) : 0;

    return number < 0 ? 0 : number > SOCKETS_MAX ? SOCKETS_MAX : (int)number;
}

/* Which of the sockets passed are still here. */
static bool *sockets_left(int *count)
{
    static bool left[SOCKETS_MAX];
    static int passed = -1;

    if (passed < 0) {
        passed = sockets_passed();
        for (int i = 0; i < passed; i++)
            left[i] = fcntl(FIRST_SOCKET + i, F_SETFD, FD_CLOEXEC) == 0;
    }
    *count = passed;
    return left;
}

static bool is_listening(int fd)
{
    int type = 0, listening = 0;
    socklen_t len = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening;
}

/* Whether two addresses are the same; what else a struct sockaddr holds does not count. */
static bool is_same(const struct address *a, const struct address *b)
{
    const struct sockaddr_in *a4 = (const void *)&a->sa, *b4 = (const void *)&b->sa;
    const struct sockaddr_in6 *a6 = (const void *)&a->sa, *b6 = (const void *)&b->sa;

    if (a->sa.ss_family != b->sa.ss_family)
        return false;
    if (a->sa.ss_family == AF_UNIX)
        return strcmp(address_path(a), address_path(b)) == 0;
    if (a->sa.ss_family == AF_INET)
        return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
    return a->sa.ss_family == AF_INET6 && a6->sin6_port == b6->sin6_port &&
           memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0;
}

static bool is_bound_to(int fd, const struct address *address)
{
    struct address bound = {.len = sizeof bound.sa};

    return getsockname(fd, (struct sockaddr *)&bound.sa, &bound.len) == 0 &&
           is_same(&bound, address);
}

int systemd_socket(const struct address *address)
{
    int count;
    bool *left = sockets_left(&count);

    for (int i = 0; i < count; i++) {
        int fd = FIRST_SOCKET + i;
        if (!left[i] || !is_listening(fd) || !is_bound_to(fd, address))
            continue;
        left[i] = false;
        return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0 ? fd : -1;
    }
    return -1;
}

void systemd_close_rest(void)
{
    const char *names = getenv("LISTEN_FDNAMES");
    int count;
    bool *left = sockets_left(&count);
    struct str rest = names ? str_of(names) : STR("");

    for (int i = 0; i < count; i++) {
        struct str name = str_split(&rest, ':');
        if (!left[i])
            continue;
        log_write(LOG_LEVEL_WARNING,
                  "socket %d of systemd (%.*s) has no address of listen or status: not used", i + 1,
                  STR_ARGS(name));
        close(FIRST_SOCKET + i);
        left[i] = false;
    }
}
