"""test_tls.py - TLS with an authority of our own: it works from end to end, rclone included, and each fault has its own sentence."""

import re

import pytest

from support.tls import AES_GCM, ALONE, CHACHA20, CURVES, offered

pytestmark = pytest.mark.both


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "AWS_CA_BUNDLE"])
def test_own_authority_end_to_end(sandbox, tls, variable):
    """rclone 1.60 dies on AWS_CA_BUNDLE when it sees it: it must get the authority another way."""
    sandbox.put(f"{sandbox.prefixes[0]}/from-s3", b"over TLS")
    sandbox.up(env={"S3_ENDPOINT_URL": tls.url("good"), variable: str(tls.authority.certificate)})
    assert (sandbox.targets[0] / "from-s3").read_bytes() == b"over TLS"
    (sandbox.targets[0] / "from-sandbox").write_bytes(b"x" * 300000)
    sandbox.down()
    assert sandbox.get(f"{sandbox.prefixes[0]}/from-sandbox") == b"x" * 300000


@pytest.mark.parametrize("kind", ["good", "rsa"])
def test_kinds_of_key_from_one_bundle(sandbox, tls, kind):
    result = sandbox.s3mounts("check", "--write", *sandbox.specs,
                              env={"S3_ENDPOINT_URL": tls.url(kind), "SSL_CERT_FILE": str(tls.bundle)})
    assert result.code == 0, result


@pytest.mark.parametrize("by", ["", "rsa"])
@pytest.mark.parametrize("way", ALONE)
def test_servers_that_take_one_way_alone(sandbox, tls, way, by):
    result = sandbox.s3mounts("check", "--write", sandbox.specs[0],
                              env={"S3_ENDPOINT_URL": tls.url(way + by), "SSL_CERT_FILE": str(tls.bundle)})
    assert result.code == 0, result


def test_what_is_offered(sandbox, architecture):
    """The faster way of encrypting first: AES where the processor has it (x86_64 alone: BearSSL knows no other's), else ChaCha20."""
    with open("/proc/cpuinfo", encoding="ascii") as file:
        flags = file.read().split()
    aes = architecture == "x86_64" and "aes" in flags and "pclmulqdq" in flags
    assert offered(sandbox) == (AES_GCM + CHACHA20 if aes else CHACHA20 + AES_GCM, CURVES)


def test_an_address_in_the_certificate(sandbox, tls):
    """A subjectAltName of type IP, as Minio on an address has it."""
    result = sandbox.s3mounts("check", "--json", *sandbox.specs,
                              env={"S3_ENDPOINT_URL": tls.url("good", "127.0.0.1"), "SSL_CERT_FILE": str(tls.authority.certificate)})
    assert result.code == 0, result


FAULTS = {
    "stranger": r"issue|authorit|CA\b|trust",
    "wrong-name": r"name|host",
    "expired": r"expired|date|valid",
    "early": r"not yet|date|valid|clock",
    "tls13-only": r"1\.3",
}


def told(sandbox, tls, kind):
    result = sandbox.s3mounts("check", "--json", sandbox.specs[0], env={
        "S3_ENDPOINT_URL": tls.url(kind), "SSL_CERT_FILE": str(tls.authority.certificate)})
    assert result.code == 5, result
    check = result.json["mounts"][0]["check"]
    assert check["verdict"] == "tls", result
    return check["cause"]


@pytest.mark.parametrize("kind", FAULTS)
def test_each_fault_is_told(sandbox, tls, kind):
    assert re.search(FAULTS[kind], told(sandbox, tls, kind), re.I)


def test_each_has_its_own_sentence(sandbox, tls):
    kinds = ["stranger", "wrong-name", "expired", "tls13-only"]
    assert len({re.sub(r"\d{4,}", "", told(sandbox, tls, kind)) for kind in kinds}) == len(kinds)


def test_without_the_variable_our_authority_is_a_stranger(sandbox, tls):
    answer = sandbox.up(env={"S3_ENDPOINT_URL": tls.url("good")}, code=5)
    assert {m["check"]["verdict"] for m in answer["mounts"]} == {"tls"}
    assert sandbox.mounts() == [] and sandbox.drivers() == []


def test_tls_to_a_server_without(sandbox):
    result = sandbox.s3mounts("check", "--json", sandbox.specs[0], env={"S3_ENDPOINT_URL": f"https://127.0.0.1:{sandbox.server.port}"})
    assert result.code == 5 and result.json["mounts"][0]["check"]["verdict"] == "tls", result


def test_no_tls_to_a_server_with(sandbox, tls):
    result = sandbox.s3mounts("check", "--json", sandbox.specs[0], env={"S3_ENDPOINT_URL": tls.url("good").replace("https", "http")})
    assert result.code == 5 and result.json["mounts"][0]["check"]["verdict"] == "not-s3", result


@pytest.mark.parametrize("content", [None, b"", b"no certificate\n"], ids=["missing", "empty", "junk"])
def test_a_bundle_that_is_none(sandbox, tls, content):
    bundle = sandbox.folder / "bundle.pem"
    if content is not None:
        bundle.write_bytes(content)
    result = sandbox.s3mounts("check", "--json", sandbox.specs[0],
                              env={"S3_ENDPOINT_URL": tls.url("good"), "SSL_CERT_FILE": str(bundle)})
    assert result.code == 2 and str(bundle) in result.json["error"]["message"] + result.json["error"]["hint"], result


def test_a_wrong_secret_over_tls(sandbox, tls):
    env = {"S3_ENDPOINT_URL": tls.url("good"), "SSL_CERT_FILE": str(tls.authority.certificate), "S3_ACCESS_SECRET": "wrong-wrong-wrong"}
    answer = sandbox.up(env=env, code=4)
    assert {m["check"]["verdict"] for m in answer["mounts"]} == {"wrong-secret"}
