#include "sup/inherit.h"

#include "base/clock.h"
#include "base/text.h"
#include "sup/mount_new.h"
#include "sup/mounts.h"
#include "sup/pidfile.h"
#include "sup/states.h"

#include <dirent.h>

static void take_over(struct sup *s, struct mount *m)
{
	if (mounts_find(s, m->spec.target) || mounts_add(s, m)) {
		mount_free(m);
		return;
	}
	if (m->driver->forget)
		text_fmt(s->config, sizeof s->config, "%s", m->job.config);
	m->was_up = true;
	m->started = clock_ms();
	m->give_up = m->started + MOUNT_START_MS;
	if (mount_wanted(m)) {
		mount_event(m, EVENT_START, sup_table(s));
		return;
	}
	/* What is dead is started by `up` alone, which has the credentials of now; or to upload what it has left, when it is to go down. */
	err_set(&m->error, CODE_MOUNT, "%s: its driver has ended", m->spec.target);
	m->state = MOUNT_FAILED;
}

void inherit_mounts(struct sup *s)
{
	DIR *d = opendir(s->run->dir);
	const struct dirent *entry;
	struct mount *m;

	if (!d)
		return;
	while ((entry = readdir(d)))
		if ((m = pidfile_mount(s->run, entry->d_name)))
			take_over(s, m);
	closedir(d);
}
