/*
 * redact_fuzz.c - a server's words against a secret. Input: the secret, NUL, the words. What shares eight characters in a row with it, or
 * has it in hexadecimal, is known.
 */

#include "fuzz.h"

#include "s3/redact.h"

static bool share_run(const char *secret, size_t n, struct span words)
{
	for (size_t i = 0; i + REDACT_RUN <= n; i++)
		if (memmem(words.p, words.n, secret + i, REDACT_RUN))
			return true;
	return false;
}

static void check_hex(const struct creds *c, size_t n)
{
	struct buf hex = buf_heap(REDACT_TEXT_MAX * 2);

	buf_str(&hex, "f: ");
	buf_hex(&hex, c->token, n);
	CHECK(redact_holds(buf_all(&hex), c, SPAN("")));
	buf_free(&hex);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = fuzz_input(data, size);
	char *secret = fuzz_text(&in, 0), *words = malloc(in.n + 1);
	struct creds c = { .secret = "" };
	size_t n = strlen(secret);
	bool held;

	CHECK(words);
	memcpy(words, in.p, in.n);
	if (n < sizeof c.token) {
		memcpy(c.token, secret, n);
		held = redact_holds((struct span){ words, in.n }, &c, SPAN(""));
		CHECK(held || !share_run(secret, n, (struct span){ words, in.n }));
		redact_looks_encoded((struct span){ words, in.n });
		if (share_run(secret, n, (struct span){ secret, n }) && n < 400)
			check_hex(&c, n);
	}
	free(secret);
	free(words);
	return 0;
}
