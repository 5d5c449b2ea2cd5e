"""test_refusals.py - what S3 or the network refuses: exit code, verdict, words; nothing mounted, nothing left, no secret shown."""

import contextlib

import pytest

from support import faults, proc
from support.guest import Guest
from support.sandbox import Result

REFUSED, UNREACHABLE = 4, 5


def wrong_secret(_):
    return contextlib.nullcontext({"S3_ACCESS_SECRET": "wrongSECRETwrongSECRETwrongSECRETwrongSE"})


def wrong_key(_):
    return contextlib.nullcontext({"S3_ACCESS_KEY_ID": "AKIANOBODYKNOWSTHIS1"})


def missing_bucket(_):
    return contextlib.nullcontext({"S3_BUCKET_NAME": "no-such-bucket"})


def refused_port(_):
    return contextlib.nullcontext({"S3_ENDPOINT_URL": f"http://127.0.0.1:{proc.free_ports(1)[0]}"})


@contextlib.contextmanager
def endpoint_of(fault):
    with fault:
        yield {"S3_ENDPOINT_URL": fault.endpoint}


def blocked_egress(_):
    return endpoint_of(faults.BlockedEgress())


def silent(_):
    return endpoint_of(faults.Silent())


def garbage(_):
    return endpoint_of(faults.Garbage())


def scripted(status, body=b"", headers=(), clock_offset=0):
    return lambda _: endpoint_of(faults.Scripted(status, body, headers, clock_offset))


def s3_says(status, code, headers=(), clock_offset=0, **more):
    return scripted(status, faults.s3_error(code, **more), headers, clock_offset)


HTML = b"<!DOCTYPE html><html><body>It works!</body></html>"

CASES = {
    "wrong secret": (wrong_secret, REFUSED, "wrong-secret"),
    "wrong key": (wrong_key, REFUSED, "unknown-key"),
    "missing bucket": (missing_bucket, REFUSED, "no-such-bucket"),
    "refused port": (refused_port, UNREACHABLE, "connection-refused"),
    "blocked egress": (blocked_egress, UNREACHABLE, "egress-blocked"),
    "no answer": (silent, UNREACHABLE, "timeout"),
    "web server": (scripted(200, HTML, {"Content-Type": "text/html"}), UNREACHABLE, "not-s3"),
    "web server, 404": (scripted(404, HTML, {"Content-Type": "text/html"}), UNREACHABLE, "not-s3"),
    "mail server": (garbage, UNREACHABLE, "not-s3"),
    "clock an hour behind": (s3_says(403, "RequestTimeTooSkewed", clock_offset=3600), REFUSED, "clock-skew"),
    "clock 75 h ahead": (s3_says(403, "RequestTimeTooSkewed", clock_offset=-75 * 3600), REFUSED, "clock-skew"),
    "access denied": (s3_says(403, "AccessDenied"), REFUSED, "access-denied"),
    "expired token": (s3_says(400, "ExpiredToken"), REFUSED, "expired-token"),
    "invalid token": (s3_says(403, "InvalidToken"), REFUSED, "invalid-token"),
    "R2 says 401": (s3_says(401, "Unauthorized"), REFUSED, None),
    "wrong region": (s3_says(400, "AuthorizationHeaderMalformed", Region="eu-west-1"), REFUSED, "wrong-region"),
    "moved": (s3_says(301, "PermanentRedirect", {"x-amz-bucket-region": "ap-south-1"}), REFUSED, "wrong-region"),
    "slow down": (s3_says(503, "SlowDown"), UNREACHABLE, "throttled"),
    "internal error": (s3_says(500, "InternalError"), UNREACHABLE, "server-error"),
}
SLOW = ("no answer",)


@pytest.fixture
def situation(request, sandbox):
    make, code, verdict = CASES[request.param]
    with make(sandbox) as env:
        sandbox.env.update(env)
        yield code, verdict


def assert_told(check, code, verdict):
    if verdict:
        assert check["verdict"] == verdict
    else:
        assert check["verdict"] != "ok"
    assert check["cause"] and "\n" not in check["cause"]
    assert check["hint"] or verdict in ("throttled", "server-error")


