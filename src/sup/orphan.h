/*
 * sup/orphan.h - what may be left where no supervisor serves: mounts of ours that another run directory or another user knows, and files of an
 * earlier run that wait in the cache. Until both are ruled out nobody may say "nothing is mounted" or "all of it is in S3".
 */

#ifndef SUP_ORPHAN_H
#define SUP_ORPHAN_H

#include "sup/run.h"

/* Looks for a mount of ours in the table. 0: there is none; -1 with *E set (CODE_MOUNT, naming it; CODE_FAULT: unknown). */
int orphan_mounts(const struct run *run, struct err *e);

/* Looks below CACHE_ROOT for what is not in S3. 0: nothing; -1 with *E set (CODE_PENDING; CODE_FAULT: unknown). */
int orphan_files(const char *cache_root, struct err *e);

#endif
