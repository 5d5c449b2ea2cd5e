/* base/json.h - JSON (RFC 8259): a writer into a buffer, and a look-up in a text that somebody else wrote. */

#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"

#include <stdint.h>

/*
 * The writer puts commas itself: json_open(), members, json_close(). KEY is NULL inside an array and at the top.
 * Strings may hold any byte: what is not UTF-8 becomes U+FFFD.
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
 * Finds the member NAME (no escapes in it) of the object that TEXT is, and gives its value as it stands there ("true",
 * "\"x\"", "12", "{…}"). Returns 1; 0 when a whole, well-formed object has no such member; -1 when TEXT is not one
 * well-formed object (cut off, half-written, nested deeper than 64).
 */
int json_member(struct span text, const char *name, struct span *value);

/*
 * Cuts the first element off the array that *LIST is, or is the rest of. Returns 1 with it in *ELEMENT; 0 at the array's end; -1 where it is
 * not well-formed.
 */
int json_next(struct span *list, struct span *element);

#endif
