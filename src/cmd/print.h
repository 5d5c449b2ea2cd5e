/* cmd/print.h - the output of commands: plain lines on stderr for people, one JSON object on stdout for programs. */

#ifndef CMD_PRINT_H
#define CMD_PRINT_H

#include "base/err.h"
#include "base/json.h"
#include "ctl/wire.h"
#include "s3/check.h"

/*
 * The object that every --json begins with; COMMAND must outlive it. json_end() closes it and writes it to stdout with a
 * newline. Returns CODE, or CODE_FAULT: with that error instead of the object when there was no memory for it, with a message
 * on stderr when it could not be written.
 */
struct json_out {
	const char *command;
	struct buf text;
	struct json j;
};
void json_begin(struct json_out *o, const char *command, enum code code, const struct err *error);
int json_end(struct json_out *o, enum code code);

void json_error(struct json *j, const char *key, const struct err *e);	     /* null for CODE_OK */
void json_verdict(struct json *j, const char *key, const struct verdict *v); /* null when S3 was not asked */

/* Opens the object of a mount, with what every command reports about it: target, source, driver, state. */
void json_mount(struct json *j, const struct report_mount *m);
void json_strings(struct json *j, const char *key, const char *const *list, size_t count);

/* What M has pending: files, bytes, names, and the reasons that are known. */
void json_pending(struct json *j, const struct report_mount *m);

/* Prints a line for each name on stderr; REASONED: only for those with a known reason. */
void print_pending(const struct report_mount *m, bool reasoned);

/* Is every mount of R in STATE? True where there is none. */
bool mounts_are(const struct report *r, const char *state);

/* The plural ending of a word for N things: "" or "s". */
const char *plural(long n);

/* The widths of the columns for targets and sources. */
void print_column_widths(const struct report *r, int *target, int *source);

/* For text_stderr_within(): `start` and `run` end in time whether somebody reads what they say or not. */
#define STDERR_MS 1000

/* Prints "s3mounts: TEXT" and, indented, the hint, on stderr. */
void print_error(const struct err *e);

/* Sets *E to CODE_NO_CREDS, in the name of COMMAND ("check"), with what P says of them, and what that MEANS (": …", or ""). Returns -1. */
int err_no_creds(struct err *e, const char *command, const struct plan *p, const char *means);

/* For a command that could not do anything: reports its error, as JSON or not. Returns the exit code. */
int print_failure(const char *command, bool json, const struct err *e);

/* The exit code for a set of mounts: HOLD of them hold, FIRST is the code of the first error (CODE_OK: none). */
enum code mounts_exit_code(size_t hold, enum code first);

#endif
