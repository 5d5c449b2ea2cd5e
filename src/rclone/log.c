#include "rclone/log.h"

#include "rclone/reason.h"

#define HEAD 4400    /* of a record that is too long: date, path and message; the cause is at its end */
#define MIDDLE 1024  /* dropped after the head */
#define BEGINNING 11 /* bytes by which a record is recognized */

size_t rclone_log_head(struct span line)
{
	static const char *const levels[] = { "DEBUG : ", "INFO  : ", "NOTICE: ", "ERROR : ", "CRITICAL: " };
	struct span rest = line;

	if (span_has_form(rest, "dddd/dd/dd "))
		rest = span_skip(rest, 11);
	if (span_has_form(rest, "dd:dd:dd"))
		rest = span_after(rest, " ");
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
		if (span_starts(rest, span_of(levels[i])))
			rest = span_skip(rest, strlen(levels[i]));
	return line.n - rest.n;
}

/* Each failed call of a user is an "IO error"; of those on folders only the root's concerns the whole mount. */
static void read_failed_request(struct failures *f, struct span text)
{
	/*
	 * On a full disk, or without a free descriptor, it removes what it cannot open, even the only copy
	 * (vfs/vfscache/item.go).
	 */
	static const char cannot_open[] = "create cache file failed: ";
	bool root = span_starts(text, SPAN("/: Dir."));
	struct failure why;

	if (span_has(text, cannot_open))
		reason_text(f->dropped, sizeof f->dropped, span_after(text, cannot_open));
	if (!root && !span_starts(text, SPAN("IO error: ")))
		return;
	why = reason_read(span_after(text, "error: "));
	failures_of_request(f, &why, root);
}

/* Reads the record as far as it is there: the next line may continue it, and then it is read again. */
static void read_log_record(const struct rclone_log *l, struct failures *f)
{
	struct span text = span_after((struct span){ l->record, l->len }, "ERROR : "), name, again = text;
	struct failure why;

	if (!span_cut_at(&again, ": vfs cache: failed to upload try #", &name)) {
		read_failed_request(f, text);
		return;
	}
	text = span_after(span_after(again, ", will retry in "), ": ");
	if (span_starts(text, SPAN("vfs cache: ")))
		text = span_after(text, "failed to transfer file from cache to remote: ");
	why = reason_read(text);
	failures_of_upload(f, name, &why);
}

static void drop_record_middle(struct rclone_log *l)
{
	memmove(l->record + HEAD, l->record + HEAD + MIDDLE, l->len - HEAD - MIDDLE);
	l->len -= MIDDLE;
	if (l->line > HEAD)
		l->line = l->line > HEAD + MIDDLE ? l->line - MIDDLE : HEAD;
}

static void read_log_byte(struct rclone_log *l, char c, struct failures *f)
{
	if (c == '\n')
		read_log_record(l, f);
	if (l->len == sizeof l->record)
		drop_record_middle(l);
	l->record[l->len++] = c;
	if (c == '\n') {
		l->line = l->len;
	} else if (l->len - l->line == BEGINNING && rclone_log_head((struct span){ l->record + l->line, BEGINNING })) {
		memmove(l->record, l->record + l->line, BEGINNING);
		l->len = BEGINNING;
		l->line = 0;
	}
}

void rclone_log_feed(struct rclone_log *l, struct span text, struct failures *f)
{
	for (size_t i = 0; i < text.n; i++)
		read_log_byte(l, text.p[i], f);
}
