/*
 * base/text.h - printf(3)'s formatting without printf(3): musl's pulls in floating point, wide characters and streams, a tenth
 * of this program.
 *
 * Supported: %% %c %s %d %i %u %x %X %o, lengths hh h l ll z, flags 0 and -, a width, and a precision for %s, both also as '*'.
 * The compiler checks formats and arguments; anything else aborts, so that the first test finds it.
 */

#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* As snprintf(3): writes at most SIZE bytes including the NUL, returns the length of the whole text. */
size_t text_fmt(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
size_t text_vfmt(char *out, size_t size, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));

/*
 * Replaces by '?' what a terminal acts on (control bytes, U+0080 to U+009F) and what is not UTF-8: for untrusted text, which
 * may hold anything.
 */
void text_sanitize(char *s);

/* As dprintf(3), but writes everything. text_stdout_failed(): could something for descriptor 1 not be written? */
void text_print(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool text_stdout_failed(void);

/*
 * From now on text_print() to descriptor 2 waits for its reader MS in all: what is not accepted by then is dropped. For a process that somebody
 * waits for, and that may not hang where nobody reads what it says.
 */
void text_stderr_within(int ms);

#endif
