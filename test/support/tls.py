"""tls.py - certificates of the tests' own, and nginx that puts TLS in front of the S3 server with each fault that TLS can have."""

import collections
import itertools
import pathlib
import shutil
import ssl

from support import faults, proc

OPENSSL = """\
[req]
distinguished_name = dn
prompt = no
[dn]
CN = %(name)s
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = %(names)s
[ca]
default_ca = own
[own]
dir = %(folder)s
database = %(folder)s/index
new_certs_dir = %(folder)s
serial = %(folder)s/serial
default_md = sha256
unique_subject = no
policy = any
[any]
commonName = supplied
"""


ELLIPTIC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
Certificate = collections.namedtuple("Certificate", "pem key")
_serials = itertools.count(1000)


def certificate(folder, name, issuer=None, extensions="", digest="sha256", key=ELLIPTIC, serial=None):
    """
    A Certificate (files in FOLDER) with this common NAME and these EXTENSIONS (x509v3_config(5)), signed by ISSUER, or by
    itself. It is valid for a month from now.
    """
    made = Certificate(*(pathlib.Path(folder) / f"{next(_serials)}.{kind}" for kind in ("pem", "key")))
    request, wanted = made.pem.with_suffix(".csr"), made.pem.with_suffix(".ext")
    wanted.write_text(extensions)
    if key[0] == "-key":
        shutil.copy(key[1], made.key)
    keyed = ["-key", made.key] if key[0] == "-key" else [*key, "-keyout", made.key]
    proc.run(["openssl", "req", "-new", "-nodes", *keyed, "-subj", f"/CN={name}", "-out", request])
    signer = ["-CA", issuer.pem, "-CAkey", issuer.key] if issuer else ["-signkey", made.key]
    proc.run(["openssl", "x509", "-req", "-in", request, *signer, "-set_serial", serial or next(_serials), f"-{digest}", "-days", "30",
              *(["-extfile", wanted] if extensions else []), "-out", made.pem])
    return made


AUTHORITY = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
LISTING = b"<ListBucketResult/>"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(LISTING), LISTING)


class TlsServer(faults.Listener):
    """
    Serves CHAIN (certificates' texts, the server's own first) with KEY; SET_UP(context) changes how. `shaken` counts the
    handshakes that came to their end, `received` is what came over TLS.
    """

    def __init__(self, folder, chain, key, set_up=None):
        pem = folder / "chain.pem"
        pem.write_text("".join(chain))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.set_ciphers("ALL:@SECLEVEL=0")
        self.context.load_cert_chain(pem, key)
        self.received = b""
        self.shaken = 0
        if set_up:
            set_up(self.context)
        super().__init__()

    def handle(self, connection):
        with self.context.wrap_socket(connection, server_side=True) as over_tls:
            self.shaken += 1
            while b"\r\n\r\n" not in self.received and (more := over_tls.recv(65536)):
                self.received += more
            over_tls.sendall(ANSWER)


class Authority:
    """A certificate authority: `certificate` is its file."""

    def __init__(self, folder, name, key=ELLIPTIC):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.key = key
        (self.folder / "index").touch()
        self.certificate = self.folder / "ca.pem"
        proc.run(["openssl", "req", "-x509", "-nodes", *key, "-days", "3650", "-extensions", "authority",
                  "-config", self._config(name), "-keyout", self.folder / "ca.key", "-out", self.certificate])

    def issue(self, name, names, start="20200101000000Z", end="20491231235959Z"):
        """A certificate for NAMES ("DNS:localhost,IP:127.0.0.1"); gives its file and its key's."""
        pem, key, request = (self.folder / f"{name}.{kind}" for kind in ("pem", "key", "csr"))
        config = self._config(name, names)
        proc.run(["openssl", "req", "-new", "-nodes", *self.key, "-config", config, "-keyout", key, "-out", request])
        proc.run(["openssl", "ca", "-batch", "-notext", "-create_serial", "-config", config, "-extensions", "leaf",
                  "-startdate", start, "-enddate", end, "-cert", self.certificate, "-keyfile", self.folder / "ca.key",
                  "-in", request, "-out", pem])
        return pem, key

    def _config(self, name, names="DNS:unused"):
        path = self.folder / f"{name}.cnf"
        path.write_text(OPENSSL % {"name": name, "names": names, "folder": self.folder})
        return path


NGINX = """\
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
	access_log off;
	client_max_body_size 0;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	proxy_request_buffering off;
	proxy_buffering off;
	proxy_http_version 1.1;
	proxy_set_header Host $http_host;
	ssl_protocols TLSv1.2 TLSv1.3;
{servers}}}
"""

