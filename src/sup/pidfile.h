/* sup/pidfile.h - what is written down of a driver in RUN, so that a later supervisor finds the driver of an earlier one. */

#ifndef SUP_PIDFILE_H
#define SUP_PIDFILE_H

#include "sup/mount.h"

/*
 * Writes RUN/ID.driver: pid, fingerprint, and the mount as a request of `up` without credentials. Where that fails a later supervisor does not
 * know the driver: it is only logged.
 */
void pidfile_write(const struct mount *m);

/*
 * Takes the driver that RUN/ID.driver names: sets pid and pidfd; *SAME: it has the fingerprint of M. 0, or -1: none is named, or it does not
 * run any more (that its stderr is the log tells it from another process with its pid).
 */
int pidfile_adopt(struct mount *m, bool *same);

/* Ends the driver that RUN/ID.driver names, with what it started, if it runs. */
void pidfile_kill(const struct mount *m);

/* Its driver has ended: removes that file, and the socket, which one that was killed has left. */
void pidfile_remove(const struct mount *m);

/* RUN/ID.driver is there: its driver was started, and has not been seen to end. */
bool pidfile_exists(const struct run *run, const char *id);

/* The mount of which RUN/NAME was written, state MOUNT_DOWN; its goal is GOAL_UP where its driver runs. NULL: that is no such file. */
struct mount *pidfile_mount(const struct run *run, const char *name);

#endif
