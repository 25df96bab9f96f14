"""Kernel settings of a proxy: installed, set, reported where they cannot be set, removed."""

from __future__ import annotations

import unittest
from dataclasses import replace
from pathlib import Path

import booted
from genconf_host import converge, description, files, former, kernel, lease
from genconf_host.systemd import State

OURS = "# Written by genconf for randoms: kernel settings for the proxy edge.\n"
TEXT = f"{OURS}# a = 1\n\nnet.ipv4.time = 3\nnet.ipv4.probes = 3\n"
RENDERED = ("nginx/golden/two-hosts/nginx/front", "nginx/golden/reference/nginx/edge")
ALICE = {"who": "alice@laptop", "pid": "10", "living": ["10"], "take_over": False}


class KernelTest(booted.HostTest):
    """A host with a proxy that has kernel settings, and a kernel that has others."""

    def setUp(self) -> None:
        super().setUp()
        self.file = self.root / "sysctl.d/60-randoms-edge.conf"
        self.write(self.file, TEXT)
        self.proc = self.root / "proc/net/ipv4"
        self.write(self.proc / "time", "7200\n")
        self.write(self.proc / "probes", "9\n")
        self.raw = {**booted.raw_host(), "proxies": [self.raw_proxy()]}
        self.host = description.read(self.raw)
        self.patch(converge, "probe", lambda check: None)
        for unit in ("edge.service", "edge.socket"):
            up = State(unit, active="active", enabled="enabled")
            self.systemd.units[unit] = replace(up, active_since=2.0, changed_at=2.0)

    def raw_proxy(self) -> dict:
        given = {"name": "edge", "engine": "nginx", "health": "", "certificate": "", "key": ""}
        units = {"unit": "edge.service", "socket": "edge.socket", "destination": str(self.root / "none")}
        beside = [str(self.root / "etc/randoms/edge/logrotate.conf"), str(self.file)]
        return {**given, **units, "extra_files": [{"source": "x", "destination": path} for path in beside]}

    def write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def front(self, *, dry: bool = False) -> converge.Convergence:
        work = converge.Convergence(self.host, self.systemd, dry=dry)
        work.front()
        return work

    def values(self) -> list[str]:
        return [(self.proc / name).read_text().strip() for name in ("time", "probes")]


class Setting(KernelTest):
    def test_what_differs_is_set_and_the_next_run_changes_nothing(self) -> None:
        (self.proc / "probes").write_text("3\n")
        work = self.front()
        self.assertEqual((work.log, work.warnings), (["set net.ipv4.time = 3"], []))
        self.assertEqual(self.values(), ["3", "3"])
        self.assertEqual(self.front().log, [])

    def test_a_changed_file_is_set(self) -> None:
        self.front()
        self.file.write_text(TEXT.replace("time = 3", "time = 4"))
        self.assertEqual(self.front().log, ["set net.ipv4.time = 4"])
        self.assertEqual(self.values(), ["4", "3"])

    def test_a_dry_run_foresees_it_and_sets_nothing(self) -> None:
        self.assertEqual(self.front(dry=True).log, ["set net.ipv4.time = 3", "set net.ipv4.probes = 3"])
        self.assertEqual(self.values(), ["7200", "9"])

    def test_what_cannot_be_written_is_a_warning_and_the_rest_is_set(self) -> None:
        (self.proc / "time").unlink()
        (self.proc / "time").mkdir()
        work = self.front()
        self.assertEqual(work.log, ["set net.ipv4.probes = 3"])
        self.assertEqual(len(work.warnings), 1)
        self.assertRegex(work.warnings[0], r"^edge\.service: net\.ipv4\.time = 3 of .*60-randoms-edge\.conf is not in effect: .*/time: Is a directory$")

    def test_a_key_that_is_not_there_is_a_warning_in_a_dry_run_too(self) -> None:
        (self.proc / "time").unlink()
        self.assertEqual([len(self.front(dry=dry).warnings) for dry in (True, False)], [1, 0])

    def test_an_administrator_s_later_file_wins_and_is_named(self) -> None:
        later = self.root / "sysctl.d/99-own.conf"
        self.write(later, "-net/ipv4/time=60\n")
        work = self.front()
        self.assertEqual(self.values(), ["7200", "3"])
        self.assertEqual(len(work.warnings), 1)
        self.assertIn(f"overridden by {later}", work.warnings[0])

    def test_a_file_that_does_not_win_hinders_nothing(self) -> None:
        self.write(self.root / "sysctl.d/10-own.conf", "net.ipv4.time = 60\n")
        self.write(self.root / "sysctl.d/60-randoms-side.conf", TEXT)
        self.write(self.root / "sysctl.d/70-own.conf", "# nothing\n")
        self.write(self.root / "usr/lib/sysctl.d/70-own.conf", "net.ipv4.time = 60\n")
        self.assertEqual((self.front().warnings, self.values()), ([], ["3", "3"]))

    def test_a_proxy_without_settings_sets_nothing(self) -> None:
        self.raw["proxies"][0]["extra_files"].pop()
        self.host = description.read(self.raw)
        self.assertEqual((self.front().log, self.values()), ([], ["7200", "9"]))

    def test_the_playbook_gets_the_warning(self) -> None:
        self.patch(converge, "Systemctl", lambda: self.systemd)
        lease.take("randoms", lease.run(ALICE))
        (self.proc / "time").unlink()
        (self.proc / "time").mkdir()
        given = {"host": self.raw, "run": ALICE, "step": "front"}
        answer = converge.QUESTION.answered(given, dry=False)
        self.assertEqual((answer["actions"], len(answer["warnings"])), (["set net.ipv4.probes = 3"], 1))


