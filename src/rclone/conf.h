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
#include "s3/site.h"

#define RCLONE_REMOTE "s3mounts" /* the name of our remote, and of its section */
#define RCLONE_CONF_MAX (1024 * 1024)

/*
 * Writes our section, "[s3mounts]\n…", each value between backticks. Returns 0, or -1 with CODE_USAGE naming the
 * variable, or CODE_FAULT (no room). OUT then holds part of it: wipe it in each case, it holds the secret.
 */
int rclone_conf_section(struct buf *out, const struct s3_site *site, const struct creds *creds, struct err *e);

/* The same with secret and token masked ("****"), the key id shown but for its middle; for people to read. */
int rclone_conf_masked(struct buf *out, const struct s3_site *site, const struct creds *creds, struct err *e);

/*
 * Writes to OUT the file OLD with our section replaced by SECTION (appended where OLD has none; removed where SECTION
 * is empty). Everything else stays byte for byte: comments, order, line ends, a file without a last newline. Several
 * sections of our name become one, at the first one's place. A section ends with its last value: comments after that
 * are not ours. Returns 0, or -1 with CODE_FAULT (no room: OUT is of no use then), CODE_USAGE (OLD is encrypted by
 * rclone).
 */
int rclone_conf_merge(struct buf *out, struct span old, struct span section, struct err *e);

/* Our section in FILE as it stands there; empty where it has none. */
struct span rclone_conf_find(struct span file);

#endif
