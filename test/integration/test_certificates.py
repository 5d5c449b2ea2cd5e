"""
test_certificates.py - servers that prove to be somebody else, or nobody: wrong certificates, chains, keys and versions of TLS.
Each is refused with its cause before a byte of the request is sent. Dates, a stranger and TLS 1.3 alone are in test_tls.py.

Each is shown to rclone too: what the check takes rclone must take, and what rclone refuses the check must refuse.
"""

import concurrent.futures
import contextlib
import os
import re
import socket
import ssl
import subprocess
import threading
import warnings

import pytest

from support import faults, proc
from support.sandbox import PATH
from support.tls import AES_GCM, ANSWER, AUTHORITY, CHACHA20, TlsServer, certificate, offered

RCLONE = os.environ.get("RCLONE_FOR_CERTIFICATES", "/usr/bin/rclone")
HERE = "DNS:localhost,IP:127.0.0.1"
FOR_CLIENTS = "extendedKeyUsage=clientAuth\n"


def leaf(names=HERE, usage="digitalSignature", more="extendedKeyUsage=serverAuth\n"):
    names = f"subjectAltName={names}\n" if names else ""
    return f"basicConstraints=critical,CA:FALSE\nkeyUsage=critical,{usage}\n{more}{names}"


def rsa(bits):
    return ("-newkey", f"rsa:{bits}")


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("root"), "Tests Root", extensions=AUTHORITY)


class Maker:
    """What the table below is written in: each method gives (chain, key). `root` is the bundle, and may be another afterwards."""

    def __init__(self, folder, root):
        self.folder, self.root = folder, root

    def make(self, name="localhost", issuer=None, extensions=None, **more):
        return certificate(self.folder, name, issuer or self.root, leaf() if extensions is None else extensions, **more)

    def alone(self, **more):
        made = self.make(**more)
        return [made.pem.read_text()], made.key

    def self_signed(self):
        made = certificate(self.folder, "localhost", None, leaf())
        return [made.pem.read_text()], made.key

    def below(self, *authorities, send=True, digest="sha256", names=HERE, more=None, **made_by):
        """Below a chain of authorities with these extensions, each the issuer of the next. NAMES and MORE are the server's."""
        issuer, texts = self.root, []
        for i, extensions in enumerate(authorities):
            issuer = self.make(f"Tests {i}", issuer, extensions, **made_by)
            texts.insert(0, issuer.pem.read_text())
        extensions = leaf(names) if more is None else leaf(names, more=more)
        made = self.make(issuer=issuer, digest=digest, extensions=extensions)
        return [made.pem.read_text(), *(texts if send else [])], made.key

    def forged(self, name):
        """The leaf is signed by an authority that has the name of the one which is sent, and another key."""
        good = self.make("Tests 0", extensions=AUTHORITY)
        bad = certificate(self.folder, name, None, AUTHORITY)
        made = self.make(issuer=bad)
        return [made.pem.read_text(), good.pem.read_text()], made.key

    def loop(self):
        """Two authorities that vouch for each other, fifty times over, and never lead to a root."""
        one = certificate(self.folder, "One", None, AUTHORITY)
        two = self.make("Two", one, AUTHORITY)
        made = self.make(issuer=one)
        proc.run(["openssl", "x509", "-req", "-in", one.pem.with_suffix(".csr"), "-extfile", one.pem.with_suffix(".ext"),
                  "-CA", two.pem, "-CAkey", two.key, "-set_serial", "7", "-days", "30", "-out", one.pem])
        return [made.pem.read_text(), *[one.pem.read_text(), two.pem.read_text()] * 50], made.key

    def patched(self, name, before, after, names=None, signature=lambda made: made, **more):
        """A certificate signed anew with the bytes BEFORE changed to AFTER, which no tool would write; SIGNATURE(its own) takes its place."""
        made = self.make(name, extensions=more.pop("extensions", leaf(names)), **more)
        der = ssl.PEM_cert_to_DER_cert(made.pem.read_text())
        if callable(before):
            before = before(der)
        assert len(before) == len(after) and before in der
        body, algorithm, _ = der_items(der_items(der)[0][1])
        body = body[0].replace(before, after)
        signature = der_put(3, b"\0" + signature(sign(body, self.root.key)))
        return [ssl.DER_cert_to_PEM_cert(der_put(0x30, body + algorithm[0] + signature))], made.key

    def under(self, extensions, *authorities, dates=b"", **more):
        """below() a root of its own with these EXTENSIONS. DATES stand in its place of validity: a root's signature is not looked at."""
        self.root = certificate(self.folder, "Own Root", None, extensions)
        made = self.below(*authorities, **more)
        if dates:
            der = ssl.PEM_cert_to_DER_cert(self.root.pem.read_text())
            own = re.search(rb"\x17\r\d{12}Z\x17\r\d{12}Z", der)[0]
            self.root.pem.write_text(ssl.DER_cert_to_PEM_cert(der.replace(own, dates)))
        return made

    def pinned(self, renewed=False, **more):
        """The bundle holds the server's own certificate, or an older one of the same name and key."""
        self.root = certificate(self.folder, "localhost", None, leaf(), **more)
        text = self.root.pem.read_text()
        if renewed:
            other = certificate(self.folder, "localhost", None, leaf(), key=("-key", self.root.key))
            text = other.pem.read_text()
        return [text], self.root.key

    def with_extra(self, before, after):
        """Behind a good chain a certificate that nobody needs, with the bytes BEFORE changed to AFTER."""
        chain, key = self.below(AUTHORITY)
        return chain + self.patched("extra", before, after, extensions=AUTHORITY)[0], key


