//! A topology with every key, whose texts can be replaced.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use serde_json::{Value, json};

/// A text in a topology: a value, or a key chosen by the user.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Its number among all fields, in the order of the text.
    pub(crate) number: usize,
    /// The key path: `apps.*.env.{}`.
    pub(crate) path: String,
    /// The default text.
    text: String,
    /// The field with the name that this one refers to.
    name: Option<usize>,
}

/// Names and where they are referred to.
const REFERENCES: [(&str, &[&str]); 3] = [
    ("apps.{}", &["pools.*.app"]),
    ("hosts.{}", &["pools.*.hosts[]", "proxies.*.hosts[]"]),
    ("pools.{}", &["proxies.*.routes[].pool"]),
];

impl Field {
    /// Whether it accepts any text.
    pub(crate) fn takes_free_text(&self) -> bool {
        FREE.contains(&self.path.as_str())
    }

    /// Whether it is rendered unchanged.
    pub(crate) fn is_verbatim(&self) -> bool {
        self.path.starts_with("proxies.*.raw.")
    }
}

/// Fields that accept any text.
pub(crate) const FREE: [&str; 6] = [
    "apps.*.args[]",
    "apps.*.build",
    "apps.*.env.*",
    "pools.*.args[]",
    "pools.*.env.*",
    "proxies.*.headers.*",
];

/// A topology with every key.
fn topology() -> Value {
    json!({
        "version": 1,
        "project": "proj",
        "hosts": {
            "alpha": {
                "address": "192.0.2.10", "cpus": 4, "memory": "8GiB", "weight": 2, "development": "true",
                "os": "debian13",
            },
            "beta": { "address": "2001:db8::11", "development": "true" },
        },
        "apps": apps(),
        "pools": pools(),
        "proxies": { "edge": proxy("nginx", "alpha"), "front": proxy("haproxy", "beta") },
    })
}

fn apps() -> Value {
    json!({
        "full": {
            "artifact": "../full", "build": "make full", "args": ["--one", "two"],
            "env": { "ONE": "1", "TWO": "2" }, "env_file": "full.env", "runtime": "native",
            "sd_notify": "true", "socket_activation": "true", "outbound": "true",
            "health": {
                "path": "/up", "status": ["200-299", "401"], "host": "full.example.org:8443",
                "timeout": "5s", "interval": "1s", "type": "watchdog",
            },
            "stop_timeout": "20s", "ready_timeout": "9s", "memory": "64MiB", "tasks_max": 40, "watch": "true",
        },
        "script": {
            "artifact": "app.js", "runtime": "node", "health": "/alive",
            "args": ["--script"], "env": { "THREE": "3" },
        },
        "packed": {
            "artifact": "packed.tgz", "build": "make packed", "main": "bin/main.js", "runtime": "node",
            "state_directory": "true", "health": { "status": "204" },
        },
        "sealed": {
            "artifact": "sealed.tar", "runtime": "container", "image": "sealed:1", "container_port": 80,
            "args": ["--sealed"], "env": { "FIVE": "5" },
        },
    })
}

fn pools() -> Value {
    let pool = |app: &str, mode: &str, port: u16| {
        json!({
            "app": app, "mode": mode, "hosts": ["alpha"], "ports": [port, format!("{}-{}", port + 1, port + 2)],
            "args": ["--pool"], "env": { "FOUR": "4" },
        })
    };
    let mut pools = json!({
        "local": pool("full", "fork", 8000),
        "shared": pool("full", "cluster", 8010),
        "own": pool("script", "cluster", 8020),
        "probed": pool("script", "fork", 8030),
        "wide": pool("full", "fork", 8040),
        "inside": pool("sealed", "fork", 8050),
        "many": pool("packed", "fork", 8060),
    });
    pools["local"]["listen"] = json!("unix");
    pools["shared"]["workers"] = json!("3");
    pools["own"]["supervisor"] = json!("app");
    pools["wide"]["hosts"] = json!(["alpha", "beta"]);
    pools
}

fn proxy(engine: &str, host: &str) -> Value {
    let mut routes = json!([
        {
            "path": "/wide/and/long", "pool": "wide", "balance": "random", "rewrite": "/other",
            "timeouts": { "read": "4s", "send": "4s", "tunnel": "5m" }, "max_body": "7MB",
            "rate_limit": { "rate": "20/s", "burst": 7 }, "retry": "idempotent",
        },
        { "path": "/", "pool": "wide" },
    ]);
    if engine == "nginx" {
        for (path, pool) in [
            ("/for/local", "local"),
            ("/for/shared", "shared"),
            ("/for/own/x", "own"),
            ("/for/probed", "probed"),
            ("/for/inside", "inside"),
            ("/for/many", "many"),
        ] {
            let route = json!({ "path": path, "pool": pool });
            routes.as_array_mut().expect("is a list").push(route);
        }
    }
    json!({
        "engine": engine, "hosts": [host], "listen": "443", "status_port": 9100,
        "tls": { "certificate": "/etc/c.pem", "key": "/etc/k.pem", "http_port": "80", "hsts": "1h" },
        "server_name": ["one.example.org", "*.two.example.org"],
        "balance": "ip_hash", "max_body": "5MB",
        "timeouts": { "connect": "250ms", "read": "3s", "send": "3s", "tunnel": "2h", "drain": "30m" },
        "trusted_proxies": ["198.51.100.0/24", "2001:db8:2::/48"], "proxy_protocol": "true",
        "compress": "false",
        "rate_limit": { "rate": "300/m", "burst": 5 },
        "headers": { "X-One": "1", "X-Two": "2" },
        "raw": { "global": ["# global"], "server": ["# server"] },
        "routes": routes,
    })
}

