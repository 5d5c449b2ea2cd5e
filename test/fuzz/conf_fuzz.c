/*
 * conf_fuzz.c - our section in somebody's rclone.conf. What is read back by rclone's rules (goconfig) is what was put in,
 * and every other byte stays. Input: key id, secret, token, endpoint, region, each with a NUL behind it, then the file as
 * it was.
 */

#include "fuzz.h"

#include "rclone/conf.h"

#define ENTRIES_MAX 1024
#define BOM SPAN("\xef\xbb\xbf")

static struct span trim(struct span s)
{
	while (s.n && strchr(" \t\n\v\f\r", s.p[0]) && s.p[0])
		s = span_skip(s, 1);
	while (s.n && strchr(" \t\n\v\f\r", s.p[s.n - 1]) && s.p[s.n - 1])
		s.n--;
	return s;
}

static bool is_header(struct span line)
{
	line = trim(line);
	return line.n >= 2 && line.p[0] == '[' && line.p[line.n - 1] == ']';
}

static bool is_ours(struct span line)
{
	line = trim(line);
	return span_is(trim((struct span){ line.p + 1, line.n - 2 }), RCLONE_REMOTE);
}

static bool is_remark(struct span line)
{
	line = trim(line);
	return !line.n || line.p[0] == '#' || line.p[0] == ';';
}

/* ---- goconfig's reader (read.go): the last value of a key counts, quotes are those at both ends ---- */

struct entry {
	struct span section, key, value;
};

static const char *find(struct span s, size_t from, const char *what)
{
	return from <= s.n ? memmem(s.p + from, s.n - from, what, strlen(what)) : NULL;
}

static bool read_key(struct span line, struct span *key, struct span *rest)
{
	const char *quote = line.p[0] == '`'				     ? "`" :
			    line.p[0] != '"'				     ? "" :
			    line.n >= 6 && span_starts(line, SPAN("\"\"\"")) ? "\"\"\"" :
									       "\"";
	size_t n = strlen(quote), at = 0;
	const char *end;

	if (n) {
		if (!(end = find(line, n, quote)))
			return false;
		at = (size_t)(end - line.p);
	}
	for (size_t i = at; i < line.n; i++)
		if (line.p[i] == '=' || line.p[i] == ':') {
			*key = n ? (struct span){ line.p + n, at - n } : trim((struct span){ line.p, i });
			*rest = trim(span_skip(line, i + 1));
			return i > at;
		}
	return false;
}

static bool read_value(struct span right, struct span *value)
{
	const char *quote = right.n >= 2 && right.p[0] == '`'		       ? "`" :
			    right.n >= 6 && span_starts(right, SPAN("\"\"\"")) ? "\"\"\"" :
										 "";
	size_t n = strlen(quote);
	const char *last = NULL;

	*value = right;
	for (size_t at = n; n && find(right, at, quote); at = (size_t)(last - right.p) + 1)
		last = find(right, at, quote);
	if (n)
		*value = (struct span){ right.p + n, last ? (size_t)(last - right.p) - n : 0 };
	return !n || last;
}

/* Returns how many entries FILE has, or -1 where goconfig refuses it. */
static int go_read(struct span file, struct entry *entries)
{
	struct span section = SPAN("DEFAULT"), line;
	int n = 0;

	if (span_starts(file, BOM))
		file = span_skip(file, 3);
	while (file.n) {
		struct entry e;

		span_cut(&file, '\n', &line);
		line = trim(line);
		if (is_remark(line))
			continue;
		if (is_header(line)) {
			section = trim((struct span){ line.p + 1, line.n - 2 });
			continue;
		}
		e.section = section;
		if (!section.n || n == ENTRIES_MAX || !read_key(line, &e.key, &line) || !read_value(line, &e.value))
			return -1;
		entries[n++] = e;
	}
	return n;
}

/* ---- what the file must be ---- */

static void expect(struct buf *out, struct span file, struct span section)
{
	bool ours = false, placed = false;
	struct span held = { file.p, 0 }, line;

	if (span_starts(file, BOM)) {
		buf_span(out, BOM);
		file = span_skip(file, 3);
	}
	while (file.n) {
		line = file;
		if (span_cut(&file, '\n', &line))
			line.n++;
		if (is_header(line)) {
			buf_span(out, held);
			held.n = 0;
			ours = is_ours(line);
			if (ours && !placed)
				buf_span(out, section);
			placed |= ours;
			if (!ours)
				buf_span(out, line);
		} else if (!ours) {
			buf_span(out, line);
		} else if (is_remark(line)) {
			held = (struct span){ held.n ? held.p : line.p, held.n + line.n };
		} else {
			held.n = 0;
		}
	}
	buf_span(out, held);
	if (!placed && section.n && out->len && out->p[out->len - 1] != '\n')
		buf_char(out, '\n');
	if (!placed)
		buf_span(out, section);
}

static struct span value_of(const struct entry *e, int n, const char *key)
{
	struct span value = { "", 0 };

