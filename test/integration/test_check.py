"""test_check.py - `s3mounts check`: the credentials alone, nothing mounted."""

import pytest

from support import faults
from support.wire import Wire

pytestmark = pytest.mark.both


def test_ok(sandbox):
    result = sandbox.s3mounts("check", "--json", *sandbox.specs)
    answer = result.json
    assert result.code == 0, result
    assert set(answer) == {"command", "ok", "code", "ms", "warnings", "endpoint", "error", "mounts"}
    assert (answer["command"], answer["ok"], answer["endpoint"], answer["error"]) == ("check", True, sandbox.server.endpoint, None)
    for mount, target, prefix in zip(answer["mounts"], sandbox.targets, sandbox.prefixes):
        assert mount["target"] == str(target) and mount["bucket"] == sandbox.server.bucket
        assert mount["prefix"] == prefix + "/"
        assert (mount["check"]["verdict"], mount["check"]["http_status"]) == ("ok", 200)
    assert sandbox.mounts() == [] and sandbox.processes() == []
    assert list(sandbox.mnt.iterdir()) == []


def test_nothing_is_written_without_being_asked(sandbox):
    with faults.Scripted(200, b'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                         b"<KeyCount>0</KeyCount></ListBucketResult>") as script:
        result = sandbox.s3mounts("check", *sandbox.specs, env={"S3_ENDPOINT_URL": script.endpoint})
        assert result.code == 0, result
        assert {method for method, _ in script.requests} == {"GET"}
        for prefix, (_, path) in zip(sandbox.prefixes, script.requests):
            assert path.startswith(f"/{sandbox.server.bucket}") and "max-keys=1&" in path and "max-keys=1" in path


def test_write_cleans_up(sandbox):
    result = sandbox.s3mounts("check", "--write", "--json", *sandbox.specs)
    assert result.code == 0, result
    assert [key for prefix in sandbox.prefixes for key in sandbox.keys(prefix) if "probe" in key] == []


def test_write_puts_and_deletes(sandbox):
    """What goes over the wire, told by a server that says yes to everything."""
    listing = b'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></ListBucketResult>'
    with faults.Scripted(200, listing) as script:
        sandbox.s3mounts("check", "--write", sandbox.specs[0], env={"S3_ENDPOINT_URL": script.endpoint})
        paths = {method: path for method, path in script.requests}
        assert {"GET", "PUT", "DELETE"} <= set(paths)
        assert paths["PUT"] == paths["DELETE"] and f"{sandbox.prefixes[0]}/.s3mounts-probe-" in paths["PUT"]


def test_a_key_that_may_only_read(sandbox):
    """radosgw with a bucket policy: listing passes, writing is refused."""
    reader = sandbox.server.reader()
    assert sandbox.s3mounts("check", *sandbox.specs, env=reader).code == 0
    result = sandbox.s3mounts("check", "--write", "--json", *sandbox.specs, env=reader)
    assert result.code == 4, result
    for mount in result.json["mounts"]:
        assert (mount["check"]["verdict"], mount["check"]["s3_code"], mount["check"]["http_status"]) == (
            "access-denied", "AccessDenied", 403)


def test_a_key_without_any_right(sandbox):
    answer = sandbox.up(env=sandbox.server.nobody(), code=4)
    assert {m["check"]["verdict"] for m in answer["mounts"]} == {"access-denied"}
    assert sandbox.mounts() == []


def test_lines_for_people(sandbox):
    result = sandbox.s3mounts("check", *sandbox.specs)
    assert result.code == 0
    for target in sandbox.targets:
        assert str(target) in result.out + result.err, result


def test_a_temporary_key_without_its_token(sandbox):
    result = sandbox.s3mounts("check", "--json", sandbox.specs[0], env={"S3_ACCESS_KEY_ID": "ASIATESTS3MOUNTS0001"})
    assert result.code in (2, 4), result
    text = str(result.json)
    assert "S3_SESSION_TOKEN" in text


def test_without_credentials(sandbox):
    result = sandbox.s3mounts("check", "--json", *sandbox.specs,
                              env={"S3_ACCESS_KEY_ID": "", "S3_ACCESS_SECRET": "", "S3_ENDPOINT_URL": "", "S3_BUCKET_NAME": ""})
    assert result.code == 3 and result.json["code"] == 3, result


def test_a_refusal_stands_for_the_whole_too(sandbox):
    answer = sandbox.s3mounts("check", "--json", *sandbox.specs, env={"S3_ACCESS_SECRET": "wrong-wrong-wrong"}).json
    assert answer["error"]["code"] == answer["code"] == 4
    assert answer["error"]["message"].startswith("check s3://") and "the secret key does not belong" in answer["error"]["message"]
    assert answer["error"]["hint"] == answer["mounts"][0]["check"]["hint"]


def test_names_that_are_not_read_are_named(sandbox):
    none = {"S3_ACCESS_KEY_ID": "", "S3_ACCESS_SECRET": ""}
    for command in ("check", "config", "up"):
        error = sandbox.s3mounts(command, "--json", *sandbox.specs, env={**none, "R2_ACCESS_KEY_ID": "hidden"}).json["error"]
        assert error["code"] == 3 and "set, but not read: R2_ACCESS_KEY_ID)" in error["message"] and "hidden" not in str(error)


def test_an_empty_endpoint_is_not_aws(sandbox):
    def refused(*options, **more):
        error = sandbox.s3mounts("check", "--json", *sandbox.specs, *options, **more).json["error"]
        assert error["code"] == 2 and "S3_ENDPOINT_URL is set, but empty" in error["message"], error

    refused(env={"S3_ENDPOINT_URL": ""})
    path = sandbox.folder / "s3.env"
    path.write_text("S3_ENDPOINT_URL=\n")
    path.chmod(0o600)
    refused("--env-file", path)


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://user:pw@127.0.0.1", "http://127.0.0.1:99999", "http://a b", "http://x?y",
                                 "http://x\n", "http://127.0.0.1:port"])
