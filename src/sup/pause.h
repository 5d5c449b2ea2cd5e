/*
 * sup/pause.h - time that went on without the supervisor: the machine was paused, this process frozen, or the wall clock was set, as whoever resumes a
 * machine does.
 */

#ifndef SUP_PAUSE_H
#define SUP_PAUSE_H

#include "sup/sup.h"

/* s->clock_fd is readable (again) when somebody sets the wall clock; where the kernel cannot tell it, the heartbeat finds out. */
void pause_watch(struct sup *s);

/*
 * Since the clocks were read last ASKED ms were waited for at most (-1: without a limit). If more has passed we were away: what was asked before is given
 * the rest of its time, since whoever shall answer was away too. Returns as clock_jump().
 */
int64_t pause_catch_up(struct sup *s, int asked);

/* After one of AWAY ms: connections that the other side has given up are ended, and all mounts are proven again. */
void pause_after(struct sup *s, int64_t away);

/* A pause may come at any time, not only while we wait: nobody's time is over before that was looked at. */
void pause_notice(struct sup *s);

#endif
