/*
 * base/text.h - printf(3)'s formatting without printf(3): musl's brings floating point, wide characters and streams, a tenth of this program.
 *
 * Known: %% %c %s %d %i %u %x %X %o, lengths hh h l ll z, flags 0 and -, a width, and a precision for %s, both also as '*'. The compiler checks
 * formats and arguments; what is not known here ends the program, so that the first test finds it.
 */

#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* As snprintf(3): writes at most SIZE bytes with the NUL, returns the length that the whole text has. */
size_t text_fmt(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
size_t text_vfmt(char *out, size_t size, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));

/* What a terminal acts on (control bytes, U+0080 to U+009F), and what is no UTF-8, becomes '?': text from outside may hold anything. */
void text_sanitize(char *s);

/* As dprintf(3), whole; what cannot be written is lost. text_stdout_failed(): something for descriptor 1 was. */
bool text_stdout_failed(void);
void text_print(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
