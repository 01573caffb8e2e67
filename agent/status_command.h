/* spoa-cache status, see its --help. */
#ifndef STATUS_COMMAND_H
#define STATUS_COMMAND_H

/* See struct command. */
int status_command(const char *config, int argc, char **argv);

#endif
