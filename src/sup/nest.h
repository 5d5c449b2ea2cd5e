/*
 * sup/nest.h - mounts that lie in other mounts. The outer one of a mount is that whose target is the nearest folder above its own, by the plan's
 * words; where symbolic links say otherwise one of the two is refused (nest_links_agree()).
 *
 * An inner mount is launched when its outer one is up, and an outer one is unmounted when nothing stands in it any more: whatever takes it down takes
 * what lies in it down first, flushed as ever, and that comes back when it is up again. Where the driver of an outer one has ended, no path leads to
 * the inner ones, and none can be unmounted: their drivers upload what they have, then the outer one is detached, and they go with it.
 *
 * T is the mount table as it is now, NULL where it cannot be read.
 */

#ifndef SUP_NEST_H
#define SUP_NEST_H

#include "sup/mount.h"

/* M comes to those of OTHER, and leaves them: each m->outer is set by that. */
void nest_join(struct mount *m, struct mount *other);
void nest_leave(struct mount *m);

/* What M lies in; NULL: a plain folder. One that is down, and whose place is not held for it (keep_layer), does not count. */
struct mount *nest_outer(const struct mount *m);

/* M may be launched: what it lies in is up, or stands only for M to be taken down; and it covers nothing that stands. */
bool nest_ready(const struct mount *m, const struct mnt_table *t);

/* It waits, and what it lies in is not up, and will not be by itself, or not soon. */
bool nest_waits_in_vain(const struct mount *m);

/* It cannot stay: what it lies in goes, is dead, or would be mounted over it. */
bool nest_must_go(const struct mount *m, const struct mnt_table *t);

/* No path leads to it: the driver of one that it lies in has ended. */
bool nest_lost(const struct mount *m, const struct mnt_table *t);

/* It goes with one that it lies in, which is being ended. */
bool nest_goes_along(const struct mount *m, const struct mnt_table *t);

/* What it lay in is mounted no more, and so it is not. */
bool nest_went_along(const struct mount *m, const struct mnt_table *t);

/* Whether a path leads to it is not known: one that it lies in is not proven just now. */
bool nest_doubtful(const struct mount *m, const struct mnt_table *t);

/* One that lies in M and stands, or may come to stand; NULL: none. M is not unmounted before it has gone. */
const struct mount *nest_standing(const struct mount *m, const struct mnt_table *t);

/* One that lies in M and whose driver may have something to do; NULL: none. M is not detached before that, dead or not. */
const struct mount *nest_working(const struct mount *m);

/* For which of these M has to wait before it can be unmounted; NULL: none. */
const struct mount *nest_holder(const struct mount *m, const struct mnt_table *t);

/* One that lies in M, and is to go down, has not done so; or has left files that can be uploaded only when M is up (nest_needs()). */
bool nest_ending(const struct mount *m);
bool nest_needs(const struct mount *m);

/*
 * M's folder is PATH, that of OTHER OTHER_PATH, with links resolved: do they lie to each other as their names say? Returns 0, or -1 with *E set
 * (CODE_MOUNT): the order, which follows the names, would be a wrong one.
 */
int nest_links_agree(const struct mount *m, const char *path, const struct mount *other, const char *other_path, struct err *e);

#endif