def test_an_endpoint_that_is_none(sandbox, url):
    result = sandbox.s3mounts("check", "--json", *sandbox.specs, env={"S3_ENDPOINT_URL": url})
    assert result.code == 2 and "S3_ENDPOINT_URL" in result.json["error"]["message"], result
    assert "pw" not in result.out + result.err


def test_one_connection_serves_all(sandbox):
    with Wire(sandbox.server.port, sandbox.folder) as wire:
        assert sandbox.s3mounts("check", *sandbox.specs, env={"S3_ENDPOINT_URL": wire.endpoint}).code == 0
        assert wire.accepted == 1


def test_its_time_is_for_all_of_it(sandbox):
    with faults.Silent() as silent:
        result = sandbox.s3mounts("check", "--timeout", "1", "--json", *sandbox.specs, env={"S3_ENDPOINT_URL": silent.endpoint})
    assert result.code == 5 and result.seconds < 4, result  # of each alone it would be 10 s
    assert {mount["check"]["verdict"] for mount in result.json["mounts"]} == {"timeout"}


@pytest.mark.parametrize("command", ["check", "up"])
def test_who_pays_is_said_for_each_mount(sandbox, command):
    """A bucket whose requester pays refuses whoever does not say so; rclone says it by this option."""
    with faults.Scripted(403, faults.s3_error("AccessDenied")) as script:
        specs = [f"--mount={prefix}:{sandbox.mnt}/{i}:{'s3_requester_pays' if i == 1 else 'ro'}" for i, prefix in enumerate(sandbox.prefixes)]
        assert sandbox.s3mounts(command, *specs, env={"S3_ENDPOINT_URL": script.endpoint}).code == 4
        asked = [payer for (_, path), payer in zip(script.requests, script.payers) if "max-keys=1&" in path]
        assert asked == [None, "requester", None]
