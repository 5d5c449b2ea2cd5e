/*
 * sup/states.h - the state machine of a mount: one const table says what each event does in each state, and where that may lead; one what is done
 * when a state is entered. `./build.sh states` draws both (src/README.md).
 */

#ifndef SUP_STATES_H
#define SUP_STATES_H

#include "sup/mount.h"

#define STATE_BIT(s) (1u << (s))

/* Takes event EV. T is the mount table as it is now, NULL where it cannot be read. */
void mount_event(struct mount *m, enum mount_event ev, const struct mnt_table *t);

/* For the steps: goes to state S, and does what its entry asks for, which may be to go on to another. */
void mount_enter(struct mount *m, enum mount_state s, const struct mnt_table *t);

/* Looks for it in T and takes EVENT_SHOWN, EVENT_GONE or EVENT_COVERED. */
void mount_look(struct mount *m, const struct mnt_table *t);

/* Takes it down for the reason E (EVENT_ABORT). */
void mount_abort(struct mount *m, const struct err *e, const struct mnt_table *t);

/* The task's pipe is readable: reads, and when the answer is whole takes EVENT_DONE, EVENT_REFUSED or EVENT_BUSY. */
void mount_read(struct mount *m, const struct mnt_table *t);

/* Child PID has ended; true when it was this mount's. */
bool mount_reap(struct mount *m, pid_t pid, int status, const struct mnt_table *t);

/* A process has ended: with the last of a driver's process group, that is forgotten (EVENT_EXIT). */
void mount_reaped_any(struct mount *m, const struct mnt_table *t);

/* An adopted driver's pidfd is readable: it has ended. */
void mount_adopted_end(struct mount *m, const struct mnt_table *t);

/* ---- the tables, for the picture and the tests ---- */

const char *state_label(enum mount_state s);
const char *event_label(enum mount_event ev);

/* The states to which EV may lead from S, as STATE_BITs: 0 where it changes nothing but what is known or wanted of the mount. */
unsigned state_next(enum mount_state s, enum mount_event ev);

/* EV is of no interest in S. */
bool state_ignores(enum mount_state s, enum mount_event ev);

/* The states to which S may lead as soon as it is entered. */
unsigned state_entry_next(enum mount_state s);

/* How often a mount has gone where the tables do not lead: 0, or a table is wrong. Each is logged. */
unsigned state_faults(void);

#endif
