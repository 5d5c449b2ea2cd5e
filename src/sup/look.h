/*
 * sup/look.h - what of a mount is not in S3 yet, asked in a child: its driver's cache, its driver, the plain folder under it. A large cache
 * takes seconds, and a driver that hangs never answers.
 *
 * Who needs to know it for a moment takes a stamp then, and asks until there is a look that was started after it: one that was under way already
 * says nothing of what was written meanwhile.
 */

#ifndef SUP_LOOK_H
#define SUP_LOOK_H

#include "sup/mount.h"

/* A moment: later ones are greater, all are greater than 0. */
unsigned long look_stamp(void);

/* Is m->pending newer than STAMP? If not a child is asked, where none is under way, and EVENT_PENDING comes later. */
bool look_done(struct mount *m, unsigned long stamp);

/* Its cache is not known to be clean. */
bool look_dirty(const struct mount *m);

/* Sets *E (CODE_PENDING), in the name of what was DOING, where files lie under the mount. True: there are some. */
bool look_stray(const struct mount *m, const char *doing, struct err *e);

/* The child's pipe is readable: reads, and takes EVENT_PENDING when the answer is whole. */
void look_read(struct mount *m, const struct mnt_table *t);

/* Its deadline has passed. */
void look_late(struct mount *m, const struct mnt_table *t);

#endif