def sign(data, key):
    return subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=data, capture_output=True, check=True).stdout


def der_items(data):
    """[(the whole item, its content)] of what stands in a row."""
    found = []
    while data:
        size, begin = data[1], 2
        if size > 127:
            begin += size & 127
            size = int.from_bytes(data[2:begin], "big")
        found.append((data[:begin + size], data[begin:begin + size]))
        data = data[begin + size:]
    return found


def der_put(tag, content):
    size = len(content)
    head = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + head + content


def version(name):
    def set_up(context):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python too would rather not
            context.minimum_version = context.maximum_version = ssl.TLSVersion[name]
    return set_up


def suites(names):
    def set_up(context):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(names + ":@SECLEVEL=0")
    return set_up


def padded(signature):
    """The same with a zero more before its first number."""
    (_, first), (second, _) = der_items(der_items(signature)[0][1])
    return der_put(0x30, der_put(2, b"\0" + first) + second)


def constrained(constraints, critical=False):
    return AUTHORITY + f"nameConstraints={'critical,' if critical else ''}{constraints}\n"


def client_wanted(context):
    context.verify_mode = ssl.CERT_REQUIRED


STRANGER, NAME, NO_AUTHORITY, WEAK, UNKNOWN = "not trusted", "is not for", "no authority", "2048 bits", "does not know"
USE, SUITE, CRITICAL = "key usage forbids", "no cipher suite in common", "critical extension"
CONSTRAINT, POLICY, MALFORMED = "name constraints forbid", "lack a policy", "malformed"
EXPIRED = b"\x17\r200101000000Z\x17\r210101000000Z"
# name: (how it is made, words of the cause, host, set-up of the server)
WRONG = {
    "address": (lambda m: m.alone(extensions=leaf("IP:127.0.0.2,DNS:localhost")), NAME, "127.0.0.1"),
    "address-as-name": (lambda m: m.alone(name="127.0.0.1", extensions=leaf("DNS:127.0.0.1")), NAME, "127.0.0.1"),
    "self-signed": (lambda m: m.self_signed(), STRANGER),
    "leaf-as-authority": (lambda m: m.below(leaf()), NO_AUTHORITY),
    "no-constraints": (lambda m: m.below("keyUsage=critical,keyCertSign\n"), NO_AUTHORITY),
    "path-length": (lambda m: m.below(AUTHORITY.replace("TRUE", "TRUE,pathlen:0"), AUTHORITY), NO_AUTHORITY),
    "authority-usage": (lambda m: m.below(AUTHORITY.replace("keyCertSign", "digitalSignature")), USE),
    "intermediate-missing": (lambda m: m.below(AUTHORITY, send=False), STRANGER),
    "intermediate-other": (lambda m: m.forged("Tests 1"), "do not follow"),
    "intermediate-forged": (lambda m: m.forged("Tests 0"), "signature is wrong"),
    "loop": (lambda m: m.loop(), STRANGER),
    "name-constraint": (lambda m: m.below(AUTHORITY + "nameConstraints=critical,permitted;DNS:b.example\n"), CRITICAL),
    "critical": (lambda m: m.alone(extensions=leaf(more="1.2.3.4=critical,ASN1:NULL\n")), CRITICAL),
    "usage": (lambda m: m.alone(extensions=leaf(usage="keyEncipherment"), key=rsa(2048)), USE),
    "use-by-clients": (lambda m: m.alone(extensions=leaf(more="extendedKeyUsage=clientAuth,codeSigning\n")), USE),
    "common-name-alone": (lambda m: m.alone(extensions=leaf("")), NAME),
    "version-1": (lambda m: m.alone(extensions=""), NAME),
    "md5": (lambda m: m.below(AUTHORITY, digest="md5", key=rsa(2048)), UNKNOWN),
    "sha1": (lambda m: m.alone(digest="sha1"), UNKNOWN),
    "sha1-below": (lambda m: m.below(AUTHORITY, digest="sha1"), UNKNOWN),
    "rsa-512": (lambda m: m.alone(key=rsa(512)), WEAK),
    "rsa-1024": (lambda m: m.alone(key=rsa(1024)), WEAK),
    "rsa-2040": (lambda m: m.alone(key=rsa(2040)), WEAK),
    "curve": (lambda m: m.alone(key=("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1")), SUITE),
    "ed25519": (lambda m: m.alone(key=("-newkey", "ed25519")), SUITE),
    "star": (lambda m: m.alone(name="*", extensions=leaf("DNS:*")), NAME),
    "star-below": (lambda m: m.alone(name="*.localhost", extensions=leaf("DNS:*.localhost")), NAME),
    "star-too-deep": (lambda m: m.alone(name="*.localhost", extensions=leaf("DNS:*.localhost")), NAME, "a.b.localhost"),
    "star-twice": (lambda m: m.alone(name="*.*.localhost", extensions=leaf("DNS:*.*.localhost")), NAME, "a.b.localhost"),
    "star-inside": (lambda m: m.alone(name="a.*.localhost", extensions=leaf("DNS:a.*.localhost")), NAME, "a.b.localhost"),
    "star-part": (lambda m: m.alone(name="a*.localhost", extensions=leaf("DNS:a*.localhost")), NAME, "ab.localhost"),
    "star-address": (lambda m: m.alone(extensions=leaf("DNS:*.0.0.1")), NAME, "127.0.0.1"),
    "end-of-name": (lambda m: m.alone(name="xlocalhost", extensions=leaf("DNS:xlocalhost,DNS:localhost.example.org")), NAME),
    "nul-in-name": (lambda m: m.patched("localhost!x.example", b"localhost!", b"localhost\0", "DNS:x.example"), NAME),
    "nul-in-san": (lambda m: m.patched("x", b"localhost!", b"localhost\0", "DNS:localhost!x.example"), NAME),
    "escape-in-san": (lambda m: m.patched("x", b"!!!2J", b"\x1b\n\x9b2J", "DNS:!!!2J.example"), NAME),
    "malformed": (lambda m: m.patched("localhost", b"Z0", b"z0", HERE), "malformed"),
    "common-name-beside-address": (lambda m: m.alone(extensions=leaf("IP:127.0.0.1")), NAME),
    "use-of-authority": (lambda m: m.below(AUTHORITY + FOR_CLIENTS), USE),
    "use-of-authority-unknown": (lambda m: m.below(AUTHORITY + "extendedKeyUsage=1.2.3.4\n"), USE),
    "use-of-upper-authority": (lambda m: m.below(AUTHORITY + FOR_CLIENTS, AUTHORITY), USE),
    "use-of-root": (lambda m: m.under(AUTHORITY + FOR_CLIENTS), USE),
    "constraint-name": (lambda m: m.below(constrained("permitted;DNS:b.example")), CONSTRAINT),
    "constraint-part-of-label": (lambda m: m.below(constrained("permitted;DNS:host")), CONSTRAINT),
    "constraint-below-alone": (lambda m: m.below(constrained("permitted;DNS:.localhost")), CONSTRAINT),
    "constraint-excluded": (lambda m: m.below(constrained("excluded;DNS:LocalHost")), CONSTRAINT),
    "constraint-excluded-from-permitted": (lambda m: m.below(constrained("permitted;DNS:localhost,excluded;DNS:localhost")), CONSTRAINT),
    "constraint-of-upper": (lambda m: m.below(constrained("permitted;DNS:b.example"), AUTHORITY), CONSTRAINT),
    "constraint-twice": (lambda m: m.below(constrained("permitted;DNS:localhost"), constrained("permitted;DNS:b.example")), CONSTRAINT),
    "constraint-other-name": (lambda m: m.below(constrained("permitted;DNS:localhost"), names=HERE + ",DNS:b.example"), CONSTRAINT),
    "constraint-name-of-authority": (lambda m: m.below(
        constrained("permitted;DNS:localhost"), AUTHORITY + "subjectAltName=DNS:b.example\n"), CONSTRAINT),
    "constraint-address": (lambda m: m.below(constrained("permitted;IP:10.0.0.0/255.0.0.0")), CONSTRAINT, "127.0.0.1"),
    "constraint-address-6": (lambda m: m.below(constrained("permitted;IP:::/0:0:0:0:0:0:0:0")), CONSTRAINT, "127.0.0.1"),
    "constraint-address-excluded": (lambda m: m.below(constrained("excluded;IP:127.0.0.0/255.0.0.0")), CONSTRAINT, "127.0.0.1"),
    "constraint-address-of-name": (lambda m: m.below(constrained("excluded;IP:127.0.0.0/255.0.0.0")), CONSTRAINT),
    "constraint-mask": (lambda m: m.below(constrained("permitted;IP:127.0.0.0/255.0.255.0")), MALFORMED, "127.0.0.1"),
    "constraint-dot-at-end": (lambda m: m.below(constrained("permitted;DNS:localhost.")), MALFORMED),
    "constraint-star": (lambda m: m.below(constrained("excluded;DNS:a.localhost"), names="DNS:*.localhost"), CONSTRAINT, "b.localhost"),
    "constraint-mail": (lambda m: m.below(constrained("permitted;DNS:localhost"), names="DNS:localhost,email:\\@b"), CONSTRAINT),
    "constraint-of-root": (lambda m: m.under(constrained("permitted;DNS:b.example")), CONSTRAINT),
    "constraint-of-root-critical": (lambda m: m.under(constrained("permitted;DNS:b.example", True)), CONSTRAINT),
    "constraint-unknown-of-root": (lambda m: m.under(constrained("permitted;otherName:1.2.3.4;UTF8:x", True)), CRITICAL),
    "root-expired": (lambda m: m.under(AUTHORITY, dates=EXPIRED), "expired"),
    "root-path-length": (lambda m: m.under(AUTHORITY.replace("TRUE", "TRUE,pathlen:0"), AUTHORITY), NO_AUTHORITY),
    "root-no-authority": (lambda m: m.under(AUTHORITY.replace("TRUE", "FALSE")), NO_AUTHORITY),
    "root-no-constraints": (lambda m: m.under("keyUsage=critical,keyCertSign\n"), NO_AUTHORITY),
    "root-usage": (lambda m: m.under(AUTHORITY.replace("keyCertSign", "digitalSignature")), USE),
    "root-critical": (lambda m: m.under(AUTHORITY + "1.2.3.4=critical,ASN1:NULL\n"), CRITICAL),
    "root-version-1-between": (lambda m: m.below(""), NO_AUTHORITY),
    "pinned-renewed": (lambda m: m.pinned(renewed=True), STRANGER),
    "critical-for-bearssl-alone": (lambda m: m.alone(extensions=leaf(more="issuerAltName=critical,DNS:x\n")), CRITICAL),
    "critical-key-identifier": (lambda m: m.alone(extensions=leaf(more="subjectKeyIdentifier=critical,hash\n")), MALFORMED),
    "policy": (lambda m: m.below(AUTHORITY + "policyConstraints=requireExplicitPolicy:0\n"), POLICY),
    "extension-twice": (lambda m: m.patched("x", b"\x2a\3\4", b"\x2a\3\5", HERE, extensions=leaf(
        more="1.2.3.4=ASN1:NULL\n1.2.3.5=ASN1:NULL\n")), MALFORMED),
    "algorithm-inside": (lambda m: m.patched("x", b"\x3d\4\3\2", b"\x3d\4\3\3", HERE), MALFORMED),
    "text-not-printable": (lambda m: m.patched("abc", b"\x0c\3abc", b"\x13\3a_c", HERE), MALFORMED),
    "address-of-five": (lambda m: m.patched("x", b"\x82\5abcde", b"\x87\5abcde", HERE + ",DNS:abcde"), MALFORMED),
    "signature-padded": (lambda m: m.patched("x", b"", b"", HERE, signature=padded), MALFORMED),
    "extra-malformed": (lambda m: m.with_extra(b"\x0c\5extra", b"\x13\5ex_ra"), MALFORMED),
    "extra-off-curve": (lambda m: m.with_extra(lambda der: der[der.index(b"\x42\0\4") + 3:][:8], b"12345678"), MALFORMED),
    "tls-1.0": (lambda m: m.alone(), SUITE, "localhost", version("TLSv1")),
    "tls-1.1": (lambda m: m.alone(), SUITE, "localhost", version("TLSv1_1")),
    "anonymous": (lambda m: m.alone(), SUITE, "localhost", suites("aNULL")),
    "no-encryption": (lambda m: m.alone(), SUITE, "localhost", suites("eNULL")),
    "no-forward-secrecy": (lambda m: m.alone(key=rsa(2048)), SUITE, "localhost", suites("kRSA")),
    "cbc": (lambda m: m.alone(), SUITE, "localhost", suites("ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA256")),
    "client-certificate": (lambda m: m.alone(), "client certificate", "localhost", client_wanted),
}
RIGHT = {
    "alone": (lambda m: m.alone(),),
    "two-between": (lambda m: m.below(AUTHORITY, AUTHORITY),),
    "any-use": (lambda m: m.alone(extensions=leaf(more="extendedKeyUsage=anyExtendedKeyUsage\n")),),
    "no-use": (lambda m: m.alone(extensions=leaf(more="")),),
    "star": (lambda m: m.alone(name="x", extensions=leaf("DNS:other.example,DNS:*.localhost")), "a.localhost"),
    "upper-case": (lambda m: m.alone(name="x", extensions=leaf("DNS:LOCALHOST")),),
    "address": (lambda m: m.alone(name="x", extensions=leaf("IP:127.0.0.1")), "127.0.0.1"),
    "address-beside-name": (lambda m: m.alone(extensions=leaf("DNS:other.example,IP:::1,IP:127.0.0.1")), "127.0.0.1"),
    "use-nested": (lambda m: m.below(AUTHORITY + "extendedKeyUsage=clientAuth,serverAuth\n", AUTHORITY + "extendedKeyUsage=serverAuth\n"),),
    "use-any-of-authority": (lambda m: m.below(AUTHORITY + "extendedKeyUsage=clientAuth,anyExtendedKeyUsage\n"),),
    "constraint": (lambda m: m.below(constrained("permitted;DNS:localhost,permitted;IP:127.0.0.0/255.0.0.0,excluded;DNS:b.example")),),
    "constraint-case": (lambda m: m.below(constrained("permitted;DNS:EXAMPLE,permitted;DNS:LOCALHOST")),),
    "constraint-below": (lambda m: m.below(constrained("permitted;DNS:.localhost"), names="DNS:a.localhost"), "a.localhost"),
    "constraint-star": (lambda m: m.below(constrained("permitted;DNS:localhost"), names="DNS:*.localhost"), "a.localhost"),
    "constraint-address": (lambda m: m.below(constrained("permitted;IP:127.0.0.1/255.255.255.255")), "127.0.0.1"),
    "constraint-of-names-alone": (lambda m: m.below(constrained("permitted;DNS:localhost")), "127.0.0.1"),
    "constraint-unknown": (lambda m: m.below(constrained("permitted;otherName:1.2.3.4;UTF8:x")),),
    "constraint-of-root": (lambda m: m.under(constrained("permitted;DNS:localhost", True), AUTHORITY),),
    "root-path-length": (lambda m: m.under(AUTHORITY.replace("TRUE", "TRUE,pathlen:1"), AUTHORITY),),
    "root-version-1": (lambda m: m.under(""),),
    "pinned": (lambda m: m.pinned(),),
    "policy": (lambda m: m.below(AUTHORITY + "policyConstraints=requireExplicitPolicy:0\ncertificatePolicies=1.2.3,1.2.4\n",
                                 more="certificatePolicies=1.2.5,1.2.4\n"),),
    "policy-mapped": (lambda m: m.below(AUTHORITY + "certificatePolicies=1.2.3\npolicyMappings=1.2.3:1.2.4\n"),),
    "serial-negative": (lambda m: m.patched("x", b"\2\1\1", b"\2\1\xff", HERE, serial=1),),
    "uri": (lambda m: m.alone(extensions=leaf(HERE + ",URI:spiffe://a.example/b/c,email:a@b.example")),),
    "patched": (lambda m: m.patched("x", b"other.example", b"OTHER.EXAMPLE", HERE + ",DNS:other.example"),),
}


