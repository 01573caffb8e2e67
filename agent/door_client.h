/* What the commands that ask a running agent have in common: where its HTTP door is, what they show
 * there to be let in, and what they print. */
#ifndef DOOR_CLIENT_H
#define DOOR_CLIENT_H

#include "core/config.h"
#include "net/http_code.h"

struct door_client {
    const char *command; /* its name, for messages */
    const char *config;  /* the file that says where the door is; NULL: the environment does */
    const char *door;    /* or where it is; NULL: not said */
    const char *token_file;
    bool json;
    /* of door_client_find() */
    struct config *settings; /* a reference; NULL: not read */
    struct buf token;
    struct str address;
};

/* Their options, for getopt_long() with "c:h", and for --help. */
enum { DOOR_OPTION_DOOR = 1000, DOOR_OPTION_TOKEN, DOOR_OPTION_JSON };
#define DOOR_OPTIONS                                                                               \
    {"config", required_argument, NULL, 'c'}, {"door", required_argument, NULL, DOOR_OPTION_DOOR}, \
        {"token-file", required_argument, NULL, DOOR_OPTION_TOKEN},                                \
        {"json", no_argument, NULL, DOOR_OPTION_JSON}, {"help", no_argument, NULL, 'h'},           \
    {                                                                                              \
        NULL, 0, NULL, 0                                                                           \
    }
#define DOOR_OPTIONS_HELP                                                                          \
    "  -c, --config FILE     the agent's configuration, whose [agent] status says where its "      \
    "HTTP\n"                                                                                       \
    "                        door is\n"                                                            \
    "      --door ADDRESS    where it is: unix:PATH or HOST:PORT. Without either:\n"               \
    "                        unix:/run/spoa-cache/status.sock, if that is there\n"                 \
    "      --token-file PATH the token for it, where it is not a unix socket\n"                    \
    "      --json            print JSON\n"                                                         \
    "  -h, --help            print this and exit\n"

/* Takes one of these options. False when it is another one. --help prints the usage and exits. */
bool door_client_take(struct door_client *c, int option, const char *usage);

/* Prints what is wrong with the command line; returns the exit code. */
int door_client_misused(const struct door_client *c, const char *what);

/* Finds the door; false, with a line on standard error, when nothing says where it is. */
__attribute__((warn_unused_result)) bool door_client_find(struct door_client *c);

/* Asks, and appends what is answered. Returns the status; 0, with a line on standard error, when
 * there is no answer. */
unsigned door_client_ask(const struct door_client *c, const char *method, struct str target,
                         struct buf *answer);

/* Finds the door, asks, prints the answer, and frees; returns the exit code. */
int door_client_run(struct door_client *c, const char *method, const struct buf *target);

/* Prints an answer, on standard error unless the status is 200; returns the exit code. */
int door_client_print(const struct door_client *c, unsigned status, struct str answer);

/* Frees what it found. */
void door_client_free(struct door_client *c);

#endif
