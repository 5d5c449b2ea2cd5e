/* confine_test.c - what a process can no longer do once it has given it up: each is looked at in a child, by the kernel's word. */

#include "base/confine.h"

#include "base/span.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define BIT(cap) (1ull << (cap))
#define SEARCH (BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH))

#ifdef __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#else
#define ARCH AUDIT_ARCH_AARCH64
#endif

/* What LOOK returns, in a child: the kernel takes nothing back. */
static int in_child(int (*look)(void))
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0)
		syscall(SYS_exit_group, look()); /* _exit(3) of the sanitizers needs more than is left */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* A line of /proc/self/status, as a number. */
static unsigned long long status_of(const char *name, int base)
{
	char text[8192] = "";
	FILE *f = fopen("/proc/self/status", "r");
	const char *line;

	if (f && fread(text, 1, sizeof text - 1, f) > 0)
		fclose(f);
	line = strstr(text, name);
	return line ? strtoull(line + strlen(name) + 1, NULL, base) : ~0ull;
}

/* As a program is started that its caller wants to have them all. */
static void make_inheritable(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct have[_LINUX_CAPABILITY_U32S_3];

	syscall(SYS_capget, &head, have);
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		have[i].inheritable = have[i].permitted;
	syscall(SYS_capset, &head, have);
}

/* The first line that does not tell of these capabilities alone; 0: all do. */
static int differs_from(unsigned long long keep)
{
	static const char *const sets[] = { "CapPrm", "CapEff", "CapBnd" };

	for (int i = 0; i < (int)COUNT(sets); i++)
		if (status_of(sets[i], 16) != keep)
			return i + 1;
	if (status_of("CapInh", 16))
		return 10;
	return status_of("NoNewPrivs", 10) != 1 ? 11 : 0;
}

static int look_search(void)
{
	make_inheritable();
	confine_search();
	return differs_from(SEARCH);
}

static int look_mount(void)
{
	confine_mount();
	return differs_from(SEARCH | BIT(CAP_SYS_ADMIN));
}

static int look_network(void)
{
	confine_network();
	return differs_from(0);
}

static int look_unconfined(void)
{
	make_inheritable();
	return status_of("CapInh", 16) & status_of("CapEff", 16) & BIT(CAP_SYS_ADMIN) ? 0 : 1;
}

static void test_capabilities(void **state)
{
	(void)state;
	assert_int_equal(in_child(look_unconfined), 0); /* else the rest proves nothing */
	assert_int_equal(in_child(look_search), 0);
	assert_int_equal(in_child(look_mount), 0);
	assert_int_equal(in_child(look_network), 0);
}

/* Runs the filter as the kernel does (only what it is made of). */
static unsigned answer_to(unsigned arch, unsigned nr)
{
	struct sock_filter code[CONFINE_FILTER_MAX];
	size_t n = confine_network_filter(code);
	unsigned a = 0;

	assert_true(n <= CONFINE_FILTER_MAX);
	for (size_t i = 0; i < n; i++) {
		if (code[i].code == (BPF_LD | BPF_W | BPF_ABS))
			a = code[i].k == offsetof(struct seccomp_data, nr) ? nr : arch;
		else if (code[i].code == (BPF_JMP | BPF_JEQ | BPF_K))
			i += a == code[i].k ? code[i].jt : code[i].jf;
		else if (code[i].code == (BPF_RET | BPF_K))
			return code[i].k;
		else
			fail_msg("instruction %zu: %x", i, code[i].code);
	}
	fail_msg("the filter has no end");
	return 0;
}

#define REFUSED (SECCOMP_RET_ERRNO | EPERM)

/* Another program, another process, another's rights, the mounts, the kernel: whoever takes over the process wants one of these. */
static const unsigned refused[] = { SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_writev, SYS_process_vm_readv,
	SYS_mount, SYS_umount2, SYS_pivot_root, SYS_unshare, SYS_setns, SYS_bpf, SYS_keyctl, SYS_init_module, SYS_kexec_load,
	SYS_reboot, SYS_setuid, SYS_capset, SYS_unlinkat, SYS_renameat2, SYS_linkat, SYS_symlinkat, SYS_mkdirat, SYS_fchmodat,
	SYS_fchownat, SYS_listen, SYS_accept4, SYS_memfd_create, SYS_userfaultfd, SYS_perf_event_open, SYS_pidfd_getfd,
	SYS_clone3 };

static const unsigned allowed[] = {
#ifdef __x86_64__
	SYS_open, SYS_stat, SYS_poll, SYS_fork,
#endif
	SYS_newfstatat, SYS_read, SYS_write, SYS_openat, SYS_socket, SYS_connect, SYS_sendto, SYS_recvfrom, SYS_mmap, SYS_clone,
	SYS_wait4, SYS_kill, SYS_getrandom, SYS_clock_gettime, SYS_futex, SYS_exit_group, SYS_ppoll
};

static void test_calls(void **state)
{
	size_t open = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++)
		assert_int_equal(answer_to(ARCH, refused[i]), REFUSED);
	for (size_t i = 0; i < COUNT(allowed); i++)
		assert_int_equal(answer_to(ARCH, allowed[i]), SECCOMP_RET_ALLOW);
	for (unsigned nr = 0; nr < 1000; nr++)
		open += answer_to(ARCH, nr) == SECCOMP_RET_ALLOW;
	assert_in_range(open, COUNT(allowed), 80);
}

/* Numbers mean other calls there: read(2) of x86_64 is restart_syscall(2) of i386, and x32 has a bit of its own. */
static void test_other_architectures(void **state)
{
	static const unsigned others[] = { AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_RISCV64 };

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++)
		for (unsigned nr = 0; nr < 1000; nr++)
			assert_int_equal(answer_to(others[i], nr), REFUSED);
	for (size_t i = 0; i < COUNT(allowed); i++)
		assert_int_equal(answer_to(ARCH, allowed[i] | 0x40000000), REFUSED);
}

static int look_filtered(void)
{
	struct sock_filter code[CONFINE_FILTER_MAX];
	struct sock_fprog program = { .len = (unsigned short)confine_network_filter(code), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0))
		return 1;
	if (syscall(SYS_umount2, "/nonexistent", 0) != -1 || errno != EPERM)
		return 2;
	if (syscall(SYS_execve, "/nonexistent", NULL, NULL) != -1 || errno != EPERM)
		return 3;
	return syscall(SYS_getppid) > 0 && syscall(SYS_read, -1, NULL, 0) == -1 && errno == EBADF ? 0 : 4;
}

static void test_the_kernel_takes_the_filter(void **state)
{
	(void)state;
	assert_int_equal(in_child(look_filtered), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_other_architectures),
		cmocka_unit_test(test_the_kernel_takes_the_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
