/* cmd/leftover.h - how the commands find and tell what earlier runs have left in their caches. */

#ifndef CMD_LEFTOVER_H
#define CMD_LEFTOVER_H

#include "base/json.h"
#include "cmd/options.h"
#include "sup/leftover.h"

/*
 * Looks below the cache folder that O, the environment or the default names, and below those of the mounts in R, which are told of themselves
 * and left out (LIVE: only those that stand). Into *L, all zero before; leftover_free().
 */
void leftovers_find(struct leftovers *l, const struct run *run, const struct options *o, const struct report *r, bool live);

/* The member "leftovers": a list. */
void json_leftovers(struct json *j, const struct leftovers *l);

/* The member "uploaded": the folders in TRIED that are not LEFT any more; and a line for each on stderr. */
void json_uploaded(struct json *j, const struct leftovers *tried, const struct leftovers *left);
void print_uploaded(const struct leftovers *tried, const struct leftovers *left);

/* On stderr a line for each, with its files' names below, and what they amount to; nothing where there is none. */
void print_leftovers(const struct leftovers *l);

#endif
