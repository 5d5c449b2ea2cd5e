"""
test_secrets.py - where keys may be, and nowhere else: the life of a sandbox is watched from outside (output, files, /proc,
memory) for the secrets, the session token, what they are encoded as, and the signing keys that are made of them.
"""

import base64
import contextlib
import datetime
import hashlib
import hmac
import os
import pathlib
import resource
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import urllib.parse

import pytest

from support import faults, proc, procfs
from support.sandbox import PATH

pytestmark = pytest.mark.shipped
NOBODY = 65534
TOKEN = "FwoGZXIvYXdzE" + base64.b64encode(os.urandom(120)).decode()
WRONG = "wr0ng/+" + base64.b64encode(os.urandom(24)).decode()


def in_base64(secret):
    """What is the same in base64 wherever SECRET begins."""
    whole = [base64.b64encode(bytes(k) + secret) for k in range(3)]
    return [text[(0, 2, 3)[k]:len(text) - 4] for k, text in enumerate(whole)]


def signing_keys(secret):
    """The chain of SigV4 for today and its neighbours."""
    for day in (-1, 0, 1):
        key, date = b"AWS4" + secret, datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(day)
        for part in (date.strftime("%Y%m%d"), "us-east-1", "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            yield key


def forms(text):
    """{how it is written: bytes} of a secret."""
    secret = text.encode()
    quoted, digits = urllib.parse.quote(text, safe="").encode()[:24], secret[:16].hex().encode()
    found = {"the beginning": secret[:16], "the end": secret[-16:], "in hex": digits, "in HEX": digits.upper(),
             "in a URL": quoted, "in a URL, small": quoted.replace(b"%2F", b"%2f").replace(b"%2B", b"%2b"),
             "in JSON": text.replace("/", "\\/").encode()[:16], "in UTF-16": text.encode("utf-16-le")[:32]}
    for i, code in enumerate(in_base64(secret)):
        found[f"in base64 at {i}"] = code[:20]
        found[f"in base64 for URLs at {i}"] = code[:20].translate(bytes.maketrans(b"+/", b"-_"))
    for i, key in enumerate(signing_keys(secret)):
        found[f"as signing key {i}"], found[f"as signing key {i} in hex"] = key, key.hex().encode()
    return found


class Watch:
    """Looks for SECRETS in all that a sandbox shows; `leaks` says where one was. While entered, it samples beside the test."""

    def __init__(self, sandbox, secrets):
        self.sandbox, self.leaks = sandbox, set()
        self.needles = {f"{secret[:5]}… {form}": needle for secret in secrets for form, needle in forms(secret).items()}
        self.seen, self.rounds, self.ended = set(), 0, threading.Event()
        self.thread = threading.Thread(target=self._sample, daemon=True)

    def look(self, data, where):
        self.leaks |= {(where, name) for name, needle in self.needles.items() if needle in data}

    def _sample(self):
        while not self.ended.wait(0.01):
            self.rounds += 1
            for pid in self.sandbox.processes():
                self.process(pid)
            for folder, _, names in os.walk(self.sandbox.run):
                for name in names:
                    with contextlib.suppress(OSError):
                        self.open_to_others(os.path.join(folder, name))

    def open_to_others(self, path):
        """Not even for a moment, before it is renamed."""
        mode = os.lstat(path).st_mode
        if stat.S_ISREG(mode) and mode & 0o077:
            with open(path, "rb") as file:
                self.look(file.read(), f"the file {path} with mode {mode:o}")

    def process(self, pid):
        line = procfs.command_line(pid)
        own = self.sandbox.binary.encode() in line.split(b"\0", 1)[0]
        for name in ("cmdline", "comm", "mountinfo"):
            self.look(procfs._read(pid, name), f"{name} of {line[:60]}")
        self.look("\n".join(procfs.open_files(pid)).encode(), f"open files of {line[:60]}")
        if not own:  # a command of ours is given them there, and takes them out
            self.look(procfs.environment(pid), f"environment of {line[:60]}")
        self.seen.add("s3mounts" if own else os.path.basename(line.split(b"\0", 1)[0].decode()))

    def files(self, allowed):
        """All below the sandbox's folder, which is its home and its /tmp too. ALLOWED: names of those that may have them."""
        for folder, folders, names in os.walk(self.sandbox.folder):
            folders[:] = [name for name in folders if os.path.join(folder, name) != str(self.sandbox.mnt)]
            for name in folders + names:
                path = os.path.join(folder, name)
                self.look(os.fsencode(name), f"the name {path}")
                mode = os.lstat(path).st_mode
                if stat.S_ISLNK(mode):
                    self.look(os.fsencode(os.readlink(path)), f"the link {path}")
                elif stat.S_ISREG(mode) and name not in allowed:
                    with open(path, "rb") as file:
                        self.look(file.read(), f"the file {path}")

    def memory(self, pid):
        self.look(procfs.environment(pid), f"environment of the resident process {procfs.command_line(pid)[:60]}")
        self.leaks |= {(f"memory of {procfs.command_line(pid)[:60]}", name) for name, needle in self.needles.items()
                       if procfs.memory_holds(pid, needle)}

    def resident(self, pid, allowed=("rclone.conf",)):
        """The mounts are up and PID serves them: nothing is in it, and only rclone.conf has the keys."""
        self.memory(pid)
        self.files(allowed)
        for conf in self.sandbox.run.rglob("rclone.conf"):
            assert stat.S_IMODE(conf.stat().st_mode) == 0o600 and stat.S_IMODE(conf.parent.stat().st_mode) == 0o700
            assert (conf.stat().st_uid, conf.parent.stat().st_uid) == (0, 0)

    def over(self):
        """After `down`: nothing has them."""
        self.files(())
        for result in self.sandbox.history:
            self.look((result.out + result.err).encode("utf-8", "surrogateescape"), f"output of {result.argv[1:3]}")
        assert list(self.sandbox.run.rglob("rclone.conf")) == []

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


@pytest.fixture
def watched(sandbox):
    """A sandbox with a session token, and the watch over it; at the end there must be no leak."""
    (sandbox.folder / "tmp").mkdir()
    sandbox.env.update(S3_SESSION_TOKEN=TOKEN, TMPDIR=str(sandbox.folder / "tmp"))
    with Watch(sandbox, [sandbox.server.secret, TOKEN, WRONG]) as watch:
        yield watch
    assert not watch.leaks, "\n".join(sorted(f"{where}: {what}" for where, what in watch.leaks))
    assert watch.rounds > 5 and {"s3mounts", "rclone"} <= watch.seen, watch.seen


def of_supervisor(answer):
    return answer["supervisor"]["pid"]


def healed(sandbox, victim):
    mounts = sandbox.s3mounts("status", "--json").json["mounts"]
    return all(mount["state"] == "up" and mount["pid"] != victim for mount in mounts)


def test_the_watch_sees(sandbox):
    """Each form in a file, an output and a memory is found: else the tests below say nothing."""
    watch = Watch(sandbox, [TOKEN])
    for name, needle in watch.needles.items():
        (sandbox.folder / "file").write_bytes(b"x" + needle + b"y")
        watch.files(())
        assert {what for _, what in watch.leaks} >= {name}
        watch.leaks.clear()
    holder = subprocess.Popen([sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", TOKEN],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PATH": PATH, "X": TOKEN})
    with holder:
        holder.stdout.readline()
        watch.process(holder.pid)
        watch.memory(holder.pid)
        holder.kill()
    assert {where.split(" of ")[0] for where, _ in watch.leaks} >= {"cmdline", "environment", "memory"}


def test_a_life(watched):
    """up, status, flush, a failing up, a driver that heals, renewal, down."""
    sandbox = watched.sandbox
    first = sandbox.up()
    pid = of_supervisor(first)
    watched.resident(pid)
    assert any(TOKEN in conf.read_text() for conf in sandbox.run.rglob("rclone.conf"))

    (sandbox.targets[0] / "file").write_bytes(b"x" * 100000)
    for command in (["flush"], ["status"], ["config", "--print"], ["check", "--write", *sandbox.specs], ["ready", "--mounted"]):
        for how in ([], ["--json"]):
            result = sandbox.s3mounts(*command, *how)
            assert result.code == 0, result

    assert sandbox.s3mounts("up", *sandbox.specs, env={"S3_ACCESS_SECRET": WRONG}).code == 4
    sandbox.up(env={"S3_ACCESS_SECRET": WRONG}, code=4)
    watched.files(("rclone.conf",))
    again = sandbox.up()
    watched.resident(of_supervisor(again))

    victim = again["mounts"][0]["pid"]
    os.kill(victim, signal.SIGKILL)
    proc.wait_for(lambda: healed(sandbox, victim), 20, "a new driver")
    watched.resident(of_supervisor(again))

    renewed = sandbox.up(env=sandbox.server.renewed())
    watched.resident(of_supervisor(renewed))
    assert sandbox.s3mounts("down").code == 0
    watched.over()
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"x" * 100000


SHOW = "env; tr '\\0' '\\n' < /proc/$PPID/environ; tr '\\0' '\\n' < /proc/$PPID/cmdline; set; cat /proc/self/mountinfo"


def test_run_gives_its_command_nothing(watched):
    sandbox = watched.sandbox
    result = sandbox.s3mounts("run", "--cache-dir", sandbox.cache, *sandbox.specs, "--", "sh", "-c", SHOW + "; sleep 0.5")
    assert result.code == 0 and "THREAD_ID" in result.out and "fuse.rclone" in result.out, result
    watched.over()


def test_start_that_is_told_to_look(watched):
    """In the foreground: with keys, SIGHUP, a driver that died, SIGTERM."""
    sandbox = watched.sandbox
    child = sandbox.start("start", "--cache-dir", sandbox.cache, *sandbox.specs)
    try:
        assert sandbox.s3mounts("ready", "--mounted", "--timeout", "20").code == 0
        watched.resident(child.pid)
        child.send_signal(signal.SIGHUP)
        assert sandbox.s3mounts("status").code == 0
        victim = sandbox.status()["mounts"][1]["pid"]
        os.kill(victim, signal.SIGKILL)
        proc.wait_for(lambda: healed(sandbox, victim), 20, "a new driver")
        watched.resident(child.pid)
    finally:
        child.send_signal(signal.SIGTERM)
        assert sandbox.finish(child, 40).code == 0
    watched.over()


def test_a_refused_start_forgets_too(watched):
    """Keys that S3 refuses, first at `start` and then of `up`: the one that waits on keeps none of them."""
    sandbox = watched.sandbox
    child = sandbox.start("start", "--cache-dir", sandbox.cache, *sandbox.specs, env={"S3_ACCESS_SECRET": WRONG})
    try:
        assert sandbox.s3mounts("ready", "--timeout", "10").code == 0
        sandbox.up(env={"S3_ACCESS_SECRET": WRONG}, code=4)
        watched.memory(child.pid)
        watched.files(())
        sandbox.up()
        watched.resident(child.pid)
        sandbox.down()
        watched.memory(child.pid)
        watched.files(())
    finally:
        child.send_signal(signal.SIGTERM)
        assert sandbox.finish(child, 40).code == 0
    watched.over()


# Who may look into a process of ours

def with_core():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def ends_by_segv(pid):
    """Kills a child; gives whether the kernel wrote a core file of it."""
    os.kill(pid, signal.SIGSEGV)
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT).si_code == os.CLD_DUMPED


