//! Files that are wrong, or cut short.

use std::fs;

use genconf::diagnostic::Diagnostics;
use genconf::generate;
use genconf::import::{Fault, Imported, Setting, nginx, pm2, procfile};
use genconf::source::Source;
use tempfile::TempDir;

use crate::{fixtures, import, inputs, said};

/// A file, its tool and its name, and the whole of what is said about it.
const BROKEN: &[(&str, &str, &str, &str)] = &[
    (
        "pm2",
        "e.json",
        "{\n  // apps\n  \"apps\": []\n}",
        "error: e.json:2:3: this is not JSON: key must be a string; JSON has no comments; take them out\n",
    ),
    (
        "pm2",
        "e.json",
        "{\"apps\": [\n  {\"script\": \"a.js\"},\n]}",
        "error: e.json:3:1: this is not JSON: trailing comma; JSON has no comma before a closing bracket\n",
    ),
    (
        "pm2",
        "e.json",
        "module.exports = {}",
        "error: e.json:1:1: this is not JSON: expected value; a file that is JavaScript is called ecosystem.config.js\n",
    ),
    (
        "pm2",
        "e.json",
        "{\"apps\": 1}",
        "error: e.json: there is no list `apps` in it\n",
    ),
    (
        "pm2",
        "e.json",
        "{\"apps\": [{}]}",
        "error: e.json: app 1: it has no `script`\n",
    ),
    (
        "pm2",
        "e.json",
        "{\"apps\": [{\"script\": \"a.js\", \"instances\": \"many\"}]}",
        "error: e.json: app 1: `instances: many` is no number\n",
    ),
    (
        "pm2",
        "e.json",
        "{\"apps\": [{\"script\": \"worker.js\"}]}",
        "error: e.json: no app in it serves a port, and genconf describes what does: `worker`: it has no port and its name is that of a worker; a unit of your own runs it (systemd.service(5))\n",
    ),
    (
        "pm2",
        "e.yml",
        "apps:\n  - { name: a, script: a.js\n",
        "error: e.yml:2:5: this is not YAML: unclosed bracket '{'\n",
    ),
    (
        "pm2",
        "ecosystem.config.ts",
        "export default { apps: [] };",
        "error: ecosystem.config.ts: .ts is not read; PM2's files are read as .json, as .yml or .yaml, as .js, .cjs or .mjs, which node runs, and as ~/.pm2/dump.pm2\n",
    ),
    (
        "pm2",
        "ecosystem",
        "module.exports = { apps: [] };",
        "error: ecosystem: it is neither JSON nor YAML; PM2's files are read as .json, as .yml or .yaml, as .js, .cjs or .mjs, which node runs, and as ~/.pm2/dump.pm2\n",
    ),
    (
        "procfile",
        "Procfile",
        "web: ./a\nnonsense",
        "error: Procfile:2:1: a line of a Procfile is `TYPE: COMMAND`\n",
    ),
    (
        "procfile",
        "Procfile",
        "worker: ./a",
        "error: Procfile: no line is called `web` or names $PORT, and genconf describes what serves a port\n",
    ),
    (
        "nginx",
        "n.conf",
        "http {\n  server { listen 80 }\n}",
        "error: n.conf:2:22: `listen` does not end in `;`\n",
    ),
    (
        "nginx",
        "n.conf",
        "http {\n",
        "error: n.conf:2:1: a `{` is not closed\n",
    ),
    (
        "nginx",
        "n.conf",
        "server { root \"/srv; }",
        "error: n.conf:1:15: this quote is not closed\n",
    ),
    (
        "nginx",
        "nginx.conf",
        "include /etc/nginx/modules-enabled/*.conf;\nhttp {\n  include /etc/nginx/mime.types;\n  include /etc/nginx/conf.d/*.conf;\n  include /etc/nginx/sites-enabled/*;\n}",
        "error: nginx.conf:4:3: no location in it passes requests to an upstream or an address, which is what genconf describes; what it includes is not read: `include /etc/nginx/conf.d/*.conf`, `include /etc/nginx/sites-enabled/*`; import the site's own file, or all: nginx -T | genconf import nginx -\n",
    ),
    (
        "nginx",
        "all",
        "# configuration file /etc/nginx/nginx.conf:\nhttp { include a; }\n\n# configuration file /etc/nginx/a:\nserver {\n  listen 80 }\n",
        "error: /etc/nginx/a:2:13: `listen` does not end in `;`\n",
    ),
    (
        "nginx",
        "n.conf",
        "server { root /srv; }",
        "error: n.conf: no location in it passes requests to an upstream or an address, which is what genconf describes\n",
    ),
];

#[test]
fn what_cannot_be_read_is_told_in_one_line_with_its_place() {
    for (tool, name, text, expected) in BROKEN {
        let folder = TempDir::new().expect("a folder can be made");
        fs::write(folder.path().join(name), text).expect("can be written");
        let (code, out, err) = said(&import(folder.path(), &[tool, name]));
        assert_eq!(
            (code, out.as_str(), err.as_str()),
            (1, "", *expected),
            "{text}"
        );
    }
}

fn read(tool: &str, name: &str, text: &str) -> Result<Imported, Fault> {
    let source = Source::new(name, text);
    let setting = Setting {
        cpus: 2,
        environment: "production".to_owned(),
    };
    match tool {
        "pm2" => pm2::read(&source, &setting),
        "nginx" => nginx::read(&source),
        _ => procfile::read(&source),
    }
}

fn judge(tool: &str, name: &str, text: &str) {
    let Ok(imported) = read(tool, name, text) else {
        return;
    };
    let source = Source::new("imported", imported.topology);
    let mut faults = Diagnostics::default();
    let made = generate(&source, ".", &[], &mut faults);
    assert!(made.is_ok(), "{text}\n{}\n{faults:?}", source.text());
}

#[test]
fn a_file_with_a_piece_missing_is_a_sound_topology_or_a_fault() {
    for (tool, name) in inputs().into_iter().filter(|(_, n)| !n.ends_with("js")) {
        let text = fs::read_to_string(fixtures().join(&name)).expect("is readable");
        let words: Vec<_> = text.split_inclusive(char::is_whitespace).collect();
        for at in 0..words.len() {
            judge(&tool, &name, &words[..at].concat());
            let without = [&words[..at], &words[at + 1..]].concat().concat();
            judge(&tool, &name, &without);
        }
    }
}
