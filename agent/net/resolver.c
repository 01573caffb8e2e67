#include "resolver.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Its members are under `lock`, but for those of the loop's thread. */
struct resolver {
    struct resolver *next;    /* that waits for the same look-up */
    struct look_up *looks_up; /* NULL: `finished` was sent */
    struct resolver_result result;
    struct ev_loop *loop;
    struct ev_async finished;
    void (*done)(void *context, const struct resolver_result *result);
    void *context;
};

/* A thread inside getaddrinfo(), which cannot be called back: it goes on when nobody waits any
 * more, and whoever asks for the same name meanwhile gets what it finds. */
struct look_up {
    struct look_up *next;
    struct resolver *waiting; /* by `next` */
    char host[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct look_up *under_way; /* by `next` */

static bool find_addresses(struct resolver_result *result, const char *host, int flags)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags}, *list = NULL;
    int error = getaddrinfo(host, NULL, &hints, &list);

    *result = (struct resolver_result){.error = error ? gai_strerror(error) : "no address"};
    for (struct addrinfo *a = list; a && result->count < RESOLVER_ADDRESSES; a = a->ai_next)
        if (getnameinfo(a->ai_addr, a->ai_addrlen, result->address[result->count], RESOLVER_TEXT,
                        NULL, 0, NI_NUMERICHOST) == 0)
            result->count++;
    if (list)
        freeaddrinfo(list);
    return result->count > 0;
}

bool resolver_numeric(struct resolver_result *result, const char *host)
{
    return find_addresses(result, host, AI_NUMERICHOST);
}

/* Under the lock. */
static void forget(struct look_up *l)
{
    struct look_up **at = &under_way;

    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    free(l);
}

static void *thread_main(void *argument)
{
    struct look_up *l = argument;
    struct resolver_result result;

    find_addresses(&result, l->host, AI_ADDRCONFIG);
    pthread_mutex_lock(&lock);
    for (struct resolver *r = l->waiting; r; r = r->next) {
        r->result = result;
        r->looks_up = NULL;
        ev_async_send(r->loop, &r->finished);
    }
    forget(l);
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* A detached thread in which no signal handler runs: those belong to the loop's thread. */
static bool start_thread(struct look_up *l)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;

    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, thread_main, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error == 0;
}

/* The one under way for that name, or a new one; NULL when there can be none. Under the lock. */
static struct look_up *look_up(const char *host)
{
    size_t size = strlen(host) + 1;
    struct look_up *l = under_way;

    while (l && strcmp(l->host, host) != 0)
        l = l->next;
    if (l || !(l = calloc(1, sizeof *l + size)))
        return l;
    memcpy(l->host, host, size);
    l->next = under_way;
    under_way = l;
    if (start_thread(l))
        return l;
    forget(l);
    return NULL;
}

static void join(struct resolver *r, const char *host)
{
    pthread_mutex_lock(&lock);
    r->looks_up = look_up(host);
    if (r->looks_up) {
        r->next = r->looks_up->waiting;
        r->looks_up->waiting = r;
    }
    pthread_mutex_unlock(&lock);
}

static void leave(struct resolver *r)
{
    pthread_mutex_lock(&lock);
    if (r->looks_up) {
        struct resolver **at = &r->looks_up->waiting;
        while (*at != r)
            at = &(*at)->next;
        *at = r->next;
    }
    pthread_mutex_unlock(&lock);
}

static void on_finished(struct ev_loop *loop, ev_async *w, int events)
{
    struct resolver *r = w->data;

    (void)events;
    leave(r); /* when the thread is done with it */
    ev_async_stop(loop, w);
    r->done(r->context, &r->result);
    free(r);
}

struct resolver *resolver_start(struct ev_loop *loop, const char *host,
                                void (*done)(void *context, const struct resolver_result *result),
                                void *context)
{
    struct resolver *r = malloc(sizeof *r);

    if (!r)
        return NULL;
    *r = (struct resolver){.loop = loop, .done = done, .context = context};
    ev_async_init(&r->finished, on_finished);
    r->finished.data = r;
    ev_async_start(loop, &r->finished);
    join(r, host);
    if (r->looks_up)
        return r;
    ev_async_stop(loop, &r->finished);
    free(r);
    return NULL;
}

void resolver_cancel(struct resolver *r)
{
    leave(r);
    ev_async_stop(r->loop, &r->finished);
    free(r);
}
