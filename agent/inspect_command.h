/* spoa-cache inspect, see its --help. */
#ifndef INSPECT_COMMAND_H
#define INSPECT_COMMAND_H

/* See struct command. */
int inspect_command(const char *config, int argc, char **argv);

#endif
