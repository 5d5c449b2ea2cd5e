"""
test_templates.py - what a reader copies from test/templates: each file runs here as it stands, or is held against the form that
reads it.
"""

import asyncio
import configparser
import contextlib
import json
import os
import pathlib
import re
import runpy
import shlex
import shutil
import signal
import subprocess
import sys

import pytest
import yaml

from support import envd, fuse, kubernetes, proc, procfs
from support.container import rclone_files
from support.guest import Guest

TEMPLATES = pathlib.Path(__file__).resolve().parents[1] / "templates"
SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"
PODS = sorted((TEMPLATES / "kubernetes").glob("*.yaml"))
UNIT = TEMPLATES / "systemd" / "s3mounts.service"
MS_SHARED = 1 << 20
APP = r"""
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof path, "/mnt/r2/threads/%s/file", getenv("THREAD_ID"));
	file = fopen(path, "w");
	if (!file || fputs(getenv("S3_ACCESS_SECRET") ? "knows the secret" : "hello", file) < 0 || fclose(file))
		return 1;
	return 3;
}
"""


def body(server, key):
    return server.client().get_object(Bucket=server.bucket, Key=key)["Body"].read()


# E2B


@pytest.fixture
def platform(binary, tmp_path):
    """The stand-in; the folder `template` in tmp_path holds E2B's templates and the two programs."""
    folder = shutil.copytree(TEMPLATES / "e2b", tmp_path / "template")
    shutil.copy(binary, folder / "s3mounts")
    shutil.copy(shutil.which("rclone"), folder / "rclone")
    one = envd.Platform(binary, tmp_path)
    yield one
    one.close()


@pytest.fixture(params=["resident", "without a start command"])
def template(request, platform, tmp_path):
    """Its folder; and the form that lacks the one line, as the file says that it may."""
    if request.param != "resident":
        for file in (tmp_path / "template").glob("template.*"):
            text, count = re.subn(r"^  +\.set_?start_?cmd\(.*\n", "", file.read_text(), flags=re.I | re.M)
            assert count == 1
            file.write_text(text)
    return tmp_path / "template"


def supervisors(guest):
    return {pid for pid in guest.processes() if procfs.command_line(pid).split(b"\0")[0].endswith(b"s3mounts")}


def test_e2b_in_python(platform, template, server, monkeypatch):
    monkeypatch.setitem(sys.modules, "e2b", envd.module(platform))
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    runpy.run_path(template / "template.py", run_name="__main__")
    guest = platform.templates["agent"]
    waiting = supervisors(guest)
    assert len(waiting) == (1 if "set_start_cmd" in (template / "template.py").read_text() else 0)
    backend = runpy.run_path(template / "sandbox.py")

    async def life():
        sandbox = await backend["start_sandbox"]("python", "reader")
        assert sandbox.guest is guest and len(guest.mounts()) == 3
        assert len(supervisors(guest)) == 1 and waiting <= supervisors(guest)
        await sandbox.commands.run("cd /mnt/r2/threads/python && echo hello > file && (sleep 100 > /dev/null 2>&1 &)")  # which works there on
        await backend["stop_sandbox"](sandbox)
        assert guest.child.poll() is not None
    asyncio.run(life())
    assert body(server, "threads/python/file") == b"hello\n"


