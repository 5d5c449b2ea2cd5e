#include "s3/check.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "http/anchors.h"
#include "s3/redact.h"
#include "s3/request.h"
#include "s3/verdict.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define BODY_MAX (64 * 1024) /* a list of one key takes 1 to 6 KiB, an error 1 */
#define PEM_MAX (1024 * 1024)
#define SIGNATURE_DIGITS 64
#define S3_CODE_LIKELY 32 /* longer ones do not look like a word: XAmzContentSHA256Mismatch, of 25, does not either */
#define KEY_MAX 1024
#define ATTEMPTS 5 /* when S3 is busy: after 0.1, 0.2, 0.4 and 0.8 s */
#define BACKOFF_MS 100

struct s3_checker {
	const struct s3_endpoint *endpoint;
	const struct creds *creds;
	struct s3_check_options options;
	struct trust trust;
	struct http_client client;
	struct proxy via;	     /* of the last request */
	int64_t deadline;	     /* for the current prefix */
	bool requester_pays;	     /* the same */
	struct buf head, body;	     /* of the last request, and of its answer */
	struct verdict unreachable;  /* why the endpoint could not be reached; kind NULL: it could */
	char unreachable_bucket[64]; /* for which bucket: its name may be part of the host's */
};

bool s3_wants_tls(const struct s3_endpoint *endpoint, const struct creds *creds)
{
	return endpoint->tls || proxy_value_wants_tls(creds->proxy);
}

struct s3_checker *s3_checker_open(
	const struct s3_endpoint *endpoint, const struct creds *creds, const struct s3_check_options *o, struct err *e)
{
	struct s3_checker *c = calloc(1, sizeof *c);

	if (!c) {
		err_set(e, CODE_FAULT, "check S3: no memory");
		return NULL;
	}
	c->endpoint = endpoint;
	c->creds = creds;
	c->options = *o;
	c->head = buf_heap(S3_REQUEST_MAX);
	c->body = buf_heap(BODY_MAX);
	http_client_init(&c->client, &c->trust, o->connect_ms);
	if (s3_wants_tls(endpoint, creds) && trust_load(&c->trust, e)) {
		s3_checker_close(c);
		return NULL;
	}
	return c;
}

void s3_checker_close(struct s3_checker *c)
{
	http_client_close(&c->client);
	trust_free(&c->trust);
	buf_wipe(&c->head);
	buf_free(&c->body);
	explicit_bzero(c, sizeof *c);
	free(c);
}

static void copy_field(const struct http_response *r, const char *name, char *out, size_t size)
{
	struct span value;

	if (http_response_field(r, name, &value) && value.n < size) {
		memcpy(out, value.p, value.n);
		out[value.n] = 0;
	}
}

/* The signature of the last request: whoever has it can send that again, for minutes. */
static struct span last_signature(const struct s3_checker *c)
{
	struct span value = span_after(buf_all(&c->head), "Signature=");

	return value.n < SIGNATURE_DIGITS ? SPAN("") : (struct span){ value.p, SIGNATURE_DIGITS };
}

/* A proxy that forwards knows its own password too. */
static bool holds_secret(const struct s3_checker *c, struct span text)
{
	const struct creds none = { .secret = "" };
	size_t before = c->via.user_length + 1;
	struct span password = { c->via.login + before, c->via.has_login ? c->via.login_length - before : 0 };

	return redact_holds(text, c->creds, last_signature(c)) || redact_holds(text, &none, password);
}

/*
 * A code that S3 is known to use reveals nothing. An address is shown without its query, which is where secrets are passed on.
 */
static void withhold_secrets(const struct s3_checker *c, struct s3_answer *a)
{
	char *const texts[] = { a->error.code, a->error.message, a->error.region, a->location };

	a->location[strcspn(a->location, "?#")] = 0;
	for (size_t i = s3_code_known(a->error.code) ? 1 : 0; i < sizeof texts / sizeof *texts; i++) {
		struct span text = span_of(texts[i]);

		if (!holds_secret(c, text) && ((i == 0 && text.n <= S3_CODE_LIKELY) || !redact_looks_encoded(text)))
			continue;
		text_fmt(texts[i], sizeof a->error.code, "%s", i == 0 ? "withheld" : "");
		a->withheld = true;
	}
}

