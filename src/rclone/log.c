#include "rclone/log.h"

#include "s3/error.h"

#define HEAD 4400    /* of a record that is too long: date, path and what rclone says of it; the cause stands at its end */
#define MIDDLE 1024  /* is dropped behind it */
#define BEGINNING 11 /* bytes by which a record is known */

/* FNV-1a: two names that differ are taken for the same once in 2^64. */
static uint64_t hash_of(const char *name)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3;
	return h;
}

static bool is_referenced(const struct rclone_log *l, size_t reason)
{
	for (size_t i = 0; i < RCLONE_LOG_FILES; i++)
		if (l->files[i].seen && l->files[i].reason == reason)
			return true;
	return false;
}

/* A place for another one: free, or of no file any more, or the one that was seen longest ago, whose files are forgotten with it. */
static size_t oldest_reason(struct rclone_log *l)
{
	size_t oldest = 0;

	for (size_t i = 0; i < RCLONE_LOG_REASONS; i++) {
		if (!is_referenced(l, i))
			return i;
		if (l->reasons[i].seen < l->reasons[oldest].seen)
			oldest = i;
	}
	for (size_t i = 0; i < RCLONE_LOG_FILES; i++)
		if (l->files[i].reason == oldest)
			l->files[i].seen = 0;
	return oldest;
}

static unsigned add_reason(struct rclone_log *l, const struct rclone_reason *why)
{
	size_t i = 0;

	while (i < RCLONE_LOG_REASONS && (!l->reasons[i].seen || !reason_same(&l->reasons[i].why, why)))
		i++;
	if (i == RCLONE_LOG_REASONS)
		i = oldest_reason(l);
	l->reasons[i] = (struct rclone_log_reason){ *why, l->seen };
	return (unsigned)i;
}

static void add_file(struct rclone_log *l, struct span path, const struct rclone_reason *why)
{
	char name[PENDING_NAME];
	size_t to = 0;
	uint64_t h;

	pending_name(name, path);
	h = hash_of(name);
	for (size_t i = 0; i < RCLONE_LOG_FILES; i++) {
		if (l->files[i].seen && l->files[i].name == h) {
			to = i;
			break;
		}
		if (l->files[i].seen < l->files[to].seen)
			to = i;
	}
	l->files[to].seen = 0; /* what it refers to may be replaced */
	l->files[to] = (struct rclone_log_file){ h, l->seen, add_reason(l, why) };
}

/* LINE begins as FORM, in which 'd' stands for a digit. */
static bool has_form(struct span line, const char *form)
{
	for (size_t i = 0; form[i]; i++)
		if (i >= line.n || (form[i] == 'd' ? line.p[i] < '0' || line.p[i] > '9' : line.p[i] != form[i]))
			return false;
	return true;
}

size_t rclone_log_head(struct span line)
{
	static const char *const levels[] = { "DEBUG : ", "INFO  : ", "NOTICE: ", "ERROR : ", "CRITICAL: " };
	struct span rest = line;

	if (has_form(rest, "dddd/dd/dd "))
		rest = span_skip(rest, 11);
	if (has_form(rest, "dd:dd:dd"))
		rest = span_behind(rest, " ");
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
		if (span_starts(rest, span_of(levels[i])))
			rest = span_skip(rest, strlen(levels[i]));
	return line.n - rest.n;
}

/* Each call of a user that fails is an "IO error"; of those on a folder the root's alone concerns all of the mount. */
static void read_request(struct rclone_log *l, struct span words)
{
	/* On a full disk, or without a descriptor, it removes what it cannot open, the only copy too (vfs/vfscache/item.go). */
	static const char cannot_open[] = "create cache file failed: ";
	bool root = span_starts(words, SPAN("/: Dir."));
	struct rclone_reason r;
	int weight;

	if (span_has(words, cannot_open))
		reason_words(l->dropped, sizeof l->dropped, span_behind(words, cannot_open));
	if (!root && !span_starts(words, SPAN("IO error: ")))
		return;
	r = reason_read(span_behind(words, "error: "));
	weight = reason_weight(&r);
	l->last = (struct rclone_log_reason){ r, l->seen };
	if (weight == S3_LACKS_KEY || weight == S3_LACKS_BUCKET || (root && weight == S3_LACKS_RIGHT))
		l->request = (struct rclone_log_reason){ r, l->seen };
}

