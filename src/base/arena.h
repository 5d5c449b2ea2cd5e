/* base/arena.h - memory that is freed all at once. */

#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/span.h"

struct arena {
	struct arena_block *last; /* all zero: empty and ready */
};

/* N bytes, zeroed and aligned for any type; NULL when out of memory. */
void *arena_get(struct arena *a, size_t n);

/* A NUL-terminated copy of S; NULL when out of memory. */
char *arena_str(struct arena *a, struct span s);

/*
 * Grows a list by one: returns an array with room for item number COUNT (from 0) of SIZE bytes each, its first COUNT items
 * copied from ITEMS. It moves whenever COUNT is a power of two; the old array stays in the arena. NULL when out of memory.
 */
void *arena_grow(struct arena *a, void *items, size_t count, size_t size);

/* Frees everything; *A is empty and ready again. */
void arena_free(struct arena *a);

#endif