def environment(root, port, host="localhost"):
    return {"S3_ENDPOINT_URL": f"https://{host}:{port}", "SSL_CERT_FILE": str(root.pem)}


def check(sandbox, root, port, host="localhost"):
    return sandbox.s3mounts("check", "--json", sandbox.specs[0], env=environment(root, port, host))


# The check refuses these, though rclone takes them: its TLS is stricter. Of OLDER rclone 1.60 takes them, and 1.75 no longer.
STRICTER = {"usage", "rsa-1024", "rsa-2040", "ed25519", "cbc"}
OLDER = {"policy", "constraint-star", "constraint-name-of-authority", "star", "critical-key-identifier", "no-forward-secrecy"}


class Proxy(faults.Listener):
    """Takes every name for this machine's: for rclone, whose resolver knows no names below localhost."""

    def handle(self, connection):
        request = connection.recv(65536)
        with socket.create_connection(("127.0.0.1", int(re.search(rb":(\d+) ", request)[1]))) as server:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=self.carry, args=(server, connection), daemon=True)
            back.start()
            self.carry(connection, server)
            back.join()

    @staticmethod
    def carry(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


def shown_to_rclone(maker, server, host, folder):
    """How rclone ends that lists a bucket there."""
    with Proxy() as proxy:
        env = {"PATH": PATH, "HOME": str(folder), "HTTPS_PROXY": proxy.endpoint, "RCLONE_CONFIG_X_TYPE": "s3",
               "RCLONE_CONFIG_X_PROVIDER": "Other", "RCLONE_CONFIG_X_ENDPOINT": f"https://{host}:{server.port}",
               "RCLONE_CONFIG_X_ACCESS_KEY_ID": "k", "RCLONE_CONFIG_X_SECRET_ACCESS_KEY": "s"}
        return proc.run([RCLONE, "lsf", "x:bucket", "--ca-cert", maker.root.pem, "--retries=1", "--low-level-retries=1",
                         "--contimeout=5s", "--timeout=5s", "--config="], env=env, check=False)


@pytest.fixture(scope="session")
def taken_by_rclone():
    """What of WRONG this rclone takes."""
    version = re.match(r"rclone v1\.(\d+)", proc.run([RCLONE, "version"]).stdout)
    return STRICTER | OLDER if int(version[1]) < 70 else STRICTER


@pytest.mark.parametrize("kind", RIGHT)
def test_what_is_right_is_taken(sandbox, root, tmp_path, kind):
    how, host = (*RIGHT[kind], "localhost")[:2]
    maker = Maker(tmp_path, root)
    with TlsServer(tmp_path, *how(maker)) as server:
        result = check(sandbox, maker.root, server.port, host)
        assert result.code == 0 and server.shaken == 1 and b"AWS4-HMAC-SHA256" in server.received, result
        server.received = b""
        shown = shown_to_rclone(maker, server, host, tmp_path)
        assert shown.returncode == 0, shown.stderr


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_refused(sandbox, root, tmp_path, taken_by_rclone, kind):
    how, words, host, set_up, *_ = (*WRONG[kind], None, None)[:4]
    maker = Maker(tmp_path, root)
    with TlsServer(tmp_path, *how(maker), set_up) as server:
        result = check(sandbox, maker.root, server.port, host or "localhost")
        told = result.json["mounts"][0]["check"]
        assert (result.code, told["verdict"]) == (5, "tls"), result
        assert words in told["cause"] and (told["hint"] or words == "malformed"), result
        assert not re.search(r"[\x00-\x1f\x7f-\x9f]", told["cause"])
        assert server.received == b"" and server.shaken == 0
        shown = shown_to_rclone(maker, server, host or "localhost", tmp_path)
        assert (shown.returncode == 0) == (kind in taken_by_rclone), shown.stderr


@pytest.mark.parametrize("processor, first", [("core2duo", CHACHA20), ("max", AES_GCM)])
def test_what_an_emulated_processor_offers(sandbox, processor, first):
    """x86_64 with and without instructions for AES, whatever this machine has."""
    suites, _ = offered(sandbox, under=["qemu-x86_64-static", "-cpu", processor])
    assert suites[:len(first)] == first and sorted(suites) == sorted(AES_GCM + CHACHA20)


# What no TLS library serves: messages made by hand.

def record(kind, content, version=0x0303):
    return bytes([kind]) + version.to_bytes(2, "big") + len(content).to_bytes(2, "big") + content


def message(kind, content):
    return bytes([kind]) + len(content).to_bytes(3, "big") + content


def hello(version=0x0303, suite=0xc02b):
    return message(2, version.to_bytes(2, "big") + bytes(32) + b"\0" + suite.to_bytes(2, "big") + b"\0")


class HandMade(faults.Listener):
    """Reads the client's hello and sends what ANSWER(its random) gives, piece by piece. `received` is what came after that."""

    def __init__(self, answer):
        self.answer, self.received, self.ended = answer, b"", threading.Event()
        super().__init__()

    def handle(self, connection):
        random = connection.recv(65536)[11:43]
        try:
            for piece in self.answer(random):
                connection.sendall(piece)
            while more := connection.recv(65536):
                self.received += more
        finally:
            self.ended.set()


def key_exchange(made, signer):
    """A handshake up to the server's key exchange, with the certificate MADE and a signature by SIGNER's key."""
    der = ssl.PEM_cert_to_DER_cert(made.pem.read_text())
    public = ["openssl", "pkey", "-in", made.key, "-pubout", "-outform", "DER"]
    point = b"\x03\0\x17\x41" + subprocess.run(public, capture_output=True, check=True).stdout[-65:]

    def answer(random):
        signature = sign(random + bytes(32) + point, signer.key)
        listed = len(der).to_bytes(3, "big") + der
        for part in (hello(), message(11, len(listed).to_bytes(3, "big") + listed),
                     message(12, point + b"\x04\x03" + len(signature).to_bytes(2, "big") + signature), message(14, b"")):
            yield record(22, part)
    return answer


def test_another_key_than_the_certificates(sandbox, root, tmp_path):
    made, other = (Maker(tmp_path, root).make() for _ in range(2))
    with HandMade(key_exchange(made, other)) as server:
        result = check(sandbox, root, server.port)
        assert result.code == 5 and "its certificate's key" in result.json["mounts"][0]["check"]["cause"], result
        assert server.ended.wait(20) and server.received[:1] in (b"", b"\x15"), "it answers with more than an alert"
    with HandMade(key_exchange(made, made)) as server:
        child = sandbox.start("check", sandbox.specs[0], env=environment(root, server.port))
        proc.wait_for(lambda: server.received, 20, "the client's key exchange, since this signature is right")
        assert server.received[:1] == b"\x16" and server.received[5:6] == b"\x10"
        child.kill()
        sandbox.finish(child)


def endless(head, piece):
    def answer(_):
        yield head
        while True:
            yield piece * 1000
    return answer


CERTIFICATES = record(22, b"\x0b\x0f\xff\xff\x0f\xff\xfc")
BY_HAND = {
    "hello-1.0": (lambda _: [record(22, hello(0x0301), 0x0301), record(22, b"", 0x0301)], "tls", "old version"),
    "ssl-3": (lambda _: [record(22, hello(0x0300), 0x0300)], "tls", "old version"),
    "suite-not-offered": (lambda _: [record(22, hello(suite=0x0000))], "tls", "localhost"),
    "no-certificate": (lambda _: [record(22, hello()), record(22, message(11, b"\0\0\0"))], "tls", "localhost"),
    "no-handshake": (lambda _: [record(22, hello()), record(20, b"\1"), record(22, bytes(40))], "tls", "localhost"),
    "answer-unshaken": (lambda _: [record(22, hello()), record(23, ANSWER)], "tls", "localhost"),
    "record-too-long": (lambda _: [record(22, hello()), b"\x16\x03\x03\xff\xff" + bytes(65535)], "tls", "localhost"),
    "junk-certificates": (endless(record(22, hello()) + CERTIFICATES, record(22, bytes(10000))), "tls", "malformed"),
    "junk-record": (lambda _: [record(99, bytes(100))], "not-s3", "no TLS"),
    "closed-in-form": (lambda _: [record(22, hello()), record(21, b"\1\0")], "unreachable", "closed the connection"),
    "empty-records": (endless(record(22, hello()), record(22, b"")), "timeout", "in time"),
    "warnings": (endless(record(22, hello()), record(21, b"\1\x5a")), "timeout", "in time"),
    "hello-requests": (endless(record(22, hello()), record(22, message(0, b""))), "timeout", "in time"),
}


def test_made_by_hand(sandbox, root):
    """Side by side, since the floods take the 5 s that a handshake may."""
    def attack(kind):
        with HandMade(BY_HAND[kind][0]) as server:
            result = check(sandbox, root, server.port)
            return kind, result, server.ended.wait(20) and server.received
    with concurrent.futures.ThreadPoolExecutor(len(BY_HAND)) as pool:
        for kind, result, received in pool.map(attack, BY_HAND):
            told = result.json["mounts"][0]["check"]
            assert (kind, told["verdict"], result.code) == (kind, BY_HAND[kind][1], 5), result
            assert BY_HAND[kind][2] in told["cause"] and result.seconds < 20, result
            assert received[:1] in (b"", b"\x15"), f"it goes on with {kind}"
