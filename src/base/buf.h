/*
 * base/buf.h - a buffer for writing: over the caller's memory, or on the heap up to a limit.
 *
 * Adding never fails half-way: what does not fit is dropped as a whole and sets `full`, which the writer checks once, at the
 * end. p[len] is always a NUL, so p can be read as a C string.
 */

#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/span.h"

#include <stdarg.h>

struct buf {
	char *p;
	size_t len;
	size_t cap; /* bytes at p, the NUL included */
	size_t max; /* heap: cap may grow up to this; 0: p is the caller's and cap is final */
	bool full;  /* something did not fit and was dropped */
};

/* A buffer over the SIZE bytes at MEM, which stay the caller's. SIZE is at least 1. */
struct buf buf_over(char *mem, size_t size);

/* A buffer on the heap of at most MAX bytes; buf_free() releases it. */
struct buf buf_heap(size_t max);
void buf_free(struct buf *b);

/* As buf_free(), but overwrites the bytes first: for what may hold a secret. */
void buf_wipe(struct buf *b);

void buf_add(struct buf *b, const void *p, size_t n);
void buf_span(struct buf *b, struct span s);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vfmt(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Lower-case hexadecimal. */
void buf_hex(struct buf *b, const void *p, size_t n);

/* Room for N more bytes at p + len (the caller writes there and raises len), or NULL with `full` set. */
char *buf_room(struct buf *b, size_t n);

static inline struct span buf_all(const struct buf *b)
{
	return (struct span){ b->p, b->len };
}

static inline void buf_clear(struct buf *b)
{
	b->len = 0;
	b->full = false;
	if (b->cap)
		b->p[0] = 0;
}

#endif