class Installing(KernelTest):
    def test_it_is_put_there_by_the_run_and_taken_back_with_it(self) -> None:
        self.file.unlink()
        wanted = [files.File(self.file, TEXT)]
        former.put(self.host, self.systemd, wanted)
        self.assertEqual((self.file.read_text(), self.file.stat().st_mode & 0o777), (TEXT, 0o644))
        former.Former("randoms").clear()
        self.assertFalse(self.file.exists())

    def test_a_file_that_is_not_ours_is_not_replaced(self) -> None:
        for theirs in ("net.ipv4.time = 1\n", OURS.replace("randoms", "other")):
            self.file.write_text(theirs)
            with self.assertRaises(files.Refused):
                files.write(files.File(self.file, TEXT))
            self.assertEqual(self.file.read_text(), theirs)


class Removing(KernelTest):
    def prune(self, *described: Path) -> list[str]:
        self.host = replace(self.host, proxies=())
        self.systemd.units.clear()
        work = converge.Convergence(self.host, self.systemd, dry=False)
        work.prune(set(described))
        return work.log

    def test_it_goes_with_its_proxy_and_the_folder_stays(self) -> None:
        self.assertEqual(self.prune(), [f"remove {self.file} (its settings remain until the next boot)"])
        self.assertEqual(list(self.file.parent.iterdir()), [])

    def test_what_is_described_or_not_ours_stays(self) -> None:
        own, others = self.file.with_name("60-randoms-own.conf"), self.file.with_name("60-randoms-x-edge.conf")
        self.write(own, "net.ipv4.time = 1\n")
        self.write(others, OURS.replace("randoms", "randoms-x"))
        self.assertEqual(self.prune(self.file), [])
        self.assertEqual(sorted(self.file.parent.iterdir()), sorted([self.file, own, others]))


class Rendered(unittest.TestCase):
    def test_the_rendered_files_hold_settings_that_a_kernel_has(self) -> None:
        for folder in RENDERED:
            text = (Path(__file__).parents[2] / folder / "sysctl.conf").read_text()
            found = kernel.settings(text)
            self.assertEqual(
                {key.rpartition(".")[2]: int(value) for key, value in found.items()},
                {"tcp_keepalive_time": 3, "tcp_keepalive_intvl": 1, "tcp_keepalive_probes": 3, "tcp_retries2": 4},
            )
            lines = [line for line in text.splitlines() if line and line[0] != "#"]
            self.assertEqual(lines, [f"{key} = {value}" for key, value in found.items()])
            for key in found:
                self.assertTrue((Path("/proc/sys") / key.replace(".", "/")).exists(), key)


if __name__ == "__main__":
    unittest.main()
