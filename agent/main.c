/* Wiring, signals, drain. */
#include "cache.h"
#include "command.h"
#include "core/config.h"
#include "core/key.h"
#include "door.h"
#include "net/listener.h"
#include "net/log.h"
#include "net/spop_conn.h"
#include "net/spop_server.h"
#include "options.h"
#include "service.h"
#include "settings.h"
#include "store/memory.h"
#include "store/redis.h"
#include "store/tier.h"
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum { ERRORS_MAX = 64 << 10, HEAP_KEEP = 4 << 20 };

/* Everything that lives as long as the process. */
struct agent {
    struct ev_loop *loop;
    const char *config_path;
    struct config *config;
    struct metrics metrics;
    struct store *store;
    struct store *redis;           /* NULL: none; the store, or below it */
    struct redis_listener changes; /* in Redis */
    struct leases *leases;
    struct purge_book *book;
    struct cache *cache;
    struct spop_server *server;
    struct door door;
    struct listener *listeners;
    size_t listener_count;
    struct service service;
    ev_signal term, interrupt, hangup;
    ev_timer drain; /* drain-delay, then drain-timeout */
    bool draining;
};

static int print_config(const struct config *config, bool markdown)
{
    struct buf text = buf_new(1 << 24);

    if (markdown)
        config_print_markdown(&text);
    else
        config_print(config, &text);
    fwrite(text.ptr, 1, text.len, stdout);
    int status = buf_ok(&text) && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    buf_free(&text);
    return status;
}

/* An agent with a store of its own needs to agree with nobody: a secret for this process. */
static bool ensure_secret(struct config *config)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char random[32];
    char text[sizeof random * 2];
    struct buf errors = buf_new(ERRORS_MAX);

    if (config->secret.len)
        return true;
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return false;
    for (size_t i = 0; i < sizeof random; i++) {
        text[2 * i] = digits[random[i] >> 4];
        text[2 * i + 1] = digits[random[i] & 15];
    }
    bool set =
        config_set(config, "key", "secret", (struct str){text, sizeof text}, "random", &errors);
    buf_free(&errors);
    return set;
}

static void on_changed(void *ctx, struct str key)
{
    struct agent *agent = ctx;

    cache_notice(agent->cache, key);
}

static void on_flushed(void *ctx)
{
    struct agent *agent = ctx;

    cache_notice_all(agent->cache);
}

static void on_watching(void *ctx, bool watching)
{
    struct agent *agent = ctx;

    cache_hear(agent->cache, watching);
}

/* Who waits for what another agent stores learns of it. */
static void listen_to_redis(struct agent *agent)
{
    agent->changes = (struct redis_listener){
        .changed = on_changed, .flushed = on_flushed, .watching = on_watching, .context = agent};
    redis_listen(agent->redis, &agent->changes);
}

static struct store *open_store(struct agent *agent)
{
    const struct config *c = agent->config;
    const struct redis_options redis = settings_redis(c);

    if (!config_uses_redis(c))
        return memory_new((size_t)c->memory_size, &agent->metrics);
    agent->redis = redis_new(agent->loop, &redis, &agent->metrics);
    if (!agent->redis)
        return NULL;
    listen_to_redis(agent); /* before the tier, which is then told first */
    if (!c->memory_tier)
        return agent->redis;
    struct store *tier = tier_new(agent->redis, (size_t)c->memory_size, &agent->metrics);
    if (!tier)
        agent->redis->ops->free(agent->redis);
    return tier;
}

static void warn_of_exposed_keys(const struct config *config)
{
    if (config->key_file_exposed)
        log_write(LOG_LEVEL_WARNING,
                  "[values] key-file: every user of this machine may read or write %.*s: chmod 600",
                  STR_ARGS(config->key_file));
}

static void apply_limits(struct agent *agent)
{
    const struct config *c = agent->config;
    struct spop_limits limits = {
        .max_frame_size = (uint32_t)c->max_frame_size,
        .max_connections = (size_t)c->max_connections,
        .hello_timeout = c->hello_timeout,
        .idle_timeout = c->idle_timeout,
    };

    spop_server_set_limits(agent->server, &limits);
    service_log(c);
    service_raise_files(c);
    warn_of_exposed_keys(c);
}

