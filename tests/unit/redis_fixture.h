/* For the tests of the Redis store: a real redis-server, one that follows a script, and an event
 * loop to drive until something holds. */
#ifndef TESTS_REDIS_FIXTURE_H
#define TESTS_REDIS_FIXTURE_H

#include "store/redis.h"
#include "unit.h"

#include <hiredis/hiredis.h>

/* The loop that everything below runs in; it turns at least every few milliseconds. */
extern struct ev_loop *loop;

/* Seconds of a clock that nobody sets. */
double seconds(void);

/* Turns the loop until the condition holds; fails after ten seconds. */
#define await(condition)                                                                           \
    do {                                                                                           \
        double end_ = seconds() + 10;                                                              \
        while (!(condition)) {                                                                     \
            ck_assert_msg(seconds() < end_, "waited in vain for %s", #condition);                  \
            ev_run(loop, EVRUN_ONCE);                                                              \
        }                                                                                          \
    } while (0)

/* A name for 127.0.0.2, where nobody listens, and for 127.0.0.1. */
#define TWO_ADDRESSES "two-addresses.invalid"

/* A name for 127.0.0.1, which is not found while its name server is stopped. */
#define SLOW_NAME "slow.invalid"
void name_server_stop(void);
void name_server_go_on(void);
/* How often it was asked since it was stopped last. */
int name_server_asked(void);

/* Before and after every test; the second also stops servers that are left. */
void fixture_setup(void);
void fixture_teardown(void);

/* A real server in a directory of its own: TCP on 127.0.0.1 and a unix socket. */
struct server {
    int pid;
    int port;
    char directory[32];
    char tcp[32], unix_socket[64]; /* addresses for the store */
};

/* `lines` are added to its configuration. It may not accept connections yet. Borrowed until
 * fixture_teardown(). */
struct server *server_start(const char *lines);
/* Kills it; server_restart() brings it back at the same addresses, empty. */
void server_kill(struct server *s);
void server_restart(struct server *s);

/* One command of another client to a real server, which must take it. */
void server_do(const struct server *s, const char *command);

/* What a scripted server does on a command; the first line that fits counts. */
struct script {
    const char *command; /* the first words of it; NULL: any, and the end of the script */
    const char *answer;  /* NULL: silence */
    bool close;          /* and then close the connection */
};

/* A server on 127.0.0.1 that answers by a script; without a line, AUTH and SELECT with OK and
 * PING with PONG. */
struct fake_client {
    struct fake *fake;
    int fd; /* 0: none */
    ev_io input;
    redisReader *reader;
};

struct fake {
    const struct script *script; /* may be changed */
    int listener;
    struct fake_client clients[32];
    struct fake_client *current, *subscriber; /* who sent `last`, and who SUBSCRIBE; or nobody */
    int connections, commands;
    int port;
    char address[32];
    ev_io accept;
    char last[256];   /* the arguments of the last command but a repeated SUBSCRIBE, by spaces */
    char heard[2048]; /* those of all but PING, too, each with a newline */
};

void fake_start(struct fake *f, const struct script *script);
/* Sends bytes that nobody asked for to `current`. */
void fake_send(struct fake *f, const char *bytes);
/* The same to the subscriber. */
void fake_publish(struct fake *f, const char *bytes);
/* Closes the subscriber's connection. */
void fake_end_subscription(struct fake *f);
void fake_stop(struct fake *f);

/* A port on 127.0.0.1 where nobody listens. */
int free_port(void);

/* What is written to standard error from here on, up to fixture_teardown(). */
void log_capture(void);
/* All of it up to now. */
const char *log_captured(void);

/* The store under test, opened with `options` and closed by the teardown if need be. */
extern struct store *store;
extern struct metrics metrics;
extern struct redis_options options;

/* One read and how it ended. */
struct probe {
    struct store_read read; /* first: `done` casts back */
    int calls;
    enum store_result result;
    char *value;
    size_t len;
    double at;
};

extern struct probe probes[16];

/* What a probe's read is done with. */
void probe_done(struct store_read *read, enum store_result result, struct str value);

/* Errors answered, of all kinds. */
uint64_t errors(void);

void open_store(const char *address);
void open_and_wait(const char *address);
void close_store(void);
bool ready(void);
/* Starts the read of probes[i]. */
struct probe *start_get(size_t i, struct str key);
struct str value_of(size_t i);
/* The result of a read by probes[0], however long it takes. */
enum store_result get(struct str key);
bool put(struct str key, struct str value, int64_t ttl);

/* How often `part` stands in `text`. */
size_t count(const char *text, const char *part);
/* Opens a store that cannot get ready: it fails three times, and logs `why` once. */
void check_refused(const char *address, const char *why);

#endif
