/* What spoa-cache does beside serving: `spoa-cache NAME ...`, one line in the table for each. */
#ifndef COMMAND_H
#define COMMAND_H

#include "core/config.h"

/* Exit codes: 0 done, 1 not as wished, or could not start or run, 2 wrong usage or configuration.
 */
enum { EXIT_USAGE = 2 };

struct command {
    const char *name, *help;
    /* `config` is the file that was named before the command, or NULL; argv[0] is the name. Returns
     * the exit code. */
    int (*run)(const char *config, int argc, char **argv);
};

/* The command of that name, or NULL. */
const struct command *command_find(const char *name);

/* Prints a line for each. */
void command_list(void);

/* The configuration in that file, or NULL with its mistakes on standard error. The caller has the
 * one reference. */
struct config *command_config(const char *path);

#endif
