#include "redis_fixture.h"

#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct ev_loop *loop;
struct metrics metrics;
struct store *store;
struct redis_options options;
struct probe probes[16];

static ev_timer tick;
static struct server servers[4];
static int real_stderr = -1, captured = -1;

/* The name server of SLOW_NAME. */
static pthread_mutex_t answers = PTHREAD_MUTEX_INITIALIZER;
static atomic_int asked;

void name_server_stop(void)
{
    asked = 0;
    pthread_mutex_lock(&answers);
}

void name_server_go_on(void)
{
    pthread_mutex_unlock(&answers);
}

int name_server_asked(void)
{
    return asked;
}

static void ask_name_server(void)
{
    asked++;
    pthread_mutex_lock(&answers);
    pthread_mutex_unlock(&answers);
}

/* Stands before the C library's, for the names of the tests. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **list)
{
    int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    bool slow = name && strcmp(name, SLOW_NAME) == 0;

    *(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
    if (!slow && (!name || strcmp(name, TWO_ADDRESSES) != 0))
        return next(name, service, hints, list);
    if (hints->ai_flags & AI_NUMERICHOST)
        return EAI_NONAME;
    if (slow) {
        ask_name_server();
        return next("127.0.0.1", service, hints, list);
    }
    int error = next("127.0.0.2", service, hints, list);
    return error ? error : next("127.0.0.1", service, hints, &(*list)->ai_next);
}

double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void on_tick(struct ev_loop *l, ev_timer *w, int events)
{
    (void)l;
    (void)w;
    (void)events;
}

void fixture_setup(void)
{
    signal(SIGPIPE, SIG_IGN);
    loop = ev_loop_new(EVFLAG_AUTO);
    ck_assert_ptr_nonnull(loop);
    ev_timer_init(&tick, on_tick, 0.002, 0.002);
    ev_timer_start(loop, &tick);
    metrics = (struct metrics){0};
    options = (struct redis_options){.timeout = 2000, .connect_timeout = 2000, .max_pending = 1000};
}

static void remove_directory(const struct server *s)
{
    static const char *const files[] = {"redis.conf", "log", "socket"};
    char path[64];

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", s->directory, files[i]);
        unlink(path);
    }
    rmdir(s->directory);
}

void fixture_teardown(void)
{
    close_store();
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        free(probes[i].value);
        probes[i].value = NULL;
    }
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        if (!servers[i].port)
            continue;
        server_kill(&servers[i]);
        remove_directory(&servers[i]);
        servers[i].port = 0;
    }
    ev_loop_destroy(loop);
    if (captured >= 0) {
        dup2(real_stderr, STDERR_FILENO);
        close(real_stderr);
        close(captured);
        captured = -1;
    }
    unit_guard_release();
}

static int listen_anywhere(int *port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (*port)
        in.sin_port = htons((uint16_t)*port);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    *port = ntohs(in.sin_port);
    return fd;
}

int free_port(void)
{
    int port = 0;

    close(listen_anywhere(&port));
    return port;
}

void server_restart(struct server *s)
{
    char configuration[64];
    const char *program = getenv("REDIS_SERVER") ? getenv("REDIS_SERVER") : "redis-server";

    snprintf(configuration, sizeof configuration, "%s/redis.conf", s->directory);
    s->pid = fork();
    ck_assert_int_ge(s->pid, 0);
    if (s->pid)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* none is left behind when a test crashes */
    execlp(program, program, configuration, (char *)NULL);
    _exit(127);
}

struct server *server_start(const char *lines)
{
    char configuration[64];
    struct server *s = servers;

