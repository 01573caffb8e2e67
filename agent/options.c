#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: spoa-cache [-c FILE] [--check | --print-config]\n"
    "       spoa-cache [-c FILE] COMMAND ...\n"
    "\n"
    "The response cache of HAProxy: answers its SPOE messages from Redis or memory.\n"
    "\n"
    "  -c, --config FILE   read the configuration from FILE (or $SPOA_CACHE_CONFIG; without\n"
    "                      either the defaults and the environment apply)\n"
    "      --check         check the configuration and exit: 0 when it is right, 2 when not\n"
    "      --print-config[=markdown]\n"
    "                      print every key with its value, default and meaning, and exit\n"
    "      --version       print the version and exit\n"
    "  -h, --help          print this and exit\n"
    "\n"
    "Every key may also come from the environment: SPOA_CACHE_REDIS_ADDRESS is [redis] address.\n"
    "SIGHUP reloads the configuration; SIGTERM and SIGINT drain and exit, a second one at once.\n"
    "\n"
    "Commands, each with a --help of its own:\n";

_Noreturn static void usage_error(const char *where, const char *what)
{
    fprintf(stderr, "spoa-cache: %s does not take \"%s\"\ntry spoa-cache --help\n", where, what);
    exit(EXIT_USAGE);
}

enum { OPT_CHECK = 256, OPT_PRINT, OPT_VERSION };

/* False: what follows does not matter. */
static bool take_option(struct options *out, int option)
{
    switch (option) {
    case 'c':
        out->config = optarg;
        return true;
    case OPT_CHECK:
        out->action = ACTION_CHECK;
        return true;
    case OPT_PRINT:
        out->action = optarg ? ACTION_PRINT_MARKDOWN : ACTION_PRINT;
        if (optarg && strcmp(optarg, "markdown") != 0)
            usage_error("--print-config", optarg);
        return true;
    case OPT_VERSION:
        out->action = ACTION_VERSION;
        return false;
    case 'h':
        fputs(usage, stdout);
        command_list();
        exit(EXIT_SUCCESS);
    default:
        fputs("try spoa-cache --help\n", stderr);
        exit(EXIT_USAGE);
    }
}

void options_parse(struct options *out, int argc, char **argv)
{
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, OPT_CHECK},
        {"print-config", optional_argument, NULL, OPT_PRINT},
        {"version", no_argument, NULL, OPT_VERSION},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    *out = (struct options){.config = getenv("SPOA_CACHE_CONFIG"), .action = ACTION_RUN};
    while ((option = getopt_long(argc, argv, "+c:h", longs, NULL)) != -1)
        if (!take_option(out, option))
            return;
    if (optind == argc)
        return;
    out->action = ACTION_COMMAND;
    out->argc = argc - optind;
    out->argv = argv + optind;
    out->command = command_find(argv[optind]);
    if (!out->command)
        usage_error("the command line", argv[optind]);
}
