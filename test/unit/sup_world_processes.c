#include "sup_world.h"

#include "base/clock.h"
#include "base/text.h"
#include "sup/check.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

/* ---- what there is ---- */

bool world_exists(pid_t pid, pid_t group)
{
	for (int i = 0; i < world.process_count; i++) {
		const struct process *p = &world.processes[i];

		if (p->pid && (p->alive || p->zombie) && (pid ? p->pid == pid : p->group == group))
			return true;
	}
	return false;
}

struct process *world_find(enum work work, int place)
{
	struct process *found = NULL;

	for (int i = 0; i < world.process_count; i++) {
		struct process *p = &world.processes[i];

		if (p->pid && p->alive && p->work == work && (place < 0 || p->place == place) && !p->told &&
			(!p->eof || work >= WORK_DRIVE) && (!found || p->started > found->started))
			found = p;
	}
	return found;
}

struct process *world_driver_at(int place)
{
	for (int i = 0; i < world.process_count; i++) {
		struct process *p = &world.processes[i];

		if (p->pid && p->alive && p->work == WORK_DRIVE && p->place == place)
			return p;
	}
	return NULL;
}

/* Its pid and its descriptor are free again. */
static bool is_free(const struct process *p)
{
	return !p->alive && !p->zombie && !p->open;
}

struct process *world_new_process(enum work work)
{
	for (int i = 0; i < PROCESSES; i++) {
		struct process *p = &world.processes[i];

		if (!is_free(p))
			continue;
		buf_free(&p->out);
		if (i == world.process_count)
			world.process_count++;
		*p = (struct process){
			.pid = WORLD_PID + ++world.pids,
			.work = work,
			.alive = true,
			.at = NEVER,
			.place = -1,
			.out = buf_heap(65536),
			.started = ++world.events,
		};
		return p;
	}
	return NULL;
}

int64_t world_after(int64_t ms)
{
	return ms == NEVER ? NEVER : world.now + ms;
}

/* ---- base/task.c ---- */

static enum work work_of(task_fn *fn)
{
	static const struct {
		task_fn *fn;
		enum work work;
	} works[] = {
		{ child_launch, WORK_LAUNCH },
		{ child_probe, WORK_PROBE },
		{ child_unmount, WORK_UNMOUNT },
		{ child_clear, WORK_CLEAR },
		{ child_look, WORK_LOOK },
		{ child_renew, WORK_RENEW },
		{ check_child, WORK_CHECK },
	};

	for (size_t i = 0; i < sizeof works / sizeof *works; i++)
		if (works[i].fn == fn)
			return works[i].work;
	MUST(!"a child of the supervisor's");
	return WORKS;
}

static const struct mount *mount_of(int place)
{
	for (size_t i = 0; i < world.sup.count; i++)
		if (strcmp(world.sup.mounts[i]->spec.target, world.places[place].target) == 0)
			return world.sup.mounts[i];
	return NULL;
}

/* The nearest that the supervisor knows, but what is down and does not come back; -1: none. */
static int outer_of(int place)
{
	int found = -1;

	for (int i = 0; i < PLACES; i++) {
		const struct mount *outer = mount_of(i);

		if (world_inside(place, i) && outer && (outer->state != MOUNT_DOWN || outer->keep_layer) &&
			(found < 0 || world_inside(i, found)))
			found = i;
	}
	return found;
}

/* One is launched in what is up and proven, or where nothing else shall stand; or to take over what stands. Never over another one. */
static void check_launch(int place)
{
	int outer = outer_of(place);
	const struct place *at = &world.places[outer < 0 ? 0 : outer];

	if (world.places[place].ours)
		return;
	MUST(world_inner(place) < 0 || world.places[world_inner(place)].foreign);
	if (outer < 0)
		return;
	MUST(at->ours && at->proven > at->shown && !at->unverified);
	MUST(mount_of(outer)->state == MOUNT_UP || mount_of(outer)->state == MOUNT_DRAIN);
}

/* What stands there is one of the supervisor's. */
static bool is_its_own(int place)
{
	const struct mount *m = mount_of(place);

	return m && m->state != MOUNT_DOWN && !m->not_ours && strcmp(m->source, world.places[place].source) == 0;
}

/* Nothing of its own stands in what is unmounted, but where that is dead, or shall go by all means. */
static void check_unmount(int place, const struct mount *m)
{
	int inner = world_inner(place);

	MUST(inner < 0 || !is_its_own(inner) || m->goal == GOAL_ABORT || !world_driver_at(place) || !m->pid);
}

static void fork_mount(struct process *p, const struct mount *m)
{
	struct place *at;

	p->place = world_place_at(m->spec.target);
	at = &world.places[p->place];
	p->cache = world_cache(m->job.cache_dir);
	if (p->work == WORK_LOOK && world.uploads)
		world_upload(p->place, 0);
	p->pending = p->cache->written - p->cache->uploaded;
	text_fmt(p->source, sizeof p->source, "%s", m->source);
	p->detach = m->lazy || m->goal == GOAL_ABORT || !m->pid;
	if (p->work == WORK_UNMOUNT)
		check_unmount(p->place, m);
	if (p->work == WORK_LAUNCH) {
		check_launch(p->place);
		p->group = p->pid;
		at->unverified = m->checking && at->accepted < world.checked;
	}
	/* A layer goes when nothing stands on it. */
	MUST(p->work != WORK_CLEAR || at->foreign || (!at->ours && !world_find(WORK_DRIVE, p->place)));
}

