"""faults.py - servers that do what a real S3 server cannot be asked to do. Each runs in threads of this process, on loopback."""

import contextlib
import email.utils
import http.client
import http.server
import socket
import threading
import time


class Listener:
    """Accepts on a free port and hands each connection to handle() in a thread of its own."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            self.handle(connection)

    def handle(self, connection):
        raise NotImplementedError

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class BlockedEgress(Listener):
    """What a sandbox's firewall does: takes the connection, reads the request, closes without a byte."""

    def handle(self, connection):
        connection.recv(65536)
        time.sleep(0.1)


class Silent(Listener):
    """Takes the connection and never answers."""

    def handle(self, connection):
        while connection.recv(65536):
            pass


class Garbage(Listener):
    """Speaks, but not HTTP."""

    def handle(self, connection):
        connection.sendall(b"220 mail.example ESMTP ready\r\n")
        connection.recv(65536)


class Scripted:
    """
    An HTTP server that gives one answer to every request: STATUS, BODY (bytes) and HEADERS. `requests` lists what came as
    (method, path), `payers` what each had for x-amz-request-payer. CLOCK_OFFSET shifts its Date header by seconds.
    """

    def __init__(self, status, body=b"", headers=(), clock_offset=0):
        self.requests, self.payers = [], []
        script = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                self.rfile.read(length)
                script.requests.append((self.command, self.path))
                script.payers.append(self.headers["x-amz-request-payer"])
                self.send_response_only(status)
                self.send_header("Date", email.utils.formatdate(time.time() + clock_offset, usegmt=True))
                for name, value in {"Content-Type": "application/xml", **dict(headers)}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def s3_error(code, **more):
    """S3's error body: <Error><Code>…; MORE adds elements (Region="eu-west-1")."""
    elements = {"Code": code, "Message": f"scripted {code}", **more, "RequestId": "tx0"}
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in elements.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inside}</Error>'.encode()


def of_check(method, path):
    """A request of the credential check, which lists a single key."""
    return method == "GET" and "max-keys=1&" in path


def of_upload(method, _):
    return method in ("PUT", "POST")


class HoldingProxy:
    """
    Stands before the server at PORT on loopback. With `held` set, a request for which that is true (it is given method and path) is kept until
    release(); all others go through.
    """

    def __init__(self, port):
        self.held = None
        self.holding = 0  # how many are kept now
        self.free = threading.Condition()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                proxy.wait(self.command, self.path)
                with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as server, contextlib.suppress(OSError):
                    server.request(self.command, self.path, body, dict(self.headers))
                    self.answer(server.getresponse())

            def answer(self, got):
                body = got.read()
                self.send_response_only(got.status)
                for name, value in got.getheaders():
                    if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                        self.send_header(name, value)
                self.send_header("Content-Length", got.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = pass_on

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def wait(self, method, path):
        with self.free:
            self.holding += 1
            self.free.wait_for(lambda: not (self.held and self.held(method, path)))
            self.holding -= 1

    def hold(self, held):
        self.held = held

    def release(self):
        with self.free:
            self.held = None
            self.free.notify_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()
        self.server.shutdown()
        self.server.server_close()


class NameServer:
    """A DNS server on ADDRESS, port 53 (needs root), that answers every question with CODE: 3 no such name, 2 failure; None: silence."""

    def __init__(self, code, address):
        self.code, self.address = code, address
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.socket.settimeout(0.1)  # a close() while the thread receives would leave the port bound
        self.ended = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while not self.ended:
            with contextlib.suppress(OSError):
                query, sender = self.socket.recvfrom(512)
                if self.code is not None:
                    flags = (0x8180 | self.code).to_bytes(2, "big")
                    self.socket.sendto(query[:2] + flags + query[4:6] + b"\0\0\0\0\0\0" + query[12:], sender)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended = True
        self.thread.join()
        self.socket.close()
