/*
 * cmd/cmd.h - the commands. Each reads its options, does its work or asks for it, prints, and returns the exit code
 * (base/err.h).
 */

#ifndef CMD_CMD_H
#define CMD_CMD_H

/* ARGV begins with the command's name and ends with NULL. */
typedef int command_fn(char **argv);

command_fn cmd_up, cmd_check, cmd_config, cmd_status, cmd_flush, cmd_down, cmd_start, cmd_ready, cmd_run;

struct command {
	const char *name;
	command_fn *run;
	const char *does;
};

#endif
