/*
 * cmd/flush_left.h - flush --left: uploads what earlier runs have left, through mounts that nobody uses. They are below
 * RUN/left, private, under a supervisor of their own, which is asked like any other.
 */

#ifndef CMD_FLUSH_LEFT_H
#define CMD_FLUSH_LEFT_H

#include "cmd/options.h"
#include "sup/leftover.h"

/*
 * Tries each, with the endpoint, the bucket and the credentials in the environment (which are wiped from it), within O's
 * timeout; nothing of it remains mounted. *TRIED (all zero before; leftover_free()) lists what was found, each with the reason
 * if it could not be uploaded. Returns 0, or -1 with *E set: none could be tried.
 */
int flush_left_upload(struct leftovers *tried, const struct run *run, const struct options *o, struct err *e);

/* Takes down what a killed flush_left_upload() has left mounted. */
void flush_left_end(const struct run *run, int timeout_ms);

/*
 * Copies the reasons of TRIED to what is LEFT, and sums it up in *E (code CODE_OK when nothing is left): CODE_PENDING, or why
 * none of them could be uploaded.
 */
void flush_left_reasons(struct leftovers *left, const struct leftovers *tried, struct err *e);

#endif