def test_e2b_in_javascript(platform, template, server, tmp_path):
    package = template / "node_modules" / "e2b"
    package.mkdir(parents=True)
    shutil.copy(SUPPORT / "e2b.mjs", package / "index.mjs")
    (package / "package.json").write_text('{"name": "e2b", "main": "index.mjs"}')
    (template / "life.mjs").write_text("""
        import { startSandbox, stopSandbox } from './sandbox.mjs'
        const sandbox = await startSandbox('javascript', 'reader')
        await sandbox.commands.run('cd /mnt/r2/threads/javascript && echo hello > file && (sleep 100 > /dev/null 2>&1 &)')
        await stopSandbox(sandbox)
        process.env.S3_ACCESS_SECRET = 'wrong-wrong-wrong'
        await startSandbox('javascript', 'reader').catch((failure) => console.log(failure.message))
    """)
    env = {"PATH": os.environ["PATH"], "E2B_STAND_IN": str(tmp_path / "socket"), **server.environment()}

    async def node(file):
        child = await asyncio.create_subprocess_exec("node", str(template / file), env=env, stdin=asyncio.subprocess.DEVNULL,
                                                     stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        try:
            out, err = await asyncio.wait_for(child.communicate(), 60)
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        assert child.returncode == 0, err.decode()
        return out.decode()

    async def both():
        async with await envd.serve(platform, tmp_path / "socket"):
            await node("template.mjs")
            waiting = len(supervisors(platform.templates["agent"]))
            assert waiting == (1 if "setStartCmd" in (template / "template.mjs").read_text() else 0)
            return await node("life.mjs")
    assert re.search("the secret key does not belong to this key id .exit code 4; .+", asyncio.run(both()))
    assert body(server, "threads/javascript/file") == b"hello\n"
    assert [len(sandbox.guest.mounts()) for sandbox in platform.made] == [0, 0]


def test_plain_sudo_drops_the_variables(platform, server):
    """Why the files say user="root"."""
    async def scenario():
        envs = {**server.environment(), "THREAD_ID": "sudo", "USER_ID": "sudo"}
        sandbox = await envd.module(platform).AsyncSandbox.create(envs=envs)
        with pytest.raises(envd.CommandExitException) as failure:
            await sandbox.commands.run("sudo s3mounts up --json")
        assert failure.value.exit_code in (2, 3) and sandbox.guest.mounts() == []
        await sandbox.commands.run("s3mounts up --json", user="root")
        await sandbox.commands.run("s3mounts down", user="root")
    asyncio.run(scenario())


def test_the_readme_shows_the_file():
    readme = (TEMPLATES.parents[1] / "README.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", readme, re.M | re.S)
    file = (TEMPLATES / "e2b" / "sandbox.py").read_text()
    assert all(block in file for block in blocks) and any("s3mounts up" in block for block in blocks)
    files = {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*") if path.is_file()}
    named = re.findall(r"`test/templates/([^`]+)`", readme)
    assert files == set(named)


# Docker


READ_ONLY, = [line.split()[3:-1] for line in (TEMPLATES / "docker" / "Dockerfile").read_text().splitlines()
              if line.startswith("#   docker run --read-only")]


@pytest.mark.parametrize("options", [[], [*READ_ONLY, "--read-only-tmpfs=false"]], ids=["as it is", "read-only root"])
def test_docker(engine, binary, server, tmp_path, options):
    """The image is what the file says; rclone's libraries, which an official rclone has inside, come in as volumes."""
    shutil.copy(TEMPLATES / "docker" / "Dockerfile", tmp_path)
    shutil.copy(binary, tmp_path / "s3mounts")
    (tmp_path / "app.c").write_text(APP)
    proc.run(["gcc", "-static", "-Os", "-o", tmp_path / "app", tmp_path / "app.c"])
    files = rclone_files()
    shutil.copy(files.pop("/usr/bin/rclone"), tmp_path / "rclone")
    env = {**server.environment(), "THREAD_ID": "docker", "USER_ID": "docker"}
    (tmp_path / "s3.env").write_text("".join(f"{name}={value}\n" for name, value in env.items()))
    engine.podman("build", "--quiet", "--tag", "template", tmp_path)
    done = engine.podman(
        "run", "--rm", "--network=host", "--device=/dev/fuse", "--cap-add=SYS_ADMIN", f"--env-file={tmp_path}/s3.env", *options,
        *[f"--volume={outside}:{inside}:ro" for inside, outside in files.items()], "template", check=False)
    assert done.returncode == 3, done.stderr
    assert body(server, "threads/docker/file") == b"hello"
    assert re.search("3 of 3 mounts up and proven", done.stderr)


# Kubernetes


@pytest.mark.parametrize("path", PODS, ids=lambda path: path.stem)
def test_a_pod_is_of_the_form(path):
    pod = yaml.safe_load(path.read_text())
    assert kubernetes.faults(pod) == [] and kubernetes.dangling(pod) == []


def test_a_typing_error_in_a_pod_is_found():
    pod = yaml.safe_load((TEMPLATES / "kubernetes" / "sidecar.yaml").read_text())
    sidecar = pod["spec"]["initContainers"][0]
    for place, name, value in [
            (sidecar, "startUpProbe", {}), (sidecar, "restartPolicy", "always"), (sidecar, "command", "start"),
            (sidecar["volumeMounts"][0], "mountPropagation", "bidirectional"), (pod["spec"], "volumes", {}),
            (sidecar["securityContext"], "privileged", "true"), (pod, "kind", "pod")]:
        kept = dict(place)
        place[name] = value
        assert kubernetes.faults(pod), name
        place.clear()
        place.update(kept)
    assert kubernetes.faults(pod) == []


def stop_timeouts(words):
    return [int(value) for option, value in zip(words, words[1:]) if option == "--stop-timeout"]


def test_there_is_time_to_flush():
    """SIGKILL comes after terminationGracePeriodSeconds, and after TimeoutStopSec in the unit."""
    for path in PODS:
        pod = yaml.safe_load(path.read_text())
        stop, = [seconds for words in kubernetes.commands(pod) for seconds in stop_timeouts(words)]
        assert stop + 10 <= pod["spec"]["terminationGracePeriodSeconds"]
    stop, = stop_timeouts(shlex.split(unit()["Service"]["ExecStart"]))
    assert stop + 10 <= int(unit()["Service"]["TimeoutStopSec"])


@pytest.fixture
def volume(sandbox):
    """sandbox.mnt as a volume that its pod's containers share: what is mounted below is seen wherever it is."""
    fuse.mount("none", sandbox.mnt, "tmpfs")
    fuse.mount("none", sandbox.mnt, None, MS_SHARED)
    yield sandbox.mnt
    for target, _, _ in reversed(procfs.mounts(sandbox.mnt)):
        fuse.detach(target)


@contextlib.contextmanager
def agent(volume):
    """A mount namespace that gets what is mounted below VOLUME later (HostToContainer); gives its root folder."""
    ready = volume / "agent-is-there"
    child = subprocess.Popen(["unshare", "--mount", "--propagation", "slave", "sh", "-c", ': > "$0"; exec sleep 100', ready],
                             preexec_fn=proc.die_with_parent)
    try:
        proc.wait_for(ready.exists, 10, "the agent's namespace")
        yield pathlib.Path(f"/proc/{child.pid}/root")
    finally:
        child.kill()
        child.wait()


@contextlib.contextmanager
def sidecar(sandbox, number=1):
    """`start` in a mount namespace whose mounts go out (Bidirectional), with a new run folder as a new container has it."""
    run = sandbox.folder / f"run{number}"
    argv = [sandbox.binary, "start", "--run-dir", run, "--cache-dir", sandbox.cache, *sandbox.specs]
    child = subprocess.Popen(["unshare", "--mount", "--propagation", "unchanged", *map(str, argv)], env=sandbox.env, cwd="/",
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        proc.run([sandbox.binary, "ready", "--mounted", "--timeout", "30", "--run-dir", run])
        yield child
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        sandbox.finish(child, 40)


def pending(sandbox, number):
    done = proc.run([sandbox.binary, "status", "--json", "--run-dir", sandbox.folder / f"run{number}"], check=False)
    return sum(mount["pending_bytes"] for mount in json.loads(done.stdout)["mounts"])


def fuse_mounts(volume, pid="self"):
    return sorted(target for target, fstype, _ in procfs.mounts(volume, pid) if fstype.startswith("fuse"))


def test_a_sidecar_mounts_for_the_agent(sandbox, volume):
    with agent(volume) as root:
        with sidecar(sandbox) as child:
            assert fuse_mounts(volume, root.parent.name) == sorted(map(str, sandbox.targets))
            (root / str(sandbox.targets[0])[1:] / "file").write_text("from the agent")
        assert child.returncode == 0
        assert fuse_mounts(volume, root.parent.name) == fuse_mounts(volume) == []
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"from the agent"


def test_a_sidecar_that_is_started_again(sandbox, volume):
    """Its container was killed, drivers and all: what they have left is dead, and what they had is uploaded."""
    with agent(volume) as root:
        file = root / str(sandbox.targets[0])[1:] / "file"
        with sidecar(sandbox) as first:
            file.write_text("kept")
            # The kernel tells rclone of the last close after close(2) has returned.
            key = f"{sandbox.prefixes[0]}/file"
            proc.wait_for(lambda: pending(sandbox, 1) == 4 or sandbox.keys(key), 10, "the closed file")
            first.kill()
            first.wait()
            for pid in sandbox.drivers():
                os.kill(pid, signal.SIGKILL)
            proc.wait_for(lambda: not sandbox.drivers(), 10, "the drivers' end")
            with pytest.raises(OSError):
                file.read_text()
        with sidecar(sandbox, 2) as second:
            proc.wait_for(file.exists, 30, "the file in its folder again")  # rclone lists it when it is in S3
            assert file.read_text() == "kept"
        assert second.returncode == 0
    assert sandbox.get(key) == b"kept"


# systemd


def unit():
    parser = configparser.ConfigParser(strict=True, interpolation=None)
    parser.optionxform = str
    parser.read(UNIT)
    return parser


def test_the_unit_is_of_the_form(binary, tmp_path):
    root = tmp_path / "root"
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/lib/systemd").mkdir(parents=True)
    (root / "etc/systemd/system").mkdir(parents=True)
    shutil.copy(binary, root / "usr/bin/s3mounts")
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    for name, old, new in (("s3mounts", "", ""), ("typing-error", "KillMode", "Killmode")):
        (root / f"etc/systemd/system/{name}.service").write_text(UNIT.read_text().replace(old, new))
        done = proc.run(["systemd-analyze", "verify", "--man=no", f"--root={root}", f"{name}.service"], check=False)
        said = [line for line in done.stderr.splitlines() if f"{name}.service" in line]
        assert (said == [] and done.returncode == 0) == (name == "s3mounts"), done


@contextlib.contextmanager
def guest_with(binary, tmp_path, server, thread):
    """(a guest, the variables that its commands get)"""
    one = Guest(binary, tmp_path)
    try:
        yield one, {"PATH": "/usr/local/bin:/usr/bin:/bin", **server.environment(), "THREAD_ID": thread, "USER_ID": thread}
    finally:
        one.stop()


def in_guest(command):
    """Guests have s3mounts elsewhere."""
    return [word.replace("/usr/bin/s3mounts", "/usr/local/bin/s3mounts") for word in command]


def test_the_units_commands(binary, server, tmp_path):
    """What systemd would do with them: start, wait for ready; again after a kill of the main process; SIGTERM to that alone."""
    service = unit()["Service"]
    assert (service["Type"], service["KillMode"], service["Restart"]) == ("exec", "process", "on-failure")
    start, ready = (in_guest(shlex.split(service[name])) for name in ("ExecStart", "ExecStartPost"))
    with guest_with(binary, tmp_path, server, "unit") as (guest, env):
        drivers = []
        for ending in (signal.SIGKILL, signal.SIGTERM):
            main = guest.popen(start, env)
            proc.run(guest.enter(ready), env=env)
            proc.run(guest.enter([*ready, "--mounted"]), env=env)
            (guest.root / "mnt/r2/threads/unit/file").write_text(f"before {ending}")
            own, = procfs.children(main.pid)
            drivers.append(set(guest.drivers()))
            os.kill(own, ending)
            assert (main.wait(30) == 0) == (ending == signal.SIGTERM), main.stderr.read()
        assert drivers[0] == drivers[1] and len(drivers[0]) == 3
        assert guest.mounts() == [] and guest.processes() == []
    assert body(server, "threads/unit/file") == b"before 15"


def test_the_sidecars_command(binary, server, tmp_path):
    sidecar, = yaml.safe_load((TEMPLATES / "kubernetes" / "sidecar.yaml").read_text())["spec"]["initContainers"]
    with guest_with(binary, tmp_path, server, "sidecar") as (guest, env):
        main = guest.popen(in_guest(sidecar["command"]), env)
        proc.wait_for(lambda: proc.run(guest.enter(in_guest(sidecar["startupProbe"]["exec"]["command"])), env=env, check=False)
                      .returncode == 0, 30, "the startup probe", 0.2)
        thread, skills = guest.root / "mnt/r2/thread", guest.root / "mnt/r2/skills"
        (thread / "file").write_text("kept")
        assert [(place.stat().st_uid, place.stat().st_gid) for place in (thread, skills)] == [(1000, 1000)] * 2
        with pytest.raises(OSError, match="Read-only"):
            (skills / "file").write_text("")
        for pid in procfs.children(main.pid):
            os.kill(pid, signal.SIGTERM)
        assert main.wait(30) == 0, main.stderr.read()
    assert body(server, "threads/sidecar/file") == b"kept"


def test_the_agents_command(binary, server, tmp_path):
    agent, = yaml.safe_load((TEMPLATES / "kubernetes" / "run.yaml").read_text())["spec"]["containers"]
    *command, app = in_guest(agent["command"])
    assert (command[-1], app) == ("--", "/app")
    with guest_with(binary, tmp_path, server, "agent") as (guest, env):
        script = "id -u > /mnt/r2/threads/agent/file; grep CapEff /proc/self/status; exit 3"
        done = proc.run(guest.enter([*command, "sh", "-c", script]), env=env, check=False)
        assert (done.returncode, done.stdout) == (3, "CapEff:\t0000000000000000\n"), done
        assert guest.mounts() == []
    assert body(server, "threads/agent/file") == b"1000\n"


# Each command line


def command_lines():
    """(file, argument list) of every s3mounts command in the templates."""
    for path in PODS:
        yield from ((path.name, words) for words in kubernetes.commands(yaml.safe_load(path.read_text())))
    service = unit()["Service"]
    yield from ((UNIT.name, shlex.split(service[name])) for name in ("ExecStart", "ExecStartPost"))
    entry, = re.findall(r"^ENTRYPOINT (.*)$", (TEMPLATES / "docker" / "Dockerfile").read_text(), re.M)
    yield "Dockerfile", json.loads(entry)
    for path in sorted((TEMPLATES / "e2b").iterdir()):
        commands = re.findall(r"""["'](?:sudo )?(s3mounts [a-z][^"']*)["']""", path.read_text())
        yield from ((path.name, command.split()) for command in commands)


@pytest.mark.parametrize("file, words", [pytest.param(*line, id=f"{line[0]}-{i}") for i, line in enumerate(command_lines())])
def test_the_program_takes_each_command(binary, file, words):
    """The first mistake is the one that is reported: behind its own options."""
    options = words[1:words.index("--")] if "--" in words else words[1:]
    done = proc.run([binary, *options, "--no-such-option"], check=False)
    assert done.returncode == 2 and f"--no-such-option: s3mounts {words[1]} does not know it" in done.stdout + done.stderr, done