/* The name in a certificate is untrusted text as well. */
static void withhold_failure(const struct s3_checker *c, struct fail *f)
{
	if (f->kind == FAIL_TLS && holds_secret(c, span_of(f->err.text)))
		err_set(&f->err, f->err.code, "TLS with %s failed; what its certificate says is withheld: %s",
			c->endpoint->host, VERDICT_WITHHELD);
}

static void read_s3_answer(struct s3_checker *c, struct s3_answer *a)
{
	const struct http_response *r = &c->client.response;
	struct span value;
	int64_t date = -1;

	a->status = r->status;
	a->body = buf_all(&c->body);
	if (http_response_field(r, "date", &value))
		date = http_date(value);
	if (date > 0)
		a->skew = (long)((int64_t)time(NULL) - date);
	s3_error_read(&a->error, a->body);
	copy_field(r, "x-amz-bucket-region", a->error.region, sizeof a->error.region);
	copy_field(r, "location", a->location, sizeof a->location);
	withhold_secrets(c, a);
}

/* R as it is sent for the current prefix; FIELDS has room for R's and one more. */
static struct s3_request with_payer(
	const struct s3_checker *c, const struct s3_request *r, struct sigv4_pair fields[SIGV4_PAIRS_MAX])
{
	struct s3_request all = *r;

	if (!c->requester_pays)
		return all;
	for (size_t i = 0; i < r->field_count; i++)
		fields[i] = r->fields[i];
	fields[all.field_count++] = (struct sigv4_pair){ SPAN("x-amz-request-payer"), SPAN("requester") };
	all.fields = fields;
	return all;
}

/* Returns 0 with *A filled, or -1 with *F set. */
static int ask_once(struct s3_checker *c, const struct s3_endpoint *endpoint, const struct s3_request *r, struct s3_answer *a,
	struct fail *f)
{
	struct sigv4_pair fields[SIGV4_PAIRS_MAX];
	struct s3_request all = with_payer(c, r, fields);
	struct http_origin origin;

	buf_clear(&c->body);
	f->kind = FAIL_FAULT;
	s3_request_origin(endpoint, r->bucket, &origin);
	if (s3_request_write(&c->head, endpoint, c->creds, &all, time(NULL), &f->err) ||
		proxy_choose(&c->via, &origin, c->creds->proxy, c->creds->no_proxy, &f->err))
		return -1;
	if (c->creds->proxy_lower)
		proxy_call_lower(&c->via);
	if (http_client_send(&c->client, &origin, &c->via, buf_all(&c->head), r->body, false, c->deadline, f) ||
		http_client_collect(&c->client, &c->body, c->deadline, f))
		return -1;
	if (c->body.full)
		buf_clear(&c->body); /* S3 sends no such length here: a part of it proves nothing */
	read_s3_answer(c, a);
	return 0;
}

/* S3 sends a document with each refusal, or a region. Whether the proxy, or what is behind it, has made another answer is not to be told. */
static bool came_from_proxy(const struct s3_checker *c, const struct s3_endpoint *endpoint, const struct s3_answer *a)
{
	bool forwarded = !endpoint->tls && c->via.kind != PROXY_NONE && c->via.kind != PROXY_SOCKS;

	return forwarded && (a->status == 407 || (a->status >= 400 && !a->error.code[0] && !a->error.region[0]));
}

/*
 * Sends the request, and again after a pause while S3 is busy. The verdict is "ok" for every status 2xx. a->status is 0 when no
 * answer came.
 */
static void ask_until_answered(struct s3_checker *c, const struct s3_endpoint *endpoint, const struct s3_request *r,
	struct s3_answer *a, struct verdict *v)
{
	int wait = BACKOFF_MS;
	struct fail f;