def test_no_core_file(sandbox):
    plain = subprocess.Popen(["sleep", "100"], cwd=sandbox.folder, preexec_fn=with_core)
    time.sleep(0.2)
    assert ends_by_segv(plain.pid), "this machine writes no core files at all: nothing is proven here"
    plain.wait()
    child = sandbox.start("start", "--cache-dir", sandbox.cache, *sandbox.specs, preexec_fn=with_core)
    assert sandbox.s3mounts("ready", "--mounted", "--timeout", "20").code == 0
    assert not ends_by_segv(child.pid)
    sandbox.finish(child)
    with faults.Silent() as server:
        asking = sandbox.start("check", sandbox.specs[0], env={"S3_ENDPOINT_URL": server.endpoint}, preexec_fn=with_core)
        time.sleep(0.3)
        assert not ends_by_segv(asking.pid)
        sandbox.finish(asking)
    sandbox.up()  # takes over what the dead one has left
    sandbox.down()


@contextlib.contextmanager
def as_nobody(binary):
    """A folder of nobody's own with the program in it, and the words before a command that run it so."""
    folder = pathlib.Path(f"/tmp/s3m-nobody-{os.getpid()}")
    folder.mkdir(mode=0o755)
    try:
        shutil.copy(binary, folder / "s3mounts")
        os.chown(folder, NOBODY, NOBODY)
        yield folder, ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all"]
    finally:
        shutil.rmtree(folder)


