/* ctl/control.h - the control socket, RUN/control: where a supervisor listens and commands connect. */

#ifndef CTL_CONTROL_H
#define CTL_CONTROL_H

#include "ctl/run.h"

/*
 * A connected socket, or -1 with errno: ENOENT, nobody serves; ECONNREFUSED, a supervisor that was killed has left it; EPERM, another user than this
 * one or root listens there, whose word would be worth nothing.
 */
int control_dial(const struct run *run);

/*
 * A listening socket, made under RUN's lock by whoever starts a supervisor. One that a dead supervisor left is replaced. -1 with *E set (CODE_FAULT; CODE_MOUNT:
 * a supervisor serves already).
 */
int control_listen(const struct run *run, struct err *e);

#endif
