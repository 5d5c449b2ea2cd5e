"""
test_reasons.py - why: what S3 answers to an upload stands in `flush`, `down` and `status` beside the file that waits, and a mount whose key S3 does not
take any more is not plainly "up"; a driver that cannot start is told by the line of its log that says why, with the way out.
"""

import contextlib
import ctypes
import http.client
import http.server
import json
import os
import pathlib
import struct
import threading

import boto3
import pytest

from support import faults, fuse, proc

TOKEN = "IQoJb3JpZ2luX2VjEJrwEaCXVzLWVhc3QtMSJHMEUCIQD2/abcdef0123456789+xyz=="


# A key and a bucket of a test's own: what is taken from them is taken from nobody else


class Account:
    """A user of the server with a bucket of its own; the sandbox gets its key."""

    def __init__(self, sandbox):
        self.sandbox, self.server = sandbox, sandbox.server
        self.uid = f"own-{sandbox.thread}"
        self.bucket = f"bucket-of-{self.uid}"
        self.key, self.secret = f"AKIA{self.uid}", f"{self.uid}-secret/secret+secret-of-this-test"
        self.admin("user", "create", f"--display-name={self.uid}", f"--access-key={self.key}", f"--secret-key={self.secret}")
        sandbox.env.update(S3_ACCESS_KEY_ID=self.key, S3_ACCESS_SECRET=self.secret, S3_BUCKET_NAME=self.bucket)
        self.client = boto3.client("s3", endpoint_url=self.server.endpoint, region_name="us-east-1",
                                   aws_access_key_id=self.key, aws_secret_access_key=self.secret)
        self.client.create_bucket(Bucket=self.bucket)

    def admin(self, what, *argv):
        proc.run(["radosgw-admin", "-c", self.server.folder / "ceph.conf", what, *argv, f"--uid={self.uid}"])

    def policy(self, *denied):
        deny = {"Effect": "Deny", "Principal": {"AWS": [f"arn:aws:iam:::user/{self.uid}"]}, "Action": list(denied),
                "Resource": [f"arn:aws:s3:::{self.bucket}", f"arn:aws:s3:::{self.bucket}/*"]}
        self.client.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))

    def keys(self):
        return [entry["Key"] for entry in self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])]


