/* sup/loop.h - the supervisor's poll loop. Nothing in it waits: what may block is done by a child, what must be read or written only when it can be. */

#ifndef SUP_LOOP_H
#define SUP_LOOP_H

#include "sup/sup.h"

/* Serves until there is nothing left to do. Returns CODE_OK, or CODE_PENDING where drivers run on. */
int sup_loop(struct sup *s);

#endif
