/*
 * sup/client.h - the supervisor's side of the control socket: who has connected, how far its one request and its answer have come.
 *
 * The time of a request counts from when its client has connected, so waiting for another's is part of it. Whoever hangs up is forgotten, and what
 * it has asked for with it.
 */

#ifndef SUP_CLIENT_H
#define SUP_CLIENT_H

#include "ctl/wire.h"
#include "sup/query.h"

#include <stdbool.h>
#include <sys/types.h>

#define CLIENTS_MAX 64
#define CLIENTS_MIN 4
#define CLIENT_MS 10000			   /* a client has so long to say its request, and to read its answer */
#define CLIENTS_WAIT_MAX (CLIENTS_MAX / 2) /* so many may wait for their turn: others, who only ask, still find a place */

struct sup;

enum client_state {
	CLIENT_NONE,
	CLIENT_READING,
	CLIENT_WAITING,	 /* for what it asks for */
	CLIENT_ANSWERED, /* nothing of its answer has been sent yet */
	CLIENT_WRITING,
};

struct client {
	enum client_state state;
	int fd;
	pid_t pid; /* of the command at the other end */
	struct buf in, out;
	struct request_head head; /* CLIENT_WAITING: what it asks for */
	unsigned long turn;	  /* requests that change something are served in the order in which they were complete */
	int64_t arrived;	  /* when it connected */
	int64_t deadline;	  /* of its request, once that is whole; of reading and writing else */
	struct query query;	  /* status, flush: started where its SINCE is not 0 */
};

/* Is there a place for one more? Somebody who says nothing has to make room for it. */
bool client_room(const struct sup *s);

/* Accepts whoever waits; a peer of another user is refused. Returns how many came. */
int client_accept(struct sup *s);

/* C can be read or written; a request that is whole waits for its turn. */
void client_io(struct sup *s, struct client *c);
void client_close(struct sup *s, struct client *c);

/* Gives C its answer. */
void client_answer(struct client *c, const struct report *r);

/* Gives C the answer that what it has asked for was not done, for the reason E. */
void client_refuse(struct client *c, const struct err *e);

/* The one whose request to change something has waited longest, or NULL. */
struct client *client_next(struct sup *s);

/* What has taken too long is hung up on; a request whose time has passed while it waited is refused, and told what it has waited for. */
void client_pass_deadlines(struct sup *s);
int64_t client_deadline(const struct sup *s);

/* The supervisor ends: what waits is answered with what is known, whoever has not asked is hung up on. */
void client_end(struct sup *s);

/* A request is being read, or waits. */
bool client_any_asking(const struct sup *s);

/* An answer has not been read yet. */
bool client_any(const struct sup *s);

#endif
