#include "mnt/users.h"

#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

/* Of a line of proc_pid_maps(5): the path follows five fields, from the first slash on. */
static struct span mapped_path(struct span line)
{
	const char *slash = memchr(line.p, '/', line.n);

	return slash ? (struct span){ slash, line.n - (size_t)(slash - line.p) } : SPAN("");
}

typedef bool mapping_fn(const char *process, struct span line);

/* Calls FN for each mapping of a file at PATH or below, until it returns true. Returns that, or whether there may be one that cannot be seen. */
static bool find_mapping(const char *process, const char *path, mapping_fn *fn)
{
	char name[PATH_MAX];
	struct buf text = buf_heap(MAPS_MAX);
	struct span rest, line;
	bool found = false;
	struct err unused;

	text_fmt(name, sizeof name, "%s/maps", process);
	if (file_read(name, &text, &unused) < 0)
		found = may_be_in_use();
	for (rest = buf_all(&text); !found && span_cut(&rest, '\n', &line);)
		found = is_path_below(mapped_path(line), path) && fn(process, line);
	buf_free(&text);
	return found;
}

static bool any_mapping(const char *process, struct span line)
{
	(void)process;
	return line.n > 0;
}

/* By the kernel's link to the mapped file, which needs a capability, or else by its path. */
static int open_mapped(const char *process, struct span range, struct span path)
{
	char name[PATH_MAX];
	int fd;

	text_fmt(name, sizeof name, "%s/map_files/%.*s", process, (int)range.n, range.p);
	fd = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 || path.n >= sizeof name)
		return fd;
	text_fmt(name, sizeof name, "%.*s", (int)path.n, path.p);
	return open(name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
}

/* fsync(2) waits until the driver has each page; syncfs(2) on a FUSE file system has only sent them. */
static bool sync_mapping(const char *process, struct span line)
{
	struct span path = mapped_path(line), range, rights;
	int fd;

	span_cut(&line, ' ', &range);
	span_cut(&line, ' ', &rights);
	if (rights.n < 4 || rights.p[3] != 's')
		return false;
	fd = open_mapped(process, range, path);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	return false;
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
	       find_mapping(process, path, any_mapping);
}

static void sync_all(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	syncfs(fd);
	close(fd);
}

void mnt_sync(const char *path)
{
	DIR *d = opendir("/proc");
	const struct dirent *entry;
	char process[PATH_MAX];
	unsigned long pid;

	sync_all(path);
	while (d && (entry = readdir(d))) {
		if (!span_number(span_of(entry->d_name), INT_MAX, &pid))
			continue;
		text_fmt(process, sizeof process, "/proc/%lu", pid);
		find_mapping(process, path, sync_mapping);
	}
	if (d)
		closedir(d);
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
