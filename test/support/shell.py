"""
shell.py - commands in a guest as the daemon of a sandbox (E2B's envd) runs them, for whatever user: a login shell, stdout and
stderr as pipes that are read to their end, and a deadline after which the direct child alone is killed.

The variables of the sandbox reach what is started after they were given; every child starts with an oom_score_adj of 100.
"""

import os
import pathlib
import signal
import subprocess
import time

from support import proc, procfs
from support.sandbox import Result

OOM = 100
USER = 4711  # of the user `user`
HOMES = {"root": "/root", "user": "/home/user"}
SETUP = """
set -e
{ grep -v '^user:' /etc/passwd; echo "user:x:$1:$1::/home/user:/bin/bash"; } > /run/passwd
mount --bind /run/passwd /etc/passwd
for folder in /root /home; do mount -t tmpfs -o mode=755 tmpfs $folder; done   # the machine's own profiles are none of ours
mount -t tmpfs -o mode=1777 tmpfs /tmp
chmod 755 /mnt
install -d -o "$1" -g "$1" /home/user
"""


class TooLate(Exception):
    """The command did not end in time, or something kept its stdout or stderr open."""


class Shell:
    """Commands in GUEST. `envs` may be set or changed at any time: whoever runs already does not see it."""

    def __init__(self, guest, envs=None):
        self.guest = guest
        proc.run(guest.enter(["sh", "-c", SETUP, "setup", USER]))
        self.envs = envs or {}

    def start(self, cmd, user="root", envs=None, stdin=subprocess.DEVNULL, **more):
        """Starts it and gives the Popen, which leads a session. finish() waits for it."""
        home = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME": HOMES[user], "USER": user, "LOGNAME": user}
        become = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", "--inh-caps=-all"] if user == "user" else []
        return subprocess.Popen(
            self.guest.enter([*become, "/bin/bash", "-l", "-c", cmd]), env={**home, **self.envs, **(envs or {})}, cwd="/",
            stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
            preexec_fn=lambda: pathlib.Path("/proc/self/oom_score_adj").write_text(str(OOM)), **more)

    def finish(self, child, timeout=60):
        """Waits for the end of the command and of both pipes. Too late: kills the direct child, not what that has started."""
        begin = time.monotonic()
        try:
            out, err = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            for pid in procfs.children(child.pid):  # the child itself is nsenter, which ends with the one inside
                os.kill(pid, signal.SIGKILL)
            child.wait(10)
            child.stdout.close()
            child.stderr.close()
            raise TooLate(f"{child.args[-1]}: no end-of-file after {timeout} s") from None
        return Result(["bash", "-l", "-c", child.args[-1]], child.returncode, out, err, time.monotonic() - begin)

    def run(self, cmd, timeout=60, **more):
        return self.finish(self.start(cmd, **more), timeout)

    def end_session(self, child):
        """SIGKILL to all that is in the session of a command; closes its pipes."""
        for pid in procfs.processes():
            if procfs.session(pid) == child.pid:
                os.kill(pid, signal.SIGKILL)
        child.communicate(timeout=10)
