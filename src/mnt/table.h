/* mnt/table.h - the kernel's mount table, read from /proc/self/mountinfo (proc_pid_mountinfo(5)). */

#ifndef MNT_TABLE_H
#define MNT_TABLE_H

#include "base/buf.h"
#include "base/err.h"

struct mnt_entry {
	struct span target;  /* unescaped; points into the table's text */
	struct span fstype;  /* "fuse.rclone" */
	struct span source;  /* "s3mounts:bucket/prefix", unescaped */
	struct span options; /* of the file system, as the kernel escapes them: "rw,user_id=0,group_id=0" */
	unsigned id;	     /* unique while mounted; reused by the kernel afterwards */
	unsigned parent;     /* the id of the mount below it */
	unsigned minor;	     /* of the device; for FUSE the number of the connection */
};

struct mnt_table {
	struct buf text;
	struct mnt_entry *entries; /* in the kernel's order */
	size_t count;
};

/*
 * Parses a copy of TEXT in the format of mountinfo. Returns 0, or -1 with *E set (CODE_FAULT: a line is malformed or cut off).
 * *T needs mnt_table_free() after 0 only.
 */
int mnt_table_parse(struct mnt_table *t, struct span text, struct err *e);

/* Reads the caller's own mount table. Returns 0 or -1 with *E set (CODE_FAULT); *T needs mnt_table_free() after 0 only. */
int mnt_table_read(struct mnt_table *t, struct err *e);
void mnt_table_free(struct mnt_table *t);

/*
 * What is mounted at TARGET (absolute, links resolved), topmost, or NULL when nothing is mounted there that the path reaches: a
 * mount hidden by a later mount on one of its parent folders does not count. That the table could not be read was an error
 * before: the caller then says "unknown", never "not mounted".
 */
const struct mnt_entry *mnt_table_find(const struct mnt_table *t, const char *target);

/* The number of the caller's mount namespace (mount_namespaces(7)); 0 when it is not known. */
long mnt_namespace(void);

/*
 * A descriptor of the mount table for poll(2): POLLPRI (with POLLERR) whenever the table has changed (proc_pid_mounts(5)). Do
 * not ask for POLLIN: it is always set. -1 with *E set (CODE_FAULT).
 */
int mnt_table_watch(struct err *e);

#endif
