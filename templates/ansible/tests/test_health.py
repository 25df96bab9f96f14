"""One rule for what is healthy: the same Host header and status codes for every question."""

from __future__ import annotations

import fcntl
import http.server
import socket
import tempfile
import threading
import unittest
from unittest import mock

import booted
from genconf_host import bypass, command, converge, description, handover, lease, retreat, status
from genconf_host.health import Check, probe
from genconf_host.roll import Failed, Roll
from genconf_host.systemd import State

REDIRECTS = "200-399"


class Server(http.server.ThreadingHTTPServer):
    """Answers each request with `status`, or with 400 where it accepts only certain hosts."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int] | str) -> None:
        self.status, self.allowed, self.hosts = 200, "", list[str | None]()
        if isinstance(address, str):
            self.address_family = socket.AF_UNIX
        super().__init__(address, Answer)  # type: ignore[arg-type]
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    @property
    def url(self) -> str:
        """Where it is requested."""
        if isinstance(self.server_address, str):
            return f"http+unix://{self.server_address}:/up"
        return f"http://127.0.0.1:{self.server_address[1]}/up"


class Answer(http.server.BaseHTTPRequestHandler):
    """One response without a body; a redirect leads to a page that is healthy."""

    server: Server

    def do_GET(self) -> None:
        host = self.headers.get("Host")
        self.server.hosts.append(host)
        is_refused = bool(self.server.allowed) and host != self.server.allowed
        self.send_response(200 if self.path == "/fine" else 400 if is_refused else self.server.status)
        self.send_header("Location", "/fine")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Prints nothing."""

    def address_string(self) -> str:
        return "client"


class ServerTest(booted.HostTest):
    """Each test has a server of its own."""

    def setUp(self) -> None:
        super().setUp()
        self.server = Server(("127.0.0.1", 0))
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def check(self, **rule: str) -> Check:
        return Check(self.server.url, **rule)

    def described(self, **rule: str) -> description.Host:
        """The host with one instance, which the server answers for."""
        raw = booted.raw_host()
        listener = raw["pools"][0]["listeners"][0]
        given = {"url": self.server.url, "host": "shop.example.org", "status": "200-299"}
        raw["pools"][0]["listeners"] = [{**listener, "health": {**given, **rule}}]
        return description.read(raw)


class Probe(ServerTest):
    def is_healthy(self, status: int, rule: str = "200-299") -> bool:
        self.server.status = status
        return probe(self.check(status=rule)) is None

    def test_a_redirect_is_unhealthy_unless_the_status_allows_it(self) -> None:
        self.assertFalse(self.is_healthy(302))
        self.assertTrue(self.is_healthy(302, REDIRECTS))

    def test_a_redirect_is_not_followed(self) -> None:
        self.is_healthy(302, REDIRECTS)
        self.assertEqual(len(self.server.hosts), 1)

    def test_each_status_from_200_to_299_is_healthy_by_default_and_no_other(self) -> None:
        healthy = [code for code in (200, 204, 299, 300, 401, 500) if self.is_healthy(code)]
        self.assertEqual(healthy, [200, 204, 299])

    def test_listed_codes_and_ranges_are_healthy(self) -> None:
        rule = "204,401,500-502"
        codes = (200, 203, 204, 205, 400, 401, 402, 499, 500, 502, 503)
        self.assertEqual([code for code in codes if self.is_healthy(code, rule)], [204, 401, 500, 502])

    def test_the_host_header_is_the_one_described(self) -> None:
        for host in ("shop.example.org", "shop.example.org:8443", "[::1]:80"):
            self.server.hosts.clear()
            self.server.allowed = host
            self.assertIsNone(probe(self.check(host=host)))
            self.assertEqual(self.server.hosts, [host])
        self.assertIn("400", probe(self.check(host="localhost")) or "")

    def test_a_unix_socket_gets_the_same_host_header(self) -> None:
        with tempfile.TemporaryDirectory() as folder, Server(f"{folder}/s") as server:
            self.assertIsNone(probe(Check(server.url, "shop.example.org")))
            server.shutdown()
        self.assertEqual(server.hosts, ["shop.example.org"])

    def test_a_complaint_names_what_was_expected(self) -> None:
        self.server.status = 302
        reason = probe(self.check(host="shop.example.org", status="200-299,401")) or ""
        self.assertRegex(reason, r"^GET http://[^ ]+: 302 Found '', expected 200-299,401 for Host shop\.example\.org$")


