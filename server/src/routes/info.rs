//! `/info`: who answers, as JSON, or as a page when a browser asks.

use std::fmt::Write;
use std::str::FromStr;
use std::sync::LazyLock;

use hyper::header::{HeaderValue, VARY};
use serde_json::{Value, json};
use warp::reply::Response;

use super::{HTML, JSON, respond};
use crate::app::App;
use crate::draws::{put_decimal, width};

/// The form of the answer, by the `Accept` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Json,
    Html,
}

impl FromStr for Wanted {
    type Err = std::convert::Infallible;

    /// Browsers name `text/html`; nobody else does.
    fn from_str(accept: &str) -> Result<Self, Self::Err> {
        Ok(if accept.contains("text/html") {
            Self::Html
        } else {
            Self::Json
        })
    }
}

/// What does not change while the process runs, ready to be sent.
#[derive(Debug)]
pub(super) struct Info {
    app: &'static App,
    before_memory: String,
    before_uptime: String,
    page: LazyLock<String, Box<dyn FnOnce() -> String + Send>>,
}

impl Info {
    /// Prepares the constant part once.
    pub(super) fn new(app: &'static App) -> &'static Self {
        let constant = constant(app);
        let mut before_memory = String::from("{");
        for (name, value) in &constant {
            let _ = write!(before_memory, "\"{name}\":{value},");
        }
        before_memory.push_str("\"memory_bytes\":");
        let processors = app.identity.processors;
        Box::leak(Box::new(Self {
            app,
            before_memory,
            before_uptime: format!(",\"processors\":{processors},\"uptime_seconds\":"),
            page: LazyLock::new(Box::new(move || page(&constant))),
        }))
    }

    /// Answers in the form that was asked for.
    pub(super) fn answer(&self, wanted: Option<Wanted>) -> Response {
        let mut response = match wanted {
            Some(Wanted::Html) => respond(HTML, self.html().into()),
            _ => respond(JSON, self.json()),
        };
        let vary = HeaderValue::from_static("accept");
        response.headers_mut().insert(VARY, vary);
        response
    }

    fn json(&self) -> bytes::Bytes {
        let app = self.app;
        let numbers = [app.memory(), app.uptime(), app.metrics.total()];
        let before = [&*self.before_memory, &self.before_uptime, ",\"requests\":"];
        let texts: usize = before.iter().map(|text| text.len()).sum();
        let digits: usize = numbers.iter().map(|&number| width(number)).sum();
        // A vector that is exactly full becomes the body without a copy.
        let mut out = Vec::with_capacity(texts + digits + 1);
        for (text, number) in before.iter().zip(numbers) {
            out.extend_from_slice(text.as_bytes());
            put_decimal(&mut out, number);
        }
        out.push(b'}');
        out.into()
    }

    fn html(&self) -> String {
        let app = self.app;
        let uptime = app.uptime();
        let (hours, minutes, seconds) = (uptime / 3600, uptime / 60 % 60, uptime % 60);
        let kibibytes = app.memory() / 1024;
        let rows = [
            ("resident memory", format!("{kibibytes} KiB")),
            ("processors", app.identity.processors.to_string()),
            ("uptime", format!("{hours} h {minutes} min {seconds} s")),
            ("requests served", app.metrics.total().to_string()),
        ];
        let rows: String = rows.iter().map(|(name, value)| row(name, value)).collect();
        self.page.replace("<!-- now -->", &rows)
    }
}

fn constant(app: &App) -> Vec<(&'static str, Value)> {
    let identity = &app.identity;
    let platform = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    vec![
        ("mode", json!(identity.mode)),
        ("instance", json!(identity.instance)),
        ("workers", json!(identity.workers)),
        ("pid", json!(identity.pid)),
        ("parent", json!(identity.parent)),
        ("arguments", json!(identity.arguments)),
        ("executable", json!(identity.executable.to_string_lossy())),
        ("directory", json!(identity.directory.to_string_lossy())),
        ("platform", json!(platform)),
        ("version", json!(env!("CARGO_PKG_VERSION"))),
    ]
}

fn page(constant: &[(&'static str, Value)]) -> String {
    let rows: String = constant
        .iter()
        .map(|(name, value)| row(name, &plain(value)))
        .collect();
    include_str!("info.html").replace("<!-- constant -->", &rows)
}

fn row(name: &str, value: &str) -> String {
    format!(
        "<tr><th scope=\"row\">{name}</th><td>{}</td></tr>\n",
        escaped(value)
    )
}

/// A value as a person reads it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "–".to_owned(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn argument_cannot_become_markup() {
        let value = json!(["<script>", "\"&'"]);
        let row = row("arguments", &plain(&value));
        assert!(row.contains("&lt;script&gt; &quot;&amp;&#39;"), "{row}");
    }
}
