/*
 * sup_world.h - a supervisor (sup/loop.h) in a world without processes, sockets and mounts: time, the mount table, children, drivers and clients
 * are data, and what src/sup asks of the kernel (poll(2), kill(2), accept4(2), …) is answered from them. An hour of it takes milliseconds.
 *
 * sup_loop() itself runs, as a coroutine: world_run() lets it go on until it has nothing to do any more and so much time has passed. What is done
 * between two such calls happens while it waits in poll(2).
 *
 * By itself a child answers well, a driver mounts, and what is told to end ends, after the times in the world's DELAY; NEVER: when the test says so.
 *
 * A world that cannot be (a descriptor that is closed twice, a signal to a process that has gone, a loop that never waits) ends the program.
 */

#ifndef SUP_WORLD_H
#define SUP_WORLD_H

#include "sup/child.h"
#include "sup/sup.h"

#define WORLD_BEGIN 1000000 /* the time at which it begins, in ms */
#define WORLD_FD 1000000    /* so large are its descriptors: a system call that is not played here fails on them */
#define WORLD_PID 5000000   /* more than Linux ever gives (pid_max, proc_sys_kernel(5)) */
#define WORLD_UID 1000
#define PLACES 3
#define PROCESSES 96
#define PEERS 160
#define CACHES 32

/* What a process does: a child, by what it was asked; a driver; what a driver has started. */
enum work {
	WORK_LAUNCH,
	WORK_PROBE,
	WORK_UNMOUNT,
	WORK_CLEAR,
	WORK_LOOK,
	WORK_RENEW,
	WORK_CHECK,
	WORK_DRIVE,
	WORK_HELP,
	WORKS
};

/* How a child answers. */
enum how {
	HOW_WELL,
	HOW_STATFS,   /* a probe: the first half, and the listing hangs */
	HOW_UNLISTED, /* a probe: the listing has failed */
	HOW_BUSY,     /* an unmount */
	HOW_ERROR,
	HOW_NOTHING, /* it ends without a word */
};

/* A cache: the files that were written to it, and how many of them are in S3, in their order. */
struct cache {
	char dir[128];
	unsigned long written, uploaded, quarantined;
};

struct process {
	pid_t pid, group; /* pid 0: a free place */
	enum work work;
	bool alive, zombie; /* neither: reaped */
	bool adopted;	    /* no child of the supervisor, which has a pidfd of it at most */
	bool open;	    /* the supervisor has the other end of its pipe, or its pidfd */
	bool told;	    /* to end */
	bool hangs;	    /* and does not end for that */
	bool eof;	    /* it has said all */
	bool proof;	    /* a probe: it was answered well by what the table shows */
	int64_t at;	    /* when it does what it does next by itself; NEVER */
	struct buf out;	    /* what it has said, of which the supervisor has READ so much */
	size_t read;
	int status;
	int place;
	struct cache *cache;
	bool stood;	       /* a launch: the mount stands already; a driver: it does not mount any more */
	bool detach;	       /* an unmount: also of what is in use */
	unsigned long pending; /* a look: what it has found */
	int places[PLACES];    /* a check: for these */
	int place_count;
	char source[64];
	unsigned long started; /* in world.events */
};

/* A target, and what stands there. */
struct place {
	const char *target;
	bool layer, ours, covered;
	int on;			/* the id of the mount on which the layer, or what stands without one, was put */
	char source[64];	/* of what stands */
	unsigned long shown;	/* in world.events: when it was mounted last */
	unsigned long proven;	/* in world.events: when the supervisor has got a proof of it last */
	unsigned long accepted; /* when S3 was last said to take its keys */
	bool unverified;	/* launched for an `up` whose check has not said so */
	bool foreign;		/* what stands was not started by this supervisor, nor taken over by it */
	bool adoptable,
		outdated; /* RUN names its driver, which an earlier supervisor has started; otherwise than it is wanted now */
};

