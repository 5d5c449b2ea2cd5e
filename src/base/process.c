#include "base/process.h"

#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define KERNEL_THREAD 0x00200000 /* PF_KTHREAD in the field "flags" */
#define STAT_MAX 8192		 /* read in one step */

/* "PID (NAME) STATE PARENT GROUP SESSION TTY TTYGROUP FLAGS …"; a name may hold blanks and parentheses. */
bool process_parse(struct process *p, struct span stat)
{
	unsigned long n[2] = { 0, 0 }, pid;
	struct span word, state, rest;
	const char *end = NULL;

	for (size_t i = 0; i < stat.n; i++)
		end = stat.p[i] == ')' ? stat.p + i : end;
	if (!span_cut(&stat, ' ', &word) || !span_number(word, INT_MAX, &pid) || !end || end + 2 > stat.p + stat.n)
		return false;
	rest = (struct span){ end + 2, (size_t)(stat.p + stat.n - end) - 2 };
	if (!span_cut(&rest, ' ', &state) || !span_cut(&rest, ' ', &word) || !span_number(word, INT_MAX, &n[0]))
		return false;
	for (int skip = 0; skip < 4; skip++)
		if (!span_cut(&rest, ' ', &word))
			return false;
	if (!span_cut(&rest, ' ', &word) || !span_number(word, UINT_MAX, &n[1]))
		return false;
	*p = (struct process){
		.pid = (pid_t)pid,
		.parent = (pid_t)n[0],
		.stopped = span_is(state, "T") || span_is(state, "t"),
		.ended = span_is(state, "Z") || span_is(state, "X"),
		.kernel = (n[1] & KERNEL_THREAD) != 0,
	};
	return true;
}

/* False: it has ended meanwhile. */
static bool read_process(struct process *p, const char *pid)
{
	char path[64], mem[STAT_MAX];
	struct buf text = buf_over(mem, sizeof mem);
	struct err unused;

	text_fmt(path, sizeof path, "/proc/%s/stat", pid);
	return file_read(path, &text, &unused) == 0 && process_parse(p, buf_all(&text));
}

static bool is_our_proc(void)
{
	char self[24], is[24];
	ssize_t n = readlink("/proc/self", self, sizeof self);

	text_fmt(is, sizeof is, "%ld", (long)getpid());
	return n > 0 && span_is((struct span){ self, (size_t)n }, is);
}

static int add_process(struct process_table *t, size_t *room, const struct process *p)
{
	if (t->count == *room) {
		struct process *more = realloc(t->list, (*room = *room ? *room * 2 : 64) * sizeof *more);

		if (!more)
			return -1;
		t->list = more;
	}
	t->list[t->count++] = *p;
	return 0;
}

static int by_pid(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

int process_table_read(struct process_table *t)
{
	const struct dirent *entry;
	struct process p;
	size_t room = 0;
	DIR *d;

	*t = (struct process_table){ .list = NULL };
	if (!is_our_proc()) {
		errno = ESRCH;
		return -1;
	}
	if (!(d = opendir("/proc")))
		return -1;
	while ((entry = readdir(d)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && read_process(&p, entry->d_name) &&
			add_process(t, &room, &p)) {
			process_table_free(t);
			closedir(d);
			errno = ENOMEM;
			return -1;
		}
	closedir(d);
	if (t->count)
		qsort(t->list, t->count, sizeof *t->list, by_pid);
	return 0;
}

void process_table_free(struct process_table *t)
{
	free(t->list);
	*t = (struct process_table){ .list = NULL };
}

const struct process *process_find(const struct process_table *t, pid_t pid)
{
	const struct process key = { .pid = pid };

	return t->count ? bsearch(&key, t->list, t->count, sizeof key, by_pid) : NULL;
}

bool process_descends(const struct process_table *t, pid_t pid, pid_t ancestor)
{
	/* What was read while numbers were reused might hold a loop. */
	for (size_t steps = 0; pid != ancestor && steps <= t->count; steps++) {
		const struct process *p = process_find(t, pid);

		if (!p || !p->parent)
			return false;
		pid = p->parent;
	}
	return pid == ancestor;
}

void process_name(char out[PROCESS_NAME], pid_t pid)
{
	struct buf text = buf_over(out, PROCESS_NAME);
	char path[64];
	struct err unused;

	text_fmt(path, sizeof path, "/proc/%ld/comm", (long)pid);
	if (file_read(path, &text, &unused) || !text.len)
		buf_str(&text, "?");
	if (text.len && out[text.len - 1] == '\n')
		out[text.len - 1] = 0;
	text_sanitize(out);
}
