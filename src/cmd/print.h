/* cmd/print.h - what the commands say: plain lines on stderr for people, one JSON object on stdout for programs. */

#ifndef CMD_PRINT_H
#define CMD_PRINT_H

#include "base/err.h"
#include "base/json.h"
#include "ctl/wire.h"
#include "s3/check.h"

/*
 * The object that every --json begins with; COMMAND must outlive it. json_end() closes it and writes it to stdout with a newline. Returns CODE, or
 * CODE_FAULT: with that error in place of the object where there was no memory for it, with words on stderr where it could not be written.
 */
struct json_out {
	const char *command;
	struct buf text;
	struct json j;
};
void json_begin(struct json_out *o, const char *command, enum code code, const struct err *error);
int json_end(struct json_out *o, enum code code);

void json_error(struct json *j, const char *key, const struct err *e);	     /* null for CODE_OK */
void json_verdict(struct json *j, const char *key, const struct verdict *v); /* null where it was not asked */

/* Opens the object of a mount, with what every command tells of it: target, source, driver, state. */
void json_mount(struct json *j, const struct report_mount *m);
void json_strings(struct json *j, const char *key, const char *const *list, size_t count);

/* What M has pending: files, bytes, names, and why, where that is known. */
void json_pending(struct json *j, const struct report_mount *m);

/* On stderr a line for each name; REASONED: only for those of which it is known why. */
void print_pending(const struct report_mount *m, bool reasoned);

/* Is every mount of R in STATE? True where there is none. */
bool mounts_are(const struct report *r, const char *state);

/* The ending of a word of which there are N: "" or "s". */
const char *plural(long n);

/* How wide the columns of targets and of sources must be. */
void print_column_widths(const struct report *r, int *target, int *source);

/* "s3mounts: TEXT" and, indented, its hint, on stderr. */
void print_error(const struct err *e);

/* Sets *E to CODE_NO_CREDS, in the name of COMMAND ("check"), with the hint. Returns -1. */
int err_no_creds(struct err *e, const char *command);

/* A command that could not do anything: its error, in the form that was asked for. Returns the exit code. */
int print_failure(const char *command, bool json, const struct err *e);

/* The exit code of a set of mounts: HOLD hold, FIRST is the first error's code (CODE_OK: none). */
enum code mounts_exit_code(size_t hold, enum code first);

#endif
