/*
 * rclone_log_fuzz.c - rclone's log: any bytes, cut anywhere, and the same is known afterwards. Input: a byte that says where to cut, a name that may be
 * in the log, a newline, the log.
 */

#include "fuzz.h"

#include "rclone/log.h"
#include "s3/verdict.h"

static struct rclone_log whole, pieces;

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

	rclone_log_init(&whole);
	rclone_log_init(&pieces);
	rclone_log_feed(&whole, in);
	cut = in.n * cut / 255;
	rclone_log_feed(&pieces, (struct span){ in.p, cut });
	rclone_log_feed(&pieces, span_skip(in, cut));
	CHECK(memcmp(&whole, &pieces, sizeof whole) == 0);
	if (rclone_log_worst(&whole, &v))
		check_verdict(&v);
	pending_name(p.names[0], span_of(name));
	if (rclone_log_why(&whole, p.names[0], &v))
		check_verdict(&v);
	rclone_log_keep(&whole, &p);
	CHECK(rclone_log_why(&whole, p.names[0], &v) == rclone_log_why(&pieces, p.names[0], &v));
	check_cause(in);
	free(name);
	return 0;
}
