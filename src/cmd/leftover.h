/* cmd/leftover.h - how the commands find and report what earlier runs have left in their caches. */

#ifndef CMD_LEFTOVER_H
#define CMD_LEFTOVER_H

#include "base/json.h"
#include "cmd/options.h"
#include "sup/leftover.h"
#include "sup/unserved.h"

/*
 * Searches below the cache folder that O, the environment or the default names, and below those of the mounts in R, which
 * report for themselves and are left out (LIVE: only those that are up). What is not looked through by DEADLINE, or within a second where that is
 * later, counts as unknown. Fills *L, all zero before; leftover_free().
 */
void leftovers_find(struct leftovers *l, const struct run *run, const struct options *o, const struct report *r, bool live,
	int64_t deadline);

/* The member "leftovers": a list. */
void json_leftovers(struct json *j, const struct leftovers *l);

/* The member "uploaded": the folders in TRIED of which that is proven, and which are not LEFT; and a line for each on stderr. */
void json_uploaded(struct json *j, const struct leftovers *tried, const struct leftovers *left);
void print_uploaded(const struct leftovers *tried, const struct leftovers *left);

/* Prints a line for each on stderr, followed by the names of its files, and the total; nothing when there is none. */
void print_leftovers(const struct leftovers *l);

/* Mounts of other run directories: the member "others", a list; or a note for each on stderr. */
void json_others(struct json *j, const struct unserved_list *l);
void print_others(const struct unserved_list *l);

#endif
