"""terminal.py - a pseudo-terminal with a session of its own behind it, for what only happens at a terminal."""

import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time


class Terminal:
    """ARGV as the leader of a session whose controlling terminal this is. `text` is all that it has shown."""

    def __init__(self, argv, **more):
        self.master, slave = os.openpty()
        self.size(24, 200)
        self.child = subprocess.Popen(
            [str(a) for a in argv], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0), **more)
        os.close(slave)
        self.text = ""

    def type(self, text):
        os.write(self.master, text.encode())

    def line(self, text):
        self.type(text + "\n")

    def read(self, seconds):
        """Takes what comes within SECONDS into `text`; False at the end of the session."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            self.text += os.read(self.master, 1 << 16).decode(errors="replace")
        except OSError:  # EIO: nobody has it open any more
            return False
        return True

    def expect(self, pattern, timeout=20):
        """Waits until the regular expression PATTERN is in what is not looked at yet; gives the match, drops all before."""
        deadline = time.monotonic() + timeout
        while not (found := re.search(pattern, self.text, re.M)):
            if time.monotonic() > deadline or not self.read(0.2):
                raise AssertionError(f"waited for {pattern!r} at the terminal; it shows:\n{self.text}")
        self.text = self.text[found.end():]
        return found

    def foreground(self):
        """The process group that gets what is typed."""
        return struct.unpack("i", fcntl.ioctl(self.master, termios.TIOCGPGRP, b"\0" * 4))[0]

    def size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def hang_up(self):
        """The window is closed: the kernel sends SIGHUP to the leader and to the foreground."""
        os.close(self.master)
        self.master = None

    def close(self):
        if self.master is not None:
            self.hang_up()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
