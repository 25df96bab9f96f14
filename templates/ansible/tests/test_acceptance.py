"""Whether an engine accepts a configuration: asked of the real ones, where they are."""

import shutil
import subprocess
import unittest
from unittest import mock

import booted

from genconf_host import acceptance
from genconf_host.acceptance import Refused
from genconf_host.description import Proxy

NGINX = """\
error_log stderr notice;
pid /run/randoms-edge/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path /run/randoms-edge/body;
    proxy_temp_path /run/randoms-edge/proxy;
    fastcgi_temp_path /run/randoms-edge/fastcgi;
    scgi_temp_path /run/randoms-edge/scgi;
    uwsgi_temp_path /run/randoms-edge/uwsgi;
    server {{
        listen 127.0.0.1:8731;
        listen {listen};
        location / {{ {rest} }}
    }}
}}
"""
HAPROXY = """\
defaults
    mode http
    timeout connect 1s
    timeout client 1s
    timeout server 1s
frontend edge
    bind "${BIND-fd@3}"
    default_backend web
backend web
    server web 192.0.2.7:80
"""


def is_possible(engine: str) -> bool:
    """Whether this machine lets us be apart, and has the engine."""
    apart = ["unshare", "--mount", "--net", "mount", "-t", "tmpfs", "none", "/run"]
    known = shutil.which("unshare") and shutil.which(engine)
    return bool(known) and subprocess.run(apart, capture_output=True, check=False).returncode == 0


class Acceptance(booted.HostTest):
    def check(self, engine: str, text: str) -> None:
        path = self.root / f"{engine}.cfg"
        path.write_text(text)
        proxy = Proxy("edge", engine, "randoms-edge.service", "randoms-edge.socket", path, "", "", "")
        acceptance.check(proxy, "randoms", path)

    @unittest.skipUnless(is_possible("nginx"), "nginx cannot be asked here")
    def test_an_address_that_this_host_does_not_hold_now_is_accepted(self) -> None:
        for listen in ("192.0.2.7:80", "[2001:db8::7]:80"):
            with self.subTest(listen):
                self.check("nginx", NGINX.format(listen=listen, rest="return 204;"))

    @unittest.skipUnless(is_possible("nginx"), "nginx cannot be asked here")
    def test_what_nginx_says_against_it_is_told(self) -> None:
        with self.assertRaisesRegex(Refused, "(?s)nginx rejected .*unknown directive .nonsense"):
            self.check("nginx", NGINX.format(listen="192.0.2.7:80", rest="nonsense;"))

    @unittest.skipUnless(is_possible("haproxy"), "HAProxy cannot be asked here")
    def test_haproxy_is_asked_in_the_same_way(self) -> None:
        self.check("haproxy", HAPROXY)
        with self.assertRaisesRegex(Refused, "(?s)haproxy rejected .*nonsense"):
            self.check("haproxy", HAPROXY + "    nonsense\n")

    def test_what_is_refused_apart_is_asked_again_in_the_host_s_network(self) -> None:
        answers = [subprocess.CompletedProcess([], code, "", "host not found") for code in (1, 0)]
        with mock.patch("subprocess.run", side_effect=answers) as run:
            self.check("nginx", "")
        networks = ["--net" in call.args[0] for call in run.call_args_list]
        self.assertEqual(networks, [True, False])


if __name__ == "__main__":
    unittest.main()