static void fork_check(struct process *p, const struct request *r)
{
	MUST(r->mount_count <= PLACES && r->creds.key_id[0]);
	world.checked = p->started;
	for (size_t i = 0; i < r->mount_count; i++)
		p->places[p->place_count++] = world_place_at(r->mounts[i].target);
}

int task_start(struct task *t, task_fn *fn, void *arg, int timeout_ms, struct err *e)
{
	enum work work = work_of(fn);
	struct process *p = world.no_children ? NULL : world_new_process(work);

	MUST(!t->active);
	if (!p)
		return err_set(e, CODE_FAULT, "start a helper process: fork: no");
	if (work == WORK_CHECK)
		fork_check(p, arg);
	else
		fork_mount(p, arg);
	p->open = true;
	p->at = world_after(world.delay[work]);
	*t = (struct task){ true, p->pid, WORLD_PIPES + (int)(p - world.processes), world.now + timeout_ms };
	if (world.forked)
		world.forked(p);
	return 0;
}

void world_tell(struct process *p)
{
	if (!p->alive || p->told)
		return;
	p->told = true;
	p->at = p->hangs ? NEVER : world_after(world.end_ms);
}

void task_stop(struct task *t)
{
	if (!t->active)
		return;
	if (t->pid)
		kill(t->pid, SIGKILL);
	task_release(t);
}

void task_release(struct task *t)
{
	MUST(t->active);
	world_process_close(t->out);
	*t = (struct task){ 0 };
}

void task_reaped(struct task *t, pid_t pid)
{
	if (t->pid == pid)
		t->pid = 0;
}

ssize_t task_read(const struct task *t, void *to, size_t size, int *fd)
{
	MUST(t->active && fd);
	return world_process_read(t->out, to, size);
}

int task_send(int out, const void *p, size_t n, int fd)
{
	(void)out;
	(void)p;
	(void)n;
	(void)fd;
	MUST(!"in the supervisor");
	return -1;
}

ssize_t task_run(task_fn *fn, void *arg, int timeout_ms, void *answer, size_t size, struct err *e)
{
	(void)fn;
	(void)arg;
	(void)timeout_ms;
	(void)answer;
	(void)size;
	(void)e;
	MUST(!"in the supervisor");
	return -1;
}

/* ---- descriptors ---- */

static struct process *process_of_fd(int fd)
{
	int i = fd - WORLD_PIPES;

	if (i >= PROCESSES)
		i -= PROCESSES;
	MUST(i >= 0 && i < PROCESSES && world.processes[i].open);
	return &world.processes[i];
}

bool world_process_ready(int fd)
{
	const struct process *p = process_of_fd(fd);

	return fd >= WORLD_PIDFDS ? !p->alive : p->read < p->out.len || p->eof;
}

ssize_t world_process_read(int fd, void *to, size_t size)
{
	struct process *p = process_of_fd(fd);
	size_t n = p->out.len - p->read;

	if (!n && !p->eof) {
		errno = EAGAIN;
		return -1;
	}
	/* The supervisor knows it now. */
	if (!n && p->proof)
		world.places[p->place].proven = ++world.events;
	if (n > size)
		n = size;
	memcpy(to, p->out.p + p->read, n);
	p->read += n;
	return (ssize_t)n;
}

void world_process_close(int fd)
{
	process_of_fd(fd)->open = false;
}

/* ---- signals, and the end of a process ---- */

int kill(pid_t pid, int sig)
{
	bool there = pid > 0 ? world_exists(pid, 0) : world_exists(0, -pid);

	/* Its number may be another's by now. */
	MUST(there || !sig);
	for (int i = 0; i < world.process_count && sig; i++)
		if (world.processes[i].pid == pid || world.processes[i].group == -pid)
			world_tell(&world.processes[i]);
	errno = ESRCH;
	return there ? 0 : -1;
}

void world_exit(struct process *p, int status)
{
	if (!p->alive)
		return;
	p->alive = false;
	p->eof = true;
	p->status = status;
	p->at = NEVER;
	p->zombie = !p->adopted;
	world.chld |= p->zombie;
	world.events++;
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	MUST(pid == -1 && options == WNOHANG);
	for (int i = 0; i < world.process_count; i++) {
		struct process *p = &world.processes[i];

		if (!p->zombie)
			continue;
		p->zombie = false;
		*status = p->status;
		return p->pid;
	}
	return 0;
}

struct process *world_help(const struct process *p)
{
	struct process *helper = world_new_process(WORK_HELP);

	if (!helper)
		return NULL;
	helper->group = p->group;
	helper->place = p->place;
	return helper;
}
