/*
 * rclone/conf.h - our section of an rclone.conf, and its place among others' sections. Pure: works on text.
 *
 * rclone parses its file with goconfig: lines are trimmed, '#' or ';' as the first character begins a comment, a key ends at
 * the first '=' or ':', blanks at the ends of a value survive only between backticks, "%(name)s" is interpolated. Newline, CR,
 * NUL and "%(" cannot be written at all: such a value is refused, by the name of its variable.
 */

#ifndef RCLONE_CONF_H
#define RCLONE_CONF_H

#include "base/buf.h"
#include "base/creds.h"
#include "base/err.h"
#include "s3/endpoint.h"

#include <sys/types.h>

#define RCLONE_REMOTE "s3mounts" /* the name of our remote, and of its section */
#define RCLONE_CONF_MAX (1024 * 1024)

/*
 * The proxy in CREDS goes into the section too: it may hold a password, and every driver that is started with these keys needs it.
 *
 * Writes our section, "[s3mounts]\n…", each value between backticks. Returns 0, or -1 with CODE_USAGE naming the variable, or
 * CODE_FAULT (no room), with a part of it in OUT. Wipe OUT in each case: it holds the secret.
 */
int rclone_conf_section(struct buf *out, const struct s3_endpoint *endpoint, const struct creds *creds, struct err *e);

/* The same for people to read, without the proxy: secret and token masked ("****"), and the middle of the key id. */
int rclone_conf_masked(struct buf *out, const struct s3_endpoint *endpoint, const struct creds *creds, struct err *e);

/*
 * Writes to OUT the file OLD with our section replaced by SECTION (appended when OLD has none; removed when SECTION is empty).
 * Everything else stays byte for byte: comments, order, line ends, a missing newline at the end. Several sections of our name
 * become one, at the place of the first. A section ends with its last value: comments after that are not ours. Returns 0, or -1
 * with CODE_FAULT (no room: OUT is of no use then), CODE_USAGE (OLD is encrypted by rclone).
 */
int rclone_conf_merge(struct buf *out, struct span old, struct span section, struct err *e);

/* Reads the credentials in SECTION, as written by rclone_conf_section(), into *C: wipe it. False: they are incomplete. */
bool rclone_conf_creds(struct span section, struct creds *c);

/* Writes the identity of the endpoint in SECTION (s3_endpoint_identity()) to OUT, of 640 bytes at least. False: it has none that can be read. */
bool rclone_conf_identity(struct span section, char *out, size_t size);

/* Our section in FILE, unchanged; empty when it has none. */
struct span rclone_conf_find(struct span file);

/*
 * Does FILE look like a file that rclone keeps its remotes in? By goconfig's rules every line is blank, a comment, a [section],
 * or KEY = VALUE or KEY: VALUE; beyond these rules each KEY is in a section, one of the sections has the key "type", as each
 * remote has, nothing runs the file ("#!"), and it holds no control byte. This distinguishes it from passwd(5), a script, JSON,
 * unit files, AWS's own files. An empty file passes, and an encrypted one (which rclone_conf_merge() refuses). Returns 0, or -1
 * with CODE_USAGE: "line N …", without any of its text.
 */
int rclone_conf_check(struct span file, struct err *e);

/*
 * What a file was before our section was added, as a comment in the section, so that whoever removes it, days later and knowing
 * nothing else, can restore it.
 */
struct rclone_mark {
	bool found;	/* there was a file; false: it is entirely ours */
	mode_t mode;	/* its permissions */
	bool open_line; /* its last line had no newline */
};

/* Writes SECTION with the mark M in it (without one when there was no file) to OUT. */
void rclone_conf_mark(struct buf *out, struct span section, const struct rclone_mark *m);

/* The mark in SECTION, or that of a missing file. */
struct rclone_mark rclone_conf_marked(struct span section);

#endif