	for (int i = 1;; i++, wait *= 2) {
		*a = (struct s3_answer){ 0 };
		if (ask_once(c, endpoint, r, a, &f) || a->status < 400 || i == ATTEMPTS || clock_left(c->deadline) <= wait ||
			!s3_meaning_of(a->error.code, a->status)->again)
			break;
		poll(NULL, 0, wait);
	}
	v->http_status = a->status;
	if (!a->status) {
		withhold_failure(c, &f);
		verdict_failure(v, &f);
	} else if (came_from_proxy(c, endpoint, a)) {
		v->http_status = 0;
		verdict_proxy(v, &c->via, a->status);
	} else if (a->status < 300)
		verdict_set(v, CODE_OK, "ok", "", "");
	else
		verdict_refusal(v, endpoint, c->creds, a);
}

/* rclone decodes what it believes to be encoded: "a+b" would become "a b", and "100%" would be left out. */
#define NOT_ENCODED \
	"S3 does not say that it encodes names in listings: where names with + or %% look wrong, or are missing, give the mount the option s3_list_url_encode=false"

static void check_list(
	struct s3_checker *c, const struct s3_endpoint *endpoint, const char *bucket, const char *prefix, struct verdict *v)
{
	const struct sigv4_pair query[] = {
		{ SPAN("encoding-type"), SPAN("url") },
		{ SPAN("list-type"), SPAN("2") },
		{ SPAN("max-keys"), SPAN("1") },
		{ SPAN("prefix"), span_of(prefix) },
	};
	const struct s3_request r = {
		.method = SPAN("GET"),
		.bucket = span_of(bucket),
		.query = endpoint->encode_listings ? query : query + 1,
		.query_count = sizeof query / sizeof *query - (endpoint->encode_listings ? 0 : 1),
	};
	struct s3_answer a;

	ask_until_answered(c, endpoint, &r, &a, v);
	if (v->code == CODE_OK && (a.status != 200 || !s3_document_is(a.body, "ListBucketResult")))
		verdict_not_s3(v, endpoint, &a);
	else if (v->code == CODE_OK && endpoint->encode_listings && !s3_listing_is_encoded(a.body))
		text_fmt(v->hint, sizeof v->hint, NOT_ENCODED);
}

/*
 * The region is wrong and the answer named the right one: asks there, with a new signature, so that one run reports everything
 * that has to be fixed. The host is ours: AWS's for that region, else the same. The verdict stays.
 */
static void check_in_region(struct s3_checker *c, const char *bucket, const char *prefix, struct verdict *v)
{
	struct s3_endpoint there = *c->endpoint;
	struct verdict second = { .kind = "" };

	if (!v->region[0] || strcmp(v->region, c->endpoint->region) == 0 || s3_endpoint_set_region(&there, v->region)) {
		v->region[0] = 0;
		return;
	}
	check_list(c, &there, bucket, prefix, &second);
	verdict_region(v, c->endpoint->region, &second);
}

/* PREFIX".s3mounts-probe-" and 64 random bits, so that no such object exists. */
static int make_probe_name(struct buf *b, const char *prefix)
{
	unsigned char id[8];

	if (getrandom(id, sizeof id, 0) != sizeof id)
		return -1;
	buf_fmt(b, "%s.s3mounts-probe-", prefix);
	buf_hex(b, id, sizeof id);
	return b->full ? -1 : 0;
}

