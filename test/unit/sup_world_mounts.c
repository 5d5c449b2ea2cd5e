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

/* ---- what lies in what ---- */

bool world_inside(int place, int outer)
{
	return plan_inside(world.places[place].target, world.places[outer].target);
}

int world_ground(int place)
{
	const struct place *found = NULL;
	int id = 1;

	for (int i = 0; i < PLACES; i++) {
		const struct place *at = &world.places[i];

		if (!world_inside(place, i) || (!at->ours && !at->layer) || at->on != world_ground(i) ||
			(found && !plan_inside(at->target, found->target)))
			continue;
		found = at;
		id = WORLD_MOUNT(i) - !at->ours;
	}
	return id;
}

int world_inner(int place)
{
	for (int i = 0; i < PLACES; i++)
		if (world_inside(i, place) && world.places[i].ours && world.places[i].on == world_ground(i))
			return i;
	return -1;
}

bool world_out_of_reach(int place)
{
	for (int i = 0; i < PLACES; i++)
		if (world_inside(place, i) && world.places[i].ours && !world_driver_at(i))
			return true;
	return false;
}

void world_clear_inner(int place)
{
	for (int i = 0; i < PLACES; i++)
		if (world_inside(i, place) && world.places[i].on == WORLD_MOUNT(place))
			world.places[i].layer = false;
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
	struct process *p = world_driver_at(place);

	if (at->ours || !p || p->stood)
		return;
	/* The folder has gone with what it was in. */
	if (at->on != world_ground(place)) {
		world_exit(p, 256);
		return;
	}
	/* It would be mounted over what stands in it. */
	MUST(world_inner(place) < 0 || world.places[world_inner(place)].foreign);
	at->ours = true;
	at->covered = false;
	at->shown = ++world.events;
	memcpy(at->source, p->source, sizeof at->source);
	world_change_table();
}

/* What stands on the mount ID goes with it. */
static void unmount_on(int id)
{
	for (int i = 0; i < PLACES; i++) {
		struct place *at = &world.places[i];

		if (at->on != id)
			continue;
		if (at->layer) {
			at->layer = false;
			unmount_on(WORLD_MOUNT(i) - 1);
		}
		world_unmount(i);
	}
}

void world_unmount(int place)
{
	struct process *p = world_driver_at(place);

	if (!world.places[place].ours)
		return;
	world.places[place].ours = false;
	world_change_table();
	unmount_on(WORLD_MOUNT(place));
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

/* It would have been mounted over another one, or in one that does not stand yet. */
static bool is_crowded(int place)
{
	for (int i = 0; i < PLACES; i++)
		if ((world_inside(i, place) || world_inside(place, i)) &&
			(world_find(WORK_LAUNCH, i) || (!world.places[i].ours && world_driver_at(i))))
			return true;
	return world_inner(place) >= 0 || world_out_of_reach(place);
}

bool world_inherit(int place)
{
	struct place *at = &world.places[place];
	bool taken = at->ours || world_driver_at(place) || is_crowded(place);
	struct process *p = taken ? NULL : world_new_process(WORK_DRIVE);
	char id[DRIVER_ID], dir[128], prefix[] = { (char)('a' + place), '/', 0 };
	struct plan_mount spec = { .target = at->target, .bucket = "b", .prefix = prefix };

	if (!p)
		return false;
	at->on = world_ground(place);
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
