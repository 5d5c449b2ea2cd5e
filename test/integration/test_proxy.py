"""
test_proxy.py - S3 that is reached by a proxy alone (its name is known there and nowhere else): the check goes the way that rclone goes, by the same
variables, and what the proxy refuses is told as the proxy's.
"""

import os
import signal

import pytest

from support import proc, procfs
from support.proxy import DENIED, HOST, LOGIN, PASSWORD

UNREACHABLE, USAGE = 5, 2


@pytest.fixture
def away(sandbox, proxies):
    """The sandbox, with an S3 that it can reach by a proxy alone. The proxy's password must be where it is needed, and nowhere else."""
    sandbox.env["S3_ENDPOINT_URL"] = f"http://{HOST}:{sandbox.server.port}"
    yield sandbox
    for secret in (PASSWORD, LOGIN):
        assert [leak for leak in sandbox.secret_leaks(secret) if not leak.startswith("environment of")] == []


@pytest.fixture
def over_tls(away, tls):
    away.env.update(S3_ENDPOINT_URL=tls.url("good", HOST), SSL_CERT_FILE=str(tls.authority.certificate))
    return away


def one(sandbox, options=""):
    return f"--mount={sandbox.prefixes[0]}:{sandbox.mnt}/one{options}"


def write_and_end(sandbox):
    (sandbox.mnt / "one/file").write_text("by the proxy")
    sandbox.down()
    assert sandbox.get(f"{sandbox.prefixes[0]}/file") == b"by the proxy"


def verdict(sandbox, code, **env):
    result = sandbox.s3mounts("check", "--json", "--write", one(sandbox), env=env)
    assert result.code == code, result
    return result.json["mounts"][0]["check"]


def test_without_it_s3_has_no_name(away):
    assert verdict(away, UNREACHABLE)["verdict"] == "name-not-found"


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
def test_http(away, proxies, rclone, variable):
    away.up(one(away), env={variable: proxies.http})
    write_and_end(away)
    assert f"GET http://{HOST}:{away.server.port}/{away.server.bucket}?encoding-type=url&list-type=2" in proxies.log()


@pytest.mark.parametrize("kind", ["http", "https", "socks5"])
def test_https(over_tls, proxies, rclone, kind):
    over_tls.up(one(over_tls), env={"HTTPS_PROXY": getattr(proxies, kind)})
    write_and_end(over_tls)


def test_socks5h_is_socks5(over_tls, proxies, rclone):
    """Debian's rclone knows no such scheme, and would look for a host of that name."""
    over_tls.up(one(over_tls), env={"HTTPS_PROXY": proxies.socks5.replace("socks5", "SOCKS5H")})
    write_and_end(over_tls)


@pytest.mark.both
@pytest.mark.parametrize("kind", ["http", "https", "socks5"])
def test_check(away, proxies, tls, kind):
    authority = {"SSL_CERT_FILE": str(tls.authority.certificate)}
    assert verdict(away, 0, HTTP_PROXY=getattr(proxies, kind), **authority)["http_status"] == 200
    assert verdict(away, 0, HTTPS_PROXY=getattr(proxies, kind), S3_ENDPOINT_URL=tls.url("good", HOST), **authority)["http_status"] == 200


def test_http_by_a_proxy_with_tls(away, proxies, tls):
    """The CA bundle is for the proxy here, and that of `up`."""
    with away.started("--wait"):
        away.up(one(away), env={"HTTP_PROXY": proxies.https, "SSL_CERT_FILE": str(tls.authority.certificate)})
        write_and_end(away)


def endpoint(scheme, host, port):
    return {"S3_ENDPOINT_URL": f"{scheme}://{host}:{port}"}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_the_proxy_refuses(away, proxies, scheme):
    name, port, here = f"{scheme.upper()}_PROXY", away.server.port, f"127.0.0.1:{proxies.port}"
    cases = [
        (f"http://who:wrong@{here}", HOST, port, "proxy", f"does not take the user and the password in {name}"),
        (f"http://{here}", HOST, port, "proxy", "wants a user and a password"),
        (proxies.http, DENIED, port, "egress-blocked", f"the proxy 127.0.0.1 port {proxies.port}"),
        (proxies.http, "nowhere.test", port, "proxy", f"the proxy 127.0.0.1 port {proxies.port}"),
        (f"https://127.0.0.1:{port}", HOST, port, "tls", f"the proxy that {name} names"),
        (f"socks5://127.0.0.1:{port}", HOST, port, "proxy", "speaks no SOCKS5"),
        (proxies.socks5.replace(LOGIN, "who:wrong"), HOST, port, "proxy", "does not take the user and the password"),
        (proxies.socks5, "nowhere.test", port, "proxy", "cannot connect to nowhere.test port"),
        (f"http://127.0.0.1:{proc.free_ports(1)[0]}", HOST, port, "connection-refused", f"the proxy that {name} names"),
        ("http://nowhere.test:1", HOST, port, "name-not-found", f"the proxy that {name} names: look up nowhere.test"),
    ]
    for proxy, host, at, kind, cause in cases:
        check = verdict(away, UNREACHABLE, **{name: proxy}, **endpoint(scheme, host, at))
        assert check["verdict"] == kind and cause in check["cause"] and check["http_status"] == 0, (proxy, host, check)
        assert name in check["hint"], check