static void check_write(struct s3_checker *c, const char *bucket, const char *prefix, struct verdict *v)
{
	const struct sigv4_pair type = { SPAN("content-type"), SPAN("text/plain") };
	struct s3_request r = {
		.method = SPAN("PUT"),
		.bucket = span_of(bucket),
		.fields = &type,
		.field_count = 1,
		.body = SPAN("s3mounts proves here that it may write\n"),
	};
	char mem[KEY_MAX + 1], deleting[KEY_MAX + 16];
	struct buf key = buf_over(mem, sizeof mem);
	struct verdict put = { .kind = "" }, removed = { .kind = "" };
	struct s3_answer a;

	if (make_probe_name(&key, prefix)) {
		verdict_set(
			v, CODE_FAULT, "fault", "no name for the probe object: no randomness, or the prefix is too long", "");
		return;
	}
	r.key = buf_all(&key);
	ask_until_answered(c, c->endpoint, &r, &a, &put);
	if (put.code != CODE_OK)
		verdict_write(v, &put, "writing");
	if (a.status >= 300)
		return; /* refused, so no object is there; without an answer there may be */
	r = (struct s3_request){ .method = SPAN("DELETE"), .bucket = r.bucket, .key = r.key };
	ask_until_answered(c, c->endpoint, &r, &a, &removed);
	text_fmt(deleting, sizeof deleting, "deleting %s", key.p);
	if (put.code == CODE_OK && removed.code != CODE_OK)
		verdict_write(v, &removed, deleting);
}

/* For a temporary key without its token AWS says only that it does not know the key. */
static bool token_is_missing(const struct creds *creds)
{
	return strncmp(creds->key_id, "ASIA", 4) == 0 && !creds->token[0];
}

/* An endpoint that could not be reached is not tried again for each prefix: every attempt would take the whole time-out. */
static bool is_known_unreachable(const struct s3_checker *c, const char *bucket)
{
	return c->unreachable.kind && (c->endpoint->path_style || strcmp(c->unreachable_bucket, bucket) == 0);
}

static void remember_unreachable(struct s3_checker *c, const char *bucket, const struct verdict *v)
{
	/* It has answered, or may the next time. */
	if (v->code != CODE_UNREACHABLE || v->http_status)
		return;
	c->unreachable = *v;
	c->unreachable.ms = 0;
	text_fmt(c->unreachable_bucket, sizeof c->unreachable_bucket, "%s", bucket);
}

void s3_check(struct s3_checker *c, const struct s3_place *place, struct verdict *v)
{
	const char *bucket = place->bucket, *prefix = place->prefix;
	int64_t start = clock_ms();

	c->endpoint = &place->site;
	if (is_known_unreachable(c, bucket)) {
		*v = c->unreachable;
		return;
	}
	*v = (struct verdict){ .kind = "" };
	c->deadline = clock_earlier(start + c->options.timeout_ms, c->options.deadline);
	c->requester_pays = place->requester_pays;
	if (token_is_missing(c->creds))
		verdict_set(v, CODE_REFUSED, "invalid-token",
			"the key id is a temporary one (ASIA…), but there is no session token",
			"set S3_SESSION_TOKEN to the token that was issued with the key");
	else
		check_list(c, c->endpoint, bucket, prefix, v);
	if (strcmp(v->kind, "wrong-region") == 0)
		check_in_region(c, bucket, prefix, v);
	if (v->code == CODE_OK && c->options.write)
		check_write(c, bucket, prefix, v);
	buf_wipe(&c->head);
	v->ms = (int)(clock_ms() - start);
	s3_endpoint_call(c->endpoint->called, v->cause, sizeof v->cause);
	s3_endpoint_call(c->endpoint->called, v->hint, sizeof v->hint);
	remember_unreachable(c, bucket, v);
}

int s3_trust_file(const char **file, struct err *e)
{
	struct trust t;
	int ret = trust_load(&t, e);

	*file = t.file;
	trust_free(&t);
	return ret;
}

int s3_trust_write(const char *path, struct err *e)
{
	struct buf pem = buf_heap(PEM_MAX);
	int ret;

	if (trust_pem(&pem, (struct span){ (const char *)anchors_builtin, anchors_builtin_size }))
		ret = err_set(e, CODE_FAULT, "write %s: the certificates built into this program are damaged", path);
	else
		ret = file_replace(path, 0644, buf_all(&pem), e);
	buf_free(&pem);
	return ret;
}
