/*
 * base/confine.h - a process gives up for good what it does not need (capabilities(7), PR_SET_NO_NEW_PRIVS, seccomp(2)). This
 * is defence in depth: what the kernel, or whoever started us, does not let us give up stays, silently.
 */

#ifndef BASE_CONFINE_H
#define BASE_CONFINE_H

#include <linux/filter.h>
#include <stddef.h>

/* For a process that queries a mount: it keeps the right to reach it through other users' folders. */
void confine_search(void);

/*
 * For a driver and the mount helper that it starts: as confine_search(), and the right to mount. Only for a process that mounts
 * by its own right: the system's set-uid helper would lose its right too.
 */
void confine_mount(void);

/*
 * For a process that parses what the network sends: no capabilities, and no system calls but those for files, sockets, memory,
 * and child processes of the same program. All others fail with EPERM, execve(2) and ptrace(2) included.
 */
void confine_network(void);

#define CONFINE_FILTER_MAX 160

/* Writes its filter, for seccomp(2), to CODE. Returns the count of instructions, at most CONFINE_FILTER_MAX. Pure. */
size_t confine_network_filter(struct sock_filter *code);

#endif
