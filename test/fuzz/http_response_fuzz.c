/* http_response_fuzz.c - an answer says the same whole and in pieces of any size. */

#include "fuzz.h"

#include "http/response.h"

#define EVERY_SPLIT_MAX 80 /* beyond, the pieces that the input chooses must do */

struct outcome {
	struct http_response r;
	struct buf body;
	char mem[1 << 16];
	size_t taken;
	int fed, ended;
};

/* Feeds IN in pieces of A and B bytes by turns. */
static void feed(struct outcome *o, struct span in, bool head, size_t a, size_t b)
{
	struct span rest = in;

	o->body = buf_over(o->mem, sizeof o->mem);
	o->fed = 0;
	http_response_start(&o->r, head);
	while (rest.n && o->r.phase != HTTP_DONE && !o->fed) {
		struct span piece = { rest.p, a < rest.n ? a : rest.n }, left = piece, body;
		size_t before;

		do {
			before = left.n;
			o->fed = http_response_feed(&o->r, &left, &body);
			CHECK(fuzz_inside(body, piece) && left.n < before);
			buf_span(&o->body, body);
		} while (!o->fed && left.n && o->r.phase != HTTP_DONE);
		rest = span_skip(rest, piece.n - left.n);
		piece.n = a;
		a = b;
		b = piece.n;
	}
	o->taken = in.n - rest.n;
	o->ended = o->fed ? -1 : http_response_eof(&o->r);
	CHECK((o->ended != 0) == (o->r.why != NULL));
}

static bool same(const struct outcome *x, const struct outcome *y)
{
	static const char *const names[] = { "date", "content-length", "location", "x-amz-bucket-region" };
	struct span a, b;

	for (size_t i = 0; i < 4 && http_response_head_done(&x->r) && http_response_head_done(&y->r); i++) {
		bool found = http_response_field(&x->r, names[i], &a);

		if (found != http_response_field(&y->r, names[i], &b) || (found && !span_eq(a, b)))
			return false;
		if (found)
			CHECK(http_date(a) == http_date(b));
	}
	return x->fed == y->fed && x->ended == y->ended && x->taken == y->taken && x->r.why == y->r.why &&
	       x->r.phase == y->r.phase && x->r.status == y->r.status && x->r.keep_alive == y->r.keep_alive &&
	       x->r.left == y->r.left && span_eq(buf_all(&x->body), buf_all(&y->body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct outcome whole, split;
	struct span in = fuzz_input(data, size);
	unsigned how = fuzz_byte(&in);
	bool head = how & 1;

	feed(&whole, in, head, in.n + 1, in.n + 1);
	for (size_t n = in.n <= EVERY_SPLIT_MAX ? in.n : 0; n-- > 1;) {
		feed(&split, in, head, n, in.n + 1);
		CHECK(same(&whole, &split));
	}
	feed(&split, in, head, 1 + (how >> 1) % 16, 1 + (how >> 5));
	CHECK(same(&whole, &split));
	return 0;
}
