/*
 * rclone_log_fuzz.c - rclone's log: any bytes, cut anywhere, and the same is known afterwards. Input: a byte that says where to cut, a name that may be
 * in the log, a newline, the log.
 */

#include "fuzz.h"

#include "rclone/log.h"
#include "s3/verdict.h"

static struct rclone_log whole_log, pieces_log;
static struct failures whole, pieces;

/* Longest run of letters and digits, both in it: a token would be one. */
static size_t longest_run(const char *s)
{
	size_t longest = 0;

	for (size_t n; *s; s += n ? n : 1) {
		n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
		if (n > longest && strcspn(s, "0123456789") < n && strspn(s, "0123456789") < n)
			longest = n;
	}
	return longest;
}

static void check_words(const char *s, size_t size)
{
	CHECK(memchr(s, 0, size));
	for (size_t n; *s; s += n) {
		n = span_utf8(span_of(s));
		CHECK(n && (unsigned char)*s >= ' ' && *s != 0x7f);
	}
}

static void check_verdict(const struct verdict *v)
{
	char sentence[640];

	CHECK(v->code == CODE_REFUSED || v->code == CODE_UNREACHABLE || v->code == CODE_PENDING);
	CHECK(v->kind && v->hint[0]);
	check_words(v->cause, sizeof v->cause);
	CHECK(longest_run(v->cause) < 16);
	verdict_sentence(v, "the upload failed", sentence, sizeof sentence);
	check_words(sentence, sizeof sentence);
}

static void check_cause(struct span log)
{
	char cause[640], hint[384];

	rclone_log_cause(log, cause, sizeof cause, hint, sizeof hint);
	check_words(cause, sizeof cause);
	check_words(hint, sizeof hint);
	CHECK(cause[0] || !hint[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = fuzz_input(data, size);
	size_t cut = fuzz_byte(&in);
	char *name = fuzz_text(&in, '\n');
	struct pending p = { .files = 1, .named = 1 };
	struct verdict v;

	memset(&whole_log, 0, sizeof whole_log);
	memset(&pieces_log, 0, sizeof pieces_log);
	failures_init(&whole, "rclone");
	failures_init(&pieces, "rclone");
	rclone_log_feed(&whole_log, in, &whole);
	cut = in.n * cut / 255;
	rclone_log_feed(&pieces_log, (struct span){ in.p, cut }, &pieces);
	rclone_log_feed(&pieces_log, span_skip(in, cut), &pieces);
	CHECK(memcmp(&whole_log, &pieces_log, sizeof whole_log) == 0 && memcmp(&whole, &pieces, sizeof whole) == 0);
	if (failures_worst(&whole, &v))
		check_verdict(&v);
	pending_name(p.names[0], span_of(name));
	if (failures_why(&whole, p.names[0], &v))
		check_verdict(&v);
	failures_keep(&whole, &p);
	CHECK(failures_why(&whole, p.names[0], &v) == failures_why(&pieces, p.names[0], &v));
	check_cause(in);
	free(name);
	return 0;
}
