#include "sup_world.h"

#include "base/text.h"
#include "driver/driver.h"

void world_change_table(void)
{
	world.table++;
	world.events++;
}

int world_place_at(const char *target)
{
	for (int i = 0; i < PLACES; i++)
		if (strcmp(world.places[i].target, target) == 0)
			return i;
	MUST(!"a target of the world's");
	return 0;
}

struct cache *world_cache(const char *dir)
{
	for (int i = 0; i < CACHES; i++) {
		struct cache *c = &world.caches[i];

		if (!c->dir[0])
			text_fmt(c->dir, sizeof c->dir, "%s", dir);
		if (strcmp(c->dir, dir) == 0)
			return c;
	}
	MUST(!"room for another cache");
	return NULL;
}

/* ---- mounts and files ---- */

void world_show(int place)
{
	struct place *at = &world.places[place];
	const struct process *p = world_driver_at(place);

	if (at->ours || !p || p->stood)
		return;
	at->ours = true;
	at->covered = false;
	memcpy(at->source, p->source, sizeof at->source);
	world_change_table();
}

void world_unmount(int place)
{
	struct process *p = world_driver_at(place);

	if (!world.places[place].ours)
		return;
	world.places[place].ours = false;
	world_change_table();
	/* It ends by itself when its mount has gone. */
	if (p && !p->told && !p->hangs)
		p->at = world_after(world.end_ms);
	if (p)
		p->stood = true; /* it does not mount again */
}

void world_cover(int place, bool covered)
{
	world.places[place].covered = covered;
	world_change_table();
}

struct cache *world_cache_of(int place)
{
	const struct process *p = world_driver_at(place);

	return p && world.places[place].ours ? p->cache : NULL;
}

bool world_write(int place)
{
	struct cache *c = world.places[place].covered ? NULL : world_cache_of(place);

	if (c)
		c->written++;
	world.events++;
	return c;
}

bool world_upload(int place, unsigned long left)
{
	struct cache *c = world_cache_of(place);

	if (c && c->written - c->uploaded > left)
		c->uploaded = c->written - left;
	world.events++;
	return c;
}

bool world_inherit(int place)
{
	struct place *at = &world.places[place];
	struct process *p = at->ours || world_driver_at(place) ? NULL : world_new_process(WORK_DRIVE);
	char id[DRIVER_ID], dir[128], prefix[] = { (char)('a' + place), '/', 0 };
	struct plan_mount spec = { .target = at->target, .bucket = "b", .prefix = prefix };

	if (!p)
		return false;
	driver_identify(id, "http://127.0.0.1:9", &spec, false);
	text_fmt(dir, sizeof dir, "/nonexistent/cache/%s", id);
	p->adopted = p->eof = true;
	p->place = place;
	p->cache = world_cache(dir);
	text_fmt(p->source, sizeof p->source, "world:b/%s", prefix);
	at->layer = at->adoptable = at->foreign = true;
	world_show(place);
	return true;
}
