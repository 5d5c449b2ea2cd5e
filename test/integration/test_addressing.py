"""
test_addressing.py - how S3 is asked, by the check and by rclone alike: where the bucket's name stands, and how names in listings are written.
"""

import http.client
import http.server
import os
import threading

import pytest

LISTING = b'<?xml version="1.0"?><ListBucketResult><Name>b</Name><EncodingType>url</EncodingType></ListBucketResult>'
NO_PATHS = (b'<?xml version="1.0"?><Error><Code>SecondLevelDomainForbidden</Code>'
            b"<Message>Please use virtual hosted style to access.</Message></Error>")


class Listener:
    """An HTTP server on loopback that answers each request with ANSWER(handler): status, body. `asked` lists host and path."""

    def __init__(self, answer):
        self.asked = []
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                listener.asked.append((self.headers["Host"], self.path))
                status, body = answer(self)
                self.send_response_only(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = serve

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def virtual_hosted_only(handler):
    return (403, NO_PATHS) if handler.headers["Host"].startswith("localhost") else (200, LISTING)


def test_a_server_that_refuses_path_style(sandbox):
    with Listener(virtual_hosted_only) as server:
        sandbox.env["S3_ENDPOINT_URL"] = f"http://localhost:{server.port}"
        result = sandbox.s3mounts("check", "--json", sandbox.specs[0])
        check = result.json["mounts"][0]["check"]
        assert (result.code, check["verdict"], check["hint"]) == (4, "wrong-address", "set S3_ADDRESSING_STYLE=virtual")
        for way in ({"S3_ADDRESSING_STYLE": "virtual"}, {"S3_FORCE_PATH_STYLE": "false"}):
            server.asked.clear()
            result = sandbox.s3mounts("check", sandbox.specs[0], env=way)
            assert result.code == 0, result
            assert [host for host, _ in server.asked] == [f"{sandbox.server.bucket}.localhost:{server.port}"]
            assert server.asked[0][1].startswith("/?")
        result = sandbox.s3mounts("check", f"{sandbox.specs[0]}:s3_force_path_style=false")
        assert result.code == 0, result
    printed = sandbox.s3mounts("config", "--print", sandbox.specs[0], env={"S3_ADDRESSING_STYLE": "virtual"}).out
    assert "force_path_style = `false`\n" in printed


def test_a_control_byte_in_a_name_costs_nothing(sandbox, rclone):
    """Without list_url_encode rclone 1.60 asks again for 40 s, and then for an encoded listing."""
    names = ["bell\a", "a+b", "100%", "per%2Fcent", "ü", "plain"]
    for name in names:
        sandbox.put(f"{sandbox.prefixes[0]}/folder/{name}", b"")

    def forward(handler):
        connection = http.client.HTTPConnection("127.0.0.1", sandbox.server.port)
        connection.putrequest("GET", handler.path, skip_host=True, skip_accept_encoding=True)
        for name, value in handler.headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body

    with Listener(forward) as relay:
        sandbox.up(sandbox.specs[0], env={"S3_ENDPOINT_URL": f"http://127.0.0.1:{relay.port}"})
        relay.asked.clear()
        assert sorted(os.listdir(sandbox.targets[0] / "folder")) == sorted(name.replace("\a", "\u2407") for name in names)
        assert len([path for _, path in relay.asked if "folder%2F" in path]) == 1, relay.asked
        sandbox.down()


def test_a_server_that_does_not_encode_is_noted(sandbox):
    with Listener(lambda _: (200, LISTING.replace(b"<EncodingType>url</EncodingType>", b""))) as server:
        mount, = sandbox.up(sandbox.specs[0], env={"S3_ENDPOINT_URL": f"http://127.0.0.1:{server.port}"})["mounts"]
        assert any("s3_list_url_encode=false" in note for note in mount["notes"]), mount
        sandbox.down()


@pytest.mark.parametrize("option, code", [("s3_list_url_encode=false", 0), ("s3_list_url_encode=true", 0), ("s3_list_url_encode=maybe", 2)])
def test_the_mount_says_whether_names_are_encoded(sandbox, option, code):
    with Listener(lambda _: (200, LISTING)) as server:
        sandbox.env["S3_ENDPOINT_URL"] = f"http://127.0.0.1:{server.port}"
        result = sandbox.s3mounts("check", f"{sandbox.specs[0]}:{option}")
        assert result.code == code, result
        assert ["encoding-type=url" in path for _, path in server.asked] == {0: [option.endswith("true")], 2: []}[code]
        server.asked.clear()
        sandbox.up(f"{sandbox.specs[0]}:{option}", code=code)
        of_the_check = [path for _, path in server.asked if "max-keys=1&" in path]
        assert ["encoding-type=url" in path for path in of_the_check] == {0: [option.endswith("true")], 2: []}[code]