	for (int i = 0; i < n; i++)
		if (span_is(e[i].section, RCLONE_REMOTE) && span_is(e[i].key, key))
			value = e[i].value;
	return value;
}

static void check_entries(struct span old, struct span now, const struct s3_endpoint *site, const struct creds *creds)
{
	static struct entry before[ENTRIES_MAX], after[ENTRIES_MAX];
	int n = go_read(old, before), m = go_read(now, after), at = 0, ours = 0;
	char url[640];

	if (n < 0)
		return;
	CHECK(m >= 0);
	s3_endpoint_url(site, url, sizeof url);
	CHECK(span_is(value_of(after, m, "type"), "s3") &&
		span_is(value_of(after, m, "provider"), s3_endpoint_rclone_provider(site)));
	CHECK(span_is(value_of(after, m, "access_key_id"), creds->key_id));
	CHECK(span_is(value_of(after, m, "secret_access_key"), creds->secret));
	CHECK(span_is(value_of(after, m, "session_token"), creds->token));
	CHECK(span_is(value_of(after, m, "region"), site->region) && span_is(value_of(after, m, "endpoint"), url));
	for (int i = 0; i < m; i++) {
		if (span_is(after[i].section, RCLONE_REMOTE)) {
			ours++;
			continue;
		}
		while (at < n && span_is(before[at].section, RCLONE_REMOTE))
			at++;
		CHECK(at < n && span_eq(before[at].section, after[i].section));
		CHECK(span_eq(before[at].key, after[i].key) && span_eq(before[at].value, after[i].value));
		at++;
	}
	CHECK(ours == 5 + 2 * site->encode_listings + !!*creds->key_id + !!*creds->secret + !!*creds->token + !!*site->region +
			      !!*url);
}

/* What is taken for an rclone.conf is one for goconfig, before and after; a mark comes back as it was put in. */
static void check_look(struct span old, struct span section)
{
	static struct entry entries[ENTRIES_MAX];
	struct rclone_mark m = { true, 0640, old.n % 2 }, back;
	struct buf marked = buf_heap(RCLONE_CONF_MAX), out = buf_heap(RCLONE_CONF_MAX);
	struct err e;

	if (rclone_conf_check(section, &e) == 0 && rclone_conf_check(old, &e) == 0 && old.n < ENTRIES_MAX &&
		!memmem(old.p, old.n, "RCLONE_ENCRYPT_V", 16)) {
		CHECK(go_read(old, entries) >= 0);
		rclone_conf_mark(&marked, section, &m);
		CHECK(rclone_conf_merge(&out, old, buf_all(&marked), &e) == 0 && rclone_conf_check(buf_all(&out), &e) == 0);
		back = rclone_conf_marked(rclone_conf_find(buf_all(&out)));
		CHECK(back.found && back.mode == m.mode && back.open_line == m.open_line);
	}
	buf_wipe(&marked);
	buf_wipe(&out);
}

static void check_merge(struct span old, struct span section, const struct s3_endpoint *site, const struct creds *creds)
{
	struct buf out = buf_heap(RCLONE_CONF_MAX), want = buf_heap(RCLONE_CONF_MAX), again = buf_heap(RCLONE_CONF_MAX);
	struct err e;

	check_look(old, section);
	if (rclone_conf_merge(&out, old, section, &e) == 0) {
		expect(&want, old, section);
		CHECK(span_eq(buf_all(&out), buf_all(&want)));
		CHECK(span_eq(rclone_conf_find(buf_all(&out)), section));
		check_entries(old, buf_all(&out), site, creds);
		CHECK(rclone_conf_merge(&again, buf_all(&out), SPAN(""), &e) == 0);
		CHECK(!rclone_conf_find(buf_all(&again)).n);
	} else {
		CHECK(e.code == CODE_USAGE);
	}
	buf_wipe(&out);
	buf_wipe(&want);
	buf_wipe(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = fuzz_input(data, size);
	struct buf section = buf_heap(RCLONE_CONF_MAX);
	struct creds creds = { 0 };
	struct s3_endpoint site;
	char *text[5];
	struct err e;

	for (int i = 0; i < 5; i++)
		text[i] = fuzz_text(&in, 0);
	snprintf(creds.key_id, sizeof creds.key_id, "%s", text[0]);
	snprintf(creds.secret, sizeof creds.secret, "%s", text[1]);
	snprintf(creds.token, sizeof creds.token, "%s", text[2]);
	if (s3_endpoint_parse(&site, text[3], "", text[4], &e) == 0) {
		if (rclone_conf_section(&section, &site, &creds, &e) == 0)
			check_merge(in, buf_all(&section), &site, &creds);
		else
			CHECK(e.code == CODE_USAGE);
		buf_clear(&section);
		CHECK(rclone_conf_masked(&section, &site, &creds, &e) == 0 || e.code == CODE_USAGE);
	}
	for (int i = 0; i < 5; i++)
		free(text[i]);
	buf_wipe(&section);
	return 0;
}
