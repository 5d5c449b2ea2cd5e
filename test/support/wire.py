#!/usr/bin/python3
"""
wire.py - a TCP wire to a server that can be frozen, thawed and cut, or forget. It is a process of its own, because the test
that waits for a frozen file system could not carry its bytes at the same time.

wire.py LISTEN_PORT TARGET_PORT: the relay itself; a line on stdout for each connection that it takes, SIGHUP closes them all,
SIGUSR1 leaves them open and reads no more from them.
"""

import asyncio
import os
import pathlib
import signal
import sys
import threading

from support import proc


class Wire:
    """
    A wire to PORT on loopback. freeze() stops it while all connections stay open, thaw() lets it go on (that comes by itself
    after MOST seconds: who waits for a frozen file system cannot be interrupted); cut() closes every connection, as a resumed
    sandbox finds them; forget() answers no more on those that are open, as a gateway that lost its table, and serves new ones.
    """

    def __init__(self, port, folder, most=30):
        self.port, = proc.free_ports(1)
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.log = pathlib.Path(folder) / f"wire-{self.port}"
        self.most, self.timer = most, None
        self.child = proc.spawn([sys.executable, "-m", "support.wire", self.port, port], log=self.log,
                                cwd=pathlib.Path(__file__).parents[1])
        proc.wait_for(lambda: "listens" in self.log.read_text(), 10, "the wire")

    def freeze(self):
        os.kill(self.child.pid, signal.SIGSTOP)
        self.timer = threading.Timer(self.most, self.thaw)
        self.timer.daemon = True
        self.timer.start()

    def thaw(self):
        if self.timer:
            self.timer.cancel()
        os.kill(self.child.pid, signal.SIGCONT)

    def cut(self):
        os.kill(self.child.pid, signal.SIGHUP)

    def forget(self):
        times = self.log.read_text().count("forgotten")
        os.kill(self.child.pid, signal.SIGUSR1)
        proc.wait_for(lambda: self.log.read_text().count("forgotten") > times, 10, "the wire to forget")

    @property
    def accepted(self):
        """How many connections it has taken."""
        return self.log.read_text().count("taken")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.thaw()
        proc.stop(self.child)


async def relay(listen, target):
    connections = set()

    async def carry(reader, writer):
        while data := await reader.read(1 << 18):
            writer.write(data)
            await writer.drain()

    async def take(*near):
        print("taken", flush=True)
        far = await asyncio.open_connection("127.0.0.1", target)
        both = {near[1], far[1]}
        connections.update(both)
        try:
            ways = [asyncio.ensure_future(carry(near[0], far[1])), asyncio.ensure_future(carry(far[0], near[1]))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for one in both:
                one.close()
            connections.difference_update(both)

    def forget():
        for one in connections:
            one.transport.pause_reading()
        print("forgotten", flush=True)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, lambda: [one.transport.abort() for one in connections])
    loop.add_signal_handler(signal.SIGUSR1, forget)
    server = await asyncio.start_server(take, "127.0.0.1", listen)
    print("listens", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(relay(int(sys.argv[1]), int(sys.argv[2])))
