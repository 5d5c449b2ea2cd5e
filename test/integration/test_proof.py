"""
test_proof.py - what "up" is said of: a mount whose root S3 has listed through its driver, and whose credentials S3 has taken. What only answers from
memory, or has no verdict yet, is not up.
"""

import http.server
import threading
import time

import pytest

from support import faults, proc, procfs
from support.wire import Wire

MOUNT = 6
SOON = ":dir_cache_time=1s"
EMPTY = b'<?xml version="1.0"?><ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated></ListBucketResult>'


def one(sandbox, options=""):
    return f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/one{options}"


class SlowVerdict:
    """Lists an empty bucket for rclone at once, and for the check (one key) when `answer` is set."""

    def __init__(self):
        self.answer = answer = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if "max-keys=1&" in self.path:
                    answer.wait(30)
                self.send_response(200)
                self.send_header("Content-Type", "application/xml")
                self.send_header("Content-Length", str(len(EMPTY)))
                self.end_headers()
                self.wfile.write(EMPTY)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.answer.set()
        self.server.shutdown()
        self.server.server_close()


def test_no_mount_is_up_while_the_check_has_no_answer(sandbox):
    with SlowVerdict() as slow:
        child = sandbox.start("up", "--json", one(sandbox), env={"S3_ENDPOINT_URL": slow.endpoint})
        proc.wait_for(lambda: (sandbox.run / "control").exists() and sandbox.s3mounts("status", "--json").json["mounts"] and
                      sandbox.status_of("one")["state"] == "checking", 10, "the state while nothing is known")
        assert sandbox.s3mounts("status").code == MOUNT
        assert sandbox.s3mounts("ready", "--mounted").code == MOUNT
        slow.answer.set()
        assert sandbox.finish(child).json["mounts"][0]["state"] == "up"
        assert sandbox.s3mounts("ready", "--mounted").code == 0 and sandbox.status_of("one")["state"] == "up"


def test_no_mount_is_up_whose_endpoint_stays_silent(sandbox):
    with faults.Silent() as silent:
        child = sandbox.start("up", "--json", one(sandbox), env={"S3_ENDPOINT_URL": silent.endpoint})
        proc.wait_for(lambda: (sandbox.run / "control").exists(), 10, "the supervisor")
        deadline = time.monotonic() + 4
        while time.monotonic() < deadline:
            assert sandbox.s3mounts("ready", "--mounted").code != 0
            assert [m["state"] for m in sandbox.s3mounts("status", "--json").json["mounts"]] in ([], ["starting"])
            time.sleep(0.2)
        assert sandbox.finish(child).code == 5


def test_a_driver_that_cannot_reach_s3_is_not_up(sandbox):
    """An rclone that goes its own way: through a proxy at which nobody is. (Loopback's own names it would reach without.)"""
    hosts, script = sandbox.folder / "hosts", sandbox.folder / "rclone"
    hosts.write_text("127.0.0.1 localhost s3.test\n")
    port, = proc.free_ports(1)
    script.write_text(f'#!/bin/sh\nHTTP_PROXY=http://127.0.0.1:{port} exec /usr/bin/rclone "$@"\n')
    script.chmod(0o755)
    under = ("unshare", "--mount", "sh", "-c", f'mount --bind {hosts} /etc/hosts && exec "$@"', "sh")
    result = sandbox.finish(sandbox.start("up", "--json", "--timeout", "8", one(sandbox), under=under, env={
        "S3MOUNTS_RCLONE": str(script), "S3_ENDPOINT_URL": f"http://s3.test:{sandbox.server.port}"}))
    mount, = result.json["mounts"]
    assert result.code == MOUNT and mount["state"] == "failed" and "does not answer" in mount["error"]["message"], result
    assert sandbox.processes() == []


