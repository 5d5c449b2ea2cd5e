/*
 * base/err.h - what went wrong, as text, and the exit code that the program reports it with.
 *
 * A leaf fills a caller's struct err and returns -1; on success it leaves it alone. The text names the operation, the object
 * and the cause, in that order; the hint says what to do. Only src/cmd prints.
 */

#ifndef BASE_ERR_H
#define BASE_ERR_H

/* The exit codes of every command: part of the contract with users. */
enum code {
	CODE_OK = 0,
	CODE_SOME = 1,	      /* some mounts hold and some do not */
	CODE_USAGE = 2,	      /* option, variable, fstab line */
	CODE_NO_CREDS = 3,    /* no credentials given */
	CODE_REFUSED = 4,     /* S3 refuses */
	CODE_UNREACHABLE = 5, /* S3 is out of reach */
	CODE_MOUNT = 6,	      /* a mount failed */
	CODE_PENDING = 7,     /* data still pending when the time ran out */
	CODE_FAULT = 8,	      /* a fault of this machine: memory, disk, permission */
};

struct err {
	enum code code;
	char text[640]; /* one line, no newline; truncated when too long */
	char hint[384]; /* may be empty */
};

/* Sets code and text (sanitized), empties the hint. Returns -1, so that a leaf can return it. errno is kept. */
int err_set(struct err *e, enum code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set(), with ": " and errno's text appended. */
int err_sys(struct err *e, enum code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* What helps against a limit on processes or threads, and on memory. */
#define ERR_HINT_PIDS \
	"raise the limit of processes (pids.max of the cgroup, docker --pids-limit, ulimit -u), or give it more memory"
#define ERR_HINT_MEMORY "give it more memory (memory.max of the cgroup, docker --memory, ulimit -v)"

/* As err_sys(), for a fork(2) that failed in WHAT, with a hint. */
int err_fork(struct err *e, const char *what);

/* Sets the hint (sanitized). Returns -1. */
int err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
