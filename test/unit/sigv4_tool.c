/*
 * sigv4_tool.c - writes the requests that its stdin describes as they would go over the wire, for a comparison with somebody
 * else's signer. A line has these words, parted by blanks, each in hexadecimal ("-": empty):
 *
 *	endpoint region time method bucket key key-id secret token body query...
 *
 * TIME is decimal text; QUERY is any number of names and values in turn. The answer is one line: host, port, and the request's head
 * in hexadecimal; or "refused".
 */

#include "s3/request.h"

#include <stdio.h>
#include <stdlib.h>

#define WORDS (10 + 2 * SIGV4_PAIRS_MAX)
#define LINE_MAX_BYTES 65536

static int digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Decodes in place; a NUL behind it, so that it serves as text too. */
static struct span decode(char *word)
{
	size_t n = word[0] == '-' ? 0 : strlen(word) / 2;

	for (size_t i = 0; i < n; i++)
		word[i] = (char)(digit(word[2 * i]) << 4 | digit(word[2 * i + 1]));
	word[n] = 0;
	return (struct span){ word, n };
}

static void copy(char *out, size_t size, struct span s)
{
	snprintf(out, size, "%.*s", (int)s.n, s.p);
}

static void answer(struct span *w, size_t words)
{
	struct sigv4_pair query[SIGV4_PAIRS_MAX];
	struct s3_request r = { .method = w[3], .bucket = w[4], .key = w[5], .body = w[9], .query = query };
	struct buf head = buf_heap(S3_REQUEST_MAX), hex = buf_heap(2 * S3_REQUEST_MAX + 1);
	struct creds creds = { .key_id = "" };
	struct http_origin origin;
	struct s3_endpoint site;
	struct err e;

	copy(creds.key_id, sizeof creds.key_id, w[6]);
	copy(creds.secret, sizeof creds.secret, w[7]);
	copy(creds.token, sizeof creds.token, w[8]);
	for (size_t i = 10; i + 1 < words; i += 2)
		query[r.query_count++] = (struct sigv4_pair){ w[i], w[i + 1] };
	if (s3_endpoint_parse(&site, w[0].p, "", w[1].p, &e) ||
		s3_request_write(&head, &site, &creds, &r, strtoll(w[2].p, NULL, 10), &e)) {
		puts("refused");
	} else {
		s3_request_origin(&site, r.bucket, &origin);
		buf_hex(&hex, head.p, head.len);
		printf("%s %u %s\n", origin.host, origin.port, hex.p);
	}
	buf_wipe(&head);
	buf_free(&hex);
}

int main(void)
{
	static char line[LINE_MAX_BYTES];

	while (fgets(line, sizeof line, stdin)) {
		struct span words[WORDS];
		size_t n = 0;

		for (char *word = strtok(line, " \n"); word && n < WORDS; word = strtok(NULL, " \n"))
			words[n++] = decode(word);
		if (n < 10)
			return 2;
		answer(words, n);
	}
	return 0;
}
