/* pidfile_test.c - which process is taken for the driver of an earlier supervisor (sup/pidfile.h): it, and no other that has its pid by now. */

#include "folder.h"

#include "sup/mount_new.h"
#include "sup/pidfile.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#define ID "0123456789abcdef0123456789abcdef"
#define PRINT "fedcba9876543210fedcba9876543210"
#define OTHER "00000000000000000000000000000000"

static struct run run;
static struct mount *m;
static pid_t process;

/* A process that leads a group, whose errors go to the file NAME. */
static pid_t start(const char *name)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);

		setsid();
		if (fd < 0 || dup2(fd, 2) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	return pid;
}

/* Until its errors go there: then it leads its group, too. */
static void await(pid_t pid, const char *name)
{
	struct stat its, file;
	char path[64];

	snprintf(path, sizeof path, "/proc/%ld/fd/2", (long)pid);
	while (stat(path, &its) || stat(name, &file) || its.st_ino != file.st_ino)
		usleep(1000);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int begin(void **state)
{
	struct plan_mount spec = { .target = "/m", .bucket = "b", .prefix = "p/", .type = PLAN_RCLONE };
	struct driver_job job = {
		.program = "/bin/rclone",
		.program_version = "",
		.config = "/c",
		.cache_dir = "/cache/" ID,
		.ca_cert = "",
		.helper_dir = "",
		.endpoint = "http://h",
		.region = "r",
		.provider = "Other",
		.addressing = "virtual",
	};
	struct err e;

	if (enter(state))
		return -1;
	snprintf(run.dir, sizeof run.dir, "%s", folder);
	m = mount_make(&run, &spec, &job, ID, &e);
	if (!m)
		return -1;
	memcpy(m->fingerprint, PRINT, sizeof PRINT);
	m->below_since = 12345;
	process = start(ID ".log");
	await(process, ID ".log");
	m->pid = process;
	return 0;
}

static int finish(void **state)
{
	end(process);
	m->pid = 0;
	mount_free(m);
	return leave(state);
}

static void assert_adopted(bool its_fingerprint)
{
	bool same = !its_fingerprint;

	m->pid = 0;
	assert_int_equal(pidfile_adopt(m, &same), 0);
	assert_int_equal(m->pid, process);
	assert_true(m->pidfd >= 0 && fcntl(m->pidfd, F_GETFD) == FD_CLOEXEC);
	assert_int_equal(same, its_fingerprint);
	close(m->pidfd);
	m->pidfd = -1;
}

static void assert_not_adopted(void)
{
	bool same = true;

	m->pid = 0;
	assert_int_equal(pidfile_adopt(m, &same), -1);
	assert_int_equal(m->pid, 0);
	assert_int_equal(m->pidfd, -1);
	assert_false(same);
}

static void a_driver_is_adopted(void **state)
{
	(void)state;
	pidfile_write(m);
	assert_adopted(true);
	memcpy(m->fingerprint, OTHER, sizeof OTHER);
	assert_adopted(false);
}

static void nobody_is_adopted_where_none_is_named(void **state)
{
	(void)state;
	assert_not_adopted();
	pidfile_write(m);
	assert_true(pidfile_exists(&run, ID));
	/* One that was killed, or never came so far, leaves its socket too. */
	put_str("0123456.rc", "");
	pidfile_remove(m);
	assert_false(pidfile_exists(&run, ID));
	assert_int_equal(access("0123456.rc", F_OK), -1);
	assert_not_adopted();
}

/* Its pid is another's by now. */
static void a_process_with_other_errors_is_none(void **state)
{
	pid_t other = start("other.log");

	(void)state;
	await(other, "other.log");
	m->pid = other;
	pidfile_write(m);
	assert_not_adopted();
	pidfile_kill(m);
	assert_int_equal(kill(other, 0), 0);
	assert_int_equal(waitpid(other, NULL, WNOHANG), 0);
	m->pid = getpid();
	pidfile_write(m);
	assert_not_adopted();
	pidfile_kill(m);
	end(other);
}

static void a_log_in_the_place_of_its_log_is_none(void **state)
{
	(void)state;
	pidfile_write(m);
	assert_int_equal(rename(ID ".log", ID ".log.1"), 0);
	assert_not_adopted();
	put_str(ID ".log", "");
	assert_not_adopted();
}

static void one_that_has_ended_is_none(void **state)
{
	pid_t driver = start(ID ".log");

	(void)state;
	await(driver, ID ".log");
	m->pid = driver;
	pidfile_write(m);
	end(driver);
	assert_not_adopted();
}

static void what_is_no_such_file_names_nobody(void **state)
{
	static const char *const files[] = { "", "%ld", "%ld " PRINT, "%ld " PRINT " ", "%ld " PRINT "0 1\n", "%ld short 1\n",
		"%ldx " PRINT " 1\n", "-%ld " PRINT " 1\n", " %ld " PRINT " 1\n", "%ld " PRINT " x\n",
		"1%ld0000000000 " PRINT " 1\n", "0 " PRINT " 1\n", "1 " PRINT " 1\n" };
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		const char *at = strstr(files[i], "%ld");

		snprintf(text, sizeof text, "%.*s%ld%s", (int)(at ? at - files[i] : 0), files[i], (long)process,
			at ? at + 3 : files[i]);
		put_str(ID ".driver", at ? text : files[i]);
		assert_not_adopted();
	}
}

