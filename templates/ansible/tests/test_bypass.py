"""What a proxy is told while another host is rolled."""

from __future__ import annotations

import unittest
from pathlib import Path

import booted  # noqa: F401  (makes the modules importable)
from genconf_host import bypass, description

NGINX = """\
    upstream jobs {
        server 192.0.2.2:8090 max_fails=0;
    }
    upstream web {
        server 192.0.2.1:8082 weight=2 max_fails=3 fail_timeout=10s; # app1
        server 192.0.2.2:8082 max_fails=3 fail_timeout=10s; # app2
        server [2001:db8::1]:8082 max_fails=3 fail_timeout=10s; # app
        keepalive 64; # app1
"""
HAPROXY = """\
backend web
    server app1-8082 192.0.2.1:8082 weight 2 # app1
    server app2-8082 192.0.2.2:8082 # app2
backend jobs
    server app1-8090 192.0.2.1:8090
"""


def proxy(engine: str) -> description.Proxy:
    """A proxy of which only the engine matters."""
    return description.Proxy("edge", engine, "p-edge.service", "", Path("/nowhere"), "", "", "")


class Bypass(unittest.TestCase):
    """One host is left out, no other."""

    def test_one_host_is_left_out(self) -> None:
        for engine, text, mark in (("nginx", NGINX, " down"), ("haproxy", HAPROXY, " disabled")):
            out = bypass.marked(text, proxy(engine), "app1")
            changed = [line for line in out.splitlines() if line not in text.splitlines()]
            self.assertEqual(len(changed), 1)
            self.assertIn(mark, changed[0])
            self.assertIn("192.0.2.1:8082", changed[0])
            self.assertEqual(bypass.marked(out, proxy(engine), "app1"), out)

    def test_it_ends_as_it_began(self) -> None:
        for engine, text in (("nginx", NGINX), ("haproxy", HAPROXY)):
            out = bypass.marked(text, proxy(engine), "app2")
            self.assertNotEqual(out, text)
            self.assertEqual(bypass.marked(out, proxy(engine), None), text)

    def test_a_host_is_not_left_out_where_nobody_else_answers(self) -> None:
        alive = {"192.0.2.1:8082", "[2001:db8::1]:8082"}
        for engine, text in (("nginx", NGINX), ("haproxy", HAPROXY)):
            for other, spared in (("app2", True), ("app1", engine == "nginx"), ("app", True)):
                can = bypass.can_spare(text, proxy(engine), other, alive.__contains__)
                self.assertEqual(can, spared, (engine, other))
            self.assertFalse(bypass.can_spare(text, proxy(engine), "app1", lambda _: False))

    def test_what_a_killed_run_left_never_adds_up(self) -> None:
        for engine, text in (("nginx", NGINX), ("haproxy", HAPROXY)):
            left = bypass.marked(text, proxy(engine), "app1")
            self.assertEqual(
                bypass.marked(left, proxy(engine), "app2"), bypass.marked(text, proxy(engine), "app2")
            )


if __name__ == "__main__":
    unittest.main()
