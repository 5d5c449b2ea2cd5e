"""
test_hostile_server.py - servers that attack: answers without end, bombs, contradictions, slowness, words with terminal escapes,
and ways to another host. Each gets an exit code and a cause within the time, for little memory, and no secret is shown.

The attacks of a table run side by side: the slow ones take as long as the check may (10 s).
"""

import base64
import concurrent.futures
import contextlib
import functools
import gzip
import html
import itertools
import json
import re
import socket
import sys
import textwrap
import threading
import time
import urllib.parse

import pytest

from support import faults, procfs
from support.tls import AUTHORITY, TlsServer, certificate

SECONDS = 30  # the check ends after 10; the rest is for a busy machine
PEAK_KIB = 24 * 1024
TOKEN = "FwoGZXIvYXdzEXAMPLETOKEN/+=hostile0123456789"
LISTING = b'<?xml version="1.0"?><ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>'
REASONS = {200: "OK", 301: "Moved", 400: "Bad Request", 403: "Forbidden", 503: "Slow Down"}
# In the program's place, so that its peak is not that of the process which forked it.
MEASURE = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(pid, 0)
print(used.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status) & 255)
"""


class Attacker(faults.Listener):
    """
    Reads a request, sends the pieces of SCRIPT and closes; a piece None waits until the client has gone. SCRIPT is a list, or a
    function of the request that gives one. `requests` are their heads, `sent` counts what the sockets took.
    """

    def __init__(self, script):
        self.script, self.requests, self.sent, self.lock = script, [], 0, threading.Lock()
        super().__init__()

    def handle(self, connection):
        request = read_head(connection)
        if not request:
            return
        self.requests.append(request)
        for piece in self.script(request) if callable(self.script) else self.script:
            if piece is None:
                wait_for_end(connection)
                continue
            connection.sendall(piece)
            with self.lock:
                self.sent += len(piece)
        connection.shutdown(socket.SHUT_WR)
        wait_for_end(connection)


def read_head(connection):
    head = b""
    while b"\r\n\r\n" not in head and (more := connection.recv(65536)):
        head += more
    return head.decode("latin-1")


def wait_for_end(connection):
    with contextlib.suppress(OSError):
        while connection.recv(65536):
            pass


def head(status, *fields):
    """A status line and FIELDS, with the empty line."""
    return b"".join(line.encode() if isinstance(line, str) else line for part in (
        f"HTTP/1.1 {status} {REASONS.get(status, 'X')}", *fields, "") for line in (part, "\r\n"))


def answer(status, body, *fields):
    return head(status, *fields, f"Content-Length: {len(body)}") + body


def error(code, status=403, *fields, **more):
    return answer(status, faults.s3_error(code, **more), *fields)


def xml(inside):
    """An answer 403 with this inside of <Error>."""
    return [answer(403, b"<Error>" + inside + b"</Error>")]


def slowly(pieces, before=b""):
    """A piece in a second; of bytes each is one."""
    def script(_):
        yield before
        for piece in pieces:
            yield bytes([piece]) if isinstance(piece, int) else piece
            time.sleep(1)
    return script


def flood(before, piece):
    """BEFORE, then PIECE for ever, in blocks that leave the client's socket never empty."""
    return lambda _: itertools.chain([before], itertools.repeat(piece * (65536 // len(piece) + 1)))


def gib(before, chunked=False):
    block = bytes(1 << 20)
    return lambda _: itertools.chain([before], itertools.repeat(b"100000\r\n" + block + b"\r\n" if chunked else block, 1024))


CHUNKED = head(200, "Transfer-Encoding: chunked")
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE Error [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><Error><Code>&b;</Code></Error>'
INCLUDE = b'<?xml version="1.0"?><!DOCTYPE Error [<!ENTITY a SYSTEM "file:///etc/passwd">]><Error><Code>&a;</Code></Error>'

# name: (script, exit code, verdict, words of the cause)
ATTACKS = {
    "headers-endless": (flood(b"HTTP/1.1 200 OK\r\n", b"X-Field: value\r\n"), 5, "not-s3", "too long"),
    "header-endless": (flood(b"HTTP/1.1 200 OK\r\nX-Field: ", b"v"), 5, "not-s3", "too long"),
    "header-100mb": ([b"HTTP/1.1 200 OK\r\nX-Field: ", *[b"v" * 1000000] * 100, b"\r\n\r\n"], 5, "not-s3", "too long"),
    "header-name-endless": (flood(b"HTTP/1.1 200 OK\r\n", b"X-"), 5, "not-s3", "too long"),
    "headers-thousands": ([head(200, *[f"X-{i}: v" for i in range(5000)])], 5, "not-s3", "too long"),
    "reason-endless": (flood(b"HTTP/1.1 200 ", b"x"), 5, "not-s3", "too long"),
    "empty-lines": (flood(b"", b"\r\n"), 5, "not-s3", "does not begin with"),
    "body-1gib-length": (gib(head(403, "Content-Length: 1073741824")), 5, "not-s3", "status 403"),
    "body-1gib-chunked": (gib(head(403, "Transfer-Encoding: chunked"), True), 5, "not-s3", "status 403"),
    "body-1gib-close": (gib(head(200)), 5, "not-s3", "status 200"),
    "body-1gib-busy": (gib(head(503, "Content-Length: 1073741824")), 5, "server-error", "not available"),
    "chunks-endless": (flood(CHUNKED, b"1\r\nx\r\n"), 5, "not-s3", "status 200"),
    "chunk-size-endless": (flood(CHUNKED, b"0"), 5, "not-s3", "too long"),
    "chunk-extension-endless": (flood(CHUNKED + b"1;", b"a=b;"), 5, "not-s3", "too long"),
    "chunk-overflow": ([CHUNKED, b"10000000000000001\r\nx\r\n"], 5, "not-s3", "chunk size"),
    "chunk-huge": ([CHUNKED, b"fffffffffffffff\r\nx"], 5, "unreachable", "cut off"),
    "chunk-negative": ([CHUNKED, b"-1\r\nx\r\n"], 5, "not-s3", "chunk size"),
    "chunk-hex": ([CHUNKED, b"0x1\r\nx\r\n"], 5, "not-s3", "chunk size"),
    "trailers-endless": (flood(CHUNKED + b"0\r\n", b"X-Field: value\r\n"), 5, "timeout", "in time"),
    "length-contradicts": ([answer(200, LISTING, "Content-Length: 5")], 5, "not-s3", "two values"),
    "length-overflow": ([head(200, "Content-Length: 18446744073709551621"), LISTING], 5, "not-s3", "no number"),
    "length-and-chunks": ([answer(200, LISTING, "Transfer-Encoding: chunked")], 5, "not-s3", "both"),
    "length-too-short": ([head(200, "Content-Length: 40") + LISTING], 5, "not-s3", "status 200"),
    "length-too-long": ([head(200, "Content-Length: 999") + LISTING], 5, "unreachable", "cut off"),
    "gzip-bomb": ([answer(200, gzip.compress(bytes(32 << 20)), "Content-Encoding: gzip")], 5, "not-s3", "status 200"),
    "xml-entities": ([answer(403, LAUGHS)], 5, "not-s3", "status 403"),
    "xml-file": ([answer(403, INCLUDE)], 5, "not-s3", "status 403"),
    "xml-deep": (xml(b"<a>" * 1000000), 5, "not-s3", "status 403"),
    "xml-deep-20000": (xml(b"<a>" * 20000), 5, "not-s3", "status 403"),
    "xml-never-closed": ([answer(200, b"<ListBucketResult>" * 3000)], 5, "not-s3", "status 200"),
    "xml-comment": (xml(b"<Code>AccessDenied</Code><!-- "), 5, "not-s3", "status 403"),
    "xml-long-text": (xml(b"<Code>Strange</Code><Message>" + b"m" * 60000 + b"</Message>"), 4, "access-denied", "mmm"),
    "xml-long-code": (xml(b"<Code>" + b"C" * 60000 + b"</Code>"), 4, "access-denied", "no cause"),
    "xml-nul": (xml(b"<Code>Access\0Denied</Code>"), 4, "access-denied", "no cause"),
    "xml-nul-number": (xml(b"<Code>AccessDenied&#0;&#x10ffff;</Code>"), 4, "access-denied", ""),
    "xml-no-utf8": (xml(b"<Code>Strange</Code><Message>\xff\xfe\xc0\x80\xed\xa0\x80</Message>"), 4, "access-denied", "??"),
    "interim-endless": (flood(b"", head(100)), 5, "timeout", "in time"),
    "interim-slow": (slowly([head(100)] * 60), 5, "timeout", "in time"),
    "slow-status": (slowly(b"HTTP/1.1 200 OK is said in due course\r\n"), 5, "timeout", "in time"),
    "slow-headers": (slowly(b"X-Field: one byte in a second, and more\r\n", b"HTTP/1.1 200 OK\r\n"), 5, "timeout", "in time"),
    "slow-body": (slowly(LISTING, head(200, f"Content-Length: {len(LISTING)}")), 5, "timeout", "in time"),
    "slow-chunks": (slowly(b"1\r\n<\r\n" * 60, CHUNKED), 5, "timeout", "in time"),
    "slow-and-busy": (slowly(b"x" * 60, head(503, "Content-Length: 60")), 5, "timeout", "in time"),
    "silence-in-head": ([b"HTTP/1.1 200 OK\r\nX-Fie", None], 5, "timeout", "in time"),
    "silence-in-body": ([head(200, "Content-Length: 999") + LISTING, None], 5, "timeout", "in time"),
    "silence-until-close": ([head(200) + LISTING, None], 5, "timeout", "in time"),
    "http-0.9": ([LISTING], 5, "not-s3", "does not begin with"),
    "http-2-preface": ([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], 5, "not-s3", "does not begin with"),
    "http-2-frames": ([b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64", None], 5, "not-s3", "does not begin with"),
    "switches-protocols": ([head(101, "Upgrade: h2c"), None], 5, "not-s3", "none that was asked for"),
    "more-than-the-answer": ([answer(200, LISTING) + b"HTTP/1.1 403 Forbidden\r\n\r\n" + bytes(1 << 20)], 0, "ok", ""),
    "redirect-301": (lambda r: [answer(301, b"", f"Location: http://{host_of(r)}/")], 5, "not-s3", "redirects to"),
    "redirect-307": (lambda r: [answer(307, b"", f"Location: http://{host_of(r)}/")], 5, "not-s3", "redirects to"),
    "redirect-to-nowhere": ([answer(301, b"", "Location: " + "x" * 10000)], 5, "not-s3", "status 301"),
    "region-ping-pong": (lambda r: [error("PermanentRedirect", 301, Region="r-2" if "/r-1/" in r else "r-1")],
                         4, "wrong-region", "r-1"),
}
for i, date in enumerate(["", "yesterday", "Sun, 99 Zzz 0000 99:99:99 GMT", "Sun, 99 Dec 9999 99:99:99 GMT", "9" * 9000,
                          "Sun, -6 Nov -994 -8:-9:-7 GMT", "Sun, 06 ecF 1994 08:49:37 GMT"]):
    ATTACKS[f"date-{i}"] = [error("RequestTimeTooSkewed", 403, f"Date: {date}")], 4, "clock-skew", "clock"


def host_of(request):
    return re.search(r"^host: (.*?)\r$", request, re.I | re.M)[1]


def asked(sandbox, endpoint, *options, under=()):
    """How `check` of one mount ends."""
    env = {"S3_ENDPOINT_URL": endpoint, "S3_SESSION_TOKEN": TOKEN}
    return sandbox.finish(sandbox.start("check", *options, sandbox.specs[0], env=env, under=under), 100)


def assert_harmless(result):
    """Nothing that a terminal acts on but the lines' ends, and no secret."""
    strings = result.out + result.err
    if result.out:
        strings += "".join(map(str, json.loads(result.out, object_pairs_hook=lambda pairs: [v for _, v in pairs])))
    assert not re.search(r"[^\n\x20-\x7e\u00a0-\ud7ff\ue000-\U0010ffff]", strings), ascii(strings)
    assert TOKEN[:16] not in strings and "AWS4-HMAC" not in strings


@pytest.fixture(scope="session")
def attacks():
    return {}


@pytest.fixture
def attacked(sandbox, attacks, request, name):
    """(result of `check --json`, peak in KiB, attacker). The first who asks has all made that will be asked for."""
    def attack(one):
        with Attacker(ATTACKS[one][0]) as server:
            result = asked(sandbox, server.endpoint, "--json", under=[sys.executable, "-ISc", MEASURE])
            *lines, peak = result.err.splitlines()
            result.err = "".join(line + "\n" for line in lines)
            return result, int(peak), server
    if not attacks:
        items = (item for item in request.session.items if item.originalname == request.node.originalname)
        names = sorted((item.callspec.params["name"] for item in items), key=lambda one: ATTACKS[one][2] != "timeout")
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            attacks.update(zip(names, pool.map(attack, names)))
    return attacks[name]


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(attacked, name):
    result, peak, server = attacked
    _, code, verdict, words = ATTACKS[name]
    assert result.code == code and result.json["code"] == code, result
    check = result.json["mounts"][0]["check"]
    assert check["verdict"] == verdict and words in check["cause"], result
    assert check["hint"] or verdict in ("ok", "unreachable"), result
    assert result.seconds < SECONDS and peak < PEAK_KIB, (peak, result)
    assert_harmless(result)
    assert len(server.requests) == {"region-ping-pong": 2, "body-1gib-busy": 5}.get(name, 1)
    # What is taken up to the limits, and what the sockets hold; only floods of small things are read until the deadline.
    assert verdict == "timeout" or server.sent < 64 << 20, server.sent


def by_length(body):
    return answer(200, body)


def by_chunks(body):
    return CHUNKED + b"7\r\n" + body[:7] + b"\r\n" + b"%x\r\n" % (len(body) - 7) + body[7:] + b"\r\n0\r\nX-Sum: 1\r\n\r\n"


def by_close(body):
    return head(200) + body


@pytest.mark.parametrize("framed", [by_length, by_chunks, by_close])
def test_closed_at_each_offset(sandbox, framed):
    """Whole it is a yes, and no byte less of it is."""
    whole = framed(b"<ListBucketResult/>")

    def cut(offset):
        with Attacker([whole[:offset]]) as server:
            return asked(sandbox, server.endpoint, "--json")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        *short, full = pool.map(cut, range(len(whole) + 1))
    assert full.code == 0, full
    for offset, result in enumerate(short):
        check = result.json["mounts"][0]["check"]
        assert result.code == 5 and check["verdict"] in ("egress-blocked", "not-s3", "unreachable"), (offset, result)
    assert short[0].json["mounts"][0]["check"]["verdict"] == "egress-blocked"


def test_what_stands_behind_an_answer_answers_nothing(sandbox):
    """A second answer that came unasked is not taken for that of the next request."""
    first = [answer(200, LISTING) * 2]
    with Attacker(lambda _: [error("NoSuchBucket")] if len(server.requests) > 1 else first) as server:
        result = sandbox.s3mounts("check", "--json", *sandbox.specs, env={"S3_ENDPOINT_URL": server.endpoint})
        assert [mount["check"]["verdict"] for mount in result.json["mounts"]] == ["ok", "no-such-bucket", "no-such-bucket"]
        assert result.code == 1 and len(server.requests) == 3


class Talker(faults.Listener):
    """Speaks before it is asked, and goes on."""

    def handle(self, connection):
        connection.sendall(b"* OK IMAP4rev1 ready\r\n" * 1000)
        wait_for_end(connection)


def test_a_server_that_speaks_first(sandbox):
    with Talker() as server:
        result = asked(sandbox, server.endpoint, "--json")
        assert result.code == 5 and result.json["mounts"][0]["check"]["verdict"] == "not-s3", result


# Another host

WAYS = {
    "location": lambda status, there: answer(status, b"", f"Location: {there}/x"),
    "location-at": lambda status, there: answer(status, b"", f"Location: {there.replace('//', '//127.0.0.1@')}"),
    "location-relative": lambda status, there: answer(status, b"", f"Location: {there[5:]}/x"),
    "endpoint": lambda status, there: error("TemporaryRedirect", status, f"Location: {there}/x", Endpoint=there[7:]),
    "region": lambda status, there: error("PermanentRedirect", status, f"x-amz-bucket-region: {there[7:]}", Region=there[7:]),
    "region-at": lambda status, there: error("AuthorizationHeaderMalformed", 400, Region=f"x@{there[7:]}/"),
    "refresh": lambda status, there: answer(status, LISTING, f"Refresh: 0; url={there}", f"Alt-Svc: h2=\"{there[7:]}\"",
                                            f"Content-Location: {there}", f"Link: <{there}>; rel=canonical"),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_way_leads_to_another_host(sandbox, way):
    with Attacker([answer(200, LISTING)]) as other:
        for status in (301, 302, 303, 307, 308):
            with Attacker([WAYS[way](status, other.endpoint)]) as server:
                result = asked(sandbox, server.endpoint, "--json", "--write")
                assert result.code in (4, 5), result
                assert_harmless(result)
                assert len(server.requests) == 1 and "x-amz-security-token" in server.requests[0].lower()
        assert other.requests == []


def test_a_right_region_is_asked_at_the_same_host(sandbox):
    def script(request):
        return [answer(200, LISTING) if "/eu-9/s3/" in request else error("Redirect", 307, Region="eu-9")]
    with Attacker(script) as server:
        result = asked(sandbox, server.endpoint, "--json")
        check = result.json["mounts"][0]["check"]
        assert (result.code, check["verdict"], check["region"]) == (4, "wrong-region", "eu-9"), result
        assert len(server.requests) == 2 and {host_of(request) for request in server.requests} == {server.endpoint[7:]}


REGIONS = {
    "blank": "eu west", "path": "../../x", "shell": "eu;reboot", "long": "a" * 5000, "accent": "e\u0301u", "c1": "eu\u009b31m",
    "escape": "&#27;[31meu", "line": "&#10;S3_ACCESS_SECRET=x", "dollar": "$(id)", "format": "%s%n", "host": "eu.example/x",
}


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_that_is_none(sandbox, region):
    told = REGIONS[region]
    for script in ([error("PermanentRedirect", 301, Region=told)], [answer(301, b"", f"x-amz-bucket-region: {told}")]):
        with Attacker(script) as server:
            result = asked(sandbox, server.endpoint, "--json")
            check = result.json["mounts"][0]["check"]
            assert result.code in (4, 5) and re.fullmatch("a*", check["region"]) and told not in check["hint"], result
            assert_harmless(result)


# What a terminal would act on

TRICKS = {
    "escape": b"\x1b[2J\x1b]0;owned\x07", "number": b"&#27;[2J&#x1b;]0;owned&#7;", "newline": b"\ns3mounts: all is well\r\n",
    "number-newline": b"&#10;s3mounts: all is well&#13;", "c1": "\u009b31m\u0090q\u009d0;owned\u009c".encode(),
    "c1-number": b"&#155;31m&#x90;q", "c1-raw": b"\x9b31m\x90q", "backspace": b"x\b\b\b\x7f\x00y",
    "cut": "\u00e9".encode() * 500, "cut-by-one": b"x" + "\u20ac".encode() * 500, "format": b"%s%s%s%n %1$x",
    "quote": b'"}],"ok":true,"code":0,"x":"',
}
PLACES = {
    "code": lambda text: xml(b"<Code>" + text + b"</Code><Message>" + text + b"</Message>"),
    "message": lambda text: xml(b"<Code>Strange</Code><Message>" + text + b"</Message>"),
    "cdata": lambda text: xml(b"<Code>Strange</Code><Message><![CDATA[" + text + b"]]></Message>"),
    "location": lambda text: [answer(301, b"", b"Location: http://x/" + text)],
    "reason": lambda text: [b"HTTP/1.1 403 " + text + b"\r\nContent-Length: 0\r\n\r\n"],
    "nothing-http": lambda text: [text],
}


@pytest.mark.parametrize("trick", TRICKS)
def test_words_that_act_on_a_terminal(sandbox, trick):
    def ask(how):
        with Attacker(PLACES[how[0]](TRICKS[trick])) as server:
            return how[0], asked(sandbox, server.endpoint, *how[1])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for place, result in pool.map(ask, [(place, options) for place in PLACES for options in ([], ["--json"])]):
            assert result.code in (4, 5), (place, result)
            assert_harmless(result)
            assert len((result.out or result.err).splitlines()) == (1 if "--json" in result.argv else 3), (place, result)


# What a server knows, or may know: the token and the signature of each request; S3 the secret key too.

PLACES.update({
    "region": lambda text: [answer(301, b"<Error><Code>PermanentRedirect</Code><Region>" + text + b"</Region></Error>")],
    "region-field": lambda text: [answer(301, b"", b"x-amz-bucket-region: " + text)],
    "address": lambda text: [answer(302, b"", b"Location: http://" + text + b".example/")],
    "query": lambda text: [answer(302, b"", b"Location: http://x/?token=" + text)],
    "known-code": lambda text: xml(b"<Code>AccessDenied</Code><Message>" + text + b"</Message>"),
})
FORMS = {
    "whole": lambda secret: secret, "beginning": lambda secret: secret[:8], "without-head": lambda secret: secret[1:],
    "end": lambda secret: secret[-12:], "other-case": str.swapcase, "backwards": lambda secret: secret[::-1], "blanks": " ".join,
    "breaks": lambda secret: "\n ".join(textwrap.wrap(secret, 4)), "in-url": lambda secret: urllib.parse.quote(secret, safe=""),
    "in-url-all": lambda secret: "".join(f"%{ord(c):02x}" for c in secret), "in-hex": lambda secret: secret.encode().hex(),
    "in-xml": lambda secret: "".join(f"&#{ord(c)};" for c in secret), "in-xml-twice": lambda secret: "".join(
        f"&amp;#x{ord(c):x};" for c in secret),
    **{f"in-base64-at-{i}": lambda secret, i=i: base64.b64encode(i * b"x" + secret.encode()).decode() for i in range(3)},
    "in-base64-small": lambda secret: base64.b64encode(secret.encode()).decode().lower(),
    "in-base64-thrice": lambda secret: functools.reduce(lambda text, _: base64.b64encode(text), range(3), secret.encode()).decode(),
    "in-base32": lambda secret: base64.b32encode(secret.encode()).decode(),
}


def assert_withheld(result, form, place):
    """No eight characters of FORM in a row are shown, nor twelve of its letters and digits, whatever stands between them."""
    def bare(text):
        return re.sub("[^0-9a-z]", "", text.lower())
    shown, secret = result.out + result.err, form
    parts = [secret[i:i + 8] for i in range(len(secret) - 7)]
    assert not [part for part in parts if part in shown], (place, form, result)
    shown, secret = bare(shown), bare(form)
    parts = [secret[i:i + 12] for i in range(len(secret) - 11)]
    assert not [part for part in parts if part in shown], (place, form, result)


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_that_is_sent_back_is_not_shown(sandbox, form):
    def ask(how):
        place, secret, options = how
        text = FORMS[form](secret)
        with Attacker(PLACES[place](text.encode())) as server:
            return place, text, asked(sandbox, server.endpoint, *options)
    secrets = (TOKEN, sandbox.env["S3_ACCESS_SECRET"])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for place, text, result in pool.map(ask, itertools.product(PLACES, secrets, ([], ["--json"]))):
            assert result.code in (4, 5), (place, result)
            assert_harmless(result)
            assert_withheld(result, html.unescape(text), place)
            if place in ("message", "known-code") or (place == "location" and form in ("whole", "end")):
                assert "withheld" in (result.out or result.err), (place, result)


@pytest.mark.parametrize("place", PLACES)
def test_a_signature_that_is_sent_back_is_not_shown(sandbox, place):
    seen = []

    def script(request):
        seen.append(re.search("Signature=([0-9a-f]{64})", request)[1])
        return PLACES[place](seen[-1][20:].encode())
    with Attacker(script) as server:
        for options in ([], ["--json"]):
            result = asked(sandbox, server.endpoint, *options)
            assert_withheld(result, seen[-1], place)
    assert len(set(seen)) in (1, 2)


def test_the_key_id_may_be_shown(sandbox):
    words = f"the key {sandbox.env['S3_ACCESS_KEY_ID']} may not do this"
    with Attacker(PLACES["message"](words.encode())) as server:
        assert words in asked(sandbox, server.endpoint).err


def test_of_an_address_the_query_is_not_shown(sandbox):
    with Attacker([answer(302, b"", "Location: http://x/path?a=1#b")]) as server:
        cause = asked(sandbox, server.endpoint, "--json").json["mounts"][0]["check"]["cause"]
        assert cause.endswith("redirects to http://x/path"), cause


def test_a_code_that_is_withheld_is_still_a_refusal(sandbox):
    with Attacker(PLACES["code"](TOKEN[:12].encode())) as server:
        check = asked(sandbox, server.endpoint, "--json").json["mounts"][0]["check"]
        assert (check["verdict"], check["s3_code"], check["http_status"]) == ("access-denied", "withheld", 403)
        assert "withheld" in check["cause"]


def test_a_certificate_that_names_a_secret_is_not_shown(sandbox, tmp_path):
    """It is the server's word too, and the server may have seen the token before."""
    root = certificate(tmp_path, "Tests Root", extensions=AUTHORITY)
    names = f"DNS:{TOKEN[20:44].replace('/', '.').replace('=', '').replace('+', '')}.example"
    made = certificate(tmp_path, "localhost", root, f"subjectAltName={names}\n")
    with TlsServer(tmp_path, [made.pem.read_text()], made.key) as server:
        env = {"S3_ENDPOINT_URL": f"https://localhost:{server.port}", "SSL_CERT_FILE": str(root.pem), "S3_SESSION_TOKEN": TOKEN}
        result = sandbox.s3mounts("check", "--json", sandbox.specs[0], env=env)
        assert result.code == 5 and "withheld" in result.json["mounts"][0]["check"]["cause"], result
        assert_withheld(result, TOKEN[20:44], "certificate")


# `up`

@pytest.mark.parametrize("name", ["interim-endless", "body-1gib-length"])
def test_up_takes_nothing_up(sandbox, name):
    with Attacker(ATTACKS[name][0]) as server:
        begin = time.monotonic()
        answer = sandbox.up(env={"S3_ENDPOINT_URL": server.endpoint, "S3_SESSION_TOKEN": TOKEN}, code=5)
        assert time.monotonic() - begin < SECONDS
    assert {mount["check"]["verdict"] for mount in answer["mounts"]} == {ATTACKS[name][2]}
    assert {mount["state"] for mount in answer["mounts"]} == {"failed"}
    assert sandbox.mounts() == [] and sandbox.drivers() == []
    assert not any(path.name == "rclone.conf" for path in sandbox.run.rglob("*"))
    assert not any(procfs.memory_holds(pid, TOKEN.encode()) for pid in sandbox.processes())