static void it_is_killed_and_nobody_else(void **state)
{
	pid_t driver = start(ID ".log"), neighbour;
	int status;

	(void)state;
	await(driver, ID ".log");
	neighbour = start("neighbour.log");
	await(neighbour, "neighbour.log");
	m->pid = driver;
	pidfile_write(m);
	pidfile_kill(m);
	assert_int_equal(waitpid(driver, &status, 0), driver);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(waitpid(neighbour, NULL, WNOHANG), 0);
	end(neighbour);
}

static void a_mount_is_read_from_it(void **state)
{
	struct mount *read;

	(void)state;
	pidfile_write(m);
	read = pidfile_mount(&run, ID ".driver");
	assert_non_null(read);
	assert_string_equal(read->id, ID);
	assert_string_equal(read->fingerprint, PRINT);
	assert_string_equal(read->spec.target, "/m");
	assert_string_equal(read->spec.prefix, "p/");
	assert_string_equal(read->job.cache_dir, "/cache/" ID);
	assert_string_equal(read->job.addressing, "virtual");
	assert_int_equal(read->below_since, 12345);
	assert_int_equal(read->state, MOUNT_DOWN);
	assert_int_equal(read->goal, GOAL_UP);
	mount_free(read);
	/* It does not run. */
	assert_int_equal(unlink(ID ".log"), 0);
	read = pidfile_mount(&run, ID ".driver");
	assert_non_null(read);
	assert_int_equal(read->goal, GOAL_DOWN);
	mount_free(read);
}

static void no_mount_is_read_from_other_files(void **state)
{
	static const char *const names[] = { "log", ID ".log", ID, "x" ID ".driver", ID ".drive" };

	(void)state;
	pidfile_write(m);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (i != 1)
			assert_int_equal(link(ID ".driver", names[i]), 0);
		assert_null(pidfile_mount(&run, names[i]));
	}
	assert_null(pidfile_mount(&run, OTHER ".driver"));
	put_str(OTHER ".driver", "2 " PRINT " 0\n");
	assert_null(pidfile_mount(&run, OTHER ".driver"));
	put_str(OTHER ".driver", "2 " PRINT " 0\nabcd=x");
	assert_null(pidfile_mount(&run, OTHER ".driver"));
}

/* It holds no secret, and is nobody else's. */
static void it_is_private(void **state)
{
	struct stat st;

	(void)state;
	pidfile_write(m);
	assert_int_equal(stat(ID ".driver", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(unlink(ID ".driver"), 0);
	put_str("planted", "");
	assert_int_equal(symlink("planted", ID ".driver"), 0);
	pidfile_write(m);
	assert_int_equal(stat("planted", &st), 0);
	assert_int_equal(st.st_size, 0);
}

#define alone(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		alone(a_driver_is_adopted),
		alone(nobody_is_adopted_where_none_is_named),
		alone(a_process_with_other_errors_is_none),
		alone(a_log_in_the_place_of_its_log_is_none),
		alone(one_that_has_ended_is_none),
		alone(what_is_no_such_file_names_nobody),
		alone(it_is_killed_and_nobody_else),
		alone(a_mount_is_read_from_it),
		alone(no_mount_is_read_from_other_files),
		alone(it_is_private),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
