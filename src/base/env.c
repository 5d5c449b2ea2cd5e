#include "base/env.h"

#include <stdlib.h>

struct given {
	struct given *next;
	size_t name_length;
	char text[]; /* "NAME=VALUE" */
};

static struct given *all;

static bool given_has_name(const struct given *g, struct span name)
{
	return span_eq((struct span){ g->text, g->name_length }, name);
}

static struct given *find_given(struct span name)
{
	for (struct given *g = all; g; g = g->next)
		if (given_has_name(g, name))
			return g;
	return NULL;
}

static const char *given_value(const struct given *g)
{
	return g->text + g->name_length + 1;
}

const char *env_given(const char *name)
{
	const struct given *g = find_given(span_of(name));

	return g && *given_value(g) ? given_value(g) : NULL;
}

const char *env(const char *name)
{
	const char *v = find_given(span_of(name)) ? env_given(name) : getenv(name);

	return v && *v ? v : NULL;
}

bool env_is_empty(const char *name)
{
	const struct given *g = find_given(span_of(name));
	const char *v = g ? given_value(g) : getenv(name);

	return v && !*v;
}

static void drop_given(struct given **at)
{
	struct given *g = *at;

	*at = g->next;
	explicit_bzero(g->text, strlen(g->text));
	free(g);
}

int env_set(struct span name, struct span value, struct err *e)
{
	struct given *g = malloc(sizeof *g + name.n + value.n + 2), **at = &all;

	if (!g)
		return err_set(e, CODE_FAULT, "read the variables: out of memory");
	while (*at && !given_has_name(*at, name))
		at = &(*at)->next;
	if (*at)
		drop_given(at);
	g->name_length = name.n;
	memcpy(g->text, name.p, name.n);
	g->text[name.n] = '=';
	memcpy(g->text + name.n + 1, value.p, value.n);
	g->text[name.n + 1 + value.n] = 0;
	g->next = all;
	all = g;
	return 0;
}

/* Variables that are read after the plan. */
static bool is_own_setting(const struct given *g)
{
	static const char *const settings[] = { "S3MOUNTS_RCLONE", "S3MOUNTS_RUN_DIR", "S3MOUNTS_CACHE_DIR", "RCLONE_CONFIG",
		"AWS_CA_BUNDLE", "SSL_CERT_FILE", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "HOME", "PATH" };

	return span_is_any((struct span){ g->text, g->name_length }, settings, sizeof settings / sizeof *settings);
}

void env_wipe(void)
{
	struct given **at = &all;

	while (*at)
		if (is_own_setting(*at))
			at = &(*at)->next;
		else
			drop_given(at);
}

int env_export(void)
{
	for (const struct given *g = all; g; g = g->next) {
		char name[256];

		if (g->name_length >= sizeof name)
			return -1;
		memcpy(name, g->text, g->name_length);
		name[g->name_length] = 0;
		if (setenv(name, given_value(g), 1))
			return -1;
	}
	return 0;
}
