/*
 * sup/oom.h - has the memory limit of our cgroup killed a process? The counter oom_kill in its memory.events (cgroup v2), which
 * counts those of cgroups below, too. Drivers are in the supervisor's cgroup.
 */

#ifndef SUP_OOM_H
#define SUP_OOM_H

#include "base/span.h"

/* The path of memory.events for the text CGROUP of a /proc/PID/cgroup, in OUT; false: not in a hierarchy of cgroup v2. */
bool oom_events_path(char *out, size_t size, struct span cgroup);

/* oom_kill in the text of a memory.events; -1: it does not say. */
long oom_count(struct span events);

/* To be called about once a second: remembers the counter of now. Nothing is read from a file more often. */
void oom_sample(void);

/* Have there been kills since about a second ago? Their number; 0: none, or it cannot be known. */
long oom_kills(void);

#endif