class EveryQuestion(ServerTest):
    """What asks on a host sends that header and judges by those codes."""

    def setUp(self) -> None:
        super().setUp()
        self.server.allowed = "shop.example.org"

    def complaints(self, ask: object, healthy: int, unhealthy: int) -> list[bool]:
        found = []
        for code in (healthy, unhealthy):
            self.server.status = code
            found.append(bool(ask()))  # type: ignore[operator]
        self.assertEqual(set(self.server.hosts), {"shop.example.org"})
        return found

    def test_the_gate_of_a_roll(self) -> None:
        host = self.described(status="200-299,401")

        def complaint() -> str | None:
            try:
                Roll(host, self.systemd).touch_if_needed(next(host.instances), is_forced=True)
            except Failed as failure:
                return str(failure)
            return None

        self.assertEqual(self.complaints(complaint, healthy=401, unhealthy=302), [False, True])

    def test_the_steps_that_gate_use_the_same_question(self) -> None:
        for module in (converge, handover, retreat, bypass, status):
            self.assertIs(module.probe, probe)
        self.assertIs(command.Site.health, probe)

    def test_the_status_table(self) -> None:
        host = self.described()

        def complaint() -> bool:
            rows = status.rows(host, self.systemd)
            return next(row.health for row in rows if f"{row.instance}.service" == booted.UNITS[0]) != "ok"

        self.assertEqual(self.complaints(complaint, healthy=204, unhealthy=302), [False, True])

    def test_the_decision_whether_a_host_can_be_bypassed(self) -> None:
        host = self.described(status="204")
        address = self.server.url.split("/")[2]
        is_healthy = bypass.health_by(instance.health for instance in host.instances)
        self.assertEqual(self.complaints(lambda: not is_healthy(address), healthy=204, unhealthy=200), [False, True])

    def is_locked(self) -> bool:
        """Whether a program has the host, lease.turn."""
        with (lease.RUN / "randoms.turn").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def test_the_question_of_a_playbook_whether_a_host_can_be_bypassed(self) -> None:
        seen: list[Check] = []
        self.patch(bypass, "health_by", lambda checks: seen.extend(checks))
        self.patch(bypass, "bypass", lambda *_: self.assertTrue(self.is_locked()) or [])
        raw = {"url": self.server.url, "host": "shop.example.org", "status": "204"}
        given = {"host": booted.raw_host(), "other": "node2", "state": "bypassed", "health": [raw]}
        self.assertEqual(bypass.QUESTION.answered(given, dry=False), {"changed": False, "reloaded": []})
        self.assertEqual(seen, [Check(self.server.url, "shop.example.org", "204")])


class Earlier(ServerTest):
    """Until it is replaced, what an earlier edition described is held to the rule of that edition."""

    def test_a_described_url_allows_redirects_and_is_requested_by_its_own_host(self) -> None:
        raw = booted.raw_host()
        raw["pools"][0]["listeners"][0]["health"] = self.server.url
        check = next(description.read(raw).instances).health
        self.server.status = 302
        self.assertIsNone(probe(check))
        self.assertEqual(self.server.hosts, [self.server.url.split("/")[2]])


class StatusPages(ServerTest):
    def test_a_proxy_is_healthy_with_a_status_from_200_to_299_for_localhost(self) -> None:
        given = {"name": "edge", "engine": "nginx", "unit": "e.service", "socket": "e.socket"}
        place = {"destination": "/etc/e.conf", "certificate": "", "key": "", "health": self.server.url}
        proxy = description.read({**booted.raw_host(), "proxies": [{**given, **place}]}).proxies[0]
        self.systemd.units["e.service"] = State("e.service", active="active")
        work = converge.Convergence(self.host, self.systemd, dry=False)
        self.assertIsNone(work._complaint(proxy))
        self.server.status = 302
        self.assertIn("302", work._complaint(proxy) or "")
        self.assertEqual(set(self.server.hosts), {"localhost"})


if __name__ == "__main__":
    unittest.main()
