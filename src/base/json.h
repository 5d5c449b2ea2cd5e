/* base/json.h - JSON (RFC 8259): a writer into a buffer, and a look-up in text from elsewhere. */

#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"

#include <stdint.h>

/*
 * The writer adds the commas itself: json_open(), members, json_close(). KEY is NULL inside an array and at the top. Strings
 * may hold any byte: what is not UTF-8 becomes U+FFFD.
 */
struct json {
	struct buf *out;
	bool comma;
};

void json_open(struct json *j, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *j, char bracket);		       /* '}' or ']' */
void json_str(struct json *j, const char *key, const char *value);
void json_int(struct json *j, const char *key, int64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);

/*
 * Finds the member NAME (without escapes in it) of the object TEXT and sets *VALUE to its value as written ("true", "\"x\"",
 * "12", "{…}"). Returns 1; 0 when TEXT is a complete, well-formed object without such a member; -1 when it is not one (cut off,
 * half-written, nested deeper than 64).
 */
int json_member(struct span text, const char *name, struct span *value);

/*
 * Cuts the first element off *LIST, an array or the rest of one. Returns 1 with it in *ELEMENT; 0 at the end of the array; -1
 * when it is malformed.
 */
int json_next(struct span *list, struct span *element);

#endif
