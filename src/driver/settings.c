#include "driver/settings.h"

static bool has_driver(const struct plan_mount *mounts, size_t count, const struct driver *d)
{
	for (size_t i = 0; i < count; i++)
		if (driver_find(mounts[i].type) == d)
			return true;
	return false;
}

int settings_make(struct settings *s, const struct plan_mount *mounts, size_t count, const struct s3_endpoint *site,
	const struct creds *creds, struct err *e)
{
	for (size_t i = 0; drivers[i]; i++) {
		s->used[i] = has_driver(mounts, count, drivers[i]);
		s->text[i] = buf_heap(SETTINGS_MAX);
		if (s->used[i] && drivers[i]->settings && drivers[i]->settings(&s->text[i], site, creds, e))
			return -1;
	}
	return 0;
}

struct span settings_of(const struct settings *s, const struct driver *d)
{
	for (size_t i = 0; drivers[i]; i++)
		if (drivers[i] == d)
			return buf_all(&s->text[i]);
	return SPAN("");
}

int settings_store(const struct settings *s, const char *config, struct err *e)
{
	int stored = 0;

	for (size_t i = 0; drivers[i]; i++) {
		if (!s->used[i] || !drivers[i]->prepare)
			continue;
		if (drivers[i]->prepare(config, buf_all(&s->text[i]), e))
			return -1;
		stored = 1;
	}
	return stored;
}

int settings_forget(const char *config, struct err *e)
{
	int ret = 0;

	for (size_t i = 0; drivers[i]; i++)
		if (drivers[i]->forget && drivers[i]->forget(config, e))
			ret = -1;
	return ret;
}

void settings_wipe(struct settings *s)
{
	for (size_t i = 0; i < DRIVERS_MAX; i++) {
		buf_wipe(&s->text[i]);
		s->used[i] = false;
	}
}
