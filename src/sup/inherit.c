#include "sup/job.h"

#include "base/clock.h"
#include "base/text.h"
#include "sup/pidfile.h"

#include <dirent.h>

#define INHERIT_MS 30000 /* until somebody asks, as for a driver that is started again by itself */

static void take(struct sup *s, struct mount *m)
{
	if (job_find(s, m->spec.target) || job_add(s, m)) {
		mount_free(m);
		return;
	}
	if (m->driver->forget)
		text_fmt(s->config, sizeof s->config, "%s", m->job.config);
	m->held = true;
	m->begun = clock_ms();
	m->give_up = m->begun + INHERIT_MS;
	if (m->wanted) {
		mount_event(m, EVENT_START, sup_table(s));
		return;
	}
	/* What is dead is started by `up` alone, which has the credentials of now; or to upload what it has left, when it is to go down. */
	err_set(&m->error, CODE_MOUNT, "%s: its driver has ended", m->spec.target);
	m->state = MOUNT_FAILED;
}

void job_inherit(struct sup *s)
{
	DIR *d = opendir(s->run->dir);
	const struct dirent *entry;
	struct mount *m;

	if (!d)
		return;
	while ((entry = readdir(d)))
		if ((m = pidfile_mount(s->run, entry->d_name)))
			take(s, m);
	closedir(d);
}
