/* ctl/control.h - the control socket, RUN/control: where a supervisor listens and commands connect. */

#ifndef CTL_CONTROL_H
#define CTL_CONTROL_H

#include "ctl/run.h"

/*
 * A connected socket, or -1 with errno: ENOENT, nobody serves; ECONNREFUSED, a supervisor that was killed has left it; EPERM, another user than this
 * one or root listens there, whose word would be worth nothing. To root, who has named RUN, that of RUN's owner is worth what it says of itself; keys
 * it never gets: run_prepare() refuses the folder of another.
 */
int control_dial(const struct run *run);

/*
 * Does a supervisor serve in a directory other than RUN, as far as is to be seen? Its directory goes to *OTHER: for a hint, it may be anybody's.
 */
bool control_other(const struct run *run, struct run *other);

/*
 * A listening socket, made under RUN's lock by whoever starts a supervisor. One that a dead supervisor left is replaced. -1 with *E set (CODE_FAULT; CODE_MOUNT:
 * a supervisor serves already).
 */
int control_listen(const struct run *run, struct err *e);

#endif
