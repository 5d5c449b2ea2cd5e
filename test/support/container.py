"""
container.py - containers whose image is FROM scratch: s3mounts and nothing else, or rclone with the libraries that it loads beside it.

Podman with runc, its storage in a folder of the tests' own. A container's first process is a program of ours that waits and reaps; it
comes in as a volume, so that the image stays what it is.
"""

import os
import pathlib
import shutil
import subprocess

from support import proc

INIT = r"""
#include <signal.h>
#include <unistd.h>
int main(void)
{
	signal(SIGCHLD, SIG_IGN);
	for (;;)
		pause();
}
"""

ENGINE = """\
[containers]
default_ulimits = []
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


class Engine:
    """Builds images and runs containers; close() removes them and the storage."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        (self.folder / "containers.conf").write_text(ENGINE)
        self.env = {**os.environ, "CONTAINERS_CONF": str(self.folder / "containers.conf")}
        self.init = self.program("init", INIT)
        self.containers = []

    def program(self, name, source):
        """A static program made of the C text SOURCE, to be brought into a container as a volume."""
        made = self.folder / name
        made.with_suffix(".c").write_text(source)
        proc.run(["gcc", "-static", "-Os", "-o", made, made.with_suffix(".c")])
        return made

    def argv(self, *argv):
        return ["podman", "--root", self.folder / "storage", "--runroot", self.folder / "runroot", "--storage-driver", "vfs",
                "--runtime", "runc", *argv]

    def podman(self, *argv, **more):
        return proc.run(self.argv(*argv), **{"env": self.env, **more})

    def image(self, name, binary, with_rclone):
        """Makes the image NAME with BINARY as /usr/bin/s3mounts."""
        tree = self.folder / name
        files = {"/usr/bin/s3mounts": str(binary)}
        if with_rclone:
            files.update(rclone_files())
        for inside, outside in files.items():
            place = tree / "files" / inside[1:]
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(outside, place)
        (tree / "Containerfile").write_text("FROM scratch\nCOPY files /\nENV PATH=/usr/bin\n")
        self.podman("build", "--quiet", "--tag", name, tree)
        shutil.rmtree(tree)
        return name

    def container(self, image, *options, fuse=True, env=None, command=("/init",)):
        """COMMAND is its first process."""
        rights = ["--device", "/dev/fuse", "--cap-add", "SYS_ADMIN"] if fuse else []
        one = Container(self, image, [*rights, *options], env or {}, command)
        self.containers.append(one)
        return one

    def close(self):
        for one in list(self.containers):
            one.remove()
        subprocess.run(["umount", "-R", str(self.folder / "storage" / "vfs")], capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


class Container:
    """A running container on the machine's network. `root` is its root folder as seen from outside, mounts included."""

    def __init__(self, engine, image, options, env, command):
        self.engine, self.env = engine, env
        own = self._variables() if command[0] != "/init" else []  # exec() gives them to each command where nothing else runs
        self.id = engine.podman("run", "--detach", "--network=host", f"--volume={engine.init}:/init:ro", *own, *options, image,
                                *command, env={**engine.env, **env}).stdout.strip()
        self.pid = int(self.state("Pid"))
        self.root = pathlib.Path(f"/proc/{self.pid}/root")

    def _variables(self):
        return [f"--env={name}" for name in self.env]

    def state(self, name):
        """What the engine knows of it: Pid, Running, ExitCode, …"""
        return self.engine.podman("inspect", "--format", f"{{{{.State.{name}}}}}", self.id).stdout.strip()

    def logs(self):
        """What its first process has written."""
        done = self.engine.podman("logs", self.id)
        return done.stdout + done.stderr

    def stop(self, seconds):
        """As an orchestrator ends it: SIGTERM, and SIGKILL after SECONDS; gives the exit code."""
        self.engine.podman("stop", "--time", seconds, self.id)
        return int(self.state("ExitCode"))

    def exec(self, *argv, timeout=60):
        """Runs ARGV inside with the container's variables; gives subprocess's result."""
        return subprocess.run([str(a) for a in self.engine.argv("exec", *self._variables(), self.id, *argv)],
                              env={**self.engine.env, **self.env}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout, check=False)

    def remove(self):
        self.engine.podman("rm", "--force", "--time", "0", self.id)
        self.engine.containers.remove(self)


def rclone_files():
    """{path in the image: path here} of rclone, the libraries that it loads and its loader."""
    rclone = shutil.which("rclone", path="/usr/bin:/bin")
    libraries = [word for line in proc.run(["ldd", rclone]).stdout.splitlines() for word in line.split() if word.startswith("/")]
    return {"/usr/bin/rclone": rclone, **{path: os.path.realpath(path) for path in libraries}}
