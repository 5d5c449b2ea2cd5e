/* base/span.h - a range of bytes that somebody else owns. Not NUL-terminated. */

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

/* Is it one of the COUNT strings of LIST? */
bool span_is_any(struct span a, const char *const *list, size_t count);

/* Does it begin with one of them? */
bool span_starts_any(struct span a, const char *const *list, size_t count);

/* ASCII letters compare equal in both cases, as in HTTP field names (RFC 9110, 5.1). */
bool span_is_nocase(struct span a, const char *s);

static inline struct span span_skip(struct span a, size_t n)
{
	return (struct span){ a.p + n, a.n - n };
}

/* Without blanks (space, tab) at either end. */
struct span span_trim(struct span a);

/*
 * Cuts *REST at the first SEP: what precedes it goes to *HEAD, what follows it stays in *REST (empty at the end). Returns false
 * when there was no SEP: then *HEAD is all of it.
 */
bool span_cut(struct span *rest, char sep, struct span *head);

/* As span_cut(), at the first WHAT, a string that is not empty. */
bool span_cut_at(struct span *rest, const char *what, struct span *head);

/* What follows the first WHAT; empty where it does not occur. */
struct span span_after(struct span a, const char *what);

static inline bool span_has(struct span a, const char *what)
{
	struct span head;

	return span_cut_at(&a, what, &head);
}

/* As strstr(3), sharing the machine code of memmem(3). */
const char *text_find(const char *text, const char *part);

/* The whole span as an unsigned decimal number of at most MAX; false for anything else (sign, blank, overflow, empty). */
bool span_number(struct span a, unsigned long max, unsigned long *out);

/* The same for an octal number. */
bool span_octal(struct span a, unsigned long max, unsigned long *out);

/* The byte of an octal escape at the start of A: a backslash and three octal digits, \000 to \377. -1 when there is none. */
int span_octal_escape(struct span a);

/*
 * Length of the UTF-8 sequence at the start of A (not empty), 1 to 4; 0 when it is not valid (RFC 3629: shortest form, no
 * surrogates).
 */
size_t span_utf8(struct span a);

/* Is all of it UTF-8? */
bool span_is_utf8(struct span a);

/* Without the byte order mark (U+FEFF in UTF-8) that it may begin with. */
struct span span_skip_bom(struct span a);

/* What is said of a line in which one stands nevertheless, behind the line's place. */
#define SPAN_BOM_INSIDE "the line begins with a byte order mark (EF BB BF), which may only stand once, where the text begins"
#define SPAN_BOM_HINT "remove it: sed -i 's/\\xEF\\xBB\\xBF//g' FILE removes all of them"

/* Is it UTF-16, by its byte order mark, or the NULs among its first four bytes? */
bool span_is_utf16(struct span a);

/* Is every byte of the class IS (base/chars.h), or one of OTHERS? True for an empty span. */
bool span_all(struct span a, bool (*is)(char c), const char *others);

/* Cuts the bytes of the class IS off the front of *REST and returns them. */
struct span span_take_while(struct span *rest, bool (*is)(char c));

/* Does it hold a control byte (0 to 31, 127) other than those in ALLOWED? */
bool span_has_control(struct span a, const char *allowed);

/*
 * Does it hold U+2400 to U+2421 or U+201B? rclone writes the control bytes of a key as such pictures, and reads a picture back
 * as the byte: a name with a picture would refer to another key.
 */
bool span_has_control_picture(struct span a);

/* Does it begin like FORM, in which each 'd' stands for a digit and every other character for itself? */
bool span_has_form(struct span a, const char *form);

#endif
