/* sup/up_plan.h - the plan of an `up` beside what stands: what stays as it is, and what takes its place. Internal to the job `up`. */

#ifndef SUP_UP_PLAN_H
#define SUP_UP_PLAN_H

#include "sup/sup.h"

/* The place in the plan of the mount M's target; the plan's size where it does not name it. */
size_t up_place(const struct job *j, const struct mount *m);
bool up_names(const struct job *j, const struct mount *m);

/* M stays as it is. */
bool up_leaves_alone(const struct job *j, const struct mount *m);

/* What one leaves the other uploads. */
bool up_same_cache(const struct mount *a, const struct mount *b);

/* Something of it is to be kept from harm: a driver, or files. */
bool up_in_use(const struct mount *m);

/* The job's `fresh`: a struct mount for each of the plan's that does not stand as it is wanted. 0, or -1 with *E set. */
int up_make_fresh(struct sup *s, const struct s3_endpoint *site, struct err *e);

#endif
