/* sup/inherit.h - what an earlier supervisor of this run directory has left. */

#ifndef SUP_INHERIT_H
#define SUP_INHERIT_H

#include "sup/sup.h"

/* Takes its mounts over: a driver that lives is proven again; one that has died is started by the next `up` or `down`. */
void inherit_mounts(struct sup *s);

#endif
