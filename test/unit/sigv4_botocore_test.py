"""
sigv4_botocore_test.py - our requests against botocore's: the same bytes in path and query, the same Host, the same signature, for
every byte that a key, a prefix or a value can hold.
"""

import binascii
import datetime
import os
import random
import subprocess
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

SEED = 20130524
ENDPOINTS = ["", "http://127.0.0.1:7480", "https://s3.example.com", "https://s3.example.com:8443", "http://s3.example.com:80",
             "https://s3.example.com:443", "http://s3.example.com:443", "https://[::1]:9000", "http://[fd00::1]", "https://minio.local/base/path",
             "https://s3.eu-central-1.amazonaws.com", "https://acct.r2.cloudflarestorage.com", "https://fra1.digitaloceanspaces.com"]
REGIONS = ["us-east-1", "eu-central-1", "auto", "region_1"]
BUCKETS = ["sandbox", "a-bucket.with.dots", "UPPER_case", "abc"]
NAMES = ["list-type", "prefix", "max-keys", "delimiter", "continuation-token", "uploadId", "uploads", "partNumber", "a", "a-b", "a.b", "ab", "A"]


def case(**more):
    base = {"endpoint": "http://127.0.0.1:7480", "region": "us-east-1", "time": 1369353600, "method": "GET", "bucket": "sandbox", "key": b"",
            "key_id": "AKIAIOSFODNN7EXAMPLE", "secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "token": "", "body": b"", "query": []}
    return {**base, **more}


def exhaustive():
    for byte in range(256):
        one = bytes([byte])
        yield case(key=one)
        yield case(key=b"a/" + one + b"/b" + one, method="PUT", body=one)
        yield case(query=[("list-type", b"2"), ("max-keys", b"1"), ("prefix", b"t/" + one + b"/")])
        yield case(query=[("prefix", one + b"x"), ("prefix", b"%"), ("prefix", b"~"), ("prefix", one)])


def text(rng, alphabet, low, high):
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(low, high)))


def generated(count):
    rng = random.Random(SEED)
    base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
    for _ in range(count):
        yield case(
            endpoint=rng.choice(ENDPOINTS), region=rng.choice(REGIONS), time=rng.randrange(4102444800),
            method=rng.choice(["GET", "PUT", "HEAD", "POST", "DELETE"]), bucket=rng.choice(BUCKETS),
            key=rng.choice([b"", rng.randbytes(rng.randint(1, 60)), b"//a/../b/./" + rng.randbytes(3), b"x" * 1024, b"/lead", b"trail/"]),
            key_id=text(rng, base64[:36], 16, 128), secret=text(rng, base64, 1, 256),
            token=rng.choice(["", text(rng, base64, 1, 4096)]), body=rng.choice([b"", rng.randbytes(rng.randint(1, 400))]),
            query=[(rng.choice(NAMES), rng.randbytes(rng.randint(0, 20))) for _ in range(rng.randint(0, 10))])


def line(c):
    words = [c["endpoint"], c["region"], str(c["time"]), c["method"], c["bucket"], c["key"], c["key_id"], c["secret"], c["token"], c["body"]]
    for name, value in c["query"]:
        words += [name, value]
    return " ".join(binascii.hexlify(w if isinstance(w, bytes) else w.encode()).decode() or "-" for w in words)


def ours(cases):
    tool = os.path.join(os.environ["S3MOUNTS_HOST"], "sigv4_tool")
    lines = "".join(line(c) + "\n" for c in cases)
    out = subprocess.run([tool], input=lines, capture_output=True, text=True, timeout=300, check=True).stdout.splitlines()
    assert len(out) == len(cases)
    for answer in out:
        host, port, head = answer.split(" ")
        start, *fields = binascii.unhexlify(head).decode().removesuffix("\r\n\r\n").split("\r\n")
        yield host, int(port), start, dict(f.split(": ", 1) for f in fields)


def quote(data, safe=""):
    return urllib.parse.quote(data, safe="-._~" + safe)


def label(bucket):
    return bucket.replace("-", "").isalnum() and bucket.islower() and 3 <= len(bucket) <= 63


def expected_url(c):
    """Addressed by the rules of the providers, written down a second time here."""
    endpoint = urllib.parse.urlsplit(c["endpoint"] or f"https://s3.{c['region']}.amazonaws.com")
    virtual = ("amazonaws" in endpoint.netloc or "digitalocean" in endpoint.netloc) and label(c["bucket"])
    netloc = f"{c['bucket']}.{endpoint.netloc}" if virtual else endpoint.netloc
    path = endpoint.path + ("/" if virtual else "/" + c["bucket"] + ("/" if c["key"] else "")) + quote(c["key"], "/")
    query = "&".join(f"{quote(n)}={quote(v)}" for n, v in c["query"])
    return f"{endpoint.scheme}://{netloc}{path}" + (f"?{query}" if query else "")


def botocores(c, monkeypatch):
    moment = datetime.datetime.fromtimestamp(c["time"], datetime.timezone.utc).replace(tzinfo=None)

    class Clock(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return moment

    monkeypatch.setattr(botocore.auth.datetime, "datetime", Clock)
    request = botocore.awsrequest.AWSRequest(c["method"], expected_url(c), data=c["body"])
    credentials = botocore.credentials.Credentials(c["key_id"], c["secret"], c["token"] or None)
    signer = botocore.auth.S3SigV4Auth(credentials, "s3", c["region"])
    signer.add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}, signer.canonical_request(request)


def compare(cases, monkeypatch):
    cases = list(cases)
    for c, (host, port, start, fields) in zip(cases, ours(cases)):
        url = urllib.parse.urlsplit(expected_url(c))
        method, target, version = start.split(" ")
        path, _, query = target.partition("?")
        headers, canonical = botocores(c, monkeypatch)
        assert (method, version, path) == (c["method"], "HTTP/1.1", url.path), c
        assert sorted(query.split("&")) == sorted(url.query.split("&")), c
        assert host == url.hostname and port == (url.port or {"http": 80, "https": 443}[url.scheme]), c
        assert fields["host"] == canonical.partition("\nhost:")[2].partition("\n")[0], c
        for name in ("x-amz-date", "x-amz-content-sha256", "x-amz-security-token"):
            assert fields.get(name) == headers.get(name), (name, c)
        assert fields["authorization"].replace(",S", ", S") == headers["authorization"], (c, start, canonical)
    return len(cases)


def test_every_byte(monkeypatch):
    assert compare(exhaustive(), monkeypatch) == 1024


@pytest.mark.parametrize("count", [2500])
def test_generated_requests(monkeypatch, count):
    assert compare(generated(count), monkeypatch) == count
