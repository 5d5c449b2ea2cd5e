/*
 * base/confine.h - a process gives up for good what it does not need (capabilities(7), PR_SET_NO_NEW_PRIVS, seccomp(2)). It is a second wall: what
 * this kernel, or whoever started us, does not let us give up stays, and nothing is said.
 */

#ifndef BASE_CONFINE_H
#define BASE_CONFINE_H

#include <linux/filter.h>
#include <stddef.h>

/* For one that asks a mount: the right to reach it through other users' folders stays. */
void confine_search(void);

/*
 * For a driver, and the mount helper that it starts: that, and the right to mount. Only for a process that mounts by its own right: the system's
 * set-uid helper would have none after this.
 */
void confine_mount(void);

/*
 * For one that parses what the network sends: no capability, and no system call but those for files, sockets, memory, and child processes of the
 * same program. All else fails with EPERM, execve(2) and ptrace(2) too.
 */
void confine_network(void);

#define CONFINE_FILTER_MAX 160

/* Writes its filter, for seccomp(2), to CODE. Returns the count of instructions, at most CONFINE_FILTER_MAX. Pure. */
size_t confine_network_filter(struct sock_filter *code);

#endif
