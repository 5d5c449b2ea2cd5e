/* sup/sup.h - what the parts of the supervisor share: its mounts, its clients, the job under way. Internal to src/sup. */

#ifndef SUP_SUP_H
#define SUP_SUP_H

#include "base/clock.h"
#include "mnt/table.h"
#include "sup/client.h"
#include "sup/job.h"
#include "sup/mount.h"

#define OVERTIME_MS 1000 /* an answer comes at most so long after its request's time */

struct sup {
	const struct run *run;
	struct mount **mounts;
	size_t count;
	struct client clients[CLIENTS_MAX];
	size_t closed_places; /* of CLIENTS: so many, at its end, are not used */
	unsigned long turns;
	struct job job;
	char config[PATH_MAX]; /* the file that holds drivers' settings; "": none */
	char cache[PATH_MAX];  /* the root of the last mounts' caches; "": none yet */
	int listener, signals, table_fd;
	int64_t accept_at;	   /* no client is accepted before: there was no descriptor; NEVER */
	int clock_fd;		   /* readable when somebody sets the wall clock; -1 */
	struct clock_reading last; /* when it was compared last */
	struct mnt_table table;
	bool table_known, table_changed;
	int64_t tidy;	 /* when to look at the size of the drivers' logs again */
	int64_t reasons; /* when to read what they say */
	bool ending;	 /* SIGTERM has come */
	int64_t ending_since;
	bool stay;	 /* in the foreground: serves without a mount too, until SIGTERM */
	bool stopped;	 /* its last job is done */
	bool retry_end;	 /* it could end, but for somebody who starts another */
	bool tidy_due;	 /* a job has ended: where nothing stands, what the mounts had goes */
	bool going_down; /* `down` was asked for last: with the last mount goes what it had */
	int stop_ms;	 /* how long the last job may take */
};

/* The mount table as it is now, or NULL where it cannot be read. */
const struct mnt_table *sup_table(struct sup *s);

/* The kernel has told that it has changed: reads it anew. */
void sup_read_table(struct sup *s);

#endif
