#include "base/confine.h"

#include "base/caps.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SEARCH (CAPS_BIT(CAP_DAC_OVERRIDE) | CAPS_BIT(CAP_DAC_READ_SEARCH))

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

static void keep_capabilities(uint64_t keep)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	caps_keep(keep);
}

void confine_search(void)
{
	keep_capabilities(SEARCH);
}

void confine_mount(void)
{
	keep_capabilities(SEARCH | CAPS_BIT(CAP_SYS_ADMIN));
}

/* Called by the C library's resolver, our sockets and base/task.h. */
static const uint16_t network_calls[] = {
#ifdef __x86_64__
	SYS_open,
	SYS_stat,
	SYS_lstat,
	SYS_access,
	SYS_readlink,
	SYS_poll,
	SYS_fork,
	SYS_time,
	SYS_newfstatat,
#else
	SYS_newfstatat,
#endif
	SYS_read,
	SYS_write,
	SYS_readv,
	SYS_writev,
	SYS_pread64,
	SYS_openat,
	SYS_close,
	SYS_fstat,
	SYS_lseek,
	SYS_readlinkat,
	SYS_faccessat,
	SYS_fcntl,
	SYS_ioctl,
	SYS_ppoll,
	SYS_socket,
	SYS_socketpair,
	SYS_connect,
	SYS_bind,
	SYS_getsockname,
	SYS_getpeername,
	SYS_setsockopt,
	SYS_getsockopt,
	SYS_sendto,
	SYS_sendmsg,
	SYS_recvfrom,
	SYS_recvmsg,
	SYS_shutdown,
	SYS_mmap,
	SYS_munmap,
	SYS_mprotect,
	SYS_mremap,
	SYS_madvise,
	SYS_brk,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_clone,
	SYS_wait4,
	SYS_kill,
	SYS_tkill,
	SYS_getpid,
	SYS_getppid,
	SYS_gettid,
	SYS_geteuid,
	SYS_set_tid_address,
	SYS_prctl,
	SYS_getrandom,
	SYS_clock_gettime,
	SYS_gettimeofday,
	SYS_nanosleep,
	SYS_clock_nanosleep,
	SYS_futex,
	SYS_restart_syscall,
	SYS_exit,
	SYS_exit_group,
};

#define CALLS (sizeof network_calls / sizeof *network_calls)

#define LOAD(member) ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member)))
#define SKIP_UNLESS(value, n) ((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (n)))
#define ANSWER(what) ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (what)))

_Static_assert(4 + 2 * CALLS <= CONFINE_FILTER_MAX, "room for the filter");

size_t confine_network_filter(struct sock_filter *code)
{
	struct sock_filter *p = code;

	*p++ = LOAD(arch);
	*p++ = SKIP_UNLESS(ARCH, 1);
	*p++ = LOAD(nr);
	for (size_t i = 0; i < CALLS; i++) {
		*p++ = SKIP_UNLESS(network_calls[i], 1);
		*p++ = ANSWER(SECCOMP_RET_ALLOW);
	}
	*p++ = ANSWER(SECCOMP_RET_ERRNO | EPERM);
	return (size_t)(p - code);
}

void confine_network(void)
{
	keep_capabilities(0);
#ifndef __SANITIZE_ADDRESS__ /* it needs more system calls than the program does */
	struct sock_filter code[CONFINE_FILTER_MAX];
	struct sock_fprog program = { .len = (unsigned short)confine_network_filter(code), .filter = code };

	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
#endif
}
