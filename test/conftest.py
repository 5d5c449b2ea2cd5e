"""
conftest.py - fixtures of the integration tests: the servers (one of each for the whole run), the program under test, and for each test
a sandbox that must be empty at its end and must not have shown the secret anywhere.

S3MOUNTS_BIN and S3MOUNTS_BIN_AARCH64 name the artefacts; without them it is what ./build.sh makes. S3MOUNTS_ARCHITECTURES: "x86_64" leaves
the other out. S3MOUNTS_CURRENT_RCLONE is the newer rclone (what ./build.sh test fetches; empty: its tests are left out). S3MOUNTS_TEST_SECONDS:
what one test may take. Nothing here skips: a tool that is missing is a failure.
"""

import ctypes
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import uuid

sys.dont_write_bytecode = True

import pytest  # noqa: E402

from support import qemu  # noqa: E402
from support.container import Engine  # noqa: E402
from support.proxy import Proxies  # noqa: E402
from support.s3server import S3Server  # noqa: E402
from support.sandbox import Sandbox  # noqa: E402
from support.tls import TlsFront  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent
BINARIES = {
    "x86_64": os.environ.get("S3MOUNTS_BIN") or TOP / "out" / "x86_64" / "s3mounts",
    "aarch64": os.environ.get("S3MOUNTS_BIN_AARCH64") or TOP / "out/aarch64/s3mounts",
}
ARCHITECTURES = os.environ.get("S3MOUNTS_ARCHITECTURES", " ".join(BINARIES)).split()
RCLONES = {
    "debian": "/usr/bin/rclone",
    "current": os.environ.get("S3MOUNTS_CURRENT_RCLONE", TOP / "out/rclone/rclone"),
}
TEST_SECONDS = int(os.environ.get("S3MOUNTS_TEST_SECONDS", 120))  # no test may hang the run


CLONE_NEWNS = 0x20000


def pytest_configure(config):
    # A worker of pytest-xdist does not see the mounts of the other one.
    if "PYTEST_XDIST_WORKER" in os.environ and os.geteuid() == 0 and ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    config.addinivalue_line("markers", "both: runs on the artefacts of both architectures")
    config.addinivalue_line("markers", "shipped: looks at what a sanitizer changes (memory, C library), or traces, which the leak sanitizer cannot bear")


def pytest_generate_tests(metafunc):
    """A test of the program runs on x86_64, and one that is marked `both` on aarch64 (under qemu) too."""
    if "architecture" in metafunc.fixturenames:
        both = metafunc.definition.get_closest_marker("both")
        metafunc.parametrize("architecture", ARCHITECTURES if both else ARCHITECTURES[:1], scope="session")


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    one = S3Server(tmp_path_factory.mktemp("s3")).start()
    yield one
    one.stop()


@pytest.fixture(scope="session")
def tls(server, tmp_path_factory):
    front = TlsFront(tmp_path_factory.mktemp("tls") / "front", server.port)
    yield front
    front.stop()


@pytest.fixture(scope="session")
def proxies(tls, tmp_path_factory):
    these = Proxies(tmp_path_factory.mktemp("proxies"), *tls.good)
    yield these
    these.stop()


@pytest.fixture(scope="session")
def engine():
    one = Engine(tempfile.mkdtemp(prefix="s3m-pod-", dir="/tmp"))  # podman takes no longer path
    yield one
    one.close()


@pytest.fixture(scope="session")
def emulator():
    with qemu.aarch64():
        yield


@pytest.fixture
def binary(architecture, request):
    if architecture == "aarch64":
        request.getfixturevalue("emulator")
    path = pathlib.Path(BINARIES[architecture]).resolve()
    assert path.is_file(), f"there is no {path}: run ./build.sh first"
    return path


@pytest.fixture
def sandbox(binary, server):
    """A sandbox with good credentials. At the end `down` must leave nothing, and the secret must be nowhere."""
    one = Sandbox(binary, server, uuid.uuid4().hex[:8])
    yield one
    try:
        leaks = one.secret_leaks() + (one.secret_leaks(server.secret) if server.secret != one.env.get("S3_ACCESS_SECRET") else [])
    finally:
        left = one.close()
    assert not leaks, leaks
    assert not left, "\n".join(left)


@pytest.fixture(scope="session")
def rclones():
    """Both, where root takes a program from: who owns the folder of this repository is unknown."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="s3m-rclone-", dir="/tmp"))
    for name in filter(RCLONES.get, RCLONES):
        shutil.copy(RCLONES[name], folder / name)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=list(filter(RCLONES.get, RCLONES)))
def rclone(request, rclones, sandbox):
    """Runs a test twice: its sandbox mounts with Debian's rclone, and with a current one. The path of the program."""
    sandbox.env["S3MOUNTS_RCLONE"] = str(rclones / request.param)
    return rclones / request.param


@pytest.fixture(autouse=True)
def deadline():
    def too_late(*_):
        raise TimeoutError(f"the test takes more than {TEST_SECONDS} s")

    before = signal.signal(signal.SIGALRM, too_late)
    signal.alarm(TEST_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