/* What is there of it so far: the next line may add something, and then it is read again. */
static void read_record(struct rclone_log *l)
{
	struct span words = span_behind((struct span){ l->record, l->len }, "ERROR : "), name, again = words;
	struct rclone_reason r;

	l->seen++;
	if (!span_cut_at(&again, ": vfs cache: failed to upload try #", &name)) {
		read_request(l, words);
		return;
	}
	words = span_behind(span_behind(again, ", will retry in "), ": ");
	if (span_starts(words, SPAN("vfs cache: ")))
		words = span_behind(words, "failed to transfer file from cache to remote: ");
	r = reason_read(words);
	add_file(l, name, &r);
}

static void drop_middle(struct rclone_log *l)
{
	memmove(l->record + HEAD, l->record + HEAD + MIDDLE, l->len - HEAD - MIDDLE);
	l->len -= MIDDLE;
	if (l->line > HEAD)
		l->line = l->line > HEAD + MIDDLE ? l->line - MIDDLE : HEAD;
}

static void read_byte(struct rclone_log *l, char c)
{
	if (c == '\n')
		read_record(l);
	if (l->len == sizeof l->record)
		drop_middle(l);
	l->record[l->len++] = c;
	if (c == '\n') {
		l->line = l->len;
	} else if (l->len - l->line == BEGINNING && rclone_log_head((struct span){ l->record + l->line, BEGINNING })) {
		memmove(l->record, l->record + l->line, BEGINNING);
		l->len = BEGINNING;
		l->line = 0;
	}
}

void rclone_log_init(struct rclone_log *l)
{
	memset(l, 0, sizeof *l);
}

void rclone_log_feed(struct rclone_log *l, struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		read_byte(l, text.p[i]);
}

void rclone_log_of_root(struct rclone_log *l)
{
	if (l->last.seen && reason_weight(&l->last.why) <= S3_LACKS_BUCKET)
		l->request = l->last;
}

/* Questions */

bool rclone_log_why(const struct rclone_log *l, const char *name, struct verdict *v)
{
	uint64_t h = hash_of(name);

	for (size_t i = 0; i < RCLONE_LOG_FILES; i++)
		if (l->files[i].seen && l->files[i].name == h) {
			reason_verdict(&l->reasons[l->files[i].reason].why, true, v);
			return true;
		}
	return false;
}

bool rclone_log_worst(const struct rclone_log *l, struct verdict *v)
{
	const struct rclone_log_reason *worst = l->request.seen ? &l->request : NULL;

	for (size_t i = 0; i < RCLONE_LOG_REASONS; i++) {
		const struct rclone_log_reason *r = &l->reasons[i];
		int more = worst ? reason_weight(&worst->why) - reason_weight(&r->why) : 1;

		if (is_referenced(l, i) && (more > 0 || (more == 0 && r->seen > worst->seen)))
			worst = r;
	}
	if (worst)
		reason_verdict(&worst->why, worst != &l->request, v);
	return worst;
}

void rclone_log_keep(struct rclone_log *l, const struct pending *p)
{
	uint64_t names[PENDING_NAMES];

	if (p->files > (uint64_t)p->named)
		return; /* those that are not named cannot be told from those that are not pending */
	for (int i = 0; i < p->named; i++)
		names[i] = hash_of(p->names[i]);
	for (size_t i = 0; i < RCLONE_LOG_FILES; i++) {
		int k = 0;

		while (k < p->named && names[k] != l->files[i].name)
			k++;
		if (k == p->named)
			l->files[i].seen = 0;
	}
}

void rclone_log_answered(struct rclone_log *l)
{
	l->request.seen = 0;
}
