#include "cmd/remaining.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_MS 20  /* nobody is told of the end of a process that is no child */
#define NAMED_MAX 8 /* in a message */

void spared_add(struct spared *s, pid_t pid)
{
	pid_t *list = pid > 0 ? arena_grow(&s->mem, s->list, s->count, sizeof *list) : NULL;

	if (!list)
		return;
	s->list = list;
	s->list[s->count++] = pid;
}

void spared_free(struct spared *s)
{
	arena_free(&s->mem);
	*s = (struct spared){ .list = NULL };
}

static bool is_spared(const struct process_table *t, const struct spared *s, pid_t pid)
{
	for (size_t i = 0; i < s->count; i++)
		if (process_descends(t, pid, s->list[i]))
			return true;
	return false;
}

static bool is_remaining(const struct process_table *t, const struct spared *s, const struct process *p)
{
	pid_t self = getpid();

	if (p->ended || p->kernel || p->pid == self || is_spared(t, s, p->pid))
		return false;
	return self == 1 || process_descends(t, p->pid, self);
}

bool remaining_any(const struct spared *s)
{
	struct process_table t;
	bool any = false;

	if (process_table_read(&t))
		return true;
	for (size_t i = 0; i < t.count && !any; i++)
		any = is_remaining(&t, s, &t.list[i]);
	process_table_free(&t);
	return any;
}

/* One step of the end. */
struct ending {
	const struct spared *spared;
	struct spared told;	/* have got SIGTERM */
	struct spared killed;	/* SIGKILL */
	struct spared stubborn; /* may not be sent a signal */
};

static bool has_pid(const struct spared *s, pid_t pid)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->list[i] == pid)
			return true;
	return false;
}

/* Each once: many programs take a second SIGTERM for another word than the first. */
static void signal_once(struct ending *e, struct spared *got, pid_t pid, int sig)
{
	if (has_pid(got, pid))
		return;
	if (kill(pid, sig) == 0)
		spared_add(got, pid);
	else if (errno != ESRCH)
		spared_add(&e->stubborn, pid);
	if (sig == SIGTERM)
		kill(pid, SIGCONT);
}

/* True while somebody is left who may still end. */
static bool signal_remaining(struct ending *e, bool term)
{
	struct process_table t;
	bool any = false;

	if (process_table_read(&t))
		return false;
	for (size_t i = 0; i < t.count; i++) {
		pid_t pid = t.list[i].pid;

		if (!is_remaining(&t, e->spared, &t.list[i]) || has_pid(&e->stubborn, pid))
			continue;
		signal_once(e, term ? &e->told : &e->killed, pid, term ? SIGTERM : SIGKILL);
		any = true;
	}
	process_table_free(&t);
	return any;
}

/* Whoever waits for LOOK_MS for a process needs not care who it was. */
static void reap_all(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static bool wait_for_end(struct ending *e, bool term, int64_t deadline)
{
	while (signal_remaining(e, term)) {
		if (!clock_left(deadline))
			return false;
		poll(NULL, 0, LOOK_MS);
		reap_all();
	}
	return true;
}

/* " NAME (PID), NAME (PID), … and N more" of those who are still there. */
static void add_names(struct buf *b, const struct process_table *t, const struct spared *s)
{
	char name[PROCESS_NAME];
	size_t named = 0, more = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct process *p = process_find(t, s->list[i]);

		if (!p || p->ended)
			continue;
		process_name(name, p->pid);
		if (named++ < NAMED_MAX)
			buf_fmt(b, "%s %s (pid %ld)", named > 1 ? "," : "", name, (long)p->pid);
		else
			more++;
	}
	if (more)
		buf_fmt(b, ", and %zu more", more);
}

static void tell(const char *command, const struct spared *who, const char *what, const char *why)
{
	char mem[600];
	struct buf b = buf_over(mem, sizeof mem);
	struct process_table t;

	if (process_table_read(&t))
		return;
	add_names(&b, &t, who);
	process_table_free(&t);
	if (b.len)
		text_print(2, "s3mounts: %s: %s:%s%s\n", command, what, mem, why);
}

void remaining_end(const char *command, const struct spared *s, int term_ms, int kill_ms)
{
	struct ending e = { .spared = s };

	if (!wait_for_end(&e, true, clock_ms() + term_ms)) {
		tell(command, &e.told, "left behind by the command and not ended by SIGTERM", ": killed");
		if (!wait_for_end(&e, false, clock_ms() + kill_ms))
			tell(command, &e.killed, "not ended by SIGKILL", "");
	}
	tell(command, &e.stubborn, "left behind by the command, and not this user's to end", ": still there");
	spared_free(&e.told);
	spared_free(&e.killed);
	spared_free(&e.stubborn);
}
