"""test_run_container.py - `s3mounts run -- /app` as the first process of a container FROM scratch: no shell, no init but us."""

import time

import pytest

from support import proc, procfs

# Writes a file, waits for SIGTERM or SIGUSR1, leaves an orphan behind, writes another file, and exits with 5.
APP = r"""
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put(const char *name)
{
	char path[500];
	int fd;

	snprintf(path, sizeof path, "/mnt/r2/threads/%s/%s", getenv("THREAD_ID"), name);
	fd = open(path, O_CREAT | O_WRONLY, 0666);
	if (fd < 0 || write(fd, name, strlen(name)) < 0 || close(fd))
		_exit(99);
}

/* Ends of nothing but SIGKILL, with a file that is open; so does a daemon of its own, which writes on and on. */
static void be_stubborn(void)
{
	char path[500];
	int fd;

	signal(SIGTERM, SIG_IGN);
	snprintf(path, sizeof path, "/mnt/r2/threads/%s/%s", getenv("THREAD_ID"), fork() ? "app" : "daemon");
	if (strstr(path, "daemon"))
		setsid();
	fd = open(path, O_CREAT | O_WRONLY, 0666);
	if (fd < 0 || write(fd, "open", 4) != 4)
		_exit(99);
	if (!strstr(path, "daemon")) {
		printf("app is ready\n");
		fflush(stdout);
	}
	for (;; usleep(50000))
		if (strstr(path, "daemon") && write(fd, ".", 1) != 1)
			_exit(98);
}

int main(int argc, char **argv)
{
	sigset_t set;
	int number;

	(void)argc;
	if (strcmp(argv[1], "stubborn") == 0)
		be_stubborn();
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	put("first");
	printf("app %s is ready, secret %s\n", argv[1], getenv("S3_ACCESS_SECRET") ? "there" : "absent");
	fflush(stdout);
	if (fork() == 0) {
		if (fork() == 0)
			usleep(200000);
		_exit(0);
	}
	sigwait(&set, &number);
	put("last");
	return number == SIGTERM ? 5 : 0;
}
"""


@pytest.fixture
def app(engine, binary, server, architecture):
    """Starts it with the words as arguments of `run`; gives the container once /app has spoken, or has ended."""
    program, image = engine.program("app", APP), engine.image(f"s3mounts-run-{architecture}", binary, True)
    made = []

    def start(*options, env=None, word="one"):
        given = {**server.environment(), "THREAD_ID": f"run-{time.monotonic_ns()}", "USER_ID": "u", **(env or {})}
        command = ["s3mounts", "run", *options, "/app", word]
        one = engine.container(image, f"--volume={program}:/app:ro", env=given, command=command)
        made.append(one)
        proc.wait_for(lambda: "is ready" in one.logs() or one.state("Running") == "false", 30, "the app")
        return one
    yield start
    for one in made:
        one.remove()


def stored(server, container, name):
    return server.client().get_object(Bucket=server.bucket, Key=f"threads/{container.env['THREAD_ID']}/{name}")["Body"].read()


@pytest.mark.both
def test_stopped_by_the_engine(app, server):
    container = app()
    assert "app one is ready, secret absent" in container.logs() and "3 of 3 mounts up" in container.logs()
    assert len([m for m in procfs.mounts("/", container.pid) if m[1] == "fuse.rclone"]) == 3
    begin = time.monotonic()
    assert container.stop(30) == 5
    assert time.monotonic() - begin < 20, "it was killed"
    assert (stored(server, container, "first"), stored(server, container, "last")) == (b"first", b"last")


def test_who_ignores_sigterm_is_killed_and_flushed_before_the_engine_kills_all(app, server):
    """CMD after a third of the time, its daemon after a sixth more; what both had open is in S3."""
    container = app("--stop-timeout=6", word="stubborn")
    begin = time.monotonic()
    assert container.stop(30) == 137
    assert time.monotonic() - begin < 20, "it was killed with all of it"
    logs = container.logs()
    assert "app (pid " in logs and "2000 ms after SIGTERM, a third of --stop-timeout: killed" in logs, logs
    assert "left behind by the command and not ended by SIGTERM: app (pid " in logs and "not in S3" not in logs, logs
    assert stored(server, container, "app") == b"open" and stored(server, container, "daemon").startswith(b"open.")


def test_it_has_no_zombie_and_serves_the_other_commands(app):
    container = app()
    time.sleep(0.5)
    here = [pid for pid in procfs.processes() if procfs.parent(pid) == container.pid]
    assert here and "Z" not in map(procfs.state, here)
    for command in (["status"], ["flush"], ["ready", "--mounted"]):
        done = container.exec("/usr/bin/s3mounts", *command)
        assert done.returncode == 0, done
    assert container.exec("/usr/bin/s3mounts", "down").returncode == 0
    assert container.state("Running") == "true", "down ended the container"


def test_it_ends_with_cmd(app, server):
    container = app("--user=65534")
    container.engine.podman("kill", "--signal", "USR1", container.id)
    proc.wait_for(lambda: container.state("Running") == "false", 20, "its end")
    assert container.state("ExitCode") == "0" and stored(server, container, "last") == b"last"


def test_a_wrong_secret_is_the_containers_end(app):
    container = app(env={"S3_ACCESS_SECRET": "wrong-wrong-wrong"})
    assert container.state("ExitCode") == "4" and "is ready" not in container.logs()
    assert "the secret key does not belong to this key id" in container.logs()
