/* The command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "command.h"

enum action {
    ACTION_RUN,
    ACTION_CHECK,
    ACTION_PRINT,
    ACTION_PRINT_MARKDOWN,
    ACTION_VERSION,
    ACTION_COMMAND,
};

struct options {
    const char *config; /* the file, or NULL */
    enum action action;
    const struct command *command; /* with its name and arguments, of ACTION_COMMAND */
    int argc;
    char **argv;
};

/* Reads it. Ends the program after --help, and with EXIT_USAGE for what it does not take. */
void options_parse(struct options *out, int argc, char **argv);

#endif
