#include "base/buf.h"

#include "base/text.h"

#include <stdlib.h>

#define FIRST_GROWTH 512

struct buf buf_over(char *mem, size_t size)
{
	mem[0] = 0;
	return (struct buf){ .p = mem, .cap = size };
}

/* Even without a heap there is a byte that can be read as a C string. */
static char nothing[1];

struct buf buf_heap(size_t max)
{
	return (struct buf){ .p = nothing, .max = max };
}

static void wipe_bytes(struct buf *b)
{
	if (b->cap)
		explicit_bzero(b->p, b->cap);
}

void buf_free(struct buf *b)
{
	if (b->max && b->cap)
		free(b->p);
	*b = buf_heap(b->max);
}

void buf_wipe(struct buf *b)
{
	wipe_bytes(b);
	buf_free(b);
}

/* The old bytes are wiped, not left behind as realloc(3) would: a buffer may hold a secret. */
static bool buf_grow(struct buf *b, size_t want)
{
	size_t cap = b->cap ? b->cap : FIRST_GROWTH;
	char *p;

	while (cap < want && cap < b->max)
		cap *= 2;
	if (cap > b->max)
		cap = b->max;
	if (cap < want || !(p = malloc(cap)))
		return false;
	memcpy(p, b->p, b->len);
	p[b->len] = 0;
	wipe_bytes(b);
	if (b->cap)
		free(b->p);
	b->p = p;
	b->cap = cap;
	return true;
}

char *buf_room(struct buf *b, size_t n)
{
	if (n < b->cap - b->len && b->cap)
		return b->p + b->len;
	if (n < (size_t)-1 - b->len && buf_grow(b, b->len + n + 1))
		return b->p + b->len;
	b->full = true;
	return NULL;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	char *to = buf_room(b, n);

	if (!to || !n)
		return;
	memcpy(to, p, n);
	b->len += n;
	b->p[b->len] = 0;
}

void buf_span(struct buf *b, struct span s)
{
	buf_add(b, s.p, s.n);
}

void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_vfmt(struct buf *b, const char *fmt, va_list ap)
{
	size_t n = text_vfmt(NULL, 0, fmt, ap);
	char *to = buf_room(b, n);

	if (!to)
		return;
	text_vfmt(to, n + 1, fmt, ap);
	b->len += n;
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(b, fmt, ap);
	va_end(ap);
}

void buf_hex(struct buf *b, const void *p, size_t n)
{
	static const char digit[] = "0123456789abcdef";
	const unsigned char *s = p;

	for (size_t i = 0; i < n; i++) {
		buf_char(b, digit[s[i] >> 4]);
		buf_char(b, digit[s[i] & 15]);
	}
}
