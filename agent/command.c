#include "command.h"

#include "config_command.h"
#include "explain_command.h"
#include "inspect_command.h"
#include "purge_command.h"
#include "settings.h"
#include "status_command.h"
#include "top_command.h"
#include <stdio.h>

enum { ERRORS_MAX = 64 << 10 };

static const struct command commands[] = {
    {"explain", "say what would become of a request and why, or why two do not share",
     explain_command},
    {"purge", "take answers back, or delete from Redis what was taken back", purge_command},
    {"status", "show how a running agent does", status_command},
    {"top", "show it again and again, with rates", top_command},
    {"inspect", "show what is stored under a key", inspect_command},
    {"config", "print the configuration in use, and where each value comes from", config_command},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

void command_list(void)
{
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-18s  %s\n", commands[i].name, commands[i].help);
}

struct config *command_config(const char *path)
{
    struct buf errors = buf_new(ERRORS_MAX);
    struct config *config = settings_load(path, &errors);

    if (!config)
        fprintf(stderr, "%.*s", STR_ARGS(buf_str(&errors)));
    buf_free(&errors);
    return config;
}
