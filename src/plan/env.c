#include "base/chars.h"
#include "plan/parts.h"

#define ENDPOINT_MAX 512 /* a host name has at most 255 bytes, and struct s3_endpoint as many for its path */

struct setting {
	const char *names[3]; /* the first that is set is used */
	size_t max;	      /* bytes */
};

static const struct setting endpoint = { { "S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL" }, ENDPOINT_MAX };
static const struct setting region = { { "S3_REGION", "AWS_REGION", "AWS_DEFAULT_REGION" }, 63 };
static const struct setting provider = { { "S3_PROVIDER" }, 63 };
static const struct setting addressing = { { "S3_ADDRESSING_STYLE" }, 63 };
static const struct setting path_style = { { "S3_FORCE_PATH_STYLE" }, 63 };
static const struct setting bucket_name = { { "S3_BUCKET_NAME" }, 63 };

/* A set is used as a whole: the key id of one is never combined with the secret of the other. The token may be absent. */
struct credential_set {
	int number;
	const char *names[CREDS_PARTS], *values[CREDS_PARTS];
};

/* An empty value counts as absent. */
static const char *get_nonempty(plan_env_fn *env, const char *name)
{
	const char *value = env ? env(name) : NULL;

	return value && *value ? value : NULL;
}

static int check_variable(const char *name, const char *value, size_t max, struct err *e)
{
	struct span s = span_of(value);

	if (span_has_control(s, "")) {
		bool at_end = !span_has_control((struct span){ s.p, s.n - 1 }, "");

		err_set(e, CODE_USAGE, "variable %s: %s", name,
			!at_end ? "it holds a newline or another control byte" :
			s.p[s.n - 1] == '\r' ?
				  "a carriage return (CR) stands at its end: it came from a file with CR LF line ends" :
				  "a newline or another control byte stands at its end");
		return err_hint(e, "often it came with the value from a file: NAME=\"$(cat FILE)\" drops a newline at the end");
	}
	if (s.n > max)
		return err_set(e, CODE_USAGE, "variable %s: it has %zu bytes, at most %zu are taken", name, s.n, max);
	return 0;
}

/* *OUT is allocated in A; "" when none of the names is set. *USED is the one that is, else left alone. */
static int take_named(struct arena *a, const struct plan_input *in, const struct setting *v, const char **out,
	const char **used, struct err *e)
{
	size_t count = sizeof v->names / sizeof *v->names;

	*out = "";
	for (size_t i = 0; i < 2 * count; i++) {
		const char *name = v->names[i % count];
		const char *value = name ? get_nonempty(i < count ? in->given : in->env, name) : NULL;

		if (!value)
			continue;
		if (check_variable(name, value, v->max, e))
			return -1;
		*used = name;
		*out = arena_str(a, span_of(value));
		return *out ? 0 : plan_no_memory(e);
	}
	return 0;
}

static int take_variable(struct arena *a, const struct plan_input *in, const struct setting *v, const char **out, struct err *e)
{
	const char *unused;

	return take_named(a, in, v, out, &unused, e);
}

static int take_credential(const char *name, const char *value, char *to, size_t size, struct err *e)
{
	size_t n = strlen(value);

	if (check_variable(name, value, size - 1, e))
		return -1;
	if (char_is_blank(value[0]) || char_is_blank(value[n - 1])) {
		err_set(e, CODE_USAGE, "variable %s: a blank stands at its %s", name,
			char_is_blank(value[0]) ? "beginning" : "end");
		return err_hint(e, "no key has one: the value was damaged where it was copied");
	}
	memcpy(to, value, n + 1);
	return 0;
}

/* The name of PART of set S that is set, to nothing; NULL: none is. */
static const char *empty_name(const struct credential_set *s, enum creds_part part, const struct plan_input *in)
{
	for (size_t i = 0; i < creds_variable_count; i++) {
		const struct creds_variable *v = &creds_variables[i];

		if (v->part == part && v->set == s->number && in->empty && in->empty(v->name))
			return v->name;
	}
	return NULL;
}

