/* base/arena.h - memory that is given back all at once. */

#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/span.h"

struct arena {
	struct arena_block *last; /* all zero: empty and ready */
};

/* N bytes, zeroed and aligned for any type; NULL when the machine has none. */
void *arena_get(struct arena *a, size_t n);

/* A NUL-terminated copy; NULL when the machine has no memory. */
char *arena_str(struct arena *a, struct span s);

/*
 * For a list that grows by one: an array with room for item number COUNT (from 0) of SIZE bytes each, whose first COUNT are those of
 * ITEMS. It moves whenever COUNT is a power of two; the old array stays in the arena. NULL when the machine has no memory.
 */
void *arena_grow(struct arena *a, void *items, size_t count, size_t size);

/* Gives all of it back; *A is empty and ready again. */
void arena_free(struct arena *a);

#endif
