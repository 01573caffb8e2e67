#include "top_command.h"

#include "command.h"
#include "door_client.h"
#include "status_text.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { MOST_SECONDS = 3600 };

static const char usage[] =
    "usage: spoa-cache top [-c FILE | --door ADDRESS] [-d SECONDS] [-n COUNT] [--json]\n"
    "\n"
    "Shows again and again what a running agent does: as spoa-cache status, with the shares,\n"
    "rates and times of the last seconds.\n"
    "\n"
    "  -d, --delay SECONDS   between two views (2; 0.1 to 3600)\n"
    "  -n, --count COUNT     end after so many; else Ctrl-C does\n" DOOR_OPTIONS_HELP
    "                        (a line for each view: what /status says)\n"
    "\n"
    "Exit status: 0 done, 1 the agent cannot be reached, 2 wrong usage.\n";

struct options {
    struct door_client client;
    double delay;
    long count; /* 0: without end */
};

static void wait_for(double seconds)
{
    struct timespec time = {.tv_sec = (time_t)seconds,
                            .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};

    nanosleep(&time, NULL);
}

/* Where the last view was: each line ends what is left of the old one. */
static void print_over(struct str text)
{
    fputs("\033[H", stdout);
    while (text.len) {
        struct str line = str_split(&text, '\n');
        printf("%.*s\033[K\n", STR_ARGS(line));
    }
    fputs("\033[J", stdout);
}

static bool show(const struct options *o, const struct status_doc *now,
                 const struct status_doc *before)
{
    struct buf text = buf_new(STATUS_DOC_MAX);

    if (o->client.json)
        buf_append(&text, buf_str(&now->text));
    else
        status_text(now, before, &text);
    if (isatty(STDOUT_FILENO) && !o->client.json)
        print_over(buf_str(&text));
    else
        printf("%.*s%s", STR_ARGS(buf_str(&text)), o->client.json ? "" : "\n");
    buf_free(&text);
    return fflush(stdout) == 0;
}

static int run(const struct options *o)
{
    struct status_doc docs[2] = {{.doc = {0}}};
    bool good = status_doc_ask(&docs[0], &o->client);

    if (good && isatty(STDOUT_FILENO) && !o->client.json)
        fputs("\033[2J", stdout);
    for (long i = 1; good && (o->count == 0 || i <= o->count); i++) {
        struct status_doc *now = &docs[i % 2], *before = &docs[(i + 1) % 2];
        wait_for(o->delay);
        status_doc_free(now);
        good = status_doc_ask(now, &o->client) && show(o, now, before);
    }
    status_doc_free(&docs[0]);
    status_doc_free(&docs[1]);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool take_option(struct options *o, int option)
{
    char *end;

    switch (option) {
    case 'd':
        o->delay = strtod(optarg, &end);
        return !*end && o->delay >= 0.1 && o->delay <= MOST_SECONDS;
    case 'n':
        o->count = strtol(optarg, &end, 10);
        return !*end && o->count > 0;
    default:
        return door_client_take(&o->client, option, usage);
    }
}

int top_command(const char *config, int argc, char **argv)
{
    static const struct option longs[] = {{"delay", required_argument, NULL, 'd'},
                                          {"count", required_argument, NULL, 'n'},
                                          DOOR_OPTIONS};
    struct options options = {.client = {.command = argv[0], .config = config}, .delay = 2};
    int option, code = EXIT_USAGE;

    optind = 0; /* begins anew, after main's options */
    while ((option = getopt_long(argc, argv, "c:hd:n:", longs, NULL)) != -1)
        if (!take_option(&options, option))
            return door_client_misused(&options.client, "a wrong option, or number");
    if (optind < argc)
        return door_client_misused(&options.client, "it takes no arguments");
    if (door_client_find(&options.client))
        code = run(&options);
    door_client_free(&options.client);
    return code;
}
