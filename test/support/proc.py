"""proc.py - child processes that never outlive us, and waiting for things with a deadline."""

import atexit
import ctypes
import os
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_children = []


def die_with_parent():
    """For preexec_fn: the kernel kills this process when the thread that started it ends."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(argv, *, log, env=None, cwd="/", preexec=die_with_parent, **more):
    """Starts ARGV in a session of its own; stdout and stderr go to the file LOG. stop() ends it; so does our end."""
    with open(log, "ab") as out:
        child = subprocess.Popen(
            [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=cwd,
            start_new_session=True, preexec_fn=preexec, **more)
    _children.append(child)
    return child


def stop(child, grace=3.0):
    """SIGTERM to its process group, SIGKILL after GRACE seconds; reaps it."""
    if child.poll() is None:
        _signal_group(child.pid, signal.SIGCONT)
        _signal_group(child.pid, signal.SIGTERM)
        try:
            child.wait(grace)
        except subprocess.TimeoutExpired:
            pass
    _signal_group(child.pid, signal.SIGKILL)
    child.wait()
    if child in _children:
        _children.remove(child)


def _signal_group(pid, number):
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


@atexit.register
def _stop_all():
    for child in list(_children):
        stop(child, grace=0.2)


def run(argv, timeout=60, check=True, **more):
    """subprocess.run() with text, captured output and a deadline; a failure shows what was said."""
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL, **more)
    if check and done.returncode != 0:
        raise RuntimeError(f"{argv[0]} exits with {done.returncode}:\n{done.stdout}{done.stderr}\n{argv}")
    return done


def wait_for(condition, timeout, what, every=0.02):
    """Asks CONDITION until it gives something true, and returns that. Fails with WHAT after TIMEOUT seconds."""
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s for {what}")
        time.sleep(every)


def free_ports(count):
    """TCP ports on loopback that nobody uses now, all different."""
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def answers(port, address="127.0.0.1"):
    """Does somebody accept a TCP connection there?"""
    try:
        socket.create_connection((address, port), timeout=1).close()
        return True
    except OSError:
        return False
