/*
 * cmd/flush_left.h - flush --left: uploads what earlier runs have left, by mounts that nobody uses. They stand below RUN/left, closed to others, under a
 * supervisor of their own, which is asked as any other.
 */

#ifndef CMD_FLUSH_LEFT_H
#define CMD_FLUSH_LEFT_H

#include "cmd/options.h"
#include "sup/leftover.h"

/*
 * Tries each, with the endpoint, the bucket and the credentials in the environment (they are wiped from it), within O's timeout; nothing of it stands
 * afterwards. *TRIED (all zero before; leftover_free()) has what was found, each with the reason where it could not be uploaded. Returns 0, or -1
 * with *E set: none could be tried.
 */
int flush_left_upload(struct leftovers *tried, const struct run *run, const struct options *o, struct err *e);

/* Takes down what a flush_left_upload() that was killed has left standing. */
void flush_left_end(const struct run *run, int timeout_ms);

/*
 * Gives what is LEFT the reasons of TRIED, and sums it up in *E (code CODE_OK where nothing is left): CODE_PENDING, or why not one of them
 * could be uploaded.
 */
void flush_left_reasons(struct leftovers *left, const struct leftovers *tried, struct err *e);

#endif