static bool open_listeners(struct agent *agent)
{
    const struct str_list *listen = &agent->config->listen;

    agent->listeners = calloc(listen->count, sizeof *agent->listeners);
    if (!agent->listeners)
        return false;
    for (size_t i = 0; i < listen->count; i++) {
        const char *error = listener_open(&agent->listeners[i], agent->loop, listen->items[i],
                                          spop_server_accept, agent->server);
        if (error) {
            log_write(LOG_LEVEL_ERROR, "cannot listen on %.*s: %s", STR_ARGS(listen->items[i]),
                      error);
            return false;
        }
        agent->listener_count++;
    }
    return true;
}

static void close_listeners(struct agent *agent)
{
    while (agent->listener_count)
        listener_close(&agent->listeners[--agent->listener_count]);
}

static bool open_door(struct agent *agent)
{
    const struct door_subject subject = {
        .loop = agent->loop,
        .version = VERSION,
        .config_path = agent->config_path,
        .config = &agent->config,
        .metrics = &agent->metrics,
        .store = agent->store,
        .redis = agent->redis,
        .cache = agent->cache,
        .book = agent->book,
        .draining = &agent->draining,
    };

    return door_open(&agent->door, &subject);
}

static void stop(void *ctx)
{
    struct agent *agent = ctx;

    ev_break(agent->loop, EVBREAK_ALL);
}

static void start_timer(struct agent *agent, ev_timer *timer, int64_t ms,
                        void (*callback)(struct ev_loop *, ev_timer *, int))
{
    ev_timer_init(timer, callback, (double)ms / 1000., 0.);
    timer->data = agent;
    ev_timer_start(agent->loop, timer);
}

static void on_drain_timeout(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    log_write(LOG_LEVEL_WARNING, "drain-timeout is over: closing what is left");
    stop(timer->data);
}

static void on_drain_delay(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct agent *agent = timer->data;

    (void)loop;
    (void)events;
    close_listeners(agent);
    start_timer(agent, &agent->drain, agent->config->drain_timeout, on_drain_timeout);
    spop_server_drain(agent->server, stop, agent);
}

/* The first signal lets HAProxy go elsewhere and then what is in flight finish; the second one
 * does not wait. */
static void on_terminate(struct ev_loop *loop, ev_signal *signal, int events)
{
    struct agent *agent = signal->data;

    (void)loop;
    (void)events;
    if (agent->draining) {
        stop(agent);
        return;
    }
    agent->draining = true;
    log_write(LOG_LEVEL_INFO, "draining");
    service_stopping(&agent->service, agent->config);
    spop_server_fail_checks(agent->server);
    cache_drain(agent->cache);
    start_timer(agent, &agent->drain, agent->config->drain_delay, on_drain_delay);
}

/* A reloaded configuration goes on with the values that a running agent cannot change. */
static bool keep_fixed_values(struct config *config, const struct config *in_use)
{
    struct buf errors = buf_new(ERRORS_MAX);
    bool kept = config->secret.len ||
                config_set(config, "key", "secret", in_use->secret, "in use", &errors);
    const char *changed = kept ? config_needs_restart(in_use, config) : NULL;

    if (changed)
        log_write(LOG_LEVEL_WARNING, "%s changed, which needs a restart", changed);
    buf_free(&errors);
    return kept && config_inherit(config, in_use);
}

static void log_mistakes(struct str mistakes)
{
    while (mistakes.len) {
        struct str line = str_split(&mistakes, '\n');
        log_write(LOG_LEVEL_ERROR, "%.*s", STR_ARGS(line));
    }
}

static struct config *read_again(const char *path)
{
    struct buf errors = buf_new(ERRORS_MAX);
    struct config *config = settings_load(path, &errors);

    if (!config)
        log_mistakes(buf_str(&errors));
    buf_free(&errors);
    return config;
}

static void reload(struct agent *agent)
{
    struct config *config = read_again(agent->config_path);

    if (!config || !keep_fixed_values(config, agent->config) ||
        !cache_set_config(agent->cache, config)) {
        log_write(LOG_LEVEL_ERROR, "not reloaded: going on with the configuration in use");
        config_unref(config);
        return;
    }
    config_unref(agent->config);
    agent->config = config;
    apply_limits(agent);
    log_write(LOG_LEVEL_INFO, "configuration reloaded");
}

