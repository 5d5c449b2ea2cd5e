/*
 * base/record.h - structs as text records "name=value\0", by a const table of their fields. Used on the control socket: both
 * ends share the table. A reader skips names that it does not know.
 */

#ifndef BASE_RECORD_H
#define BASE_RECORD_H

#include "base/arena.h"
#include "base/buf.h"

enum record_type {
	RECORD_STR,  /* const char *: "" is not written; allocated in the arena when read */
	RECORD_TEXT, /* char[size] */
	RECORD_LONG, /* long */
	RECORD_INT,  /* int, or an enum */
	RECORD_BOOL, /* bool */
	RECORD_LIST, /* const char **, one record for each; SIZE is the offset of its size_t count */
};

struct record_field {
	const char *name;
	enum record_type type;
	size_t offset;
	size_t size;
};

#define RECORD_FIELD(kind, type, member)                                           \
	{                                                                          \
#member, kind, offsetof(type, member), sizeof(((type *)0)->member) \
	}

struct record_table {
	const struct record_field *fields;
	size_t count;
};

/* One record. */
void record_put(struct buf *out, const char *name, const char *value);

/* All fields of OBJECT. */
void record_write(struct buf *out, const struct record_table *table, const void *object);

/*
 * Sets the field NAME of OBJECT (which was zeroed, or filled with defaults). Returns 0, also for an unknown name; -1 when the
 * value does not fit its type, or when out of memory.
 */
int record_read(const struct record_table *table, void *object, struct arena *a, struct span name, const char *value);

/* Cuts the next record off *REST; VALUE is NUL-terminated. Returns 1, 0 at the end, -1 when it is not a record. */
int record_next(struct span *rest, struct span *name, const char **value);

#endif
