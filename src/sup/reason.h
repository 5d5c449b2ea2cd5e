/* sup/reason.h - why what a mount has pending is not in S3, and whether S3 still takes its keys: from what its driver writes to its log. */

#ifndef SUP_REASON_H
#define SUP_REASON_H

#include "sup/mount.h"

/* For a driver whose log begins at m->log_from. */
void mount_reason_init(struct mount *m);

/* Takes what the driver has written since the last time. A refusal that is new goes to the history. */
void mount_reason_read(struct mount *m);

/* A listing of its root has failed. */
void mount_reason_of_root(struct mount *m);

/* Its root has been listed. */
void mount_reason_answered(struct mount *m);

/* M->pending is known anew: of other files nothing is remembered. */
void mount_reason_keep(struct mount *m);

/* Does S3 refuse this mount's requests, as far as is known? Sets *E (CODE_REFUSED) then. */
bool mount_reason_refused(const struct mount *m, struct err *e);

/*
 * Has a driver dropped a file from its cache that may not be in S3? Sets *E (CODE_PENDING) then, in the name of what was DOING. It holds until
 * somebody asks for the mount again.
 */
bool mount_reason_dropped(const struct mount *m, const char *doing, struct err *e);

/* An `up` has reported what may have been dropped: that is not reported again. */
void mount_reason_reported(struct mount *m);

/* Why the pending file NAME is not in S3, as a sentence in OUT (may be ""). False: nothing is known of it. */
bool mount_reason_of(const struct mount *m, const char *name, char *out, size_t size);

/* Adds to *E, which says that files are not in S3, the first of them for which a reason is known, and that. False: there is none. */
bool mount_reason_add(const struct mount *m, struct err *e);

#endif
