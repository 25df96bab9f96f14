"""What a proxy is told while another host is rolled."""

from __future__ import annotations

import os
import unittest
from dataclasses import replace
from pathlib import Path
from unittest import mock

import booted
from genconf_host import bypass, description
from genconf_host.health import Check
from genconf_host.systemd import State

NGINX = """\
    upstream jobs {
        server 192.0.2.2:8090 max_fails=0;
    }
    upstream web {
        server 192.0.2.1:8082 weight=2 max_fails=3 fail_timeout=10s; # app1
        server 192.0.2.2:8082 max_fails=3 fail_timeout=10s; # app2
        server [2001:db8::1]:8082 max_fails=3 fail_timeout=10s; # app
        server 192.0.2.9:8082 max_fails=3 fail_timeout=10s; # app1.example.org
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
        for text in (NGINX, HAPROXY):
            out = bypass.marked(text, "app1")
            changed = [line for line in out.splitlines() if line not in text.splitlines()]
            self.assertEqual(len(changed), 1)
            self.assertIn(" backup", changed[0])
            self.assertIn("192.0.2.1:8082", changed[0])
            self.assertEqual(bypass.marked(out, "app1"), out)

    def test_where_a_server_is_picked_it_is_taken_out_altogether(self) -> None:
        for picked in ("ip_hash;", "random two least_conn;"):
            text = NGINX.replace("upstream web {", f"upstream web {{\n        {picked}")
            out = bypass.marked(text, "app1")
            self.assertIn("fail_timeout=10s down; # app1\n", out)
            self.assertEqual(bypass.marked(out, None), text)

    def test_it_ends_as_it_began(self) -> None:
        for text in (NGINX, HAPROXY):
            out = bypass.marked(text, "app2")
            self.assertNotEqual(out, text)
            self.assertEqual(bypass.marked(out, None), text)

    def test_a_host_is_not_left_out_where_nobody_else_answers(self) -> None:
        alive = {"192.0.2.1:8082", "[2001:db8::1]:8082"}
        for engine, text in (("nginx", NGINX), ("haproxy", HAPROXY)):
            for other, spared in (("app2", True), ("app1", engine == "nginx"), ("app", True)):
                can = bypass.can_spare(text, proxy(engine), other, alive.__contains__)
                self.assertEqual(can, spared, (engine, other))
            self.assertFalse(bypass.can_spare(text, proxy(engine), "app1", lambda _: False))

    def test_what_a_killed_run_left_never_adds_up(self) -> None:
        for engine, text in (("nginx", NGINX), ("haproxy", HAPROXY)):
            left = bypass.marked(text, "app1")
            self.assertEqual(
                bypass.marked(left, "app2"), bypass.marked(text, "app2")
            )


class Use(booted.HostTest):
    """The mark reaches the proxy, and only what it runs already is loaded again."""

    def setUp(self) -> None:
        super().setUp()
        self.config = self.root / "nginx.conf"
        self.config.write_text(NGINX)
        os.utime(self.config, (1000, 1000))
        self.host = replace(self.host, proxies=(replace(proxy("nginx"), destination=self.config),))

    def bypass_app1(self, *, loaded_at: float) -> list[str]:
        """What is reloaded when app1 is bypassed by a proxy that was loaded then."""
        self.systemd.units["p-edge.service"] = State("p-edge.service", active="active", changed_at=loaded_at)
        return bypass.bypass(self.host, self.systemd, "app1", lambda _: True)

    def test_a_configuration_in_use_is_marked_and_loaded(self) -> None:
        self.assertEqual(self.bypass_app1(loaded_at=2000), ["p-edge.service"])
        self.assertEqual(self.systemd.verbs, ["reload p-edge.service"])
        self.assertEqual(self.config.read_text(), bypass.marked(NGINX, "app1"))
        self.assertEqual(bypass.bypass(self.host, self.systemd, None, lambda _: False), ["p-edge.service"])
        self.assertEqual(self.config.read_text(), NGINX)

    def test_health_is_asked_at_the_address_of_the_proxy(self) -> None:
        urls = ["http://192.0.2.2:8082/up", "http://[2001:db8::1]:8082/up"]
        checks = [Check(url, host="shop.example.org") for url in urls]
        asked = mock.Mock(side_effect=[None, "500"])
        self.patch(bypass, "probe", asked)
        is_healthy = bypass.health_by(checks)
        addresses = ("192.0.2.2:8082", "[2001:db8::1]:8082", "192.0.2.9:1")
        self.assertEqual([is_healthy(address) for address in addresses], [True, False, False])
        self.assertEqual([call.args[0] for call in asked.call_args_list], checks)

    def test_a_configuration_not_in_use_yet_is_left_alone(self) -> None:
        self.assertEqual(self.bypass_app1(loaded_at=500), [])
        self.assertEqual((self.systemd.verbs, self.config.read_text()), ([], NGINX))


if __name__ == "__main__":
    unittest.main()
