/*
 * sup/unserved.h - mounts of s3mounts in the table, where no supervisor of a run directory serves any: whose are they? Before that is known nobody
 * may say "nothing is mounted".
 */

#ifndef SUP_UNSERVED_H
#define SUP_UNSERVED_H

#include "base/arena.h"
#include "ctl/run.h"
#include "mnt/table.h"

/* A mount of another run directory. */
struct unserved {
	const char *target, *source;
	const char *run_dir; /* "": not to be seen */
	long uid;	     /* who owns that, or has mounted it; -1: not known */
};

/* All zero: none. */
struct unserved_list {
	struct arena mem;
	struct unserved *list; /* those of others */
	size_t count;
};

/*
 * Looks for mounts in the table that a driver of ours has made. Those of other run directories and users go to *L (unserved_free()). 0: there is no
 * other; -1 with *E set: one of RUN stands, or of nobody knows whom (CODE_MOUNT, naming it), or the table cannot be read (CODE_FAULT).
 */
int unserved_find(struct unserved_list *l, const struct run *run, struct err *e);
void unserved_free(struct unserved_list *l);

/* Is ENTRY a mount of one of our drivers? */
bool driver_of_mount(const struct mnt_entry *entry);

/* The directory of a driver's log, by what its stderr is linked to: "DIR/ID.log". False: it is no such file. */
bool unserved_log_dir(char *out, size_t size, struct span link);

/* The user_id= among the options of a FUSE mount; -1: it has none. */
long unserved_mounter(struct span options);

#endif
