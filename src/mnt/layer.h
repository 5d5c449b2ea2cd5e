/*
 * mnt/layer.h - an empty, read-only file system that stays at a target from its first mount until it is taken down, below the
 * driver's: while no driver serves there, a write fails (EROFS) instead of being hidden by the next mount.
 *
 * It is a tmpfs with the mode and owner of the folder (tmpfs(5)). Its source says whose it is.
 */

#ifndef MNT_LAYER_H
#define MNT_LAYER_H

#include "mnt/table.h"

#include <stdbool.h>

#define LAYER_FSTYPE "tmpfs"
#define LAYER_SOURCE "s3mounts:/" /* each source begins with it, followed by its owner */

/* Is ENTRY (NULL: none) a layer with this SOURCE; or, if SOURCE is NULL, any layer that this program has mounted? */
bool mnt_layer_is(const struct mnt_entry *entry, const char *source);

/* Is a layer the topmost mount at TARGET (links resolved)? */
bool mnt_layer_on_top(const struct mnt_table *t, const char *target);

/*
 * Mounts a layer on the folder TARGET, which must be ours as for mnt_attach(). Returns 0, or -1 with *E set (CODE_MOUNT): it is
 * not allowed, or this kernel has no tmpfs.
 */
int mnt_layer_mount(const char *target, const char *source, struct err *e);

/* Detaches the layers that are topmost at TARGET, even while somebody uses one: it holds nothing. As mnt_target_unmount(). */
int mnt_layer_unmount(const char *target, struct err *e);

#endif
