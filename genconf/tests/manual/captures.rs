//! Pictures of commands, drawn from their colored output.

use std::fs;
use std::path::{Path, PathBuf};

use anstyle::RgbColor;
use anstyle_svg::{Palette, Term};

use crate::pages::{compare, genconf, repository, shell};

/// A picture: its name, the commands that prepare it, and the command that it shows.
struct Capture {
    name: &'static str,
    before: &'static str,
    command: &'static str,
}

const TOPOLOGY: &str = "\
version: 1
project: randoms
hosts:
  node1: { address: 192.168.56.11 }
apps:
  randoms: { artifact: target/release/randoms }
pools:
  spread: { app: randoms, ports: [8082-8085] }
  shared: { app: randoms, mode: cluster, ports: [PORT] }
proxies:
  edge: { routes: [{ path: /, pool: spread }, { path: /cluster, pool: shared }] }
";

const CAPTURES: &[Capture] = &[
    Capture {
        name: "error",
        before: "sed -i s/PORT/8085/ topology.yaml",
        command: "genconf check",
    },
    Capture {
        name: "plan",
        before: "sed -i s/PORT/8081/ topology.yaml; genconf render; sed -i s/8082-8085/8082-8086/ topology.yaml",
        command: "genconf plan --offline",
    },
    Capture {
        name: "diff",
        before: "sed -i s/PORT/8081/ topology.yaml; genconf render; sed -i s/8082-8085/8082-8086/ topology.yaml",
        command: "genconf diff",
    },
];

/// The 16 ANSI colors on a light background; black is the background, white the text.
const LIGHT: Palette = Palette([
    RgbColor(0xf6, 0xf8, 0xfa),
    RgbColor(0xcf, 0x22, 0x2e),
    RgbColor(0x11, 0x63, 0x29),
    RgbColor(0x7d, 0x4e, 0x00),
    RgbColor(0x09, 0x69, 0xda),
    RgbColor(0x82, 0x50, 0xdf),
    RgbColor(0x1b, 0x7c, 0x83),
    RgbColor(0x1f, 0x23, 0x28),
    RgbColor(0x59, 0x63, 0x6e),
    RgbColor(0xa4, 0x0e, 0x26),
    RgbColor(0x1a, 0x7f, 0x37),
    RgbColor(0x63, 0x3c, 0x01),
    RgbColor(0x21, 0x8b, 0xff),
    RgbColor(0xa4, 0x75, 0xf9),
    RgbColor(0x31, 0x92, 0xaa),
    RgbColor(0x1f, 0x23, 0x28),
]);

/// The same on a dark background.
const DARK: Palette = Palette([
    RgbColor(0x15, 0x1b, 0x23),
    RgbColor(0xff, 0x7b, 0x72),
    RgbColor(0x3f, 0xb9, 0x50),
    RgbColor(0xd2, 0x99, 0x22),
    RgbColor(0x58, 0xa6, 0xff),
    RgbColor(0xbc, 0x8c, 0xff),
    RgbColor(0x39, 0xc5, 0xcf),
    RgbColor(0xe6, 0xed, 0xf3),
    RgbColor(0x91, 0x98, 0xa1),
    RgbColor(0xff, 0xa1, 0x98),
    RgbColor(0x56, 0xd3, 0x64),
    RgbColor(0xe3, 0xb3, 0x41),
    RgbColor(0x79, 0xc0, 0xff),
    RgbColor(0xd2, 0xa8, 0xff),
    RgbColor(0x56, 0xd4, 0xdd),
    RgbColor(0xff, 0xff, 0xff),
]);

/// The terminal's text: the command after a prompt, and its output in color.
fn transcript(capture: &Capture) -> String {
    let directory = tempfile::TempDir::new().expect("a directory can be created");
    fs::write(directory.path().join("topology.yaml"), TOPOLOGY).expect("can be written");
    let prepared = shell(capture.before, directory.path(), &[]);
    assert!(
        prepared.status.success(),
        "{}: {}",
        capture.name,
        String::from_utf8_lossy(&prepared.stdout)
    );
    let output = shell(
        capture.command,
        directory.path(),
        &[("CLICOLOR_FORCE", "1")],
    );
    let text = String::from_utf8(output.stdout).expect("is UTF-8");
    format!("\x1b[2m$\x1b[0m \x1b[1m{}\x1b[0m\n{text}", capture.command)
}

fn picture(name: &str) -> PathBuf {
    Path::new("docs/pictures").join(name)
}

/// The drawing with a title, for readers that do not see it.
fn draw(transcript: &str, palette: Palette, title: &str) -> String {
    let drawn = Term::new()
        .palette(palette)
        .render_svg(transcript.trim_end());
    let (head, body) = drawn.split_once('\n').expect("has lines");
    format!("{head}\n  <title>{title}</title>\n{body}")
}

#[test]
fn captures_are_current() {
    for capture in CAPTURES {
        let text = transcript(capture);
        let title = format!("Output of {}", capture.command);
        for (suffix, palette) in [("light", LIGHT), ("dark", DARK)] {
            let path = picture(&format!("{}-{suffix}.svg", capture.name));
            compare(&path, &draw(&text, palette, &title));
        }
    }
}

#[test]
fn the_picture_of_the_topology_is_current() {
    assert!(repository().join("topology.yaml").exists());
    compare(&picture("topology.svg"), &genconf("graph -t topology.yaml"));
}
