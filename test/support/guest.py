"""
guest.py - a machine of its own as far as mounts and processes go: namespaces made by unshare(1), in which /mnt, /run, /var/cache and
/usr/local/bin are empty and s3mounts is installed. For what uses the default places. The network is the machine's own.
"""

import os
import pathlib
import subprocess

from support import proc, procfs

SETUP = """
set -e
for folder in /mnt /run /var/cache /usr/local/bin; do mount -t tmpfs tmpfs "$folder"; done
cp "$1" /usr/local/bin/s3mounts
cp "$2" /run/resolv.conf
mount --bind /run/resolv.conf "$(readlink -f /etc/resolv.conf)"
: > "$3"
while :; do sleep 1000; done   # as init: a shell reaps what others leave to it
"""


class Guest:
    """`root` is its root folder as seen from outside; run() runs a command in it."""

    def __init__(self, binary, folder, nameserver=None):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        names, ready = folder / "resolv.conf", folder / "ready"
        names.write_text(f"nameserver {nameserver}\n" if nameserver else pathlib.Path("/etc/resolv.conf").read_text())
        self.child = proc.spawn(
            ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc",
             "sh", "-c", SETUP, "init", binary, names, ready], log=folder / "guest.log")
        proc.wait_for(lambda: ready.exists() or self.child.poll() is not None, 10, "the guest")
        if self.child.poll() is not None:
            raise RuntimeError((folder / "guest.log").read_text())
        self.init = procfs.children(self.child.pid)[0]
        self.root = pathlib.Path(f"/proc/{self.init}/root")

    def enter(self, argv):
        """The argument list that runs ARGV inside. (--root: in a chroot the namespace's own root is another one.)"""
        return ["nsenter", "--target", str(self.init), "--mount", "--pid", "--root", "--wd", "--", *map(str, argv)]

    def popen(self, argv, env, **more):
        return subprocess.Popen(self.enter(argv), env=env, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **more)

    def mounts(self):
        """The FUSE mounts below /mnt inside; none where the guest has ended."""
        if self.child.poll() is not None:
            return []
        return [m for m in procfs.mounts("/mnt", self.init) if m[1].startswith("fuse")]

    def processes(self):
        """Those inside, but for init and its sleep."""
        here = os.readlink(f"/proc/{self.init}/ns/pid")
        found = []
        for pid in procfs.processes():
            try:
                inside = os.readlink(f"/proc/{pid}/ns/pid") == here
            except OSError:
                continue
            if inside and pid != self.init and procfs.command_line(pid) != b"sleep\0001000\0":
                found.append(pid)
        return found

    def drivers(self):
        """Those inside that are not s3mounts, nor a probe that it has forked. (One that just ends has no command line any more.)"""
        lines = {pid: procfs.command_line(pid).split(b"\0")[0] for pid in self.processes()}
        return [pid for pid, program in lines.items() if program and not program.endswith(b"s3mounts")]

    def stop(self):
        proc.stop(self.child)
