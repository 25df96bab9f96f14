//! Invalid and truncated files.

use std::fs;

use genconf::diagnostic::Diagnostics;
use genconf::generate;
use genconf::import::{ImportError, Imported, Options, nginx, pm2, procfile};
use genconf::source::Source;
use genconf::topology::reserved::{FIRST_WORDS, GROUPS, UNITS};
use tempfile::TempDir;

use crate::{fixtures, import, inputs, outcome};

/// Tool, file name, contents, and the complete error message.
const INVALID: &[(&str, &str, &str, &str)] = &[
    (
        "pm2",
        "e.json",
        "{\n  \"apps\": [",
        "error: e.json:2:11: invalid JSON: EOF while parsing a list; add the missing brackets and quotes at the end of the file\n",
    ),
    (
        "pm2",
        "dump.pm2",
        "[\n  {\"script\": \"a.js\"},\n]",
        "error: dump.pm2:3:1: invalid JSON: trailing comma; remove the comma before the closing bracket\n",
    ),
    (
        "pm2",
        "e.json",
        "{\"apps\": 1}",
        "error: e.json:1:1: the list `apps` is missing: write `{ \"apps\": [{ \"script\": \"server.js\" }] }`\n",
    ),
    (
        "pm2",
        "e.json",
        "{\"apps\": [{}]}",
        "error: e.json:1:11: app 1: `script` is missing: add `\"script\": \"server.js\"`\n",
    ),
    (
        "pm2",
        "e.json",
        "{\"apps\": [{\"script\": \"a.js\", \"instances\": \"many\"}]}",
        "error: e.json:1:43: app 1: invalid `instances: many`: expected a number or `max`, such as `instances: 2`\n",
    ),
    (
        "pm2",
        "e.yml",
        "apps:\n  - script: a.js\n  - script: b.js\n    args: { a: 1 }\n",
        "error: e.yml:4:11: app 2: invalid `args`: expected a string or a list of strings, such as [\"--port\", \"3000\"]\n",
    ),
    (
        "pm2",
        "e.json",
        "[\n  \"a.js\"\n]",
        "error: e.json:2:3: app 1: expected a mapping, such as `{ \"script\": \"server.js\" }`\n",
    ),
    (
        "pm2",
        "e.json",
        "{\"apps\": [{\"script\": \"worker.js\"}]}",
        "error: e.json:1:11: no app listens on a port: set the port of an HTTP server, `\"env\": { \"PORT\": 3000 }`; `worker`: the app has no port and the name of a background worker; run it with a separate systemd service\n",
    ),
    (
        "pm2",
        "e.json",
        "{\"apps\": [{\"script\": \"worker.js\"}, {\"script\": \"queue.js\"}, {\"script\": \"celery beat\"}]}",
        "error: e.json:1:11: no app listens on a port: set the port of an HTTP server, `\"env\": { \"PORT\": 3000 }`; `worker`, `queue`: the app has no port and the name of a background worker; run it with a separate systemd service; `celery beat`: `celery beat` serves no HTTP; run it with a separate systemd service\n",
    ),
    (
        "pm2",
        "e.yml",
        "apps:\n  - { name: a, script: a.js\n",
        "error: e.yml:2:5: invalid YAML: expected `}`, found the end of the file\n",
    ),
    (
        "pm2",
        "ecosystem.config.ts",
        "export default { apps: [] };",
        "error: ecosystem.config.ts: unsupported extension `.ts`; supported: .json, .yml, .yaml, .js, .cjs, .mjs (evaluated with node), and ~/.pm2/dump.pm2\n",
    ),
    (
        "pm2",
        "ecosystem",
        "module.exports = { apps: [] };",
        "error: ecosystem: the file is neither JSON nor YAML; supported: .json, .yml, .yaml, .js, .cjs, .mjs (evaluated with node), and ~/.pm2/dump.pm2\n",
    ),
    (
        "procfile",
        "Procfile",
        "web: ./a\nnonsense",
        "error: Procfile:2:1: invalid line: expected `TYPE: COMMAND`, for example `web: ./server --port $PORT`\n",
    ),
    (
        "procfile",
        "Procfile",
        "worker: ./a",
        "error: Procfile:1:1: no process listens on a port: add the line of an HTTP server, `web: ./server --port $PORT`; worker: the command has no port: if it serves HTTP, add `$PORT` to it; otherwise run it with a separate systemd service\n",
    ),
    (
        "procfile",
        "Procfile",
        "web: ./a\nweb: ./b",
        "error: Procfile:2:1: process type `web` is defined twice: rename one of them, for example `web-2`\n",
    ),
    (
        "nginx",
        "n.conf",
        "http {\n  server { listen 80 }\n}",
        "error: n.conf:2:22: `listen` does not end with `;`\n",
    ),
    (
        "nginx",
        "n.conf",
        "http {\n",
        "error: n.conf:2:1: a block is not closed: expected `}`\n",
    ),
    (
        "nginx",
        "n.conf",
        "server { root \"/srv; }",
        "error: n.conf:1:15: unclosed quote\n",
    ),
    (
        "nginx",
        "nginx.conf",
        "include /etc/nginx/modules-enabled/*.conf;\nhttp {\n  include /etc/nginx/mime.types;\n  include /etc/nginx/conf.d/*.conf;\n  include /etc/nginx/sites-enabled/*;\n}",
        "error: nginx.conf:4:3: no location passes requests to an upstream or an address; includes are not read: `include /etc/nginx/conf.d/*.conf`, `include /etc/nginx/sites-enabled/*`; import the included file, or all files: nginx -T | genconf import nginx -\n",
    ),
    (
        "nginx",
        "all",
        "# configuration file /etc/nginx/nginx.conf:\nhttp { include a; }\n\n# configuration file /etc/nginx/a:\nserver {\n  listen 80 }\n",
        "error: /etc/nginx/a:2:13: `listen` does not end with `;`\n",
    ),
    (
        "nginx",
        "n.conf",
        "server { location / { auth_request /a; proxy_pass http://b; } location /c { uwsgi_pass d; } }",
        "error: n.conf: no location passes requests to an upstream or an address: location /c: it uses uwsgi, but the proxy uses HTTP to its pools; make the app listen with HTTP: location /: its access control (`auth_request /a`) is not supported; restore the access control before you switch to genconf\n",
    ),
    (
        "nginx",
        "n.conf",
        "server { root /srv; }",
        "error: n.conf: no location passes requests to an upstream or an address\n",
    ),
];

