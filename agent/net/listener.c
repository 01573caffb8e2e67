#include "listener.h"

#include "log.h"
#include "systemd.h"
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 4096, ACCEPTS_PER_TURN = 64 };
static const double PAUSE_SECONDS = 0.1;

static void resume(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct listener *l = timer->data;

    (void)events;
    ev_io_start(loop, &l->readable);
}

void listener_pause(struct listener *l, double seconds)
{
    ev_io_stop(l->loop, &l->readable);
    ev_timer_stop(l->loop, &l->pause);
    ev_timer_set(&l->pause, seconds, 0.);
    ev_timer_start(l->loop, &l->pause);
}

void listener_accept(struct listener *l)
{
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(l->readable.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            l->accepted(l->ctx, fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            log_write(LOG_LEVEL_ERROR, "cannot accept a connection: %s", strerror(errno));
            listener_pause(l, PAUSE_SECONDS);
            return;
        }
        if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
    (void)loop;
    (void)events;
    listener_accept(io->data);
}

/* Removes a socket file that no process listens on; one in use is left for bind() to report. */
static void remove_stale(const struct address *a)
{
    struct stat st;

    if (stat(address_path(a), &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)&a->sa, a->len) != 0 && errno == ECONNREFUSED)
        unlink(address_path(a));
    close(fd);
}

static int open_socket(const struct address *a)
{
    int on = 1, fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (address_path(a))
        remove_stale(a);
    else
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&a->sa, a->len) == 0 &&
        (!address_path(a) || chmod(address_path(a), 0660) == 0) && listen(fd, BACKLOG) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static void remember_path(struct listener *l)
{
    struct stat st;

    if (address_path(&l->address) && stat(address_path(&l->address), &st) == 0) {
        l->device = st.st_dev;
        l->inode = st.st_ino;
    }
}

static void remove_path(const struct listener *l)
{
    const char *path = address_path(&l->address);
    struct stat st;

    if (path && stat(path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
        unlink(path);
}

const char *listener_open(struct listener *l, struct ev_loop *loop, struct str address,
                          void (*accepted)(void *ctx, int fd), void *ctx)
{
    *l = (struct listener){.accepted = accepted, .ctx = ctx, .loop = loop};
    const char *error = address_resolve(&l->address, address);
    if (error)
        return error;
    int fd = systemd_socket(&l->address);
    if (fd < 0) {
        fd = open_socket(&l->address);
        if (fd < 0)
            return strerror(errno);
        remember_path(l); /* the path of systemd's socket is not ours to remove */
    }
    ev_io_init(&l->readable, on_readable, fd, EV_READ);
    l->readable.data = l;
    ev_timer_init(&l->pause, resume, 0., 0.);
    l->pause.data = l;
    ev_io_start(loop, &l->readable);
    return NULL;
}

void listener_close(struct listener *l)
{
    if (!l->loop)
        return;
    ev_timer_stop(l->loop, &l->pause);
    ev_io_stop(l->loop, &l->readable);
    close(l->readable.fd);
    remove_path(l);
    l->loop = NULL;
}
