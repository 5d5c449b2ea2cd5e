#include "cmd/last.h"

#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "cmd/setup.h"
#include "driver/settings.h"

#include <unistd.h>

static void explain_end(struct report_mount *m)
{
	static const char stays[] = " it stays mounted";
	const char *at = text_find(m->error.text, stays);
	struct err bare = m->error;
	char root[PATH_MAX];

	if (at)
		err_set(&m->error, bare.code, "%.*s", (int)(at - m->error.text) - 1, bare.text);
	if (m->pending_files == 0 && bare.code != CODE_PENDING)
		return;
	file_dirname(root, m->cache);
	err_hint(&m->error,
		"process 1 ends, and its driver with it: the files lie in %.150s; up, start or flush --left with that --cache-dir upload "
		"them, if it outlives this container; --stop-timeout gives more time",
		root);
}

void last_explain(struct report *r)
{
	for (size_t i = 0; i < r->mount_count && getpid() == 1; i++)
		if (r->mounts[i].error.code != CODE_OK)
			explain_end(&r->mounts[i]);
}

/* By its number and name: a supervisor of another namespace has no number here, but somebody else may have the same. */
static bool ends_with_us(long supervisor)
{
	const struct process *p;
	char name[PROCESS_NAME];
	struct process_table t;
	bool ours;

	if (supervisor == getpid())
		return true;
	if (process_table_read(&t))
		return false;
	p = process_find(&t, (pid_t)supervisor);
	ours = p && p->parent == getpid();
	process_table_free(&t);
	process_name(name, (pid_t)supervisor);
	return ours && strcmp(name, "s3mounts") == 0;
}

void last_forget(const struct run *run, const struct options *o, long supervisor)
{
	struct setup s = { .run = *run };
	struct err e;

	if (getpid() == 1 && ends_with_us(supervisor) && settings_forget(setup_config(&s, o).s, &e))
		text_print(2, "s3mounts: note: %s: the keys are still in it\n", e.text);
}
