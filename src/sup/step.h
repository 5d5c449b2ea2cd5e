/*
 * sup/step.h - the steps of a mount's life, which the table in sup/mount.c joins to its events: up in sup/rise.c, down in sup/fall.c. Internal
 * to sup/mount.c and these.
 */

#ifndef SUP_STEP_H
#define SUP_STEP_H

#include "sup/mount.h"

/* ---- tools of all steps (step.c) ---- */

/* The driver, and what it started: its mount helper may outlive it by a moment, and still mount. */
bool mount_running(const struct mount *m);

/* To the driver and what it started. */
void mount_signal_driver(const struct mount *m, int sig);

/* A new state, until DEADLINE (NEVER). */
void mount_enter(struct mount *m, enum mount_state s, int64_t deadline);

/* Into the log and the history, from which the oldest goes. */
void mount_tell(struct mount *m, const char *words);

/* Sets its error, and logs it. */
void mount_set_error(struct mount *m, const struct err *e);

/* Something that people should know of it (a copy of TEXT). */
void mount_note(struct mount *m, const char *text);
void mount_forget_notes(struct mount *m);

/* An entry of the mount table is this mount's. */
bool mount_ours(const struct mount *m, const struct mnt_entry *entry);

/* Where it stands, as far as is known: with links resolved once the target has been made ready. */
const char *mount_path(const struct mount *m);

/* What the table says of it: EVENT_SHOWN, EVENT_GONE, EVENT_COVERED. */
enum mount_event mount_seen(const struct mount *m, const struct mnt_table *t);

/* Ends the child that it asked. One that becomes the driver is let go: its end is told by SIGCHLD. */
void mount_end_task(struct mount *m);

/* Starts FN(M) in a child and enters state S with its deadline. False: it could not; the error is set. */
bool mount_start_task(struct mount *m, task_fn *fn, int timeout_ms, enum mount_state s);

/* Ends a driver that does not answer and is of no use: its files in the cache are uploaded by the next one. (fall.c) */
void mount_replace(struct mount *m, const struct mnt_table *t);

/* ---- the steps: each takes the mount table, NULL where it cannot be read ---- */

typedef void step(struct mount *m, const struct mnt_table *t);

/* rise.c */
step step_prove, step_launch, step_begin, step_died, step_vanished, step_covered, step_launched, step_launch_failed,
	step_never_shown, step_not_proven, step_proven;

/* fall.c */
step step_stop, step_urge, step_give_up, step_drain, step_begin_drain, step_busy, step_unmount_failed, step_replace, step_want,
	step_unwant, step_abandon, step_unwant_stopped, step_forget, step_unwant_up, step_drain_seen, step_left_seen,
	step_clear, step_cleared;

#endif
