/*
 * sup/cache.h - the cache folder of a mount, CACHE/ID: how it is named, who may work in it, and where its files belong.
 *
 *	origin	where its files belong: the mount as a request without credentials, 0600; all else is the driver's
 *
 * A driver holds flock(2) on its folder for as long as it lives, the supervisor that started it or none; so there are never two in one folder,
 * and a folder that nobody holds is what an earlier run has left.
 */

#ifndef SUP_CACHE_H
#define SUP_CACHE_H

#include "ctl/wire.h"
#include "sup/mount.h"

/* NAME is an id: no other folder below a cache root is ours. */
bool cache_is_id(const char *name);

/* Does a driver work in the folder DIR? 1, 0 (also where there is none), or -1 with errno set: unknown. */
int cache_held(const char *dir);

/*
 * In the child that becomes the driver of M: takes the folder, for itself and what it becomes, and writes down where its files belong. Waits a
 * moment for what a driver that was killed has left running. Returns 0, or -1 with *E set (CODE_MOUNT: another driver works in it; CODE_FAULT).
 */
int cache_take(const struct mount *m, struct err *e);

/* Reads what cache_take() has written in the folder DIR, into *R and A: one mount. Returns 0, or -1: there is none that can be read. */
int cache_origin(const char *dir, struct arena *a, struct request *r);

/* M as a request of `up` without credentials: the form in which it is written down. It points into M. */
struct request cache_request(const struct mount *m);

#endif
