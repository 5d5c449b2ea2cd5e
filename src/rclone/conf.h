/*
 * rclone/conf.h - our section of an rclone.conf, and its place among others' sections. Pure: works on text.
 *
 * rclone reads its file with goconfig: a line is trimmed, '#' or ';' as its first character makes it a comment, the
 * key ends at the first '=' or ':', outer blanks survive only between backticks, "%(name)s" is interpolated. Newline,
 * CR, NUL and "%(" cannot be written at all: such a value is refused by the name of its variable.
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
 * Writes our section, "[s3mounts]\n…", each value between backticks. Returns 0, or -1 with CODE_USAGE naming the
 * variable, or CODE_FAULT (no room). OUT then holds part of it: wipe it in each case, it holds the secret.
 */
int rclone_conf_section(struct buf *out, const struct s3_endpoint *endpoint, const struct creds *creds, struct err *e);

/* The same with secret and token masked ("****"), the key id shown but for its middle; for people to read. */
int rclone_conf_masked(struct buf *out, const struct s3_endpoint *endpoint, const struct creds *creds, struct err *e);

/*
 * Writes to OUT the file OLD with our section replaced by SECTION (appended where OLD has none; removed where SECTION
 * is empty). Everything else stays byte for byte: comments, order, line ends, a file without a last newline. Several
 * sections of our name become one, at the first one's place. A section ends with its last value: comments after that
 * are not ours. Returns 0, or -1 with CODE_FAULT (no room: OUT is of no use then), CODE_USAGE (OLD is encrypted by
 * rclone).
 */
int rclone_conf_merge(struct buf *out, struct span old, struct span section, struct err *e);

/* Reads the credentials of SECTION, as rclone_conf_section() has written it, into *C: wipe it. False: they are not whole. */
bool rclone_conf_creds(struct span section, struct creds *c);

/* Our section in FILE as it stands there; empty where it has none. */
struct span rclone_conf_find(struct span file);

/*
 * Is FILE one that rclone keeps its remotes in, as far as can be seen? By goconfig's rules every line is blank, a comment, a [section],
 * or KEY = VALUE or KEY: VALUE; beyond them each KEY stands in a section, one of these has the key "type", as each remote has, nothing
 * runs it ("#!"), and no control byte is in it. That tells it from passwd(5), a script, JSON, unit files, AWS's own. An empty file is one,
 * and an encrypted one (which rclone_conf_merge() refuses). Returns 0, or -1 with CODE_USAGE: "line N …", nothing that stands there.
 */
int rclone_conf_check(struct span file, struct err *e);

/*
 * What a file was before our section came into it, as a comment in the section, so that who takes it out, days later and knowing
 * nothing else, can put it back.
 */
struct rclone_mark {
	bool found;	/* there was a file; false: it is ours altogether */
	mode_t mode;	/* its permissions */
	bool open_line; /* its last line had no newline */
};

/* SECTION with the mark M in it (none where nothing was found) to OUT. */
void rclone_conf_mark(struct buf *out, struct span section, const struct rclone_mark *m);

/* The mark in SECTION, or that of no file. */
struct rclone_mark rclone_conf_marked(struct span section);

#endif
