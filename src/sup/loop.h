/* sup/loop.h - what the parts of the supervisor share: its mounts, its clients, the job under way. Internal to src/sup. */

#ifndef SUP_LOOP_H
#define SUP_LOOP_H

#include "base/clock.h"
#include "base/task.h"
#include "driver/settings.h"
#include "mnt/table.h"
#include "sup/mount.h"
#include "sup/wire.h"

#include <stdbool.h>

#define CLIENTS_MAX 64
#define CLIENT_MS 10000 /* a client has so long to say its request, and to read its answer */

enum client_state { CLIENT_NONE, CLIENT_READING, CLIENT_WAITING, CLIENT_WRITING };

struct client {
	enum client_state state;
	int fd;
	struct buf in, out;
	unsigned long stamp; /* status: when every mount was asked for it; 0: not yet */
	unsigned long turn;  /* requests are served in the order in which they were complete */
	int64_t deadline;
};

enum job_phase {
	JOB_NONE,
	JOB_CHECK,  /* up: the check alone, since mounts that work would have to go for new settings */
	JOB_STOP,   /* up: mounts that the plan does not name, or names otherwise, go down */
	JOB_SETTLE, /* until every mount has settled, and the check has answered */
};

struct job {
	enum job_phase phase;
	struct client *client; /* NULL: it has gone, or there was none */
	struct arena mem;
	struct request req;
	struct mount **fresh;	  /* up: for each mount of the request the new one, NULL where the one that stands serves */
	struct settings settings; /* up: the drivers', with the keys */
	int64_t begun, deadline;
	int64_t look; /* flush: when to look again; NEVER */
	unsigned long first_stamp,
		stamp;	   /* when it came; what is known of pending files since STAMP will do for the next look */
	struct task check; /* up: asks S3, writes a struct verdict for each mount of the request */
	struct buf verdicts;
	struct err error; /* of the whole */
	bool last;	  /* the supervisor ends with it, whatever comes of it */
};

struct sup {
	const struct run *run;
	struct mount **mounts;
	size_t count;
	struct client clients[CLIENTS_MAX];
	unsigned long turns;
	struct job job;
	char config[PATH_MAX]; /* the file that holds drivers' settings; "": none */
	char cache[PATH_MAX];  /* the root of the last mounts' caches; "": none yet */
	int listener, signals, table_fd;
	int clock_fd;		   /* readable when somebody sets the wall clock; -1 */
	struct clock_reading last; /* when it was compared last */
	struct mnt_table table;
	bool table_known, table_changed;
	int64_t tidy;	 /* when to look at the size of the drivers' logs again */
	int64_t reasons; /* when to read what they tell */
	bool ending;	 /* SIGTERM has come */
	bool stay;	 /* serves without a mount too, until SIGTERM */
	bool stopped;	 /* its last job is done */
	int stop_ms;	 /* how long that may take */
};

/* Serves until there is nothing left to do. Returns CODE_OK, or CODE_PENDING where drivers run on. */
int sup_loop(struct sup *s);

/* The mount table, or NULL where it cannot be read. */
const struct mnt_table *sup_table(struct sup *s);

/* ---- job.c: requests ---- */

/* Takes over what an earlier supervisor of this run directory has left. */
void job_inherit(struct sup *s);

/* Begins the request of C (its message is whole). An answer may be there at once. */
void job_begin(struct sup *s, struct client *c);

/* Begins an `up` that nobody waits for. */
void job_begin_first(struct sup *s, const struct request *first);

/* SIGTERM: flush and unmount all, for nobody's answer. */
void job_begin_end(struct sup *s);

/* Has each mount proven again; a driver that hangs is replaced, what works is left alone. */
void job_insist(struct sup *s);

/* Something may have changed: goes on with the job as far as that goes. */
void job_step(struct sup *s);

/* The check's pipe is readable. */
void job_read_check(struct sup *s);

/* Every mount that was up, and is asked again, has answered, and what is pending is known since STAMP. What is on its way is told as such. */
bool job_all_asked(const struct sup *s, unsigned long stamp);

/* When job_step() wants to be called at the latest; NEVER. */
int64_t job_deadline(const struct sup *s);

/* ---- client.c ---- */

/* Gives C its answer. */
void client_answer(struct client *c, const struct report *r);

/* There is a place for one more. */
bool client_room(struct sup *s);

/* Accepts whoever waits; a peer of another user is refused. Returns how many came. */
int client_accept(struct sup *s);

/* C can be read or written; a request that is whole waits for its turn. */
void client_io(struct sup *s, struct client *c);
void client_close(struct sup *s, struct client *c);

/* The one whose request has waited longest, or NULL. */
struct client *client_next(struct sup *s);

/* ---- report.c ---- */

/* What stands, in R and A; STAMP other than 0: also what has become of it, and what is not in S3 yet, known since then (sup/look.h). */
void report_make(struct sup *s, struct report *r, struct arena *a, unsigned long stamp);

#endif
