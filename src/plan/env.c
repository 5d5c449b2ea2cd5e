#include "plan/parts.h"

#define ENDPOINT_MAX 512 /* a host name has at most 255 bytes, its path as many in struct s3_site */

struct variable {
	const char *names[3]; /* the first that is set serves */
	size_t max;	      /* bytes */
};

static const struct variable endpoint = { { "S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL" }, ENDPOINT_MAX };
static const struct variable region = { { "S3_REGION", "AWS_REGION", "AWS_DEFAULT_REGION" }, 63 };
static const struct variable provider = { { "S3_PROVIDER" }, 63 };
static const struct variable bucket_name = { { "S3_BUCKET_NAME" }, 63 };

enum { KEY_ID, SECRET, TOKEN, PARTS };

/* A set is taken as a whole: the key id of one never meets the secret of the other. The token may be absent. */
static const char *const cred_sets[][PARTS] = {
	{ "S3_ACCESS_KEY_ID", "S3_ACCESS_SECRET", "S3_SESSION_TOKEN" },
	{ "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN" },
};

/* What is empty counts as absent. */
static const char *look_up(plan_env_fn *env, const char *name)
{
	const char *value = env(name);

	return value && *value ? value : NULL;
}

static int check_value(const char *name, const char *value, size_t max, struct err *e)
{
	struct span s = span_of(value);

	if (plan_control(s)) {
		bool at_end = !plan_control((struct span){ s.p, s.n - 1 });

		err_set(e, CODE_USAGE, "variable %s: %s", name,
			at_end ? "a newline or another control byte stands at its end" :
				 "it holds a newline or another control byte");
		return err_hint(e, "often it came with the value from a file: NAME=\"$(cat FILE)\" drops a newline at the end");
	}
	if (s.n > max)
		return err_set(e, CODE_USAGE, "variable %s: it has %zu bytes, at most %zu are taken", name, s.n, max);
	return 0;
}

/* *OUT is in A; "" where none of the names is set. */
static int take(struct arena *a, plan_env_fn *env, const struct variable *v, const char **out, struct err *e)
{
	*out = "";
	for (size_t i = 0; i < sizeof v->names / sizeof *v->names && v->names[i]; i++) {
		const char *value = look_up(env, v->names[i]);

		if (!value)
			continue;
		if (check_value(v->names[i], value, v->max, e))
			return -1;
		*out = arena_str(a, span_of(value));
		return *out ? 0 : plan_no_memory(e);
	}
	return 0;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static int take_credential(const char *name, const char *value, char *to, size_t size, struct err *e)
{
	size_t n = strlen(value);

	if (check_value(name, value, size - 1, e))
		return -1;
	if (blank(value[0]) || blank(value[n - 1])) {
		err_set(e, CODE_USAGE, "variable %s: a blank stands at its %s", name, blank(value[0]) ? "beginning" : "end");
		return err_hint(e, "no key has one: the value was damaged where it was copied");
	}
	memcpy(to, value, n + 1);
	return 0;
}

static int missing(const char *const *names, const char *const *values, struct err *e)
{
	const char *given = names[values[KEY_ID] ? KEY_ID : values[SECRET] ? SECRET : TOKEN];

	return err_set(e, CODE_USAGE, "variable %s is not set, but %s is: credentials come as one set",
		names[values[KEY_ID] ? SECRET : KEY_ID], given);
}

static int take_set(struct plan *p, const char *const *names, const char *const *values, struct err *e)
{
	if (!values[KEY_ID] || !values[SECRET])
		return missing(names, values, e);
	if (take_credential(names[KEY_ID], values[KEY_ID], p->creds.key_id, sizeof p->creds.key_id, e) ||
		take_credential(names[SECRET], values[SECRET], p->creds.secret, sizeof p->creds.secret, e))
		return -1;
	if (values[TOKEN] && take_credential(names[TOKEN], values[TOKEN], p->creds.token, sizeof p->creds.token, e))
		return -1;
	p->have_creds = true;
	return 0;
}

static int take_credentials(struct plan *p, plan_env_fn *env, struct err *e)
{
	for (size_t set = 0; set < sizeof cred_sets / sizeof *cred_sets; set++) {
		const char *values[PARTS];
		bool any = false;

		for (int i = 0; i < PARTS; i++) {
			values[i] = look_up(env, cred_sets[set][i]);
			any = any || values[i];
		}
		if (any)
			return take_set(p, cred_sets[set], values, e);
	}
	return 0;
}

int plan_environment(struct plan *p, plan_env_fn *env, const char **bucket, struct err *e)
{
	if (take_credentials(p, env, e) || take(&p->mem, env, &endpoint, &p->endpoint, e) ||
		take(&p->mem, env, &region, &p->region, e) || take(&p->mem, env, &provider, &p->provider, e) ||
		take(&p->mem, env, &bucket_name, bucket, e))
		return -1;
	if (**bucket && !plan_bucket_name(span_of(*bucket))) {
		err_set(e, CODE_USAGE, "variable S3_BUCKET_NAME: this is no bucket's name");
		return err_hint(e, "3 to 63 letters, digits, dots and hyphens; a prefix belongs in the mount's source");
	}
	p->region_given = *p->region;
	if (!p->region_given)
		p->region = "us-east-1";
	return 0;
}
