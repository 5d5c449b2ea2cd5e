"""
proxy.py - proxies from Debian's packages, on loopback, as the only way out: they alone know where HOST is, which for everybody else has no name.
"""

from support import proc

HOST = "s3.test"
DENIED = "denied.test"
PASSWORD = "Proxys-own.word"
LOGIN = "who:%50roxys-own.word"  # as a variable has it

TINYPROXY = """\
Port {port}
Listen 127.0.0.1
Timeout 60
MaxClients 100
LogLevel Connect
LogFile "{folder}/log"
BasicAuth who {password}
Filter "{folder}/denied"
"""


class Proxies:
    """
    tinyproxy, which wants a login and does not let anybody to DENIED: `http` is its URL; `https` the same with TLS before it, by the certificate PEM
    with KEY; microsocks, with the same login: `socks5`. open() gives the URL of one that wants none.
    """

    def __init__(self, folder, pem, key):
        self.folder, self.children = folder, []
        self.hosts = folder / "hosts"
        self.hosts.write_text(f"127.0.0.1 localhost {HOST} {DENIED}\n")
        (folder / "denied").write_text(DENIED.replace(".", r"\.") + "\n")
        self.port, tls, socks = proc.free_ports(3)
        (folder / "conf").write_text(TINYPROXY.format(port=self.port, folder=folder, password=PASSWORD))
        self._start("tinyproxy", "-d", "-c", folder / "conf")
        self._start("microsocks", "-i", "127.0.0.1", "-p", socks, "-u", "who", "-P", PASSWORD)
        self._start("socat", f"OPENSSL-LISTEN:{tls},bind=127.0.0.1,reuseaddr,fork,verify=0,cert={pem},key={key}", f"TCP:127.0.0.1:{self.port}")
        proc.wait_for(lambda: all(map(proc.answers, (self.port, tls, socks))), 10, "the proxies")
        self.http = f"http://{LOGIN}@127.0.0.1:{self.port}"
        self.https = f"https://{LOGIN}@localhost:{tls}"
        self.socks5 = f"socks5://{LOGIN}@127.0.0.1:{socks}"

    def _start(self, *argv):
        """Where /etc/hosts is our own."""
        self.children.append(proc.spawn(
            ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', self.hosts, *argv], log=self.folder / "out"))

    def log(self):
        """What tinyproxy was asked."""
        return (self.folder / "log").read_text()

    def stop(self):
        for child in self.children:
            proc.stop(child)
