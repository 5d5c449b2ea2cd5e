/* mnt/users.h - who uses a mount. The mount itself is not touched, so nothing here can hang with it. */

#ifndef MNT_USERS_H
#define MNT_USERS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Does a process other than PARENT and its children have a file, a folder, its root or its working directory at PATH (links
 * resolved) or below, according to proc_pid_fd(5), proc_pid_cwd(5), proc_pid_root(5) and proc_pid_maps(5)? Also true when a
 * user other than root cannot look at one; root skips those that have more rights than itself, as the first process of a
 * sandbox may.
 */
bool mnt_in_use(const char *path, pid_t parent);

#endif