static void on_hangup(struct ev_loop *loop, ev_signal *signal, int events)
{
    (void)loop;
    (void)events;
    service_reloading();
    reload(signal->data);
    service_reloaded();
}

static void start_signal(struct agent *agent, ev_signal *watcher, int number,
                         void (*callback)(struct ev_loop *, ev_signal *, int))
{
    ev_signal_init(watcher, callback, number);
    watcher->data = agent;
    ev_signal_start(agent->loop, watcher);
}

static void start_signals(struct agent *agent)
{
    signal(SIGPIPE, SIG_IGN);
    start_signal(agent, &agent->term, SIGTERM, on_terminate);
    start_signal(agent, &agent->interrupt, SIGINT, on_terminate);
    start_signal(agent, &agent->hangup, SIGHUP, on_hangup);
}

static bool start(struct agent *agent)
{
    /* Buffers for large answers come and go: the heap keeps what it has instead of returning it to
     * the kernel and faulting it in again for each. */
    mallopt(M_TRIM_THRESHOLD, HEAP_KEEP);
    mallopt(M_MMAP_THRESHOLD, HEAP_KEEP);
    agent->loop = ev_default_loop(0);
    if (!agent->loop || !ensure_secret(agent->config))
        return false;
    start_signals(agent);
    agent->store = open_store(agent);
    if (!agent->store)
        return false;
    agent->leases = agent->redis ? leases_in_redis(agent->redis) : leases_in_memory();
    agent->book = purge_book_new(agent->loop, agent->redis, &agent->metrics);
    if (!agent->leases || !agent->book)
        return false;
    agent->cache = cache_new(agent->loop, agent->config, agent->store, agent->leases, agent->book,
                             &agent->metrics);
    if (!agent->cache)
        return false;
    cache_hear(agent->cache, !agent->redis); /* Redis says when */
    struct spop_handler handler = cache_handler(agent->cache);
    agent->server = spop_server_new(agent->loop, &handler, &agent->metrics);
    if (!agent->server)
        return false;
    apply_limits(agent);
    return open_door(agent) && open_listeners(agent);
}

/* In this order: who asks, who remembers, and then what both point to. */
static void finish(struct agent *agent)
{
    service_finish(&agent->service);
    close_listeners(agent);
    free(agent->listeners);
    door_close(&agent->door);
    if (agent->server)
        spop_server_free(agent->server);
    if (agent->cache)
        cache_drain(agent->cache);
    if (agent->store)
        agent->store->ops->free(agent->store);
    if (agent->cache)
        cache_free(agent->cache);
    if (agent->leases)
        agent->leases->ops->free(agent->leases);
    if (agent->book)
        purge_book_free(agent->book);
    config_unref(agent->config);
    if (agent->loop)
        ev_loop_destroy(agent->loop);
}

static bool become_user(const struct config *config)
{
    service_log(config);
    const char *error = service_become_user(config);
    if (error)
        log_write(LOG_LEVEL_ERROR, "cannot run as [agent] user = %.*s: %s", STR_ARGS(config->user),
                  error);
    return error == NULL;
}

static int run(const char *config_path, struct config *config)
{
    struct agent agent = {.config_path = config_path, .config = config};
    bool started = become_user(config) && start(&agent);

    if (started) {
        service_started(&agent.service, agent.loop, agent.store);
        log_write(LOG_LEVEL_INFO, "spoa-cache %s serves from %s", VERSION,
                  config_uses_redis(config) ? "Redis" : "memory");
        ev_run(agent.loop, 0);
        log_write(LOG_LEVEL_INFO, "stopped");
    }
    finish(&agent);
    return started ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct options options;

    options_parse(&options, argc, argv);
    if (options.action == ACTION_COMMAND)
        return options.command->run(options.config, options.argc, options.argv);
    if (options.action == ACTION_VERSION)
        return puts("spoa-cache " VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    struct config *config = command_config(options.config);
    if (!config)
        return EXIT_USAGE;
    int status = EXIT_SUCCESS;
    switch (options.action) {
    case ACTION_CHECK:
        puts("the configuration is right");
        break;
    case ACTION_PRINT:
        status = print_config(config, false);
        break;
    case ACTION_PRINT_MARKDOWN:
        status = print_config(config, true);
        break;
    default:
        return run(options.config, config);
    }
    config_unref(config);
    return status;
}
