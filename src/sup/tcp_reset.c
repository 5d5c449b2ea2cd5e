#include "sup/tcp_reset.h"

#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <limits.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define TABLE_MAX (16 * 1024 * 1024)
#define SOCKETS_MAX 256 /* a driver keeps a few for each transfer */

struct own {
	unsigned long inodes[SOCKETS_MAX];
	size_t count;
};

/* The sockets of PID: "/proc/PID/fd/N" links to "socket:[INODE]" (proc_pid_fd(5)). */
static void find_own(pid_t pid, struct own *own)
{
	char path[64], to[64];
	const struct dirent *d;
	DIR *dir;

	text_fmt(path, sizeof path, "/proc/%ld/fd", (long)pid);
	dir = opendir(path);
	while (dir && own->count < SOCKETS_MAX && (d = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), d->d_name, to, sizeof to);
		struct span link = { to, n > 0 ? (size_t)n : 0 };

		if (span_starts(link, SPAN("socket:[")) &&
			span_number((struct span){ to + 8, link.n - 9 }, LONG_MAX, &own->inodes[own->count]))
			own->count++;
	}
	if (dir)
		closedir(dir);
}

static bool owns(const struct own *own, unsigned long inode)
{
	for (size_t i = 0; i < own->count; i++)
		if (own->inodes[i] == inode)
			return true;
	return false;
}

struct query {
	struct nlmsghdr head;
	struct inet_diag_req_v2 body;
};

static int ask(int fd, struct query *q, int type, int flags)
{
	q->head = (struct nlmsghdr){
		.nlmsg_len = sizeof *q, .nlmsg_type = (uint16_t)type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)
	};
	return send(fd, q, sizeof *q, 0) == sizeof *q ? 0 : -1;
}

/* The kernel's word on a message with NLM_F_ACK: 0, or a negative errno. */
static int acknowledged(int fd)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char copy[sizeof(struct query)];
	} answer;

	return recv(fd, &answer, sizeof answer, 0) >= (ssize_t)NLMSG_LENGTH(sizeof answer.error) ? answer.error.error : -1;
}

static int reset_connection(int fd, int family, const struct inet_diag_msg *found)
{
	struct query q = { .body = { .sdiag_family = (uint8_t)family, .sdiag_protocol = IPPROTO_TCP, .id = found->id } };

	return ask(fd, &q, SOCK_DESTROY, NLM_F_ACK) == 0 && acknowledged(fd) == 0;
}

/* All of FAMILY that OWN names: TABLE is where the kernel lists them, KNIFE where it is asked to end one. */
static int reset_family(int table, int killer, int family, const struct own *own)
{
	struct query q = { .body = { .sdiag_family = (uint8_t)family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0u } };
	_Alignas(struct nlmsghdr) char page[8192];
	int count = 0;
	ssize_t n;

	if (ask(table, &q, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP))
		return 0;
	while ((n = recv(table, page, sizeof page, 0)) > 0) {
		size_t left = (size_t)n;

		for (struct nlmsghdr *h = (struct nlmsghdr *)(void *)page; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			const struct inet_diag_msg *found = NLMSG_DATA(h);

			if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
				return count;
			if (owns(own, found->idiag_inode))
				count += reset_connection(killer, family, found);
		}
	}
	return count;
}

int tcp_reset_all(pid_t pid)
{
	int table = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	int killer = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	struct own own = { .count = 0 };
	int count = 0;

	find_own(pid, &own);
	if (table >= 0 && killer >= 0)
		count = reset_family(table, killer, AF_INET, &own) + reset_family(table, killer, AF_INET6, &own);
	if (table >= 0)
		close(table);
	if (killer >= 0)
		close(killer);
	return count;
}

/* "  0: 0100007F:1F90 0100007F:C3D8 01 …": the fourth field is the state, the tenth the inode (proc_pid_net(5)). */
static bool has_established(const char *table, const struct own *own)
{
	struct buf text = buf_heap(TABLE_MAX);
	struct span rest, line, field = { "", 0 };
	struct err unused;
	bool found = file_read(table, &text, &unused) < 0;

	for (rest = buf_all(&text); !found && span_cut(&rest, '\n', &line);) {
		bool established = false;
		unsigned long inode;

		for (int i = 1; i <= 10; i++) {
			line = span_trim(line);
			span_cut(&line, ' ', &field);
			established |= i == 4 && span_is(field, "01");
		}
		found = established && span_number(field, ULONG_MAX, &inode) && owns(own, inode);
	}
	buf_free(&text);
	return found;
}

bool tcp_any_established(pid_t pid)
{
	static const char *const tables[] = { "tcp", "tcp6" };
	struct own own = { .count = 0 };
	bool found = false;
	char path[64];

	find_own(pid, &own);
	for (size_t i = 0; i < sizeof tables / sizeof *tables && !found; i++) {
		text_fmt(path, sizeof path, "/proc/%ld/net/%s", (long)pid, tables[i]);
		found = has_established(path, &own);
	}
	return found;
}
