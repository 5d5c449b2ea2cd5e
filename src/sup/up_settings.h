/*
 * sup/up_settings.h - the one file with settings for all: whenever a driver is started again it reads that file, also for a mount that an `up` does
 * not name. It must never read the settings of another S3 there. Internal to the job `up`.
 */

#ifndef SUP_UP_SETTINGS_H
#define SUP_UP_SETTINGS_H

#include "sup/sup.h"

/* A mount that stands, and must not be started again with the settings of this job: its files would go to another S3. NULL: none. */
const struct mount *up_find_foreign(const struct sup *s);

/*
 * --keep, and such a mount would be left standing: it could not be healed any more once the settings are those of another endpoint, or elsewhere.
 * 0: there is none. -1 with *E set.
 */
int up_refuse_foreign(const struct sup *s, struct err *e);

/* M, such a mount, could not go down: it keeps the settings that it was started with, and nothing is mounted with others. Sets the job's error. */
void up_explain_foreign(struct job *j, const struct mount *m);

/*
 * The job's `asked`, what S3 is asked of: the mounts of the request, and behind them those that stay, and would be started again with settings that
 * are new to them. 0, or -1 with *E set.
 */
int up_make_asked(struct sup *s, struct err *e);

/* S3 accepts the settings for each of the latter; else false, with the job's error set. */
bool up_kept_accepted(struct job *j);

/* Writes the settings where the job wants them, and removes those that were elsewhere. 0, or -1 with the job's error set. */
int up_store_settings(struct sup *s);

/*
 * Can they be written once M, as from up_find_foreign(), is down? Nobody reads another file yet; the one that M reads has been written for it.
 * 0, or -1 with the job's error set.
 */
int up_try_settings(struct sup *s, const struct mount *m);

#endif
