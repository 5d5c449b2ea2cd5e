#include "s3/request.h"

#include "base/chars.h"
#include "base/text.h"
#include "http/request.h"

/*
 * Can BUCKET be a part of a host name? At least 3 characters, lower case, as AWS requires for new buckets; with TLS without dots, so that a
 * wildcard certificate fits. rclone decides likewise.
 */
static bool is_host_label(struct span bucket, bool tls)
{
	for (size_t i = 0; i < bucket.n; i++) {
		char c = bucket.p[i];
		bool inner = i > 0 && i < bucket.n - 1 && (c == '-' || (c == '.' && !tls && bucket.p[i - 1] != '.'));

		if ((!char_is_alnum(c) || char_is_upper(c)) && !inner)
			return false;
	}
	return bucket.n >= 3 && bucket.n <= 63;
}

static bool has_own_host(const struct s3_endpoint *endpoint, struct span bucket)
{
	return !endpoint->path_style && is_host_label(bucket, endpoint->tls) &&
	       bucket.n + 1 + strlen(endpoint->host) < sizeof endpoint->host;
}

void s3_request_origin(const struct s3_endpoint *endpoint, struct span bucket, struct http_origin *o)
{
	struct buf b = buf_over(o->host, sizeof o->host);

	if (has_own_host(endpoint, bucket)) {
		buf_span(&b, bucket);
		buf_char(&b, '.');
	}
	buf_str(&b, endpoint->host);
	o->port = endpoint->port;
	o->tls = endpoint->tls;
}

static void add_path(struct buf *out, const struct s3_endpoint *endpoint, const struct s3_request *r)
{
	buf_str(out, endpoint->path);
	if (!has_own_host(endpoint, r->bucket)) {
		buf_char(out, '/');
		buf_span(out, r->bucket);
	}
	if (r->key.n || has_own_host(endpoint, r->bucket))
		buf_char(out, '/');
	buf_span(out, r->key);
}

static bool is_signed_field(const struct sigv4_pair *f)
{
	return span_starts(f->name, SPAN("x-amz-"));
}

/* All the parts of a request while it is being written. */
struct draft {
	char host[300], path[1400], date[SIGV4_DATE], hash[65], authorization[1024], length[24];
	struct sigv4_pair fields[SIGV4_PAIRS_MAX];
	struct sigv4_request sign;
};

/* Returns false when there is no room. */
static bool add_signed(struct draft *d, struct span name, struct span value)
{
	if (d->sign.field_count == SIGV4_PAIRS_MAX)
		return false;
	d->fields[d->sign.field_count++] = (struct sigv4_pair){ name, value };
	return true;
}

/* Fills in the signed parts. Returns false when one does not fit. */
static bool prepare_draft(
	struct draft *d, const struct s3_endpoint *endpoint, const struct creds *creds, const struct s3_request *r, int64_t now)
{
	struct buf host = buf_over(d->host, sizeof d->host), path = buf_over(d->path, sizeof d->path);
	struct http_origin o;
	bool room;

	s3_request_origin(endpoint, r->bucket, &o);
	http_authority(&host, &o, false);
	add_path(&path, endpoint, r);
	sigv4_date(d->date, now);
	sigv4_hash(d->hash, r->body);
	d->sign = (struct sigv4_request){ .method = r->method,
		.path = buf_all(&path),
		.query = r->query,
		.query_count = r->query_count,
		.fields = d->fields,
		.payload_hash = { d->hash, 64 } };
	room = add_signed(d, SPAN("host"), buf_all(&host));
	room &= add_signed(d, SPAN("x-amz-content-sha256"), d->sign.payload_hash);
	room &= add_signed(d, SPAN("x-amz-date"), (struct span){ d->date, SIGV4_DATE - 1 });
	if (creds->token[0])
		room &= add_signed(d, SPAN("x-amz-security-token"), span_of(creds->token));
	for (size_t i = 0; i < r->field_count; i++)
		if (is_signed_field(&r->fields[i]))
			room &= add_signed(d, r->fields[i].name, r->fields[i].value);
	return room && !host.full && !path.full;
}

/* OUT is used for the canonical request first. */
static bool sign_draft(struct draft *d, struct buf *out, const struct creds *creds, const char *region)
{
	struct buf a = buf_over(d->authorization, sizeof d->authorization);
	bool whole;

	buf_clear(out);
	sigv4_canonical(out, &d->sign);
	sigv4_authorization(&a, &d->sign, buf_all(out), creds, region, d->date);
	whole = !out->full && !a.full;
	buf_clear(out);
	return whole;
}

static int write_request_head(struct buf *out, const struct draft *d, const struct s3_request *r)
{
	char mem[S3_REQUEST_MAX / 2];
	struct buf target = buf_over(mem, sizeof mem);
	struct http_writer w;

	sigv4_path(&target, d->sign.path);
	if (r->query_count)
		buf_char(&target, '?');
	sigv4_query(&target, r->query, r->query_count);
	http_start(&w, out, r->method, buf_all(&target));
	for (size_t i = 0; i < d->sign.field_count; i++)
		http_field(&w, d->fields[i].name, d->fields[i].value);
	http_field(&w, SPAN("authorization"), span_of(d->authorization));
	http_field(&w, SPAN("user-agent"), SPAN("s3mounts"));
	for (size_t i = 0; i < r->field_count; i++)
		if (!is_signed_field(&r->fields[i]))
			http_field(&w, r->fields[i].name, r->fields[i].value);
	if (r->body.n || span_is(r->method, "PUT") || span_is(r->method, "POST"))
		http_field(&w, SPAN("content-length"), span_of(d->length));
	if (target.full)
		out->full = true;
	return http_end(&w);
}

int s3_request_write(struct buf *out, const struct s3_endpoint *endpoint, const struct creds *creds, const struct s3_request *r,
	int64_t now, struct err *e)
{
	struct draft d;
	bool whole = prepare_draft(&d, endpoint, creds, r, now) && sign_draft(&d, out, creds, endpoint->region);

	text_fmt(d.length, sizeof d.length, "%zu", r->body.n);
	if (whole && write_request_head(out, &d, r) == 0)
		return 0;
	if (whole && !out->full)
		return err_set(e, CODE_USAGE,
			"write a request to S3: a key id, token, host or field holds a byte that no header may hold");
	return err_set(e, CODE_FAULT, "write a request to S3: it is too long");
}
