/* sup/driver_log.h - what a driver writes to its stderr: RUN/ID.log, and before that RUN/ID.log.1. */

#ifndef SUP_DRIVER_LOG_H
#define SUP_DRIVER_LOG_H

#include "sup/mount.h"

struct run_path driver_log_path(const struct mount *m);

/* Where it has grown over LOG_MAX (base/log.h) its end becomes ID.log.1, in the place of an older one, and it starts again. Returns its size. */
long driver_log_rotate(const struct mount *m);

/* Why the driver has ended or does not mount, from its log since m->log_from; both "" where that says nothing. */
void driver_log_explain(const struct mount *m, char *cause, size_t cause_size, char *hint, size_t hint_size);

#endif
