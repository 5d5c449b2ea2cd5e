#include "base/record.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

void record_put(struct buf *out, const char *name, const char *value)
{
	buf_str(out, name);
	buf_char(out, '=');
	buf_add(out, value, strlen(value) + 1);
}

static void put_long(struct buf *out, const char *name, long value)
{
	buf_fmt(out, "%s=%ld", name, value);
	buf_char(out, 0);
}

static void put_list(struct buf *out, const char *name, const char *const *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		record_put(out, name, items[i]);
}

void record_write(struct buf *out, const struct record_table *table, const void *object)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct record_field *f = &table->fields[i];
		const char *at = (const char *)object + f->offset;
		const char *str;

		switch (f->type) {
		case RECORD_STR:
			str = *(const char *const *)(const void *)at;
			if (str && *str)
				record_put(out, f->name, str);
			break;
		case RECORD_TEXT:
			if (*at)
				record_put(out, f->name, at);
			break;
		case RECORD_LONG:
			put_long(out, f->name, *(const long *)(const void *)at);
			break;
		case RECORD_INT:
			put_long(out, f->name, *(const int *)(const void *)at);
			break;
		case RECORD_BOOL:
			put_long(out, f->name, *(const bool *)(const void *)at);
			break;
		case RECORD_LIST:
			put_list(out, f->name, *(const char *const *const *)(const void *)at,
				*(const size_t *)(const void *)((const char *)object + f->size));
			break;
		}
	}
}

static int parse_long(const char *value, long min, long max, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(value, &end, 10);
	return errno || end == value || *end || *out < min || *out > max ? -1 : 0;
}

static int append_item(struct arena *a, const char ***items, size_t *count, const char *value)
{
	const char **list = arena_grow(a, *items, *count, sizeof *list);

	if (!list || !(list[*count] = arena_str(a, span_of(value))))
		return -1;
	*items = list;
	++*count;
	return 0;
}

static int read_field(const struct record_field *f, void *object, struct arena *a, const char *value)
{
	void *at = (char *)object + f->offset;
	long n;

	switch (f->type) {
	case RECORD_STR:
		return (*(const char **)at = arena_str(a, span_of(value))) ? 0 : -1;
	case RECORD_TEXT:
		if (strlen(value) >= f->size)
			return -1;
		memcpy(at, value, strlen(value) + 1);
		return 0;
	case RECORD_LONG:
		return parse_long(value, LONG_MIN, LONG_MAX, at);
	case RECORD_INT:
		if (parse_long(value, INT_MIN, INT_MAX, &n))
			return -1;
		*(int *)at = (int)n;
		return 0;
	case RECORD_BOOL:
		if (parse_long(value, 0, 1, &n))
			return -1;
		*(bool *)at = n;
		return 0;
	case RECORD_LIST:
		return append_item(a, at, (size_t *)(void *)((char *)object + f->size), value);
	}
	return -1;
}

int record_read(const struct record_table *table, void *object, struct arena *a, struct span name, const char *value)
{
	for (size_t i = 0; i < table->count; i++)
		if (span_is(name, table->fields[i].name))
			return read_field(&table->fields[i], object, a, value);
	return 0;
}

int record_next(struct span *rest, struct span *name, const char **value)
{
	struct span line;

	if (!rest->n)
		return 0;
	if (!span_cut(rest, 0, &line) || !span_cut(&line, '=', name))
		return -1;
	*value = line.p;
	return 1;
}
