/*
 * sup/query.h - requests that only ask: status and flush. Any number of them is served at once, beside the job that is under way: none waits for
 * another's.
 */

#ifndef SUP_QUERY_H
#define SUP_QUERY_H

#include <stdbool.h>
#include <stdint.h>

struct sup;
struct client;

struct query {
	unsigned long since; /* what is pending is known since this moment (sup/look.h); 0: not started */
	unsigned long stamp; /* flush: what is known since this one will do for the next look */
	int64_t look;	     /* flush: when to look again */
};

/* Begins those that have come, and answers those that can be, or whose time is over. */
void query_step(struct sup *s);

/* Answers all of them with what is known: nothing is done for them any more. */
void query_end(struct sup *s);

/* A flush has not been answered yet: what it asks about must not be forgotten. */
bool query_flush_waits(const struct sup *s);

/* When query_step() wants to be called at the latest; NEVER. */
int64_t query_deadline(const struct sup *s);

/* Has each mount proven again; a driver that hangs is replaced, what works is left alone. */
void query_prove_all(struct sup *s);

#endif
