/* base/span.h - a stretch of bytes that somebody else owns. Never NUL-terminated by contract. */

#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *p;
	size_t n;
};

#define SPAN(literal) ((struct span){ (literal), sizeof(literal) - 1 })

static inline struct span span_of(const char *s)
{
	return (struct span){ s, strlen(s) };
}

static inline bool span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool span_is(struct span a, const char *s)
{
	return span_eq(a, span_of(s));
}

static inline bool span_starts(struct span a, struct span head)
{
	return a.n >= head.n && span_eq((struct span){ a.p, head.n }, head);
}

/* Is it one of the COUNT words of LIST? */
bool span_is_any(struct span a, const char *const *list, size_t count);

/* Does it begin with one of them? */
bool span_starts_any(struct span a, const char *const *list, size_t count);

/* ASCII letters compare equal in both cases, as in HTTP field names (RFC 9110, 5.1). */
bool span_is_nocase(struct span a, const char *s);

static inline struct span span_skip(struct span a, size_t n)
{
	return (struct span){ a.p + n, a.n - n };
}

/* Without the blanks (space, tab) at both ends. */
struct span span_trim(struct span a);

/*
 * Cuts *REST at the first SEP: what stands before it goes to *HEAD, what stands behind it stays in *REST (empty at the
 * end). Returns false when there was no SEP: then *HEAD is all of it.
 */
bool span_cut(struct span *rest, char sep, struct span *head);

/* As span_cut() at the first WHAT, a text that is not empty. */
bool span_cut_at(struct span *rest, const char *what, struct span *head);

/* What stands behind the first WHAT; empty where it does not occur. */
struct span span_after(struct span a, const char *what);

static inline bool span_has(struct span a, const char *what)
{
	struct span head;

	return span_cut_at(&a, what, &head);
}

/* As strstr(3), by the same machine code as memmem(3). */
const char *text_find(const char *text, const char *part);

/* The whole span as an unsigned decimal number of at most MAX; false for anything else (sign, blank, overflow, empty). */
bool span_number(struct span a, unsigned long max, unsigned long *out);

/* The same of an octal number. */
bool span_octal(struct span a, unsigned long max, unsigned long *out);

/* The byte that an escape at the start of A stands for: a backslash and three octal digits, \000 to \377. -1: none is there. */
int span_octal_escape(struct span a);

/* Length of the UTF-8 sequence at the start of A (not empty), 1 to 4; 0 where none is (RFC 3629: shortest form, no surrogates). */
size_t span_utf8(struct span a);

/* Is all of it UTF-8? */
bool span_is_utf8(struct span a);

/* Without the byte order mark (U+FEFF in UTF-8) that it may begin with. */
struct span span_skip_bom(struct span a);

/* Is each byte of the class IS (base/chars.h), or one of OTHERS? True of an empty span. */
bool span_all(struct span a, bool (*is)(char c), const char *others);

/* Cuts off the front of *REST what is of the class IS, and returns it. */
struct span span_take_while(struct span *rest, bool (*is)(char c));

/* Does it hold a control byte (0 to 31, 127) that is not one of ALLOWED? */
bool span_has_control(struct span a, const char *allowed);

/*
 * Does it hold U+2400 to U+2421 or U+201B? rclone writes control bytes of a key as such pictures, and reads a picture back as the byte: a name
 * with one would mean another key.
 */
bool span_has_control_picture(struct span a);

/* Does it begin as FORM, in which each 'd' stands for a digit, and every other character for itself? */
bool span_has_form(struct span a, const char *form);

#endif