def test_no_proxy_goes_around_it(away, proxies):
    for no_proxy, kind in {HOST: "name-not-found", f"x, *.test:{away.server.port}": "name-not-found", "*": "name-not-found",
                           f"s3.tes,.{HOST},{HOST}:1": "ok"}.items():
        code = 0 if kind == "ok" else UNREACHABLE
        assert verdict(away, code, HTTP_PROXY=proxies.http, NO_PROXY=no_proxy)["verdict"] == kind


def test_no_proxy_is_the_drivers_too(away, proxies):
    """Where S3's name is known, and nobody is at the proxy."""
    under = ("unshare", "--mount", "sh", "-c", f'mount --bind {proxies.hosts} /etc/hosts && exec "$@"', "sh")
    result = away.finish(away.start(
        "run", "--cache-dir", away.cache, one(away), "--", "sh", "-c", f'echo -n "directly" > {away.mnt}/one/file', under=under,
        env={"HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": f"10.0.0.0/8,{HOST}"}))
    assert result.code == 0, result
    assert away.get(f"{away.prefixes[0]}/file") == b"directly"


def test_the_variables_of_up_and_not_of_start(away, proxies, rclone):
    """The template's build knew another proxy; and a driver that dies comes back by the one of `up`."""
    dead = f"http://127.0.0.1:{proc.free_ports(1)[0]}"
    with away.started("--wait", env={"HTTP_PROXY": dead}) as supervisor:
        mount, = away.up(one(away), env={"http_proxy": proxies.http})["mounts"]
        for pid in (supervisor.pid, mount["pid"]):
            assert dead.encode() not in procfs.environment(pid)
        assert LOGIN.encode() not in procfs.environment(supervisor.pid)
        os.kill(mount["pid"], signal.SIGKILL)
        proc.wait_for(lambda: away.status_of("one")["state"] == "up" and away.status_of("one")["pid"] != mount["pid"], 15, "the next driver")
        assert LOGIN.encode() in procfs.environment(away.status_of("one")["pid"])
        write_and_end(away)


def test_a_change_of_the_proxy_alone(away, proxies):
    def pid(**env):
        return away.up(one(away), env={"HTTP_PROXY": proxies.http, **env})["mounts"][0]["pid"]

    first = pid()
    assert pid() == first
    second = pid(NO_PROXY="other.test")
    assert second != first
    assert pid(HTTP_PROXY=proxies.socks5) not in (first, second)
    write_and_end(away)


def test_a_supervisor_that_was_killed(away, proxies):
    """The next one, started by a command without the variables, starts the driver by the same proxy."""
    answer = away.up(one(away), env={"HTTP_PROXY": proxies.http})
    os.kill(answer["supervisor"]["pid"], signal.SIGKILL)
    proc.wait_for(lambda: not procfs.alive(answer["supervisor"]["pid"]), 5, "its end")
    (away.mnt / "one/file").write_text("by the proxy")
    os.kill(answer["mounts"][0]["pid"], signal.SIGKILL)
    away.down("--timeout", "30")
    assert away.get(f"{away.prefixes[0]}/file") == b"by the proxy"


def test_from_a_file(away, proxies):
    away.env["HTTP_PROXY"] = "http://nowhere.test:1"
    away.folder.joinpath("env").write_text(f"http_proxy={proxies.http}\n")
    away.folder.joinpath("env").chmod(0o600)
    away.up("--env-file", away.folder / "env", one(away))
    write_and_end(away)


def test_the_command_of_run_keeps_its_own(away, proxies):
    result = away.s3mounts("run", "--cache-dir", away.cache, one(away), "--", "sh", "-c",
                           f'test "$HTTP_PROXY$NO_PROXY" = "{proxies.http}x" && echo -n "by the proxy" > {away.mnt}/one/file',
                           env={"HTTP_PROXY": proxies.http, "NO_PROXY": "x"})
    assert result.code == 0, result
    assert away.get(f"{away.prefixes[0]}/file") == b"by the proxy"


@pytest.mark.parametrize("value", ["foo://{0}", "http:/{0}", "http://who:{1}/{0}@x:1", "http://{0}:x", " http://{0}"])
@pytest.mark.parametrize("command", ["check", "up"])
def test_what_go_would_misread_is_refused(away, proxies, command, value):
    value = value.format(f"{LOGIN}@127.0.0.1:{proxies.port}", PASSWORD)
    result = away.s3mounts(command, "--json", one(away), env={"HTTP_PROXY": value})
    assert result.code == USAGE and "HTTP_PROXY" in result.json["error"]["message"], result
    assert away.s3mounts("check", one(away), env={"HTTPS_PROXY": value}).code == UNREACHABLE, "it is not for http"
    assert away.s3mounts("check", one(away), env={"HTTP_PROXY": value, "S3_ENDPOINT_URL": away.server.endpoint}).code == 0, "nor for loopback"


def test_no_proxy_of_a_cgi_program(away, proxies):
    result = away.s3mounts("check", one(away), env={"HTTP_PROXY": proxies.http, "REQUEST_METHOD": "GET"})
    assert result.code == USAGE and "REQUEST_METHOD" in result.err, result


def test_config_writes_none(away, proxies):
    result = away.s3mounts("config", one(away), env={"HTTP_PROXY": proxies.http})
    assert result.code == 0 and "proxy" not in (away.run / "rclone.conf").read_text(), result
