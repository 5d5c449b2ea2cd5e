/*
 * base/chars.h - classes of single bytes, ASCII only. Not ctype(3), which depends on the locale and is undefined for a negative
 * char.
 */

#ifndef BASE_CHARS_H
#define BASE_CHARS_H

#include <stdbool.h>
#include <string.h>

/* Space and tab. */
static inline bool char_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* White space as JSON (RFC 8259) and XML define it: blanks, CR and LF. */
static inline bool char_is_space(char c)
{
	return char_is_blank(c) || c == '\r' || c == '\n';
}

/* 0 to 31 and 127. */
static inline bool char_is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* VCHAR of RFC 5234: 33 to 126. */
static inline bool char_is_visible(char c)
{
	return c > ' ' && c < 0x7f;
}

static inline bool char_is_ascii(char c)
{
	return !((unsigned char)c & 0x80);
}

static inline bool char_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool char_is_octal(char c)
{
	return c >= '0' && c <= '7';
}

static inline bool char_is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static inline char char_lower(char c)
{
	return char_is_upper(c) ? (char)(c + ('a' - 'A')) : c;
}

static inline bool char_is_letter(char c)
{
	return char_lower(c) >= 'a' && char_lower(c) <= 'z';
}

static inline bool char_is_alnum(char c)
{
	return char_is_letter(c) || char_is_digit(c);
}

/* The value of a hexadecimal digit in either case, -1 for any other byte. */
static inline int char_hex(char c)
{
	if (char_is_digit(c))
		return c - '0';
	c = char_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What HTTP tokens consist of: field names and methods (RFC 9110, 5.6.2). */
static inline bool char_is_token(char c)
{
	return char_is_visible(c) && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

#endif
