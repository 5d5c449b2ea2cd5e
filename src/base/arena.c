#include "base/arena.h"

#include <stdlib.h>

#define BLOCK 4000 /* one malloc(3) chunk of a page is enough for a usual plan */

struct arena_block {
	struct arena_block *before;
	size_t used;
	size_t size;
	_Alignas(max_align_t) char mem[];
};

void *arena_get(struct arena *a, size_t n)
{
	size_t need = (n + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	struct arena_block *b = a->last;
	char *p;

	if (need < n)
		return NULL;
	if (!b || need > b->size - b->used) {
		size_t size = need > BLOCK ? need : BLOCK;

		if (!(b = calloc(1, sizeof *b + size)))
			return NULL;
		b->before = a->last;
		b->size = size;
		a->last = b;
	}
	p = b->mem + b->used;
	b->used += need;
	return p;
}

char *arena_str(struct arena *a, struct span s)
{
	char *p = arena_get(a, s.n + 1);

	if (p && s.n)
		memcpy(p, s.p, s.n);
	return p;
}

void *arena_grow(struct arena *a, void *items, size_t count, size_t size)
{
	void *bigger;

	if (count & (count - 1))
		return items;
	if ((bigger = arena_get(a, (count ? count * 2 : 1) * size)) && count)
		memcpy(bigger, items, count * size);
	return bigger;
}

void arena_free(struct arena *a)
{
	while (a->last) {
		struct arena_block *b = a->last;

		a->last = b->before;
		free(b);
	}
}