    while (s->port)
        s++;
    *s = (struct server){.port = free_port(), .directory = "/tmp/spoa-cache-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(s->directory));
    snprintf(s->tcp, sizeof s->tcp, "127.0.0.1:%d", s->port);
    snprintf(s->unix_socket, sizeof s->unix_socket, "unix:%s/socket", s->directory);
    snprintf(configuration, sizeof configuration, "%s/redis.conf", s->directory);
    FILE *file = fopen(configuration, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file,
            "bind 127.0.0.1\nport %d\nunixsocket %s/socket\nsave \"\"\nappendonly no\n"
            "dir %s\nlogfile %s/log\n%s\n",
            s->port, s->directory, s->directory, s->directory, lines);
    fclose(file);
    server_restart(s);
    return s;
}

void server_kill(struct server *s)
{
    if (!s->pid)
        return;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

void server_do(const struct server *s, const char *command)
{
    redisContext *c = redisConnect("127.0.0.1", s->port);
    ck_assert(c && !c->err);
    redisReply *reply = redisCommand(c, command);

    ck_assert_ptr_nonnull(reply);
    ck_assert_msg(reply->type != REDIS_REPLY_ERROR, "%s: %s", command, reply->str);
    freeReplyObject(reply);
    redisFree(c);
}

static void fake_hang_up(struct fake_client *c)
{
    if (!c->fd)
        return;
    ev_io_stop(loop, &c->input);
    close(c->fd);
    redisReaderFree(c->reader);
    if (c->fake->current == c)
        c->fake->current = NULL;
    if (c->fake->subscriber == c)
        c->fake->subscriber = NULL;
    *c = (struct fake_client){.fake = c->fake};
}

static void fake_send_to(struct fake_client *c, const char *bytes)
{
    ck_assert_ptr_nonnull(c);
    ck_assert_int_eq(write(c->fd, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
}

void fake_send(struct fake *f, const char *bytes)
{
    fake_send_to(f->current, bytes);
}

void fake_publish(struct fake *f, const char *bytes)
{
    fake_send_to(f->subscriber, bytes);
}

void fake_end_subscription(struct fake *f)
{
    ck_assert_ptr_nonnull(f->subscriber);
    fake_hang_up(f->subscriber);
}

/* Whether the words come first in the command. */
static bool begins_with(const char *command, const char *words)
{
    size_t len = strlen(words);

    return strncmp(command, words, len) == 0 && (command[len] == ' ' || command[len] == '\0');
}

/* A repeated SUBSCRIBE only asks whether the connection lives: it is answered, not remembered. */
static void fake_remember(struct fake_client *c, const char *text)
{
    struct fake *f = c->fake;
    size_t heard = strlen(f->heard);
    bool subscribes = begins_with(text, "SUBSCRIBE");

    if (subscribes && c == f->subscriber)
        return;
    if (subscribes)
        f->subscriber = c;
    f->current = c;
    snprintf(f->last, sizeof f->last, "%s", text);
    if (strcmp(text, "PING") != 0)
        snprintf(f->heard + heard, sizeof f->heard - heard, "%s\n", text);
}

static void fake_answer(struct fake_client *c, const redisReply *command)
{
    struct fake *f = c->fake;
    const struct script *line = f->script;
    char text[sizeof f->last] = "";
    size_t at = 0;

    for (size_t i = 0; i < command->elements && at < sizeof text; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? " " : "",
                               command->element[i]->str);
    f->commands++;
    fake_remember(c, text);
    while (line->command && !begins_with(text, line->command))
        line++;
    const char *answer = line->answer;
    if (!line->command && !answer)
        answer = strcmp(text, "PING") == 0 ? "+PONG\r\n" : "+OK\r\n";
    if (answer)
        fake_send_to(c, answer);
    if (line->close)
        fake_hang_up(c);
}

static void on_input(struct ev_loop *l, ev_io *w, int events)
{
    struct fake_client *c = w->data;
    char bytes[16384];
    ssize_t n = read(c->fd, bytes, sizeof bytes);
    void *command;

    (void)l;
    (void)events;
    if (n <= 0) {
        fake_hang_up(c);
        return;
    }
    redisReaderFeed(c->reader, bytes, (size_t)n);
    while (c->fd && redisReaderGetReply(c->reader, &command) == REDIS_OK && command) {
        fake_answer(c, command);
        freeReplyObject(command);
    }
}

static void on_accept(struct ev_loop *l, ev_io *w, int events)
{
    struct fake *f = w->data;
    struct fake_client *c = f->clients;
    int fd = accept4(f->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)events;
    if (fd < 0)
        return;
    while (c->fd)
        ck_assert(++c < f->clients + sizeof f->clients / sizeof *f->clients);
    f->connections++;
    *c = (struct fake_client){.fake = f, .fd = fd, .reader = redisReaderCreate()};
    ev_io_init(&c->input, on_input, fd, EV_READ);
    c->input.data = c;
    ev_io_start(l, &c->input);
}

void fake_start(struct fake *f, const struct script *script)
{
    *f = (struct fake){.script = script};
    f->listener = listen_anywhere(&f->port);
    snprintf(f->address, sizeof f->address, "127.0.0.1:%d", f->port);
    ev_io_init(&f->accept, on_accept, f->listener, EV_READ);
    f->accept.data = f;
    ev_io_start(loop, &f->accept);
}

void fake_stop(struct fake *f)
{
    for (size_t i = 0; i < sizeof f->clients / sizeof *f->clients; i++)
        fake_hang_up(&f->clients[i]);
    ev_io_stop(loop, &f->accept);
    close(f->listener);
}

void log_capture(void)
{
    char path[] = "/tmp/spoa-cache-XXXXXX";

    captured = mkstemp(path);
    ck_assert_int_ge(captured, 0);
    unlink(path);
    real_stderr = dup(STDERR_FILENO);
    dup2(captured, STDERR_FILENO);
}

/* Messages as they were before their quotes were put behind backslashes. */
const char *log_captured(void)
{
    static char text[8192];
    ssize_t n = pread(captured, text, sizeof text - 1, 0);
    char *end = text;

    ck_assert_int_ge(n, 0);
    for (ssize_t i = 0; i < n; i++)
        if (text[i] != '\\' || text[i + 1] != '"')
            *end++ = text[i];
    *end = '\0';
    return text;
}

void close_store(void)
{
    if (store)
        store->ops->free(store);
    store = NULL;
    ck_assert_uint_eq(metrics.redis_pending, 0);
    ck_assert_uint_eq(metrics.redis_up, 0);
}

void probe_done(struct store_read *read, enum store_result result, struct str value)
{
    struct probe *p = (struct probe *)read;

    ck_assert_int_eq(p->calls++, 0);
    ck_assert_ptr_null(read->pending);
    ck_assert(result == STORE_HIT || result == STORE_ERROR || value.len == 0);
    p->result = result;
    p->at = seconds();
    p->len = value.len;
    p->value = malloc(value.len + 1);
    memcpy(p->value, value.ptr, value.len);
    p->value[value.len] = '\0';
}

struct probe *start_get(size_t i, struct str key)
{
    free(probes[i].value);
    probes[i] = (struct probe){.read.done = probe_done};
    store->ops->get(store, key, 0, &probes[i].read);
    return &probes[i];
}

enum store_result get(struct str key)
{
    struct probe *p = start_get(0, key);

    await(p->calls);
    return p->result;
}

bool put(struct str key, struct str value, int64_t ttl)
{
    return store->ops->put(store, key, value, 0, ttl);
}

struct str value_of(size_t i)
{
    return (struct str){probes[i].value, probes[i].len};
}

bool ready(void)
{
    return store->ops->ready(store);
}

uint64_t errors(void)
{
    uint64_t sum = 0;

    for (int error = 0; error < RESP_ERROR_COUNT; error++)
        sum += metrics.redis_errors[error];
    return sum;
}

void open_store(const char *address)
{
    options.address = str_of(address);
    store = redis_new(loop, &options, &metrics);
    ck_assert_ptr_nonnull(store);
}

void open_and_wait(const char *address)
{
    open_store(address);
    await(ready());
    ck_assert_uint_eq(metrics.redis_up, 1);
}

size_t count(const char *text, const char *part)
{
    size_t n = 0;

    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        n++;
    return n;
}

void check_refused(const char *address, const char *why)
{
    log_capture();
    open_store(address);
    await(metrics.redis_failures >= 3);
    ck_assert(!ready());
    ck_assert_int_eq(start_get(0, STR("a"))->result, STORE_DOWN);
    ck_assert(!put(STR("a"), STR("x"), 1000));
    const char *log = log_captured();
    ck_assert_msg(count(log, why) == 1, "no \"%s\" in %s", why, log);
    ck_assert_uint_eq(count(log, "\n"), 1);
    ck_assert_uint_eq(count(log, "hunter"), 0);
    ck_assert_uint_eq(metrics.redis_connects, 0);
}