class Gate:
    """Stands before the server. `refuse` = (status, body) answers each PUT; None: all goes through."""

    def __init__(self, port):
        self.refuse = None
        gate = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if gate.refuse and self.command == "PUT":
                    return self.answer(gate.refuse[0], {"Content-Type": "application/xml"}, gate.refuse[1])
                server = http.client.HTTPConnection("127.0.0.1", port)
                server.request(self.command, self.path, body, dict(self.headers))
                got = server.getresponse()
                left_out = ("connection", "transfer-encoding", "content-length")
                headers = {name: value for name, value in got.getheaders() if name.lower() not in left_out}
                if self.command == "HEAD":
                    headers["Content-Length"] = got.getheader("Content-Length", "0")
                self.answer(got.status, headers, got.read())
                return server.close()

            def answer(self, status, headers, body):
                self.send_response_only(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = pass_on

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def account(sandbox):
    return Account(sandbox)


@pytest.fixture
def gate(sandbox, account):
    with Gate(account.server.port) as one:
        sandbox.env["S3_ENDPOINT_URL"] = one.endpoint
        yield one


# What S3 refuses, each for as long as the `with` lasts


@contextlib.contextmanager
def quota_exceeded(account, _):
    for n in range(2):
        account.client.put_object(Bucket=account.bucket, Key=f"there-before-{n}")
    account.admin("quota", "set", "--quota-scope=bucket", "--max-objects=1")
    account.admin("quota", "enable", "--quota-scope=bucket")
    try:
        yield "file.txt", "QuotaExceeded"
    finally:
        account.admin("quota", "disable", "--quota-scope=bucket")


@contextlib.contextmanager
def user_suspended(account, _):
    account.admin("user", "suspend")
    try:
        yield "file.txt", "UserSuspended"
    finally:
        account.admin("user", "enable")


@contextlib.contextmanager
def put_withdrawn(account, _):
    account.policy("s3:PutObject")
    try:
        yield "folder/file: a.txt", "AccessDenied"
    finally:
        account.client.delete_bucket_policy(Bucket=account.bucket)


@contextlib.contextmanager
def key_removed(account, _):
    account.admin("key", "rm", "--key-type=s3", f"--access-key={account.key}")
    try:
        yield "file.txt", "InvalidAccessKeyId"
    finally:
        account.admin("key", "create", "--key-type=s3", f"--access-key={account.key}", f"--secret-key={account.secret}")


@contextlib.contextmanager
def token_expired(_, gate):
    gate.refuse = 400, faults.s3_error("ExpiredToken")
    try:
        yield "file.txt", "ExpiredToken"
    finally:
        gate.refuse = None


@contextlib.contextmanager
def key_too_long(*_):
    """AWS has a code of its own for it, radosgw says InvalidObjectName."""
    yield "/".join("n" * 200 for _ in range(6)) + "/file.txt", "InvalidObjectName"


REFUSALS = [quota_exceeded, user_suspended, put_withdrawn, key_removed, token_expired, key_too_long]
LASTING = [one for one in REFUSALS if one is not key_too_long]


@pytest.fixture
def mount(sandbox, account, gate):
    """One mount that is up and has been listed; gives its folder."""
    target = sandbox.mnt / "docs"
    sandbox.up(f"--mount=docs:{target}:dir_cache_time=1s")
    os.listdir(target)
    return target


@contextlib.contextmanager
def refused_upload(mount, account, gate, refusal):
    """A file that S3 does not take; gives its name as we tell it, and the code. At the end all is as before."""
    with contextlib.ExitStack() as after:
        name, code = after.enter_context(refusal(account, gate))
        (mount / name).parent.mkdir(parents=True, exist_ok=True)
        (mount / name).write_text("waits")
        try:
            yield (name if len(name) < 256 else "…" + name[-252:]), code
        finally:
            after.close()
            (mount / name).unlink()


def only(answer):
    one, = answer["mounts"]
    return one


def assert_reason(one, name, code):
    """The pending file and what S3 says of it, and of nothing else."""
    assert one["pending_files"] == 1 and one.get("pending_names", [name]) == [name], one
    assert [reason["name"] for reason in one["pending_reasons"]] == [name], one
    assert set(one["pending_reasons"][0]) == {"name", "reason"}
    assert code in one["pending_reasons"][0]["reason"], one


@pytest.mark.parametrize("refusal", REFUSALS)
def test_flush_says_what_s3_answered(sandbox, mount, account, gate, refusal):
    with refused_upload(mount, account, gate, refusal) as (name, code):
        result = sandbox.s3mounts("flush", "--timeout", "3", "--json")
        assert result.code == 7 and result.json["code"] == 7, result
        assert_reason(only(result.json), name, code)
        reason = only(result.json)["pending_reasons"][0]["reason"]
        assert reason.startswith("S3 refuses (4"), reason
        lines = sandbox.s3mounts("flush", "--timeout", "1").err.splitlines()
        assert f"          not in S3 yet: {name}: {reason}" in lines, lines


@pytest.mark.parametrize("refusal", REFUSALS)
def test_status_is_not_up(sandbox, mount, account, gate, refusal):
    """Within 5 s of the refused upload, which comes 1 s (vfs_write_back) behind the close."""
    def refused():
        result = sandbox.s3mounts("status", "--json")
        return result if only(result.json)["state"] != "up" else None

    with refused_upload(mount, account, gate, refusal) as (name, code):
        result = proc.wait_for(refused, 6, "status to tell it", every=0.2)
        one = only(result.json)
        assert result.code != 0 and one["state"] == "refused", result
        assert one["error"]["code"] == 4 and code in one["error"]["message"] and one["error"]["hint"], one
        assert_reason(one, name, code)


@pytest.mark.parametrize("refusal", LASTING)
def test_what_passes_is_forgotten(sandbox, mount, account, gate, refusal):
    """The file arrives at a later attempt: the mount is up again, and nothing is said of it any more."""
    with refusal(account, gate) as (name, _):
        (mount / name).parent.mkdir(parents=True, exist_ok=True)
        (mount / name).write_text("waits")
        proc.wait_for(lambda: sandbox.s3mounts("status").code, 6, "status to tell it", every=0.2)
    result = sandbox.s3mounts("flush", "--timeout", "40", "--json")
    assert result.code == 0 and f"docs/{name}" in account.keys(), result
    one = only(proc.wait_for(lambda: (s := sandbox.s3mounts("status", "--json")).code == 0 and s.json, 6, "a mount that is up", every=0.2))
    assert (one["state"], one["error"], one["pending_reasons"]) == ("up", None, []), one


def test_down_says_it_too(sandbox, mount, account, gate):
    with refused_upload(mount, account, gate, put_withdrawn) as (name, code):
        result = sandbox.s3mounts("down", "--timeout", "3", "--json")
        assert result.code == 7, result
        assert_reason(only(result.json), name, code)


def test_each_file_has_its_own_reason(sandbox, mount, account, gate):
    long = "/".join("n" * 200 for _ in range(6)) + "/file.txt"
    with refused_upload(mount, account, gate, key_too_long):
        proc.wait_for(lambda: sandbox.s3mounts("status").code, 6, "the first reason", every=0.2)
        with refused_upload(mount, account, gate, put_withdrawn) as (name, _):
            one = only(sandbox.s3mounts("flush", "--timeout", "3", "--json").json)
            reasons = {reason["name"]: reason["reason"] for reason in one["pending_reasons"]}
            assert set(reasons) == {name, "…" + long[-252:]} == set(one["pending_names"]), one
            assert "AccessDenied" in reasons[name] and "InvalidObjectName" in reasons["…" + long[-252:]]
            status = sandbox.s3mounts("status", "--json")
            assert "AccessDenied" in only(status.json)["error"]["message"], "the key's rights weigh more than a name"


def test_a_key_that_is_gone_is_seen_by_readers(sandbox, mount, account, gate):
    """Nothing waits; but what a program in the sandbox asks of the mount fails."""
    with key_removed(account, gate):
        def refused():
            with contextlib.suppress(OSError):
                os.listdir(mount)
            return sandbox.s3mounts("status").code
        proc.wait_for(refused, 12, "status to tell it", every=0.5)
        one = only(sandbox.s3mounts("status", "--json").json)
        assert one["state"] == "refused" and one["error"]["code"] == 4 and "InvalidAccessKeyId" in one["error"]["message"], one


def test_a_server_that_echoes_the_token(sandbox, mount, account, gate):
    gate.refuse = 400, f"<Error><Code>Strange</Code><Message>the token {TOKEN} is bad</Message></Error>".encode()
    (mount / "file.txt").write_text("waits")
    try:
        told = [sandbox.s3mounts(*command, *form) for command in (["flush", "--timeout", "3"], ["status"]) for form in (["--json"], [])]
        for result in told:
            assert result.code != 0 and "Strange" in result.out + result.err, result
            assert not [n for n in range(0, len(TOKEN) - 16, 4) if TOKEN[n:n + 16] in result.out + result.err], result
    finally:
        gate.refuse = None
        (mount / "file.txt").unlink()


def test_new_keys_upload_what_the_withdrawn_ones_could_not(sandbox, mount, account, gate):
    (mount / "file.txt").write_text("waits")
    account.admin("key", "rm", "--key-type=s3", f"--access-key={account.key}")
    proc.wait_for(lambda: sandbox.s3mounts("status").code, 12, "status to tell it", every=0.5)
    new = f"{account.key}NEW"
    account.admin("key", "create", "--key-type=s3", f"--access-key={new}", f"--secret-key={account.secret}")
    sandbox.env["S3_ACCESS_KEY_ID"] = new
    account.client = boto3.client("s3", endpoint_url=account.server.endpoint, region_name="us-east-1", aws_access_key_id=new,
                                  aws_secret_access_key=account.secret)
    answer = sandbox.up(f"--mount=docs:{mount}:dir_cache_time=1s", "--timeout", "20")
    assert only(answer)["state"] == "up", answer
    assert sandbox.s3mounts("flush", "--timeout", "30").code == 0 and "docs/file.txt" in account.keys()


def test_a_file_that_the_driver_may_have_dropped(sandbox):
    """On a full disk rclone removes what it cannot open, the only copy too, and calls it clean (the line is its own)."""
    spec = f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/x"
    sandbox.up(spec)
    log, = sandbox.run.glob("*.log")
    with open(log, "a") as file:
        file.write("2026/11/26 14:00:00 ERROR : IO error: open RW handle failed to open cache file: vfs cache item: create cache file failed: "
                   "vfs cache item: open failed: no space left on device\n")
    for command in "flush", "status":
        result = sandbox.s3mounts(command, "--json", *(["--timeout", "3"] if command == "flush" else []))
        assert "no space left on device" in str(result.json["mounts"][0]["error"] or result.json["error"]), result
    assert sandbox.s3mounts("flush").code == 7
    result = sandbox.s3mounts("down")
    assert result.code == 7 and "all of it is in S3" not in result.err and sandbox.mounts() == [], result
    sandbox.up(spec)
    assert sandbox.s3mounts("flush").code == 0


# A driver that cannot start


def refuse_mount(number):
    """For preexec_fn: from now on mount(2) fails with errno NUMBER, as where seccomp or a security module forbids it."""
    statement = struct.Struct("HBBI").pack
    load, equal, give, allow, fail, mount = 0x20, 0x15, 0x06, 0x7fff0000, 0x00050000, 165
    code = statement(load, 0, 0, 0) + statement(equal, 0, 1, mount) + statement(give, 0, 0, fail | number) + statement(give, 0, 0, allow)
    libc = ctypes.CDLL(None, use_errno=True)

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]

    def install():
        if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(Program(len(code) // 8, code))):
            os._exit(99)
    return install


def assert_told(answer, cause, hint):
    """By the mount: the line that says why, with the way out, and no line of what comes behind it."""
    error = answer["mounts"][0]["error"]
    assert error["code"] == 6 and cause in error["message"] and hint in error["hint"], error
    assert not [words for words in ("0x", "goroutine", "hint:", "exit status") if words in error["message"].replace(answer["mounts"][0]["target"], "")], error


@pytest.mark.parametrize("number, cause, hint", [(1, "seccomp forbids it", "--cap-add SYS_ADMIN"),
                                                 (13, "a security module (AppArmor, SELinux) forbids it", "apparmor=unconfined")])
def test_mount_is_refused(sandbox, number, cause, hint):
    answer = sandbox.up(f"--mount=docs:{sandbox.mnt}/x", code=6, preexec_fn=refuse_mount(number))
    assert_told(answer, cause, hint)
    assert "fusermount" in answer["mounts"][0]["error"]["message"]
    assert sandbox.mounts() == []


@pytest.mark.parametrize("megabytes", [300, 650])
def test_too_little_memory_for_the_driver(sandbox, megabytes):
    """Go reserves 600 MB of addresses at its start, and then wants some to write to."""
    result = sandbox.finish(sandbox.start("up", "--json", f"--mount=docs:{sandbox.mnt}/x", under=["prlimit", f"--as={megabytes << 20}"]))
    assert result.code == 6, result
    assert_told(result.json, "memory", "give it more memory")


@contextlib.contextmanager
def few_pids(limit):
    """Words to start a program with, for LIMIT processes and threads of it at most: a cgroup, of either version."""
    tree = pathlib.Path(f"/tmp/s3m-pids-{os.getpid()}")
    tree.mkdir()
    try:
        fuse.mount("pids", tree, "cgroup", data=b"pids")
    except OSError:
        fuse.mount("cgroup2", tree, "cgroup2")
        (tree / "cgroup.subtree_control").write_text("+pids")
    group = tree / tree.name
    try:
        group.mkdir()
        (group / "pids.max").write_text(str(limit))
        yield ["sh", "-c", 'echo $$ > "$0" && exec "$@"', group / "cgroup.procs"]
    finally:
        proc.wait_for(lambda: emptied(group, tree), 10, "the end of the cgroup")
        fuse.detach(tree)
        tree.rmdir()


def emptied(group, tree):
    """True when nothing was left to move and GROUP is gone."""
    with contextlib.suppress(OSError):
        for pid in (group / "cgroup.procs").read_text().split():
            (tree / "cgroup.procs").write_text(pid)
        group.rmdir()
    return not group.exists()


def test_too_few_pids_for_the_driver(sandbox):
    with few_pids(6) as under:
        result = sandbox.finish(sandbox.start("up", "--json", f"--mount=docs:{sandbox.mnt}/x", under=under))
    assert result.code == 6, result
    assert_told(result.json, "thread", "--pids-limit")


def test_too_few_pids_for_us(sandbox):
    """No supervisor, no helper: the hint is the same."""
    strace = ["strace", "-f", "-o", sandbox.folder / "trace", "-e"]
    result = sandbox.finish(sandbox.start("up", "--json", *sandbox.specs, under=[*strace, "inject=fork,clone:error=EAGAIN:when=1"]))
    assert result.code == 8 and "fork: Resource temporarily unavailable" in result.json["error"]["message"], result
    assert "--pids-limit" in result.json["error"]["hint"], result
