/* mnt/users.h - who uses a mount, and what the kernel still holds of theirs. */

#ifndef MNT_USERS_H
#define MNT_USERS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Does a process other than PARENT and its children have a file, a folder, its root or its working directory at PATH (links
 * resolved) or below, according to proc_pid_fd(5), proc_pid_cwd(5), proc_pid_root(5) and proc_pid_maps(5)? Also true when a
 * user other than root cannot look at one; root skips those that have more rights than itself, as the first process of a
 * sandbox may. The mount itself is not touched, so this cannot hang with it.
 */
bool mnt_in_use(const char *path, pid_t parent);

/*
 * Makes the kernel write back to the driver what it still holds of files at PATH or below: syncfs(2), and for those that are mapped into memory, whose
 * pages FUSE sends without waiting, fsync(2). Returns when the driver has them. It hangs where the driver does.
 */
void mnt_sync(const char *path);

#endif
