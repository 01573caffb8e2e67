/* spoa-cache config, see its --help. */
#ifndef CONFIG_COMMAND_H
#define CONFIG_COMMAND_H

/* See struct command. */
int config_command(const char *config, int argc, char **argv);

#endif