@pytest.mark.parametrize("situation", CASES, indirect=True)
def test_up_tells_why_and_leaves_nothing(sandbox, situation):
    code, verdict = situation
    answer = sandbox.up(code=code)
    for mount in answer["mounts"]:
        assert mount["state"] in ("failed", "down")
        assert mount["error"]["code"] == code and mount["error"]["message"]
        assert_told(mount["check"], code, verdict)
    assert sandbox.mounts() == [] and sandbox.drivers() == []
    assert answer["ms"] < 15000


@pytest.mark.parametrize("situation", [case for case in CASES if case not in SLOW], indirect=True)
def test_check_tells_the_same(sandbox, situation):
    code, verdict = situation
    result = sandbox.s3mounts("check", "--json", *sandbox.specs)
    assert result.code == code and result.json["code"] == code and not result.json["ok"], result
    for mount in result.json["mounts"]:
        assert_told(mount["check"], code, verdict)
    assert sandbox.processes() == []


@pytest.mark.parametrize("situation", ["wrong secret", "refused port", "clock an hour behind"], indirect=True)
def test_people_get_the_object_the_cause_and_the_way_out(sandbox, situation):
    result = sandbox.s3mounts("up", *sandbox.specs)
    assert result.code == situation[0] and result.out == "", result
    first = next(line for line in result.err.splitlines() if line.startswith("s3mounts: mount "))
    assert str(sandbox.mnt) in first
    assert any(line.lstrip().startswith("hint: ") and line.startswith(" ") for line in result.err.splitlines()), result


@pytest.mark.parametrize("situation, behind", [("clock an hour behind", 3600), ("clock 75 h ahead", -75 * 3600)], indirect=["situation"])
def test_the_skew_is_measured(sandbox, situation, behind):
    mount = sandbox.s3mounts("check", "--json", *sandbox.specs).json["mounts"][0]
    assert abs(mount["check"]["skew_seconds"] + behind) < 10
    assert mount["check"]["http_status"] == 403 and mount["check"]["s3_code"] == "RequestTimeTooSkewed"


@pytest.mark.parametrize("situation, region", [("wrong region", "eu-west-1"), ("moved", "ap-south-1")], indirect=["situation"])
def test_the_right_region_is_named(sandbox, situation, region):
    check = sandbox.s3mounts("check", "--json", *sandbox.specs, env={"S3_REGION": "us-west-2"}).json["mounts"][0]["check"]
    assert check["region"] == region and region in check["cause"] + check["hint"]


def test_one_bad_bucket_among_good_ones(sandbox):
    answer = sandbox.up(f"--mount=docs:{sandbox.mnt}/good", f"--mount=s3://no-such-bucket/x:{sandbox.mnt}/bad", code=1)
    assert [m["state"] for m in answer["mounts"]] == ["up", "failed"]
    assert answer["mounts"][1]["check"]["verdict"] == "no-such-bucket"
    assert [m[0] for m in sandbox.mounts()] == [str(sandbox.mnt / "good")]


@pytest.mark.parametrize("answer, verdicts", [(3, ["name-not-found"]), (2, ["name-not-found", "unreachable"]),
                                              (None, ["name-not-found", "timeout", "unreachable"])],
                         ids=["no such name", "server failure", "silence"])
def test_unknown_host_name(binary, server, tmp_path, answer, verdicts):
    """In a guest whose name server is ours."""
    with faults.NameServer(answer, "127.77.0.53") as names:
        guest = Guest(binary, tmp_path, nameserver=names.address)
        try:
            env = {"PATH": "/usr/local/bin:/usr/bin:/bin", **server.environment(), "THREAD_ID": "t", "USER_ID": "u",
                   "S3_ENDPOINT_URL": "http://s3.no-such-host.example"}
            child = guest.popen(["s3mounts", "up", "--json"], env)
            out, err = child.communicate(timeout=40)
            result = Result(child.args, child.returncode, out, err, 0)
            assert result.code == UNREACHABLE, result
            for mount in result.json["mounts"]:
                assert mount["check"]["verdict"] in verdicts
                assert "s3.no-such-host.example" in mount["error"]["message"] + mount["check"]["cause"]
            assert guest.mounts() == []
        finally:
            guest.stop()


def test_a_host_by_name(sandbox):
    sandbox.up(env={"S3_ENDPOINT_URL": f"http://localhost:{sandbox.server.port}"})
