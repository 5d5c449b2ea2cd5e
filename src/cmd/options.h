/* cmd/options.h - the command line: GNU long options, one table for all commands and their help. */

#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Which commands take an option. */
enum {
	FOR_UP = 1,
	FOR_CHECK = 2,
	FOR_CONFIG = 4,
	FOR_STATUS = 8,
	FOR_FLUSH = 16,
	FOR_DOWN = 32,
	FOR_START = 64,
	FOR_READY = 128,
	FOR_RUN = 256,
};

#define SPECS_MAX 1024
#define ENV_SOURCES_MAX 16

/* Where variables come from besides the environment: the FILE of an --env-file; if that is NULL, a descriptor. */
struct env_source {
	const char *file;
	int fd;
};

struct options {
	const char *specs[SPECS_MAX];
	size_t spec_count;
	struct env_source env_sources[ENV_SOURCES_MAX];
	size_t env_source_count;
	const char *fstab, *rclone, *run_dir, *cache_dir, *config;
	int timeout_ms, stop_ms;
	bool json, write, print, keep, left, lazy, watch, wait, mounted, keep_env, anyway, env_file_remove;
	long uid, gid;	/* run: the user of COMMAND; -1: the caller */
	char **command; /* run: what follows the options, with or without "--" between; NULL: none */
	bool help;	/* --help was given and printed: there is nothing else to do */
};

/*
 * Parses the options of COMMAND (a FOR_ bit; DOES is its sentence for --help) in ARGV, which begins with its name; --timeout
 * defaults to TIMEOUT_S. Then sets (base/env.h) the variables of --env-file and --env-fd, and removes the files if that is
 * asked for, even when an option or a file is refused: keys that are meant to disappear must not survive a mistake. Returns 0
 * or -1 with *E set: CODE_USAGE naming the option, or the file with its line.
 */
int options_read(struct options *o, int command, const char *does, int timeout_s, char **argv, struct err *e);

#endif
