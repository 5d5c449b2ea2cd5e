#!/usr/bin/python3
"""
faults.py [--seconds N] [--seed N] [--only WORDS] - every system call that the program makes fails once, each in its turn, in
each way that it can fail; strace injects that into the shipped binary. Always: success or a clear error, no crash, no hang, no
lost byte, nothing left.

S3MOUNTS_BIN names the program; without it it is what ./build.sh makes. Without --seconds it goes on until each case was tried.
"""

import argparse
import collections
import os
import pathlib
import platform
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "test"))

from support import proc, procfs  # noqa: E402
from support.s3server import S3Server  # noqa: E402
from support.sandbox import Result, Sandbox  # noqa: E402

OK, FAULT = 0, 8
PATIENCE = 5    # --timeout of each command
DEADLINE = 60   # the program gives its supervisor 20 s beyond that, twice in `down` after `up`
ERRORS = {call: errors.split() for errors, calls in {
    "EINTR EMFILE ENOSPC EIO": "open openat",
    "EINTR ENOSPC EIO": "write writev fsync",
    "EIO ENOMEM ENOSPC": "mkdir symlink rename renameat",
    "EIO ENOMEM": "stat lstat fstat newfstatat access readlink getdents64 chdir unlink unlinkat rmdir umount2",
    "EINTR EIO": "read readv statfs truncate ftruncate",
    "EIO": "pread64 pwrite64 lseek fchmod ioctl listen",
    "ENOMEM": "mmap brk mremap mprotect getcwd getsockopt setsockopt getsockname timerfd_settime prctl",
    "EAGAIN ENOMEM": "fork vfork clone",
    "EMFILE ENOMEM": "pipe2 fcntl socket signalfd4 timerfd_create memfd_create pidfd_open",
    "EINTR EMFILE ENOMEM": "accept4",
    "EINTR EMFILE": "dup2",
    "EINTR ENOMEM": "poll flock connect sendto recvfrom sendmsg recvmsg",
    "EINTR": "wait4 ppoll getrandom",
    "ENOSPC ENOMEM": "bind",
    "ENOMEM EIO": "execve",
    "EPERM": "capget setsid kill",
}.items() for call in calls.split()}
COMMANDS = ["check", "config", "up", "life", "flush", "down"]
# The tracer is no parent (-DDD): the command is our own child, and what it leaves behind stays traced, but for rclone (-b).
STRACE = ["strace", "-DDD", "-I", "2", "-f", "-b", "execve", "-e", "quiet=attach,personality", "-s", "0"]
OTHERS = b"[other]\ntype = local\n"

Case = collections.namedtuple("Case", "command call error when")


def told(answer):
    """Why it is not well: of the whole, or of the mount."""
    mounts = answer.get("mounts", [])
    return any(e and e["message"] for e in [answer["error"], *(m.get("error") for m in mounts)]) or any(
        m["check"]["cause"] for m in mounts if "check" in m)


