#include "rclone/meta.h"

#include "base/chars.h"
#include "base/file.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

int meta_read(int top, const char *path, struct buf *text)
{
	int fd = openat(top, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	int ret;

	buf_clear(text);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENXIO ? 1 : -1;
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		close(fd);
		return 1;
	}
	ret = file_read_fd(fd, text) && !text->full ? -1 : 0;
	close(fd);
	return ret;
}

static bool is_json_string(struct span value)
{
	return value.n >= 2 && value.p[0] == '"';
}

/* As Go reads an int64 from JSON: digits, without fraction or exponent. The JSON parser has checked for leading zeros. */
static bool is_int64(struct span value)
{
	unsigned long n;

	if (value.n && value.p[0] == '-')
		value = span_skip(value, 1);
	return span_number(value, LONG_MAX, &n);
}

static bool is_number_in_range(struct span s, size_t at, unsigned long least, unsigned long most)
{
	unsigned long n;

	return span_number((struct span){ s.p + at, 2 }, most, &n) && n >= least;
}

/* "2026-11-23T14:14:35.945337974Z", or with "+01:00" at its end (RFC 3339), quoted. */
static bool is_rfc3339(struct span value)
{
	struct span s = { value.p + 1, value.n - 2 };

	if (!is_json_string(value) || !span_has_form(s, "dddd-dd-ddTdd:dd:dd") || !is_number_in_range(s, 5, 1, 12) ||
		!is_number_in_range(s, 8, 1, 31) || !is_number_in_range(s, 11, 0, 23) || !is_number_in_range(s, 14, 0, 59) ||
		!is_number_in_range(s, 17, 0, 59))
		return false;
	s = span_skip(s, 19);
	if (span_has_form(s, ".d")) {
		s = span_skip(s, 1);
		span_take_while(&s, char_is_digit);
	}
	if (span_is(s, "Z"))
		return true;
	return s.n == 6 && (span_has_form(s, "+dd:dd") || span_has_form(s, "-dd:dd")) && is_number_in_range(s, 1, 0, 23) &&
	       is_number_in_range(s, 4, 0, 59);
}

static bool is_json_bool(struct span value)
{
	return span_is(value, "true") || span_is(value, "false");
}

static bool is_ranges(struct span value)
{
	struct span range, pos, size;
	int more;

	if (span_is(value, "null"))
		return true;
	while ((more = json_next(&value, &range)) == 1)
		if (json_member(range, "Pos", &pos) != 1 || !is_int64(pos) || json_member(range, "Size", &size) != 1 ||
			!is_int64(size))
			return false;
	return more == 0;
}

bool meta_whole(struct span text)
{
	static const struct {
		const char *name;
		bool (*is)(struct span value);
	} members[] = {
		{ "ModTime", is_rfc3339 },
		{ "ATime", is_rfc3339 },
		{ "Size", is_int64 },
		{ "Rs", is_ranges },
		{ "Fingerprint", is_json_string },
		{ "Dirty", is_json_bool },
	};
	struct span value;

	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (json_member(text, members[i].name, &value) != 1 || !members[i].is(value))
			return false;
	return true;
}

bool meta_dirty(struct span text)
{
	struct span value;

	return json_member(text, "Dirty", &value) != 1 || !span_is(value, "false");
}

uint64_t meta_size(struct span text)
{
	struct span value;
	unsigned long size;

	return json_member(text, "Size", &value) == 1 && span_number(value, LONG_MAX, &size) ? size : 0;
}

struct range {
	uint64_t pos, end;
};

/* Takes the next range off *LIST. rclone keeps them in order, without touching each other. */
static bool next_range(struct span *list, struct range *r)
{
	struct span range, value;
	unsigned long pos, size;

	if (json_next(list, &range) != 1 || json_member(range, "Pos", &value) != 1 || !span_number(value, LONG_MAX, &pos) ||
		json_member(range, "Size", &value) != 1 || !span_number(value, LONG_MAX, &size))
		return false;
	*r = (struct range){ pos, (uint64_t)pos + size };
	return true;
}

bool meta_lacks(struct span text, uint64_t size)
{
	struct span list;
	struct range first;

	if (!size || !meta_dirty(text) || json_member(text, "Rs", &list) != 1)
		return false;
	return !next_range(&list, &first) || first.pos || first.end < size;
}

/*
 * The size of the object that the file was made from, with which its fingerprint begins; 0 when there was none. False: unknown.
 */
static bool object_size(struct span text, unsigned long *size)
{
	struct span value, number;

	*size = 0;
	if (json_member(text, "Fingerprint", &value) != 1 || !is_json_string(value))
		return false;
	value = (struct span){ value.p + 1, value.n - 2 };
	return !value.n || (span_cut(&value, ',', &number) && span_number(number, LONG_MAX, size));
}

static void put_range(struct buf *out, struct range r, bool more)
{
	buf_fmt(out, "%s{\"Pos\": %llu, \"Size\": %llu}", more ? ", " : "", (unsigned long long)r.pos,
		(unsigned long long)(r.end - r.pos));
}

bool meta_extend(struct buf *out, struct span text, uint64_t size)
{
	unsigned long object;
	struct range ours, r = { 0, 0 };
	struct span list;
	bool more = false;

	if (!object_size(text, &object) || object >= size || json_member(text, "Rs", &list) != 1)
		return false;
	buf_add(out, text.p, (size_t)(list.p - text.p));
	buf_char(out, '[');
	text = span_skip(text, (size_t)(list.p - text.p) + list.n);
	for (ours = (struct range){ object, size }; next_range(&list, &r) && r.end < ours.pos; more = true)
		put_range(out, r, more);
	if (r.pos <= ours.pos && r.end >= size)
		return false;
	if (r.pos < ours.pos && r.end >= ours.pos)
		ours.pos = r.pos;
	put_range(out, ours, more);
	buf_char(out, ']');
	buf_span(out, text);
	return true;
}

/* Go's decoder accepts the years 0 to 9999. */
static void put_meta_time(struct buf *out, const char *name, struct timespec when)
{
	struct tm t;

	if (!gmtime_r(&when.tv_sec, &t) || t.tm_year < -1900 || t.tm_year > 8099) {
		when = (struct timespec){ 0 };
		gmtime_r(&when.tv_sec, &t);
	}
	buf_fmt(out, "\t\"%s\": \"%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ\",\n", name, t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
		t.tm_hour, t.tm_min, t.tm_sec, when.tv_nsec);
}

void meta_write(struct buf *out, const struct stat *data)
{
	long long size = (long long)data->st_size;

	buf_str(out, "{\n");
	put_meta_time(out, "ModTime", data->st_mtim);
	put_meta_time(out, "ATime", data->st_mtim);
	buf_fmt(out, "\t\"Size\": %lld,\n\t\"Rs\": [", size);
	if (size)
		buf_fmt(out, "\n\t\t{\n\t\t\t\"Pos\": 0,\n\t\t\t\"Size\": %lld\n\t\t}\n\t", size);
	buf_str(out, "],\n\t\"Fingerprint\": \"\",\n\t\"Dirty\": true\n}\n");
}
