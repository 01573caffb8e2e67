/* spoa-cache explain, see its --help. */
#ifndef EXPLAIN_COMMAND_H
#define EXPLAIN_COMMAND_H

/* See struct command. */
int explain_command(const char *config, int argc, char **argv);

#endif