/// A topology as text with gaps for the fields: `pieces[n]` is before the field `n`, the last piece
/// after all fields.
pub(crate) struct Template {
    /// Every field.
    pub(crate) fields: Vec<Field>,
    pieces: Vec<String>,
}

impl Template {
    /// The topology with every key.
    pub(crate) fn new(schema: &Value) -> Self {
        let mut template = Self {
            fields: Vec::new(),
            pieces: vec![String::new()],
        };
        template.print(&topology(), schema, "");
        let names: Vec<_> = template
            .fields
            .iter()
            .map(|field| template.name_of(field))
            .collect();
        template
            .fields
            .iter_mut()
            .zip(names)
            .for_each(|(field, name)| field.name = name);
        template
    }

    fn name_of(&self, field: &Field) -> Option<usize> {
        let (path, _) = REFERENCES
            .iter()
            .find(|(_, from)| from.contains(&field.path.as_str()))?;
        let named = |other: &&Field| other.path == *path && other.text == field.text;
        self.fields.iter().find(named).map(|name| name.number)
    }

    /// Prints JSON, a subset of YAML, with every text in quotes.
    fn print(&mut self, value: &Value, schema: &Value, path: &str) {
        let schema = alternative(value, schema);
        match value {
            Value::Object(entries) => {
                self.print_text("{\n");
                for (key, inner) in entries {
                    let (schema, path) = self.key(key, schema, path);
                    self.print(inner, schema, &path);
                    self.print_text(",\n");
                }
                self.print_text("}");
            }
            Value::Array(items) => {
                self.print_text("[\n");
                for item in items {
                    self.print(item, &schema["items"], &format!("{path}[]"));
                    self.print_text(",\n");
                }
                self.print_text("]");
            }
            Value::String(text) => self.field(path, text),
            other => self.field(path, &other.to_string()),
        }
    }

    /// Prints a key and returns the schema and the path of its value.
    fn key<'s>(&mut self, key: &str, schema: &'s Value, path: &str) -> (&'s Value, String) {
        let known = schema["properties"].get(key);
        if known.is_some() {
            self.print_text(&json!(key).to_string());
        } else {
            self.field(&joined(path, "{}"), key);
        }
        self.print_text(": ");
        let step = if known.is_some() { key } else { "*" };
        (
            known.unwrap_or(&schema["additionalProperties"]),
            joined(path, step),
        )
    }

    fn print_text(&mut self, text: &str) {
        self.pieces.last_mut().expect("there is one").push_str(text);
    }

    fn field(&mut self, path: &str, text: &str) {
        let number = self.fields.len();
        self.fields.push(Field {
            number,
            path: path.to_owned(),
            text: text.to_owned(),
            name: None,
        });
        self.pieces.push(String::new());
    }

    /// The topology with these texts in these fields, and the span of each field. References to a name
    /// change with it.
    pub(crate) fn filled(&self, texts: &[(&Field, &str)]) -> (String, Vec<Range<usize>>) {
        let given: HashMap<usize, &str> = texts
            .iter()
            .map(|(field, text)| (field.number, *text))
            .collect();
        let (mut whole, mut spans) = (String::new(), Vec::new());
        for (field, piece) in self.fields.iter().zip(&self.pieces) {
            whole.push_str(piece);
            let own = given.get(&field.number);
            let text = own
                .or_else(|| given.get(&field.name?))
                .map_or(field.text.as_str(), |text| *text);
            let start = whole.len();
            whole.push_str(&json!(text).to_string());
            spans.push(start..whole.len());
        }
        whole.extend(self.pieces.last().map(String::as_str));
        (whole, spans)
    }
}

/// The alternative of the schema that the value has.
fn alternative<'s>(value: &Value, schema: &'s Value) -> &'s Value {
    let forms = schema["anyOf"].as_array().into_iter().flatten();
    let mut fitting =
        forms.filter(|template| template.get("properties").is_some() == value.is_object());
    fitting.next().unwrap_or(schema)
}

fn joined(path: &str, step: &str) -> String {
    if path.is_empty() {
        step.to_owned()
    } else {
        format!("{path}.{step}")
    }
}

/// The path of every field that `schema` knows.
pub(crate) fn paths(schema: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    describe(schema, "", &mut found);
    found
}

fn describe(schema: &Value, at: &str, found: &mut BTreeSet<String>) {
    if let Some(forms) = schema["anyOf"].as_array() {
        for template in forms {
            describe(template, at, found);
        }
    } else if let Some(properties) = schema["properties"].as_object() {
        for (key, inner) in properties {
            describe(inner, &joined(at, key), found);
        }
    } else if schema["additionalProperties"].is_object() {
        found.insert(joined(at, "{}"));
        describe(&schema["additionalProperties"], &joined(at, "*"), found);
    } else if schema["items"].is_object() {
        describe(&schema["items"], &format!("{at}[]"), found);
    } else {
        found.insert(at.to_owned());
    }
}
