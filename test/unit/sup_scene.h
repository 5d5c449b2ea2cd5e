/* sup_scene.h - what the tests of the supervisor share: a world for each, questions with their answers, time until something comes. */

#ifndef SUP_SCENE_H
#define SUP_SCENE_H

#include "sup_world.h"
#include "unit.h"

#define WAIT_MAX 200000 /* ms: nothing takes so long */

#define scene(test) cmocka_unit_test_setup_teardown(test, begin_scene, end_scene)

static inline int begin_scene(void **state)
{
	(void)state;
	world_begin();
	return 0;
}

static inline int end_scene(void **state)
{
	(void)state;
	world_end();
	return 0;
}

/* Lets time go on until P is answered; returns how long that took, in ms. */
static inline int64_t wait_for(struct peer *p)
{
	int64_t since = world.now;

	world_run(0);
	while (!peer_report(p) && world.now - since < WAIT_MAX)
		world_run(1);
	assert_non_null(peer_report(p));
	return world.now - since;
}

/* That takes from LEAST to MOST ms. */
static inline void assert_answered_in(struct peer *p, int64_t least, int64_t most)
{
	assert_in_range(wait_for(p), least, most);
}

static inline void assert_code(struct peer *p, enum code code)
{
	assert_non_null(peer_report(p));
	if (peer_report(p)->error.code != code)
		fail_msg("code %d: %s", (int)peer_report(p)->error.code, peer_report(p)->error.text);
}

static inline void assert_says(struct peer *p, const char *words)
{
	assert_non_null(peer_report(p));
	if (!strstr(peer_report(p)->error.text, words))
		fail_msg("'%s' is not in '%s'", words, peer_report(p)->error.text);
}

static inline void assert_mount(struct peer *p, int place, const char *state, enum code code)
{
	const struct report_mount *m = peer_mount(p, place);

	assert_non_null(m);
	assert_string_equal(m->state, state);
	if (m->error.code != code)
		fail_msg("code %d: %s", (int)m->error.code, m->error.text);
}

/* The mounts of PLAN are up. */
static inline void bring_up(unsigned plan)
{
	struct peer *p = ask_up(plan, 30000);

	wait_for(p);
	assert_code(p, CODE_OK);
	for (int i = 0; i < PLACES; i++)
		if (plan & (1u << i))
			assert_mount(p, i, "up", CODE_OK);
}

/* As a status says it. */
static inline void assert_stands(int place, const char *state)
{
	struct peer *p = ask_status();

	wait_for(p);
	assert_string_equal(peer_state(p, place), state);
}

static inline void assert_nothing_stands(void)
{
	for (int i = 0; i < PLACES; i++)
		assert_true(!world.places[i].ours && !world_find(WORK_DRIVE, i));
}

static inline struct mount *mount_at(int place)
{
	for (size_t i = 0; i < world.sup.count; i++)
		if (strcmp(world.sup.mounts[i]->spec.target, world.places[place].target) == 0)
			return world.sup.mounts[i];
	return NULL;
}

#endif