PEEK = """
import sys
for name in ("environ", "mem", "maps", "auxv", "fd", "map_files"):
    try:
        path = f"/proc/{sys.argv[1]}/{name}"
        __import__("os").listdir(path) if name in ("fd", "map_files") else open(path, "rb")
        print(name)
    except OSError:
        pass
"""


WITH_FUSE = 'mknod -m 666 "$0/fuse" c 10 229 && mount --bind "$0/fuse" /dev/fuse && exec "$@"'


@pytest.mark.parametrize("command, count", [("check", 1), ("up", 3), ("start", 2)])
def test_another_process_of_the_same_user_sees_nothing(binary, server, command, count):
    """While S3 is asked: the command, the supervisor, and the process that asks."""
    with as_nobody(binary) as (folder, under), faults.Silent() as silent:
        env = {"PATH": PATH, **server.environment(), "S3_ENDPOINT_URL": silent.endpoint, "S3_SESSION_TOKEN": TOKEN}
        more = [] if command == "check" else ["--cache-dir", folder / "cache"]
        argv = [folder / "s3mounts", command, "--run-dir", folder / "run", *more, f"--mount=docs:{folder}/x"]

        def ours():
            return [pid for pid in procfs.of_folder(folder) if procfs.command_line(pid).startswith(bytes(folder / "s3mounts"))]

        def peek(pid):
            return set(proc.run([*under, sys.executable, "-ISc", PEEK, pid]).stdout.split())
        plain = subprocess.Popen([*under, "sleep", "100"])
        with_fuse = ["unshare", "--mount", "--propagation", "private", "sh", "-c", WITH_FUSE, folder]
        child = subprocess.Popen([*with_fuse, *under, *argv], env=env, stderr=subprocess.DEVNULL)
        try:
            proc.wait_for(lambda: len(ours()) >= count, 10, "the program")
            time.sleep(0.3)  # until the last of them has closed its doors
            assert "environ" in peek(plain.pid)
            assert [peek(pid) for pid in ours()] == [set()] * len(ours())
        finally:
            plain.kill()
            for pid in procfs.of_folder(folder):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            plain.wait()
            child.wait()
