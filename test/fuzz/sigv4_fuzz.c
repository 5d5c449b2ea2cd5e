/*
 * sigv4_fuzz.c - the canonical request, and the request line that goes over the wire, against a slow reference: written
 * from AWS's page "Create a signed AWS API request". Input: a byte (how many query parameters), then the path, names and
 * values, each with a NUL behind it.
 */

#include "fuzz.h"

#include "s3/request.h"

#include <ctype.h>

#define INPUT_MAX 320
#define TEXT_MAX (8 * INPUT_MAX)

/* ---- the reference ---- */

struct text {
	char s[TEXT_MAX];
};

static void add(struct text *t, const char *s)
{
	CHECK(strlen(t->s) + strlen(s) < sizeof t->s);
	strcat(t->s, s);
}

struct ref_pair {
	struct text name, value;
};

/*
 * "URI encode every byte except the unreserved characters: A-Z a-z 0-9 - . _ ~"; "encode the forward slash everywhere
 * except in the object key".
 */
static struct text uri_encode(const char *s, const char *but)
{
	struct text out;

	out.s[0] = 0;
	for (; *s; s++) {
		char one[4] = { *s };

		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", *s) && !strchr(but, *s))
			snprintf(one, sizeof one, "%%%02X", (unsigned char)*s);
		add(&out, one);
	}
	return out;
}

/* "Remove leading and trailing spaces, convert sequential spaces to a single space." */
static struct text trim_all(const char *s)
{
	struct text out;
	size_t n = 0;

	for (; *s; s++)
		if (!isblank((unsigned char)*s))
			out.s[n++] = *s;
		else if (n && out.s[n - 1] != ' ')
			out.s[n++] = ' ';
	out.s[n - (n && out.s[n - 1] == ' ')] = 0;
	return out;
}

static int by_name(const void *a, const void *b)
{
	const struct ref_pair *x = a, *y = b;
	int order = strcmp(x->name.s, y->name.s);

	return order ? order : strcmp(x->value.s, y->value.s);
}

static void ref_query(struct text *out, const struct sigv4_pair *query, size_t count)
{
	static struct ref_pair encoded[SIGV4_PAIRS_MAX];

	for (size_t i = 0; i < count; i++)
		encoded[i] = (struct ref_pair){ uri_encode(query[i].name.p, ""), uri_encode(query[i].value.p, "") };
	qsort(encoded, count, sizeof *encoded, by_name);
	out->s[0] = 0;
	for (size_t i = 0; i < count; i++) {
		add(out, i ? "&" : "");
		add(out, encoded[i].name.s);
		add(out, "=");
		add(out, encoded[i].value.s);
	}
}

static void ref_canonical(struct text *out, const struct sigv4_request *r, const char *path, const char *query)
{
	static struct ref_pair fields[SIGV4_PAIRS_MAX];

	for (size_t i = 0; i < r->field_count; i++) {
		fields[i].value = trim_all(r->fields[i].value.p);
		strcpy(fields[i].name.s, r->fields[i].name.p);
	}
	qsort(fields, r->field_count, sizeof *fields, by_name);
	strcpy(out->s, "GET\n");
	add(out, path);
	add(out, "\n");
	add(out, query);
	add(out, "\n");
	for (size_t i = 0; i < r->field_count; i++) {
		add(out, fields[i].name.s);
		add(out, ":");
		add(out, fields[i].value.s);
		add(out, "\n");
	}
	add(out, "\n");
	for (size_t i = 0; i < r->field_count; i++) {
		add(out, i ? ";" : "");
		add(out, fields[i].name.s);
	}
	add(out, "\n" SIGV4_EMPTY);
}

/* ---- the comparison ---- */

/* A field's name as S3 has them; none twice, which nobody sends. */
static bool is_field(const struct sigv4_request *r, const char *name)
{
	for (size_t i = 0; i < r->field_count; i++)
		if (span_is(r->fields[i].name, name))
			return false;
	return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == strlen(name);
}

/* What is sent is what was signed: nothing in a value ends its line. */
static void check_wire(const struct sigv4_request *r, const char *path, const char *query)
{
	static const struct s3_endpoint site = { .host = "127.0.0.1", .port = 9000, .path_style = true, .region = "us-east-1" };
	static const struct creds creds = { .key_id = "id", .secret = "secret" };
	static char mem[S3_REQUEST_MAX];
	static struct text line;
	struct s3_request q = { .method = SPAN("GET"),
		.bucket = SPAN("b"),
		.key = r->path,
		.query = r->query,
		.query_count = r->query_count,
		.fields = r->fields,
		.field_count = r->field_count };
	struct buf out = buf_over(mem, sizeof mem);
	struct span rest, head;
	size_t lines = 0;
	struct err e;

	if (s3_request_write(&out, &site, &creds, &q, 0, &e))
		return;
	line = (struct text){ "GET /b" };
	add(&line, *path ? "/" : "");
	add(&line, path);
	add(&line, *query ? "?" : "");
	add(&line, query);
	add(&line, " HTTP/1.1\r");
	rest = buf_all(&out);
	span_cut(&rest, '\n', &head);
	CHECK(span_is(head, line.s));
	while (span_cut(&rest, '\n', &head))
		lines++;
	CHECK(lines == 3 + 2 + r->field_count + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sigv4_pair pairs[2 * SIGV4_PAIRS_MAX];
	static struct text path, query, canonical;
	static char mem[TEXT_MAX];
	struct span in = fuzz_input(data, size);
	size_t count = fuzz_byte(&in) % (SIGV4_PAIRS_MAX + 1), n = 0;
	char *texts[2 * SIGV4_PAIRS_MAX][2], *key = fuzz_text(&in, 0);
	struct sigv4_request r = {
		.method = SPAN("GET"), .path = span_of(key), .query = pairs, .payload_hash = SPAN(SIGV4_EMPTY)
	};
	struct buf out = buf_over(mem, sizeof mem);

	if (size <= INPUT_MAX) {
		for (; in.n && n < count + SIGV4_PAIRS_MAX - 4; n++) {
			struct sigv4_pair *p = &pairs[n];

			texts[n][0] = fuzz_text(&in, 0);
			texts[n][1] = fuzz_text(&in, 0);
			*p = (struct sigv4_pair){ span_of(texts[n][0]), span_of(texts[n][1]) };
			if (n < count) {
				r.query_count++;
				continue;
			}
			r.fields = pairs + count;
			if (is_field(&r, texts[n][0]))
				pairs[count + r.field_count++] = *p;
		}
		path = uri_encode(key, "/");
		ref_query(&query, r.query, r.query_count);
		ref_canonical(&canonical, &r, path.s, query.s);
		sigv4_canonical(&out, &r);
		CHECK(!out.full && strcmp(out.p, canonical.s) == 0);
		check_wire(&r, path.s, query.s);
	}
	while (n--) {
		free(texts[n][0]);
		free(texts[n][1]);
	}
	free(key);
	return 0;
}