class Faults:
    """The cases of SANDBOX. run() gives how many were tried; AssertionError says what was not as it should be."""

    def __init__(self, sandbox, seed, only=""):
        self.sandbox, self.draw, self.only = sandbox, random.Random(seed), only
        self.target, self.conf = sandbox.mnt / "one", sandbox.folder / "conf/rclone.conf"
        self.spec = f"--mount={sandbox.prefixes[0]}:{self.target}:vfs_write_back=0s"
        self.trace = sandbox.folder / "trace"
        self.conf.parent.mkdir(mode=0o700)
        self.codes, self.failures, self.hit, self.files = collections.Counter(), [], 0, 0
        self.whole = {}

    # One command, traced or not

    def argv(self, command):
        json = ["--json"] if self.draw.random() < 0.5 else []
        if command == "config":
            return [*json, "--config", self.conf, self.spec]
        if command == "up":
            return [*json, "--timeout", PATIENCE, self.spec]
        if command == "check":
            return [*json, self.spec, *(["--write"] if self.draw.random() < 0.3 else [])]
        return [*json, "--timeout", PATIENCE]

    def command(self, command, case=None, expected=None):
        under = []
        if case:
            inject = ["-e", f"inject={case.call}:error={case.error}:when={case.when}"] if case.when else []
            under = [*STRACE, "-o", self.trace, "-e", f"trace={case.call}", *inject]
        argv = self.argv(command)
        result = self.finish([*map(str, under), *self.sandbox.argv(command, *argv)])
        self.codes[f"{command} {result.code}"] += 1
        assert result.code >= 0, f"killed by signal {-result.code}: {result}"
        assert result.code in (expected or range(FAULT + 1)), f"not one of {expected}: {result}"
        assert self.sandbox.server.secret not in result.out + result.err, "the secret is shown"
        if not self.silenced():
            assert result.code == OK or result.err or "--json" in argv, f"no words: {result}"
            if "--json" in argv:
                assert result.json["code"] == result.code and result.json["ok"] == (result.code == OK), result
                assert result.code == OK or told(result.json), result
        return result

    def finish(self, argv):
        """By files in place of pipes, which strace would keep open for as long as there is something to be traced."""
        begin, said = time.monotonic(), [self.sandbox.folder / name for name in ("out", "err")]
        with open(said[0], "wb") as out, open(said[1], "wb") as err:
            child = subprocess.Popen(argv, env=self.sandbox.env, cwd="/", stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            try:
                child.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                raise AssertionError(f"it hangs: {argv}") from None
        result = Result(argv, child.returncode, *(path.read_text(errors="replace") for path in said), time.monotonic() - begin)
        self.sandbox.history.append(result)
        return result

    def log(self):
        return self.trace.read_text(errors="replace") if self.trace.exists() else ""

    def silenced(self):
        """The fault hit the very output."""
        return re.search(r"\bwritev?\([012], .*INJECTED", self.log())

    # What is called, how often

    def counts(self, command):
        """{call: the most that one process of COMMAND makes of it}, of a run without faults."""
        self.prepare(command)
        before = self.codes.copy()
        self.one(Case(command, "all", None, 0))
        assert all(code.endswith(" 0") for code in self.codes - before), self.sandbox.history
        self.settle()
        each = collections.Counter(re.findall(r"^(\d+) +(\w+)\(", self.log(), re.M))
        calls = collections.Counter()
        for (_, call), times in each.items():
            calls[call] = max(calls[call], times)
        return {call: times for call, times in calls.items() if call in ERRORS}

    def cases(self):
        for text in (None, OTHERS):
            self.put_config(text)
            self.command("config", expected=[OK])
            self.whole[text] = self.conf.read_bytes()
        wanted = [command for command in COMMANDS if command in self.only or " " not in self.only]
        found = [Case(command, call, error, when)
                 for command in wanted for call, times in self.counts(command).items()
                 for error in ERRORS[call] for when in range(1, min(times, 60) + 1)]
        found = [case for case in found if self.only in " ".join(map(str, case))]
        self.draw.shuffle(found)
        return found

    # One case

    def prepare(self, command):
        self.trace.unlink(missing_ok=True)
        self.safe, self.written = {}, {}
        if command == "config":
            self.put_config(self.draw.choice([None, OTHERS]))
        elif command in ("flush", "down"):
            self.command("up", expected=[OK])
            self.write()

    def put_config(self, text):
        self.conf.unlink(missing_ok=True)
        if text:
            self.conf.write_bytes(text)
            self.conf.chmod(0o600)

    def write(self):
        name, body = f"{self.files:06}", os.urandom(self.draw.choice([0, 1, 5000, 200000]))
        self.files += 1
        (self.target / name).write_bytes(body)
        self.written[name] = body

    def in_s3(self):
        for name, body in self.written.items():
            assert self.sandbox.get(f"{self.sandbox.prefixes[0]}/{name}") == body, f"{name} is lost"

    def one(self, case):
        if case.command == "config":
            before = self.conf.read_bytes() if self.conf.exists() else None
            result = self.command("config", case)
            after = self.conf.read_bytes() if self.conf.exists() else None
            whole = self.whole[before]
            assert after == (whole if result.code == OK else after), f"exit code 0, and not written: {result}"
            assert after in (before, whole), f"half a config: {after}"
            left = {path.name for path in self.conf.parent.iterdir()} - {"rclone.conf"}
            assert not left or case.call.startswith("unlink"), left
        elif case.command == "life":
            if self.command("up", case).code == OK:
                self.write()
            for command in ("flush", "down"):
                if self.command(command).code == OK:
                    self.in_s3()
        else:
            result = self.command(case.command, case)
            if case.command == "up" and result.code == OK:
                self.write()
            if case.command in ("flush", "down") and result.code == OK:
                self.in_s3()

    def settle(self):
        """Without faults from here on, also for a supervisor that is still traced: it all goes well, and nothing is left."""
        for pid in procfs.processes():
            if procfs.command_line(pid).startswith(b"strace\0") and os.fsencode(self.trace) in procfs.command_line(pid):
                os.kill(pid, signal.SIGTERM)
                proc.wait_for(lambda pid=pid: not procfs.alive(pid), 5, "strace")
        if self.sandbox.run.exists() and self.command("down").code != OK:
            self.command("up", expected=[OK])
            self.command("down", expected=[OK])
        self.in_s3()
        left = self.sandbox.leftovers(patience=5)
        assert not left, left
        assert self.sandbox.mounts() == []
        self.sandbox.history.clear()

    def attempt(self, case):
        """True: the fault was met."""
        self.prepare(case.command)
        try:
            self.one(case)
            self.settle()
            dead = re.findall(r"killed by SIG(?!KILL|TERM|HUP|INT|PIPE)\w+.*", self.log())
            assert not dead, dead
        except (AssertionError, OSError, subprocess.SubprocessError) as failure:
            injected = [line for line in self.log().splitlines() if "INJECTED" in line][:5]
            words = "\n".join([str(case), str(failure), *injected, *map(repr, self.sandbox.history), self.words()])
            self.failures.append(words)
            print(words, file=sys.stderr, flush=True)
            self.start_anew()
        return "INJECTED" in self.log()

    def words(self):
        log = self.sandbox.run / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    def start_anew(self):
        self.sandbox._force()
        for folder in (self.sandbox.run, self.sandbox.cache):
            shutil.rmtree(folder, ignore_errors=True)
        self.sandbox.history.clear()

    def run(self, seconds=None, least=0):
        """As many as SECONDS allow, but LEAST that are met, however slow the machine is; where one was not met,
        those with a higher number are not tried either."""
        end = time.monotonic() + (seconds or 1 << 30)
        cases, tried, past = self.cases(), 0, {}
        self.all = len(cases)
        for case in cases:
            if time.monotonic() > end and self.hit >= least:
                break
            if case.when >= past.get(case[:3], 1 << 30):
                continue
            tried += 1
            if self.attempt(case):
                self.hit += 1
            else:
                past[case[:3]] = case.when
        return tried

    def figures(self):
        codes = ", ".join(f"{name}: {n}" for name, n in sorted(self.codes.items()))
        return f"{self.all} cases, {self.hit} faults met; exit codes: {codes}; {self.files} files"


def main():
    options = argparse.ArgumentParser(description="system calls that fail, injected by strace")
    options.add_argument("--seconds", type=int)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options.add_argument("--only", default="", help="cases with this in their name, as 'config fsync'")
    given = options.parse_args()
    print(f"faults: seed {given.seed}", flush=True)
    binary = pathlib.Path(os.environ.get("S3MOUNTS_BIN") or TOP / "out" / platform.machine() / "s3mounts").resolve()
    with tempfile.TemporaryDirectory(prefix="s3faults-") as folder:
        server = S3Server(f"{folder}/s3").start()
        sandbox = Sandbox(binary, server, uuid.uuid4().hex[:8])
        try:
            faults = Faults(sandbox, given.seed, given.only)
            tried = faults.run(given.seconds)
        finally:
            left = sandbox.close()
            server.stop()
    print(f"faults: seed {given.seed}: {tried} of {faults.figures()}; {len(faults.failures)} not as they should be", flush=True)
    assert not left, "\n".join(left)
    sys.exit(bool(faults.failures))


if __name__ == "__main__":
    main()