SERVER = """\
	server {{
		listen 127.0.0.1:{port} ssl;
		ssl_certificate {pem};
		ssl_certificate_key {key};
		{more}
		location / {{ proxy_pass http://127.0.0.1:{upstream}; }}
	}}
"""


# Servers that take one way of exchanging keys, or of encrypting, alone.
ALONE = {
    "x25519": "ssl_ecdh_curve X25519;", "p-256": "ssl_ecdh_curve prime256v1;", "p-384": "ssl_ecdh_curve secp384r1;",
    "p-521": "ssl_ecdh_curve secp521r1;", "chacha20": "ssl_ciphers CHACHA20;", "aes-128": "ssl_ciphers AES128+AESGCM;",
    "aes-256": "ssl_ciphers AES256+AESGCM;",
}


class TlsFront:
    """
    nginx before the S3 server on PORT, one port for each kind of certificate. `authority` signs all of them but "stranger"'s; url(kind)
    is the endpoint (`good`: the files of its certificate and key): "good", "rsa" and those of ALONE are in order; "expired", "early", "wrong-name", "stranger" and "tls13-only" are not.
    """

    def __init__(self, folder, port):
        folder = pathlib.Path(folder)
        folder.mkdir()
        self.authority = Authority(folder / "own", "Tests Root")
        stranger = Authority(folder / "stranger", "Stranger Root")
        rsa = Authority(folder / "rsa", "Tests RSA Root", key=("-newkey", "rsa:2048"))
        here = "DNS:localhost,IP:127.0.0.1,DNS:s3.test"
        certificates = {
            "good": self.authority.issue("good", here),
            "rsa": rsa.issue("rsa", here),
            "expired": self.authority.issue("expired", here, start="20200101000000Z", end="20210101000000Z"),
            "early": self.authority.issue("early", here, start="20480101000000Z"),
            "wrong-name": self.authority.issue("wrong-name", "DNS:other.example"),
            "stranger": stranger.issue("stranger", here),
            "tls13-only": self.authority.issue("tls13", here),
        }
        self.good = certificates["good"]
        more = {"tls13-only": "ssl_protocols TLSv1.3;", **ALONE}
        certificates.update({f"{kind}{by}": certificates[by or "good"] for kind in ALONE for by in ("", "rsa")})
        self.bundle = folder / "bundle.pem"
        self.bundle.write_text(self.authority.certificate.read_text() + rsa.certificate.read_text())
        self.ports = dict(zip(certificates, proc.free_ports(len(certificates))))
        servers = "".join(
            SERVER.format(port=self.ports[kind], pem=pem, key=key, upstream=port,
                          more=more.get(kind.removesuffix("rsa"), ""))
            for kind, (pem, key) in certificates.items())
        conf = folder / "nginx.conf"
        conf.write_text(NGINX.format(folder=folder, servers=servers))
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin")
        self.child = proc.spawn([nginx, "-c", conf, "-e", folder / "error.log"], log=folder / "out")
        proc.wait_for(lambda: all(map(proc.answers, self.ports.values())), 10, "nginx")

    def url(self, kind, host="localhost"):
        return f"https://{host}:{self.ports[kind]}"

    def stop(self):
        proc.stop(self.child)


AES_GCM, CHACHA20 = [0xc02b, 0xc02f, 0xc02c, 0xc030], [0xcca9, 0xcca8]
CURVES = [23, 24, 25, 29]  # P-256, P-384, P-521, X25519: the library gives them in the order of their numbers


class Hello(faults.Listener):
    """Takes a client's hello; `suites` and `curves` are what that offers, in its order."""

    def handle(self, connection):
        hello = connection.recv(65536)[43:]
        rest = hello[1 + hello[0]:]
        self.suites, rest = self.numbers(rest)
        rest = rest[1 + rest[0] + 2:]
        while rest:
            kind, body = int.from_bytes(rest[:2], "big"), rest[4:4 + int.from_bytes(rest[2:4], "big")]
            rest = rest[4 + len(body):]
            if kind == 10:
                self.curves, _ = self.numbers(body)

    @staticmethod
    def numbers(data):
        """A list of 16-bit numbers behind its length, and what follows."""
        end = 2 + int.from_bytes(data[:2], "big")
        return [int.from_bytes(data[i:i + 2], "big") for i in range(2, end, 2)], data[end:]


def offered(sandbox, under=()):
    """The suites and curves in the hello of a `check`, in its order."""
    with Hello() as server:
        env = {"S3_ENDPOINT_URL": server.endpoint.replace("http:", "https:")}
        result = sandbox.finish(sandbox.start("check", sandbox.specs[0], env=env, under=under))
        assert result.code == 5, result
        return server.suites, server.curves
