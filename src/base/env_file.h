/*
 * base/env_file.h - variables from a file or a descriptor: for platforms that log the environment they are given.
 *
 * The syntax is what systemd's EnvironmentFile= and Docker's --env-file have in common, read so that no value is changed
 * silently:
 *
 *	NAME=VALUE		the value literally; '#', '$', '=', quotes and blanks inside it have no meaning
 *	NAME='VALUE'		without the quotes; nothing between them has a meaning
 *	NAME="VALUE"		the same, but \" \\ \` and \$ stand for the second character, as in systemd
 *	NAME			the process's variable of this name, if it has one (Docker)
 *	export NAME=VALUE	"export" is skipped; so are blanks before NAME, and around an '=' that has one before it (systemd)
 *	# text, ; text		comments, on lines of their own; blank lines
 *
 * Lines may end with CR LF, and the text may begin with a byte order mark. Of two lines for one name the later wins. There are
 * no variables, commands or continuation lines. Where systemd and Docker would read a value differently it is refused, and the
 * error asks for quotes: an unquoted value with a backslash or with a blank at either end, and text after a closing quote. A
 * control byte is refused too.
 *
 * An error names file, line and variable ("s3.env:3: variable S3_ACCESS_SECRET: …"), never a value.
 */

#ifndef BASE_ENV_FILE_H
#define BASE_ENV_FILE_H

#include "base/err.h"
#include "base/span.h"

#define ENV_FILE_MAX (1024 * 1024)

/*
 * Sets the variables in TEXT, which was read from NAME (base/env.h). Returns 0, or -1 with CODE_USAGE or CODE_FAULT: some may
 * have been set then.
 */
int env_parse(struct span text, const char *name, struct err *e);

/*
 * The same for the file PATH: a regular file, not a link, owned by the caller or root, closed to everybody else (0600 or
 * stricter), of at most ENV_FILE_MAX bytes. Returns 0 or -1 with *E set (CODE_USAGE: the kind of file or its syntax;
 * CODE_FAULT).
 */
int env_file_read(const char *path, struct err *e);

/*
 * The same for the descriptor FD, read to its end; errors call it NAME. FD is closed then, or, if it is 0, redirected to
 * /dev/null: no child gets it.
 */
int env_fd_read(int fd, const char *name, struct err *e);

/*
 * Removes PATH if env_file_read() accepts its kind and owner, whatever its mode and content; its bytes are not overwritten. A
 * missing file is no error. Returns 0 or -1 with *E set: it still exists.
 */
int env_file_remove(const char *path, struct err *e);

#endif