/* A command at the other end of the control socket. */
struct peer {
	bool used, accepted, hung_up, closed; /* closed: by the supervisor */
	uid_t uid;
	struct buf says; /* of which the supervisor has HEARD so much */
	size_t heard;
	unsigned plan; /* of an `up` */
	struct buf got;
	size_t room;	      /* so much more does it read */
	bool slow;	      /* it has not read at once */
	int64_t came;	      /* when it was accepted */
	int64_t asked;	      /* when the last byte of its request was read; NEVER */
	unsigned long events; /* world.events then */
	int verdicts;	      /* world.verdicts then */
	int64_t late;	      /* world.late as it was accepted */
	bool more;	      /* it has said more than a request */
	struct request_head head;
	unsigned long need[CACHES]; /* what was written when it asked, by the caches of the mounts that there were */
	struct arena mem;
	struct report report; /* peer_report() */
	bool answered;
};

struct world {
	struct sup sup;
	struct run run;
	uid_t uid; /* of the supervisor: no root, unless the test says so */
	bool over; /* sup_loop() has returned RESULT */
	int result;

	int64_t now, until, wall, boot; /* ms; the last two: what these clocks are before the monotonic one */
	bool clock_set;
	int64_t delay[WORKS];		   /* until it answers; WORK_DRIVE: until the mount is there */
	int64_t end_ms;			   /* until what is told to end has ended */
	int64_t late;			   /* time for which the supervisor was away, all together */
	unsigned long events;		   /* counts what happens */
	unsigned long table, seen;	   /* versions of the mount table: as it is; as poll(2) has told it last */
	bool unreadable;		   /* the mount table */
	bool no_children;		   /* fork(2) fails */
	bool no_descriptors;		   /* accept4(2) fails: EMFILE */
	bool no_disk;			   /* the config cannot be written */
	bool config;			   /* it is there */
	bool look_fails;		   /* a look ends with an error */
	bool refused;			   /* S3 takes no keys */
	bool uploads;			   /* a driver that serves has sent everything when it is asked */
	long oom_kills;			   /* what the kernel has counted lately */
	bool chld, term, hup;		   /* signals that wait */
	bool broken;			   /* poll(2) fails: EBADF */
	bool interrupted;		   /* it fails once: EINTR. To be set by whoever calls into src/sup beside the loop */
	int resets;			   /* calls of tcp_reset_all() */
	unsigned long checked;		   /* when a check was started last, in EVENTS */
	int verdicts;			   /* each has its number, in its MS */
	int turns;			   /* of the loop, without that time went on */
	void (*forked)(struct process *p); /* called as the supervisor has started a child; NULL */
	void (*answered)(struct peer *p);  /* called as the last byte of an answer is sent; NULL */

	struct place places[PLACES];
	struct process processes[PROCESSES];
	struct peer peers[PEERS];
	int process_count, peer_count; /* so many of the first have ever been used */
	struct cache caches[CACHES];
	pid_t pids;
};

extern struct world world;

/* A promise that does not hold ends the program. */
#define MUST(holds) ((holds) ? (void)0 : world_fail(__FILE__, __LINE__, #holds))
void world_fail(const char *file, int line, const char *what) __attribute__((noreturn));

/* ---- the world ---- */

/* A new one, in which all goes well and at once. WORLD_LOG in the environment names a file for what the supervisor logs. world_end() gives its memory back. */
void world_begin(void);
void world_end(void);

/* From now on the place 1 is the outer one of 0, and 0 that of 2: to be said before anything is mounted. */
void world_nest(void);

/* Lets the supervisor run for MS milliseconds of the world's. */
void world_run(int64_t ms);

/* The process of the supervisor was stopped for MS; the machine was suspended for MS. */
void world_stop(int64_t ms);
void world_suspend(int64_t ms);

/* Somebody sets the wall clock, BY ms forward. */
void world_set_clock(int64_t by);

/* Everything that waits for the test's word goes on by itself from now on. */
void world_go_on(void);

/* Signals to the supervisor. */
void world_term(void);
void world_hup(void);

/* ---- processes ---- */

/* The last of those that live and do WORK at PLACE (-1: any), children that have not said all; NULL: none. */
struct process *world_find(enum work work, int place);

