/* driver/settings.h - what the drivers of one `up` have in common for all of their mounts, each its own: made, written to a file, forgotten. */

#ifndef DRIVER_SETTINGS_H
#define DRIVER_SETTINGS_H

#include "driver/driver.h"

#define SETTINGS_MAX (1024 * 1024)

/* They may hold the keys: settings_wipe(). All zero: of no driver. */
struct settings {
	struct buf text[DRIVERS_MAX]; /* of drivers[i]; nothing where no mount has it */
	bool used[DRIVERS_MAX];
};

/* Of each driver that one of the COUNT mounts has. Returns 0, or -1 with *E set. */
int settings_make(struct settings *s, const struct plan_mount *mounts, size_t count, const struct s3_endpoint *site,
	const struct creds *creds, struct err *e);

struct span settings_of(const struct settings *s, const struct driver *d);

/* Each driver's prepare(). Returns 1: CONFIG holds something of ours now; 0: no driver wants it; or -1 with *E set. */
int settings_store(const struct settings *s, const char *config, struct err *e);

/* Each driver's forget(), for whatever is there of an earlier run. Returns 0, or -1 with *E set. */
int settings_forget(const char *config, struct err *e);

void settings_wipe(struct settings *s);

#endif
