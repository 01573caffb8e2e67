#include "config_command.h"

#include "command.h"
#include "door_client.h"
#include <getopt.h>

static const char usage[] =
    "usage: spoa-cache config [-c FILE | --door ADDRESS] [--changed] [--json]\n"
    "\n"
    "Prints the configuration that a running agent uses, and where each value comes from: the "
    "file\n"
    "and its line, a variable of the environment, or the default. Secrets are not shown. What a\n"
    "file would give, without an agent, says spoa-cache -c FILE --print-config.\n"
    "\n"
    "      --changed         leave out what is as by default\n" DOOR_OPTIONS_HELP "\n"
    "Exit status: 0 printed, 1 the agent cannot be reached or refuses, 2 wrong usage.\n";

enum { TARGET_MAX = 256, OPT_CHANGED = 256 };

int config_command(const char *config, int argc, char **argv)
{
    static const struct option longs[] = {{"changed", no_argument, NULL, OPT_CHANGED},
                                          DOOR_OPTIONS};
    struct door_client client = {.command = argv[0], .config = config};
    struct buf target = buf_new(TARGET_MAX);
    bool changed = false;
    int option;

    optind = 0; /* begins anew, after main's options */
    while ((option = getopt_long(argc, argv, "c:h", longs, NULL)) != -1)
        if (option == OPT_CHANGED)
            changed = true;
        else if (!door_client_take(&client, option, usage))
            return door_client_misused(&client, NULL);
    if (optind < argc)
        return door_client_misused(&client, "it takes no arguments");
    buf_printf(&target, "/config?format=%s&changed=%s", client.json ? "json" : "text",
               changed ? "yes" : "no");
    int code = door_client_run(&client, "POST", &target);
    buf_free(&target);
    return code;
}
