/* fuzz.h - what the fuzz targets share. A promise that does not hold aborts: libFuzzer and replay.c tell the input. */

#ifndef FUZZ_H
#define FUZZ_H

#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(holds)                                                                               \
	do {                                                                                       \
		if (!(holds)) {                                                                    \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds); \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static inline struct span fuzz_input(const uint8_t *data, size_t size)
{
	return (struct span){ (const char *)data, size };
}

/* The first byte of the input, which says what to do with the rest; 0 where there is none. */
static inline unsigned fuzz_byte(struct span *in)
{
	unsigned c = in->n ? (unsigned char)in->p[0] : 0;

	if (in->n)
		*in = span_skip(*in, 1);
	return c;
}

/* What stands before the next SEP, as a C string of its own, so that a read too far is seen. */
static inline char *fuzz_text(struct span *in, char sep)
{
	struct span s;
	char *text;

	span_cut(in, sep, &s);
	text = malloc(s.n + 1);
	CHECK(text);
	memcpy(text, s.n ? s.p : "", s.n);
	text[s.n] = 0;
	return text;
}

static inline bool fuzz_inside(struct span s, struct span whole)
{
	return s.p >= whole.p && s.p <= whole.p + whole.n && s.n <= (size_t)(whole.p + whole.n - s.p);
}

#endif
