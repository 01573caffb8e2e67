/* spoa-cache purge, see its --help. */
#ifndef PURGE_COMMAND_H
#define PURGE_COMMAND_H

/* See struct command. */
int purge_command(const char *config, int argc, char **argv);

#endif
