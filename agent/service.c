#include "service.h"

#include "net/clock.h"
#include "net/http_door.h"
#include "net/log.h"
#include "net/systemd.h"
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    FILES_BESIDE = 448,          /* Redis, the log, libraries */
    STOP_RESERVE_MS = 10 * 1000, /* that draining may take besides its own times */
};

void service_log(const struct config *config)
{
    struct log_options options = {
        .level = (enum log_level)config->log_level,
        .format = (enum log_format)config->log_format,
        .sink = (enum log_sink)config->log,
    };

    log_configure(&options);
}

/* After setuid() the kernel takes the process for one that may never leave a core file. */
static void decide_core(bool wanted)
{
    struct rlimit limit = {0, 0};

    if (wanted && getrlimit(RLIMIT_CORE, &limit) == 0)
        limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CORE, &limit);
    if (wanted)
        prctl(PR_SET_DUMPABLE, 1);
}

static bool find_group(const struct config *config, gid_t *gid)
{
    if (config->group.len == 0)
        return true;
    const struct group *group = getgrnam(config->group.ptr);
    if (group)
        *gid = group->gr_gid;
    return group != NULL;
}

static const char *become(const struct config *config)
{
    const struct passwd *user = getpwnam(config->user.ptr);

    if (!user)
        return "no such user";
    uid_t uid = user->pw_uid;
    gid_t gid = user->pw_gid;
    if (geteuid() == uid)
        return NULL;
    if (geteuid() != 0)
        return "only root can become another user";
    if (!find_group(config, &gid))
        return "no such group";
    if (initgroups(config->user.ptr, gid) != 0 || setresgid(gid, gid, gid) != 0 ||
        setresuid(uid, uid, uid) != 0)
        return strerror(errno);
    return NULL;
}

const char *service_become_user(const struct config *config)
{
    const char *error = config->user.len ? become(config) : NULL;

    if (!error && geteuid() == 0)
        log_write(LOG_LEVEL_WARNING, "running as root, which nothing needs: set [agent] user");
    decide_core(config->core_dumps);
    return error;
}

void service_raise_files(const struct config *config)
{
    rlim_t need = (rlim_t)config->max_connections +
                  (rlim_t)config->status.count * HTTP_DOOR_CONNECTIONS + FILES_BESIDE;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
        return;
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        limit.rlim_cur = before;
    if (limit.rlim_cur < need)
        log_write(LOG_LEVEL_WARNING,
                  "max-connections = %" PRId64 " needs %ju open files, and no more than %ju are "
                  "allowed: raise LimitNOFILE of the service (ulimit -n)",
                  config->max_connections, (uintmax_t)need, (uintmax_t)limit.rlim_cur);
}

/* Tells the state when it is another one. */
static void tell_state(struct service *service, const char *state)
{
    if (state != service->state)
        systemd_notify("STATUS=%s", state);
    service->state = state;
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct service *service = timer->data;

    (void)loop;
    (void)events;
    log_tick();
    systemd_notify("WATCHDOG=1");
    if (service->store)
        tell_state(service, service->store->ops->ready(service->store)
                                ? "serving"
                                : "the store is not ready: every request goes to the origin");
}

/* At least twice in the time that systemd waits. */
static double tick_seconds(void)
{
    double watchdog = (double)systemd_watchdog() / 1e6;

    return watchdog > 0. && watchdog < 2. ? watchdog / 2. : 1.;
}

void service_started(struct service *service, struct ev_loop *loop, struct store *store)
{
    double seconds = tick_seconds();

    *service = (struct service){.loop = loop, .store = store};
    systemd_close_rest();
    systemd_notify("READY=1");
    ev_timer_init(&service->tick, on_tick, 0., seconds);
    service->tick.data = service;
    ev_timer_start(loop, &service->tick);
}

void service_reloading(void)
{
    systemd_notify("RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_now() / 1000);
}

void service_reloaded(void)
{
    systemd_notify("READY=1");
}

void service_stopping(struct service *service, const struct config *config)
{
    int64_t ms = config->drain_delay + config->drain_timeout + STOP_RESERVE_MS;

    service->store = NULL;
    systemd_notify("STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRId64, ms * 1000);
    tell_state(service, "draining");
}

void service_finish(struct service *service)
{
    if (service->loop)
        ev_timer_stop(service->loop, &service->tick);
    log_flush();
}