/* What else is set, that may have been meant for PART of set S. */
static void hint_at_part(struct buf *seen, const struct credential_set *s, enum creds_part part, plan_env_fn *env)
{
	for (size_t i = 0; i < creds_variable_count; i++) {
		const struct creds_variable *v = &creds_variables[i];

		if (v->part == part && v->set != CREDS_NO_SET && v->set != s->number && get_nonempty(env, v->name))
			buf_fmt(seen, "%s%s", seen->len ? ", " : "", v->name);
	}
	plan_near(seen, part == CREDS_KEY_ID ? NEAR_KEY_ID : NEAR_SECRET, env);
}

static int err_incomplete_set(const struct credential_set *s, const struct plan_input *in, struct err *e)
{
	const char *const *values = s->values;
	enum creds_part missing = values[CREDS_KEY_ID] ? CREDS_SECRET : CREDS_KEY_ID;
	const char *empty = empty_name(s, missing, in);
	const char *there = s->names[values[CREDS_KEY_ID] ? CREDS_KEY_ID : values[CREDS_SECRET] ? CREDS_SECRET : CREDS_TOKEN];
	char text[256];
	struct buf seen = buf_over(text, sizeof text);

	hint_at_part(&seen, s, missing, in->env);
	if (empty)
		err_set(e, CODE_USAGE, "variable %s is set, but empty: credentials come as one set, and %s is given", empty,
			there);
	else
		err_set(e, CODE_USAGE, "variable %s is not set, but %s is: credentials come as one set", s->names[missing],
			there);
	return seen.len ? err_hint(e, "set, but not read for it: %s", text) : -1;
}

static int take_credential_set(struct plan *p, const struct credential_set *s, const struct plan_input *in, struct err *e)
{
	struct {
		char *to;
		size_t size;
	} const slots[CREDS_PARTS] = {
		[CREDS_KEY_ID] = { p->creds.key_id, sizeof p->creds.key_id },
		[CREDS_SECRET] = { p->creds.secret, sizeof p->creds.secret },
		[CREDS_TOKEN] = { p->creds.token, sizeof p->creds.token },
	};

	if (!s->values[CREDS_KEY_ID] || !s->values[CREDS_SECRET])
		return err_incomplete_set(s, in, e);
	for (int i = 0; i < CREDS_PARTS; i++)
		if (s->values[i] && take_credential(s->names[i], s->values[i], slots[i].to, slots[i].size, e))
			return -1;
	p->have_creds = true;
	return 0;
}

/* Fills S with set NUMBER from ENV; false when nothing of it is set. */
static bool find_credential_set(struct credential_set *s, int number, plan_env_fn *env)
{
	bool any = false;

	*s = (struct credential_set){ .number = number };
	for (size_t i = 0; i < creds_variable_count; i++) {
		const struct creds_variable *v = &creds_variables[i];
		const char *value = v->set == number && !s->values[v->part] ? get_nonempty(env, v->name) : NULL;

		if (v->set == number && (value || !s->names[v->part]))
			s->names[v->part] = v->name;
		if (value)
			s->values[v->part] = value;
		any = any || value;
	}
	return any;
}

static int take_credentials(struct plan *p, const struct plan_input *in, struct err *e)
{
	plan_env_fn *const sources[] = { in->given, in->env };

	for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
		for (int number = 0; number < CREDS_SETS; number++) {
			struct credential_set s;

			if (find_credential_set(&s, number, sources[i]))
				return take_credential_set(p, &s, in, e);
		}
	return 0;
}

/* Appends the names of those that are set, to nothing, and would be read. */
static void add_empty_creds(struct buf *out, const struct plan_input *in)
{
	for (size_t i = 0; i < creds_variable_count && in->empty; i++)
		if (creds_variables[i].set != CREDS_NO_SET && in->empty(creds_variables[i].name))
			buf_fmt(out, "%s%s", out->len ? ", " : "", creds_variables[i].name);
}

