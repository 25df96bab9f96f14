"""Images come as releases, and an engine runs them."""

import os
import subprocess
import unittest
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from unittest import mock

import booted

from genconf_host import container
from genconf_host.store import Rejected


class Engine:
    """Knows images by name, and loads those that an archive lists, one a line."""

    def __init__(self) -> None:
        self.images: set[str] = set()
        self.loads = 0

    def answer(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What it says to `ENGINE WORDS`."""
        verb, *rest = words[1:]
        said, code = getattr(self, f"on_{verb}")(rest)
        return subprocess.CompletedProcess(words, code, said, "no such image" if code else "")

    def on_image(self, rest: list[str]) -> tuple[str, int]:
        return "", 0 if rest[-1] in self.images else 1

    def on_load(self, rest: list[str]) -> tuple[str, int]:
        self.loads += 1
        names = Path(rest[-1]).read_text().split()
        self.images |= set(names)
        return "".join(f"Loaded image: {name}\n" for name in names), 0

    def on_tag(self, rest: list[str]) -> tuple[str, int]:
        self.images.add(rest[-1])
        return "", 0

    def on_rmi(self, rest: list[str]) -> tuple[str, int]:
        self.images -= set(rest)
        return "", 0

    def on_images(self, rest: list[str]) -> tuple[str, int]:
        return "\n".join(self.images), 0


class Images(booted.HostTest):
    def setUp(self) -> None:
        super().setUp()
        self.engine = Engine()
        self.patch(container, "_finish", self.engine.answer)
        self.patch(container, "LOCK", self.root / "lock")
        self.images = container.Images("/usr/bin/docker", self.store.root)
        self.ours = f"localhost/genconf/{self.store.root.parent.name}/{self.store.root.name}"

    def load(self, content: str, image: str = "randoms:1") -> str:
        return self.images.load(self.admit(content)[:12], "randoms", image)

    def test_an_image_is_known_by_its_release_and_not_by_its_own_name(self) -> None:
        name = self.load("randoms:1")
        self.assertEqual(name, f"{self.ours}:{self.store.releases()[0]}")
        self.assertEqual(self.engine.images, {name})

    def test_what_podman_calls_it_is_the_same_image(self) -> None:
        for known in ("localhost/randoms:1", "docker.io/library/randoms:1"):
            self.assertIn(self.load(known), self.engine.images)

    def test_it_is_read_once(self) -> None:
        self.load("randoms:1")
        self.images.load(self.store.releases()[0], "randoms", "randoms:1")
        self.assertEqual(self.engine.loads, 1)

    def test_a_known_image_waits_for_no_other_one(self) -> None:
        """As when an instance starts while the image of another project is read."""
        name = self.load("randoms:1")

        def taken() -> None:
            raise AssertionError("waits for the lock")

        self.patch(container, "_alone", taken)
        self.assertEqual(self.images.load(self.store.releases()[0], "randoms", "randoms:1"), name)

    def test_an_archive_without_the_image_is_refused(self) -> None:
        with self.assertRaisesRegex(container.Refused, "image randoms:1 is not in .*; found: my-randoms:1"):
            self.load("my-randoms:1")

    def test_the_image_goes_with_its_release(self) -> None:
        first = self.load("randoms:1 randoms:first")
        self.store.forget(first.rpartition(":")[2])
        self.engine.images.add("localhost/genconf/other/app:abc")
        second = self.load("randoms:1")
        self.assertEqual(self.engine.images, {second, "localhost/genconf/other/app:abc"})

    def test_a_release_that_no_engine_takes_is_no_release(self) -> None:
        app = replace(self.app, image="randoms:1")
        host = replace(self.site.host, apps=(app,))
        sha256 = self.admit("other:1")
        self.store.forget(sha256[:12])
        upload = self.store.incoming(sha256)
        upload.write_text("other:1")
        site = replace(self.site, host=host, load=lambda *words: self.images.load(*words[1:]))
        with self.assertRaisesRegex(Rejected, "image randoms:1 is not in .*; found: other:1"):
            site.admit({"randoms": sha256})
        self.assertEqual(self.store.releases(), [])


class Commands(unittest.TestCase):
    def command(self, path: str, **changes: object) -> list[str]:
        given = {
            "name": "p-web-3001", "slice": "p.slice", "container_port": 0, "memory": "infinity",
            "tasks": 64, "stop_timeout": 10, "env": ["ONE"], "env_file": "", "args": ["--x", "y z"],
        }  # fmt: skip
        with mock.patch.dict(os.environ, {"HOST": "127.0.0.1", "PORT": "3001"}):
            return container.command(path, Namespace(**{**given, **changes}), "image:1")

    def test_the_image_and_its_arguments_come_last(self) -> None:
        words = self.command("/usr/bin/docker")
        self.assertEqual(words[-3:], ["image:1", "--x", "y z"])
        self.assertEqual(words[:2], ["/usr/bin/docker", "run"])

    def test_docker_is_told_the_bounds_that_podman_finds_around_itself(self) -> None:
        docker = self.command("/usr/bin/docker", memory="1048576")
        for word in ("--memory=1048576", "--pids-limit=64", "--cgroup-parent=p.slice"):
            self.assertIn(word, docker)
        podman = self.command("/usr/bin/podman", memory="1048576")
        self.assertIn("--cgroups=disabled", podman)
        self.assertFalse([word for word in podman if "memory" in word or "pids" in word])

    def test_values_of_variables_are_on_no_command_line(self) -> None:
        words = self.command("/usr/bin/docker")
        self.assertIn("--env=ONE", words)
        self.assertIn("--env=PORT", words)
        self.assertIn("--network=host", words)

    def test_a_port_of_the_image_is_published_where_the_instance_listens(self) -> None:
        words = self.command("/usr/bin/docker", container_port=80)
        self.assertIn("--publish=127.0.0.1:3001:80", words)
        self.assertIn("--env=PORT=80", words)
        self.assertNotIn("--network=host", words)


class Variables(booted.HostTest):
    def test_names_in_a_file_are_those_that_systemd_read(self) -> None:
        file = self.root / "app.env"
        file.write_text("# A=1\nSECRET='x\nNOT=there'\n  OTHER =2\nSECRET=3\n")
        with mock.patch.dict(os.environ, {"SECRET": "3", "OTHER": "2"}, clear=True):
            self.assertEqual(container._names(str(file)), ["SECRET", "OTHER"])


if __name__ == "__main__":
    unittest.main()
