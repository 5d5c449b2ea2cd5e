"""
control.py - the supervisor's control socket, spoken to without the program (src/ctl/wire.h): four bytes of length, then records "name=value" with a NUL
behind each.
"""

import contextlib
import os
import socket
import struct
import time

STATUS, UP, DOWN, FLUSH = range(4)


def message(*records, length=None):
    body = b"".join(record.encode() + b"\0" for record in records)
    return struct.pack("=I", len(body) if length is None else length) + body


def connect(sandbox, timeout=5.0):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(timeout)
    deadline = time.monotonic() + timeout
    while True:
        try:
            client.connect(str(sandbox.run / "control"))
            return client
        except BlockingIOError:  # the kernel's queue is full, and a socket with a time-out does not wait for room
            assert time.monotonic() < deadline, "it takes no more clients"
            time.sleep(0.01)


def send(client, data):
    """As much as the other side takes."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        client.sendall(data)


def receive(client):
    """All until it is closed."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(65536):
            data += piece
    return data


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
