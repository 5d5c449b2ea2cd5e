"""
test_listing.py - a folder whose listing takes longer than others' changes may wait. Up to 1.69 rclone counts a listing's age from its begin: by then it
would be old when it is there, and be asked for again for each of the folder's names.
"""

import http.server
import threading
import time

import pytest

from support import proc

PAGES, NAMES = 11, 10  # and PAGE seconds each: 5.5 s
PAGE = 0.5


class SlowPages:
    """An S3 whose folder `many` has PAGES pages of NAMES keys each; `pages` counts what was asked of it."""

    def __init__(self):
        self.pages = 0
        slow = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = slow.page() if "many%2F" in self.path and "max-keys=1&" not in self.path else "<CommonPrefixes><Prefix>p/many/</Prefix></CommonPrefixes>"
                answer = f'<?xml version="1.0"?><ListBucketResult><Name>b</Name>{body}</ListBucketResult>'.encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/xml")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def page(self):
        time.sleep(PAGE)
        number = self.pages % PAGES
        self.pages += 1
        keys = [f"p/many/{number:02}-{n:02}" for n in range(NAMES)]
        more = f"<IsTruncated>{str(number < PAGES - 1).lower()}</IsTruncated><EncodingType>url</EncodingType>"
        more += f"<NextContinuationToken>{number}</NextContinuationToken>" if number < PAGES - 1 else ""
        return more + "".join(f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><Size>0</Size></Contents>" for key in keys)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.usefixtures("rclone")
def test_a_long_folder_is_listed_once(sandbox):
    with SlowPages() as slow:
        sandbox.up(f"--mount=p:{sandbox.mnt}/x:ro", env={"S3_ENDPOINT_URL": slow.endpoint})
        done = proc.run(["ls", "-l", sandbox.mnt / "x/many"], timeout=15)
        assert len(done.stdout.splitlines()) == 1 + PAGES * NAMES and slow.pages == PAGES
        sandbox.down()
