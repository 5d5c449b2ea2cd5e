#include "mnt/users.h"

#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define MAPS_MAX (16 * 1024 * 1024)

static bool is_path_below(struct span s, const char *path)
{
	size_t n = strlen(path);

	return s.n >= n && memcmp(s.p, path, n) == 0 && (s.n == n || s.p[n] == '/' || s.p[n] == ' ');
}

/* After a failed look at a process: one that has just exited uses nothing. */
static bool may_be_in_use(void)
{
	return errno != ENOENT && errno != ESRCH && geteuid() != 0;
}

static bool link_leads_below(const char *link, const char *path)
{
	char to[PATH_MAX];
	ssize_t n = readlink(link, to, sizeof to);

	return n < 0 ? may_be_in_use() : is_path_below((struct span){ to, (size_t)n }, path);
}

static bool has_open_file(const char *process, const char *path)
{
	char name[PATH_MAX];
	const struct dirent *entry;
	bool found = false;
	DIR *d;

	text_fmt(name, sizeof name, "%s/fd", process);
	d = opendir(name);
	if (!d)
		return may_be_in_use();
	while (!found && (entry = readdir(d))) {
		text_fmt(name, sizeof name, "%s/fd/%s", process, entry->d_name);
		found = entry->d_name[0] != '.' && link_leads_below(name, path);
	}
	closedir(d);
	return found;
}

/* The path follows five fields, from the first slash of the line on. */
static bool has_mapped_file(const char *process, const char *path)
{
	char name[PATH_MAX];
	struct buf text = buf_heap(MAPS_MAX);
	struct span rest, line;
	bool found = false;
	struct err unused;

	text_fmt(name, sizeof name, "%s/maps", process);
	if (file_read(name, &text, &unused) < 0)
		found = may_be_in_use();
	for (rest = buf_all(&text); !found && span_cut(&rest, '\n', &line);) {
		const char *slash = memchr(line.p, '/', line.n);

		found = slash && is_path_below((struct span){ slash, line.n - (size_t)(slash - line.p) }, path);
	}
	buf_free(&text);
	return found;
}

/* Field 4 of proc_pid_stat(5), after the name in parentheses, which may hold anything. */
static pid_t parent_pid(const char *process)
{
	char name[PATH_MAX], mem[1024];
	struct buf text = buf_over(mem, sizeof mem);
	const char *end;
	struct err unused;

	text_fmt(name, sizeof name, "%s/stat", process);
	if (file_read(name, &text, &unused) || !(end = strrchr(mem, ')')) || strlen(end) < 4)
		return -1;
	return (pid_t)atoi(end + 4);
}

static bool process_uses(const char *process, const char *path)
{
	char cwd[PATH_MAX], root[PATH_MAX];

	text_fmt(cwd, sizeof cwd, "%s/cwd", process);
	text_fmt(root, sizeof root, "%s/root", process);
	return link_leads_below(cwd, path) || link_leads_below(root, path) || has_open_file(process, path) ||
	       has_mapped_file(process, path);
}

bool mnt_in_use(const char *path, pid_t parent)
{
	DIR *d = opendir("/proc");
	const struct dirent *entry;
	bool used = !d;

	while (!used && (entry = readdir(d))) {
		char process[PATH_MAX];
		unsigned long pid;

		if (!span_number(span_of(entry->d_name), INT_MAX, &pid))
			continue;
		text_fmt(process, sizeof process, "/proc/%lu", pid);
		used = (pid_t)pid != parent && parent_pid(process) != parent && process_uses(process, path);
	}
	if (d)
		closedir(d);
	return used;
}
