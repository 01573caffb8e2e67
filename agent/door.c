#include "door.h"

#include "explain_call.h"
#include "net/log.h"
#include "page.h"

enum { POLICY_MAX = 1024 };

bool door_is_ready(const struct door *door)
{
    const struct door_subject *s = &door->subject;

    return !*s->draining && s->store->ops->ready(s->store);
}

static unsigned metrics_call(void *ctx, const struct http_call *call, struct buf *out)
{
    const struct door *door = ctx;

    (void)call;
    metrics_render(door->subject.metrics, door->subject.version, door_is_ready(door), out);
    return HTTP_OK;
}

static unsigned health_call(void *ctx, const struct http_call *call, struct buf *out)
{
    (void)ctx;
    (void)call;
    buf_append(out, STR("alive\n"));
    return HTTP_OK;
}

static unsigned ready_call(void *ctx, const struct http_call *call, struct buf *out)
{
    const struct door *door = ctx;

    (void)call;
    if (door_is_ready(door)) {
        buf_append(out, STR("ready\n"));
        return HTTP_OK;
    }
    buf_append(out, *door->subject.draining ? STR("the agent is draining\n")
                                            : STR("the store is not ready\n"));
    return HTTP_UNAVAILABLE;
}

static unsigned page_call(void *ctx, const struct http_call *call, struct buf *out)
{
    (void)ctx;
    (void)call;
    buf_append(out, page_text());
    return HTTP_OK;
}

unsigned config_call(void *ctx, const struct http_call *call, struct buf *out)
{
    const struct door *door = ctx;
    struct str format = STR(""), changed = STR("");

    http_call_has(call, STR("format"), &format);
    http_call_has(call, STR("changed"), &changed);
    config_show(*door->subject.config, str_eq(format, STR("json")), str_eq(changed, STR("yes")),
                out);
    return HTTP_OK;
}

static void set_actions(struct door *door)
{
    void *config = (void *)(uintptr_t)door->subject.config;
    const struct http_action actions[] = {
        {.path = "/", page_call, door, .open = true, "text/html; charset=utf-8"},
        {.path = "/status", status_call, door, .open = true, "application/json"},
        {.path = "/metrics",
         metrics_call,
         door,
         .open = true,
         "text/plain; version=0.0.4; charset=utf-8"},
        {.path = "/healthz", health_call, door, .open = true, NULL},
        {.path = "/readyz", ready_call, door, .open = true, NULL},
        {.path = "/explain", explain_call, config, .open = false, NULL},
        {.path = "/config", config_call, door, .open = false, NULL},
        {.path = "/inspect", inspect_call, door, .open = false, NULL},
        {.path = "/purge", purge_call, &door->purges, .open = false, NULL},
        {.path = NULL},
    };

    door->purges = (struct purge_target){door->subject.config, door->subject.book};
    _Static_assert(sizeof actions <= sizeof door->actions, "DOOR_ACTIONS_MAX");
    memcpy(door->actions, actions, sizeof actions);
}

static struct str token(void *ctx)
{
    const struct door *door = ctx;

    return (*door->subject.config)->door_token;
}

static void take_sample(struct door *door)
{
    const struct metrics *m = door->subject.metrics;
    const struct history_sample sample = {
        .hits = metrics_lookups(m, METRICS_HIT),
        .coalesced = metrics_coalesced(m),
        .misses = metrics_lookups(m, METRICS_MISS),
        .bypasses = metrics_lookups(m, METRICS_BYPASS),
        .stored = metrics_stored(m),
        .refused = metrics_refused(m),
    };

    history_take(&door->history, door_now(door), &sample);
}

static void on_sampling(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    take_sample(timer->data);
}

static bool open_http(struct door *door, const struct str_list *addresses)
{
    const char *error;
    struct str where;

    door->policy = buf_new(POLICY_MAX);
    page_policy(&door->policy);
    buf_append_byte(&door->policy, '\0');
    if (!buf_ok(&door->policy))
        return false;
    const struct http_door_options options = {.addresses = addresses,
                                              .actions = door->actions,
                                              .content_policy = door->policy.ptr,
                                              .token = token,
                                              .ctx = door};
    door->http = http_door_open(door->subject.loop, &options, &where, &error);
    if (!door->http)
        log_write(LOG_LEVEL_ERROR, "cannot open the HTTP door on %.*s: %s", STR_ARGS(where), error);
    return door->http != NULL;
}

bool door_open(struct door *door, const struct door_subject *subject)
{
    const struct str_list *addresses = &(*subject->config)->status;

    door->subject = *subject;
    door->started = door_now(door);
    if (addresses->count == 0)
        return true;
    set_actions(door);
    if (!open_http(door, addresses))
        return false;
    take_sample(door);
    ev_timer_init(&door->sampling, on_sampling, HISTORY_SECONDS, HISTORY_SECONDS);
    door->sampling.data = door;
    ev_timer_start(subject->loop, &door->sampling);
    return true;
}

void door_close(struct door *door)
{
    if (door->http)
        ev_timer_stop(door->subject.loop, &door->sampling);
    http_door_close(door->http);
    door->http = NULL;
    buf_free(&door->policy);
}