def test_a_root_that_is_not_listed_is_told_and_its_driver_left_alone(sandbox):
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        mount, = sandbox.up(one(sandbox, SOON), env={"S3_ENDPOINT_URL": wire.endpoint})["mounts"]
        time.sleep(1.2)  # rclone answers from its memory until then
        wire.freeze()
        proc.wait_for(lambda: sandbox.status_of("one")["state"] == "unhealthy", 15, "what its state is")
        late = sandbox.status_of("one")
        assert late["state"] == "unhealthy" and "does not answer" in late["error"]["message"] and late["pid"] == mount["pid"]
        assert sandbox.s3mounts("status").code == MOUNT and sandbox.s3mounts("ready", "--mounted").code == MOUNT
        child = sandbox.start("up", "--json", one(sandbox, SOON), env={"S3_ENDPOINT_URL": wire.endpoint})
        time.sleep(1)
        wire.thaw()
        answer = sandbox.finish(child).json
        assert answer["mounts"][0]["state"] == "up" and answer["mounts"][0]["pid"] == mount["pid"], answer
        sandbox.down()


def test_down_is_not_held_up_by_our_own_question(sandbox):
    """S3 does not answer, nothing waits for it: what asks for the listing cannot be ended, and is no reason to call the mount busy."""
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        sandbox.up(one(sandbox, SOON), env={"S3_ENDPOINT_URL": wire.endpoint})
        time.sleep(1.2)
        wire.freeze()
        proc.wait_for(lambda: sandbox.status_of("one")["state"] == "unhealthy", 15, "what its state is")
        assert [sandbox.status_of("one")["state"] for _ in range(3)] == ["unhealthy"] * 3
        assert len([pid for pid in procfs.children(sandbox.s3mounts("status", "--json").json["supervisor"]["pid"])]) <= 3, "one asks at a time"
        result = sandbox.s3mounts("down", "--json", "--timeout", "20")
        assert result.code == 0 and result.seconds < 10 and sandbox.mounts() == [], result


def test_down_is_held_up_by_somebody_else(sandbox):
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        sandbox.up(one(sandbox, SOON), env={"S3_ENDPOINT_URL": wire.endpoint})
        (sandbox.mnt / "one/file").write_text("x")
        assert sandbox.s3mounts("flush").code == 0
        with open(sandbox.mnt / "one/file") as file:
            time.sleep(1.2)
            wire.freeze()
            proc.wait_for(lambda: sandbox.status_of("one")["state"] == "unhealthy", 15, "what its state is")
            result = sandbox.s3mounts("down", "--timeout", "20")
            assert result.code == MOUNT and "in use" in result.err, result
            file.read()
            wire.thaw()


def test_fewer_descriptors_than_clients(sandbox):
    """poll(2) takes no more entries than RLIMIT_NOFILE has; a supervisor with one mount may have 64 clients."""
    under = ("prlimit", "--nofile=40:40")
    answer = sandbox.finish(sandbox.start("up", "--json", *sandbox.specs, under=under))
    assert answer.code == 0, answer
    pid = answer.json["supervisor"]["pid"]
    used = procfs.cpu_seconds(pid)
    (sandbox.targets[0] / "file").write_text("x")
    assert sandbox.s3mounts("flush", timeout=20).code == 0
    time.sleep(1)
    assert procfs.cpu_seconds(pid) - used < 0.5
    sandbox.down(timeout=20)


def test_many_mounts_and_few_descriptors(sandbox):
    """The soft limit is raised to the hard one."""
    specs = [f"--mount=p{i}:{sandbox.mnt}/{i}" for i in range(8)]
    answer = sandbox.finish(sandbox.start("up", "--json", *specs, under=("prlimit", "--nofile=16:4096")))
    assert answer.code == 0, answer
    assert "4096" in procfs.limit(answer.json["supervisor"]["pid"], "Max open files")
    sandbox.down()


@pytest.mark.parametrize("rclone", ["current"], indirect=True)
def test_a_root_whose_listing_breaks_off_is_not_up(sandbox, rclone):
    """The kernel takes no empty name from a driver: what comes behind an object with an empty path component is never listed."""
    for key in ("!a", "*b", "zz"):
        sandbox.put(f"lst/{key}", b"x")
    spec = f"--mount=lst:{sandbox.mnt}/lst:dir_cache_time=1s"
    sandbox.up(spec)
    sandbox.down()
    sandbox.put("lst//lead", b"x")
    error = sandbox.up(spec, code=MOUNT)["mounts"][0]["error"]
    assert "breaks off after 4 entries" in error["message"] and '"//"' in error["message"], error
    assert "delete or rename that object" in error["hint"], error
