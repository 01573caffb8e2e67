#include "resolver.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Shared by the loop and the thread; the last of the two to let go frees it, since a thread
 * inside getaddrinfo() cannot be called back. */
struct resolver {
    pthread_mutex_t lock;
    int holders;    /* under the lock */
    bool cancelled; /* under the lock: the loop may be gone, send it nothing */
    struct ev_loop *loop;
    struct ev_async finished;
    void (*done)(void *context, const struct resolver_result *result);
    void *context;
    struct resolver_result result; /* the thread's until `finished` was sent */
    char host[];
};

static void let_go(struct resolver *r)
{
    pthread_mutex_lock(&r->lock);
    bool last = --r->holders == 0;
    pthread_mutex_unlock(&r->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static bool look_up(struct resolver_result *result, const char *host, int flags)
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
    return look_up(result, host, AI_NUMERICHOST);
}

static void *thread_main(void *argument)
{
    struct resolver *r = argument;

    look_up(&r->result, r->host, AI_ADDRCONFIG);
    pthread_mutex_lock(&r->lock);
    if (!r->cancelled)
        ev_async_send(r->loop, &r->finished);
    pthread_mutex_unlock(&r->lock);
    let_go(r);
    return NULL;
}

static void on_finished(struct ev_loop *loop, ev_async *w, int events)
{
    struct resolver *r = w->data;

    (void)events;
    ev_async_stop(loop, w);
    r->done(r->context, &r->result);
    let_go(r);
}

/* A detached thread in which no signal handler runs: those belong to the loop's thread. */
static bool start_thread(struct resolver *r)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;

    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, thread_main, r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error == 0;
}

struct resolver *resolver_start(struct ev_loop *loop, const char *host,
                                void (*done)(void *context, const struct resolver_result *result),
                                void *context)
{
    size_t size = strlen(host) + 1;
    struct resolver *r = malloc(sizeof *r + size);

    if (!r)
        return NULL;
    *r = (struct resolver){.holders = 2, .loop = loop, .done = done, .context = context};
    memcpy(r->host, host, size);
    pthread_mutex_init(&r->lock, NULL);
    ev_async_init(&r->finished, on_finished);
    r->finished.data = r;
    ev_async_start(loop, &r->finished);
    if (start_thread(r))
        return r;
    ev_async_stop(loop, &r->finished);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return NULL;
}

void resolver_cancel(struct resolver *r)
{
    pthread_mutex_lock(&r->lock);
    r->cancelled = true;
    pthread_mutex_unlock(&r->lock);
    ev_async_stop(r->loop, &r->finished);
    let_go(r);
}