#[test]
fn errors_have_a_position_and_help() {
    for (tool, name, text, expected) in INVALID {
        let folder = TempDir::new().expect("a folder can be made");
        fs::write(folder.path().join(name), text).expect("can be written");
        let (code, out, err) = outcome(&import(folder.path(), &[tool, name]));
        let (message, help) = err.split_once("help: ").expect("has help");
        assert_eq!((code, out.as_str(), message), (1, "", *expected), "{text}");
        let example = format!("`genconf import {tool} ");
        assert!(
            help.contains(&example) || help.contains("| genconf import nginx -`"),
            "{help}"
        );
    }
}

fn read(tool: &str, name: &str, text: &str) -> Result<Imported, ImportError> {
    let source = Source::new(name, text);
    let options = Options {
        cpus: 2,
        environment: "production".to_owned(),
    };
    match tool {
        "pm2" => pm2::read(&source, &options),
        "nginx" => nginx::read(&source),
        _ => procfile::read(&source),
    }
}

fn assert_valid_or_rejected(tool: &str, name: &str, text: &str) {
    let Ok(imported) = read(tool, name, text) else {
        return;
    };
    let source = Source::new("imported", imported.topology);
    let mut diagnostics = Diagnostics::default();
    let made = generate(&source, ".", &[], &mut diagnostics);
    assert!(made.is_ok(), "{text}\n{}\n{diagnostics:?}", source.text());
}

#[test]
fn a_file_with_a_missing_part_is_rejected_or_gives_a_valid_topology() {
    for (tool, name) in inputs().into_iter().filter(|(_, n)| !n.ends_with("js")) {
        let text = fs::read_to_string(fixtures().join(&name)).expect("is readable");
        let words: Vec<_> = text.split_inclusive(char::is_whitespace).collect();
        for at in 0..words.len() {
            assert_valid_or_rejected(&tool, &name, &words[..at].concat());
            let without = [&words[..at], &words[at + 1..]].concat().concat();
            assert_valid_or_rejected(&tool, &name, &without);
        }
    }
}

#[test]
fn names_of_units_of_debian_give_a_valid_topology() {
    for unit in [FIRST_WORDS, GROUPS, UNITS].concat() {
        let (first, second) = unit.split_once('-').unwrap_or((unit, "web"));
        let app = |name: &str| format!("{{\"name\": \"{name}\", \"script\": \"{name}.js\"}}");
        let apps = format!("[{}, {}, {}]", app(first), app(second), app(unit));
        assert!(read("pm2", "e.json", &apps).is_ok(), "{apps}");
        assert_valid_or_rejected("pm2", "e.json", &apps);
        let lines = format!("{first}: ./a $PORT\n{second}: ./b $PORT\n");
        assert!(read("procfile", "Procfile", &lines).is_ok(), "{lines}");
        assert_valid_or_rejected("procfile", "Procfile", &lines);
    }
}

#[test]
fn more_instances_than_a_host_can_have_are_rejected() {
    let entry = |index: usize| {
        format!("{{\"name\": \"a{index}\", \"script\": \"a.js\", \"instances\": 512}}")
    };
    let apps = |count| format!("[{}]", (0..count).map(entry).collect::<Vec<_>>().join(", "));
    assert_valid_or_rejected("pm2", "e.json", &apps(19));
    let error = read("pm2", "e.json", &apps(20)).map(|_| ());
    let message = error.expect_err("is rejected").message;
    assert_eq!(message, "expected at most 10000 instances, found 10240");
}