#define KEYS_HINT "give S3_ACCESS_KEY_ID and S3_ACCESS_SECRET to this command"

/* There are no credentials: says what may have been meant for them. */
static int explain_no_creds(struct plan *p, const struct plan_input *in, struct err *e)
{
	char text[600], keys[256], nothing[256];
	struct buf seen = buf_over(keys, sizeof keys), empty = buf_over(nothing, sizeof nothing);
	struct buf sentence = buf_over(text, sizeof text);
	bool elsewhere;

	plan_near(&seen, NEAR_SOURCE, in->env);
	elsewhere = seen.len > 0;
	plan_near(&seen, NEAR_KEY_ID, in->env);
	plan_near(&seen, NEAR_SECRET, in->env);
	p->not_read = "";
	p->creds_hint = elsewhere ? KEYS_HINT
				"; \"aws configure export-credentials --format env\" prints those of a profile or role" :
				    KEYS_HINT;
	add_empty_creds(&empty, in);
	if (!seen.len && !empty.len)
		return 0;
	buf_fmt(&sentence, "no credentials are given (%s%s%s%s%s)", empty.len ? "set, but empty: " : "", nothing,
		empty.len && seen.len ? "; " : "", seen.len ? "set, but not read: " : "", keys);
	p->not_read = arena_str(&p->mem, span_after(buf_all(&sentence), "given"));
	return p->not_read && plan_warn(p, text) == 0 ? 0 : plan_no_memory(e);
}

static int check_no_empty_endpoint(const struct plan *p, const struct plan_input *in, struct err *e)
{
	for (size_t i = 0; i < sizeof endpoint.names / sizeof *endpoint.names; i++) {
		/* Our own says what is meant; of AWS's, those that others stand in for are passed over, as by its SDKs. */
		if ((i > 0 && *p->endpoint) || !in->empty || !in->empty(endpoint.names[i]))
			continue;
		err_set(e, CODE_USAGE, "variable %s is set, but empty", endpoint.names[i]);
		return err_hint(e, "give it the endpoint, or leave it unset for AWS");
	}
	return 0;
}

/* Would the keys go to AWS because the endpoint was given by a name that is not read, or as an empty value? */
static int check_endpoint_is_meant(const struct plan *p, const struct plan_input *in, struct err *e)
{
	char text[256];
	struct buf seen = buf_over(text, sizeof text);
	bool named;

	if (check_no_empty_endpoint(p, in, e))
		return -1;
	if (*p->endpoint)
		return 0;
	plan_near(&seen, NEAR_ENDPOINT, in->env);
	named = seen.len > 0;
	plan_near(&seen, NEAR_ACCOUNT, in->env);
	if (!seen.len)
		return 0;
	err_set(e, CODE_USAGE, "variable S3_ENDPOINT_URL is not set, so the keys would go to AWS; set, but not read: %s", text);
	return err_hint(e, "give the endpoint as S3_ENDPOINT_URL (%sAWS itself: https://s3.amazonaws.com)",
		named ? "" : "R2: https://ACCOUNT_ID.r2.cloudflarestorage.com; ");
}

/* NAME has no value; another that is NEAR to it has one. */
static int warn_of_near_names(struct plan *p, const struct plan_input *in, const char *name, enum plan_near near, struct err *e)
{
	char text[256];
	struct buf seen = buf_over(text, sizeof text);

	plan_near(&seen, near, in->env);
	if (!seen.len)
		return 0;
	err_set(e, CODE_OK, "%s is not set; set, but not read: %s", name, text);
	return plan_warn(p, e->text) ? plan_no_memory(e) : 0;
}