/* An earlier supervisor has started a driver for PLACE, which RUN names and which serves it. False: there is one already. */
bool world_inherit(int place);

/* The child P answers; HOW_WELL where that cannot be is HOW_ERROR. */
void world_answer(struct process *p, enum how how);

/* P ends with the STATUS of waitpid(2). */
void world_exit(struct process *p, int status);

/* The driver P has started something that is in its process group and may outlive it. */
struct process *world_help(const struct process *p);

/* When something happens next by itself; NEVER. world_happen() has what is due happen; false: nothing was. */
int64_t world_next(void);
bool world_happen(void);

/* Whether PID or GROUP (0: any) is there, dead or alive. */
bool world_exists(pid_t pid, pid_t group);

/* Does poll(2) tell of the descriptor FD of a process? As read(2) and close(2) of it. */
bool world_process_ready(int fd);
ssize_t world_process_read(int fd, void *to, size_t size);
void world_process_close(int fd);
#define WORLD_PIPES (WORLD_FD + 100)
#define WORLD_PIDFDS (WORLD_PIPES + PROCESSES)

/* ---- mounts and files ---- */

void world_show(int place);    /* the driver mounts */
void world_unmount(int place); /* from outside, with what lies in it */
void world_cover(int place, bool covered);

#define WORLD_MOUNT(place) (10 * ((place) + 1) + 1) /* the id of what stands there, in the table; less one: the layer's */

/* Does PLACE lie in OUTER, by their names? */
bool world_inside(int place, int outer);

/* The id of the mount in which the folder of PLACE is. */
int world_ground(int place);

/* What lies in PLACE, and stands; -1: nothing. */
int world_inner(int place);

/* A driver of an outer mount has ended, so that no path leads to PLACE. */
bool world_out_of_reach(int place);

/* The layers of what lies in PLACE are taken away. */
void world_clear_inner(int place);

struct cache *world_cache(const char *dir);

/* What is mounted at PLACE has its cache there; NULL: no driver serves it. */
struct cache *world_cache_of(int place);

/* A file is written to what is mounted at PLACE; all but LEFT that wait there are uploaded. False: no driver serves it. */
bool world_write(int place);
bool world_upload(int place, unsigned long left);

/* ---- clients ---- */

#define PLAN_A 1 /* targets, by their bits */
#define PLAN_B 2
#define PLAN_C 4
#define PLAN_ALL 7
#define PLAN_OPTION 8	/* with another option */
#define PLAN_KEYS 16	/* with other keys */
#define PLAN_SHIFTED 32 /* each has the next one's source */
#define PLAN_KEEP 64

/* Somebody connects. NULL: there are too many. */
struct peer *peer_new(void);

/* It says R, of which only the first LEN bytes (0: all). */
void peer_say(struct peer *p, const struct request *r, size_t len);
void peer_hang_up(struct peer *p);

/* The answer that has come, or NULL. */
const struct report *peer_report(struct peer *p);

/* The state of the mount at PLACE in its answer; "" where that is not named there. */
const char *peer_state(struct peer *p, int place);
const struct report_mount *peer_mount(struct peer *p, int place);

/* Each connects and asks at once. */
struct peer *ask_up(unsigned plan, int timeout_ms);
struct peer *ask_down(int timeout_ms);
struct peer *ask_flush(int timeout_ms);
struct peer *ask_status(void);
struct peer *ask(const struct request *r);
struct request world_request(enum request_kind kind, int timeout_ms, unsigned plan);

bool world_peer_ready(int fd, short events, short *revents);
bool world_listener_ready(void);
void world_peer_close(int fd);
#define WORLD_PEERS (WORLD_PIDFDS + PROCESSES)

/* ---- between its parts ---- */

int world_place_at(const char *target);
struct process *world_driver_at(int place); /* also one that is told to end */
void world_change_table(void);
struct process *world_new_process(enum work work); /* NULL: there are too many */
void world_tell(struct process *p);		   /* to end */
int64_t world_after(int64_t ms);		   /* in so many, or NEVER */

#endif
