/*
 * base/env_file.h - variables from a file or a descriptor: for platforms that log the environment which they are given.
 *
 * The form is what systemd's EnvironmentFile= and Docker's --env-file have in common, read so that no value is changed without a word:
 *
 *	NAME=VALUE		the value as it stands; '#', '$', '=', quotes inside it and blanks inside it mean nothing
 *	NAME='VALUE'		the quotes are taken off; nothing between them has a meaning
 *	NAME="VALUE"		the same, but \" \\ \` and \$ stand for the second character, as in systemd
 *	NAME			the variable of this name that the process has, if it has one (Docker)
 *	export NAME=VALUE	"export" is passed over; so are blanks before NAME, and around a '=' that has one before it (systemd)
 *	# text, ; text		comments, as lines of their own; blank lines
 *
 * Lines may end with CR LF, and a byte order mark may stand at the beginning. Of two lines for one name the later counts. There are no
 * variables, commands or lines that go on. Where the two forms read a value differently it is refused, and the error asks for quotes: an
 * unquoted one with a backslash in it or a blank at its ends, and text behind a closing quote. So is a control byte.
 *
 * An error names file, line and variable ("s3.env:3: variable S3_ACCESS_SECRET: …"), never a value.
 */

#ifndef BASE_ENV_FILE_H
#define BASE_ENV_FILE_H

#include "base/err.h"
#include "base/span.h"

#define ENV_FILE_MAX (1024 * 1024)

/* Gives (base/env.h) what TEXT, read from NAME, holds. Returns 0, or -1 with CODE_USAGE or CODE_FAULT: then some may have been given. */
int env_parse(struct span text, const char *name, struct err *e);

/*
 * The same of the file PATH: regular, no link, the caller's or root's, and closed to everybody else (0600 or stricter), of at most
 * ENV_FILE_MAX bytes. Returns 0 or -1 with *E set (CODE_USAGE: what it is will not do, or its form; CODE_FAULT).
 */
int env_file_read(const char *path, struct err *e);

/*
 * The same of the descriptor FD, to its end, which NAME stands for in errors. FD is closed then, or, where it is 0, leads to /dev/null:
 * no child has it.
 */
int env_fd_read(int fd, const char *name, struct err *e);

/*
 * Removes PATH where env_file_read() takes its kind and owner, whatever its mode and content; it is not overwritten. No file is no error.
 * Returns 0 or -1 with *E set: it is still there.
 */
int env_file_remove(const char *path, struct err *e);

#endif
