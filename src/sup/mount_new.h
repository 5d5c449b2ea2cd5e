/* sup/mount_new.h - how a struct mount is made, and given back. */

#ifndef SUP_MOUNT_NEW_H
#define SUP_MOUNT_NEW_H

#include "sup/mount.h"

/*
 * A mount for SPEC, in the heap, state MOUNT_DOWN; JOB's strings are copied, its cache_dir is CACHE_ROOT/ID. SETTINGS are those
 * of its driver, for the fingerprint. NULL with *E set.
 */
struct mount *mount_new(const struct run *run, const struct plan_mount *spec, const struct driver_job *job, const char *id,
	const char *cache_root, struct span settings, struct err *e);

/* The same without FINGERPRINT; ID need not end behind its 32 bytes, JOB has a cache_dir. */
struct mount *mount_make(
	const struct run *run, const struct plan_mount *spec, const struct driver_job *job, const char *id, struct err *e);
void mount_free(struct mount *m);

#endif
