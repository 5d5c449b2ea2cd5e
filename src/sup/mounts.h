/* sup/mounts.h - the supervisor's mounts, as a list. */

#ifndef SUP_MOUNTS_H
#define SUP_MOUNTS_H

#include "sup/sup.h"

/* The mount at TARGET, or NULL. */
struct mount *mounts_find(const struct sup *s, const char *target);

/* M is the supervisor's now. 0, or -1: no memory. */
int mounts_add(struct sup *s, struct mount *m);
void mounts_drop(struct sup *s, struct mount *m);

/* EV for each of them. */
void mounts_event(struct sup *s, enum mount_event ev);

/* M shall be up (EVENT_START), by DEADLINE, and now: what failed before does not count. */
void mounts_want(struct sup *s, struct mount *m, int64_t deadline);

/* Those that are going down, and still stand, stay. */
void mounts_keep(struct sup *s);

/* Nothing is under way for any of them. */
bool mounts_settled(const struct sup *s);

/* Something of one stands, or may stand. */
bool mounts_stand(struct sup *s);

/* Is it known since STAMP what every mount has pending? Each is asked where it is not. */
bool mounts_looked(const struct sup *s, unsigned long stamp);

/* Every mount that was up, and is proven again, has answered. */
bool mounts_answered(const struct sup *s);

/* Its cache holds what S3 has not, as far as is known. */
bool mounts_left_files(const struct mount *m);

/* Where nothing stands, the layers of those go of which there is nothing more to say: the targets become what they were. */
void mounts_clear_layers(struct sup *s);

/* Where nothing stands, these mounts go, but for those that tell why, and the settings of the drivers, with the keys. */
void mounts_tidy(struct sup *s);

#endif