/* A token of AWS's names without their key is hardly meant for other keys than these. */
static int warn_of_tokens(struct plan *p, const struct plan_input *in, struct err *e)
{
	char text[256];
	struct buf seen = buf_over(text, sizeof text);
	bool aws = get_nonempty(in->env, "AWS_ACCESS_KEY_ID");

	for (size_t i = 0; i < creds_variable_count; i++) {
		const struct creds_variable *v = &creds_variables[i];

		if (v->part == CREDS_TOKEN && v->set == 1 && !aws && get_nonempty(in->env, v->name))
			buf_fmt(&seen, "%s%s", seen.len ? ", " : "", v->name);
	}
	plan_near(&seen, NEAR_TOKEN, in->env);
	if (!seen.len)
		return 0;
	err_set(e, CODE_OK, "the keys are used without a session token; set, but not read for them: %s", text);
	return plan_warn(p, e->text) ? plan_no_memory(e) : 0;
}

/* What was typed for our variables under another name. */
static int check_near_names(struct plan *p, const struct plan_input *in, struct err *e)
{
	if (!p->have_creds)
		return explain_no_creds(p, in, e);
	p->not_read = p->creds_hint = "";
	return check_endpoint_is_meant(p, in, e) || (!*p->region && warn_of_near_names(p, in, "S3_REGION", NEAR_REGION, e)) ||
			       (!*p->addressing && warn_of_near_names(p, in, "S3_ADDRESSING_STYLE", NEAR_STYLE, e)) ||
			       (!p->creds.token[0] && warn_of_tokens(p, in, e)) ?
		       -1 :
		       0;
}

/* 1, 0, or -1: neither. */
static int boolean_of(const char *word)
{
	static const char *const words[] = { "false", "true", "0", "1", "no", "yes", "off", "on" };

	for (int i = 0; i < (int)(sizeof words / sizeof *words); i++)
		if (span_is_nocase(span_of(word), words[i]))
			return i % 2;
	return -1;
}

/* S3_ADDRESSING_STYLE, or what S3_FORCE_PATH_STYLE says in its words. */
static int take_addressing(struct plan *p, const struct plan_input *in, struct err *e)
{
	const char *forced, *style;
	int path;

	if (take_variable(&p->mem, in, &addressing, &p->addressing, e) || take_variable(&p->mem, in, &path_style, &forced, e))
		return -1;
	if (!*forced)
		return 0;
	path = boolean_of(forced);
	if (path < 0) {
		err_set(e, CODE_USAGE, "variable S3_FORCE_PATH_STYLE: \"%.63s\" is neither true nor false", forced);
		return err_hint(e, "true: https://HOST/BUCKET; false: https://BUCKET.HOST; unset: as the endpoint wants it");
	}
	style = path ? "path" : "virtual";
	if (*p->addressing && strcmp(p->addressing, style) != 0) {
		err_set(e, CODE_USAGE, "variables S3_ADDRESSING_STYLE=%s and S3_FORCE_PATH_STYLE=%s contradict each other",
			p->addressing, forced);
		return err_hint(e, "leave one of them unset");
	}
	p->addressing = style;
	return 0;
}

int plan_environment(struct plan *p, const struct plan_input *in, const char **bucket, struct err *e)
{
	p->endpoint_called = "S3_ENDPOINT_URL (not set: AWS is asked)";
	if (take_credentials(p, in, e) || take_named(&p->mem, in, &endpoint, &p->endpoint, &p->endpoint_called, e) ||
		take_variable(&p->mem, in, &region, &p->region, e) || take_variable(&p->mem, in, &provider, &p->provider, e) ||
		take_addressing(p, in, e) || take_variable(&p->mem, in, &bucket_name, bucket, e))
		return -1;
	if (**bucket && !plan_bucket_name(span_of(*bucket))) {
		err_set(e, CODE_USAGE, "variable S3_BUCKET_NAME: this is no bucket's name");
		return err_hint(e, "3 to 63 letters, digits, dots and hyphens; a prefix belongs in the mount's source");
	}
	if (check_near_names(p, in, e))
		return -1;
	p->region_given = *p->region;
	if (!p->region_given)
		p->region = "us-east-1";
	return 0;
}
