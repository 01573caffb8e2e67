/* spoa-cache top, see its --help. */
#ifndef TOP_COMMAND_H
#define TOP_COMMAND_H

/* See struct command. */
int top_command(const char *config, int argc, char **argv);

#endif
