//! `/info`: properties of the serving process, as JSON, or as HTML for browsers.

use std::fmt::Write;
use std::str::FromStr;
use std::sync::LazyLock;

use hyper::header::{HeaderValue, VARY};
use serde_json::{Value, json};
use warp::reply::Response;

use super::{HTML, JSON, respond};
use crate::app::App;
use crate::draws::{digit_count, write_decimal};

/// The media type that the `Accept` header requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accept {
    Json,
    Html,
}

impl FromStr for Accept {
    type Err = std::convert::Infallible;

    /// Browsers list `text/html`; other clients usually do not.
    fn from_str(accept: &str) -> Result<Self, Self::Err> {
        Ok(if accept.contains("text/html") {
            Self::Html
        } else {
            Self::Json
        })
    }
}

/// The route `/info`, with its constant parts formatted in advance.
#[derive(Debug)]
pub(super) struct Info {
    app: &'static App,
    before_memory: String,
    before_uptime: String,
    page: LazyLock<String, Box<dyn FnOnce() -> String + Send>>,
}

impl Info {
    /// Formats the constant parts.
    pub(super) fn new(app: &'static App) -> &'static Self {
        let constant = constant(app);
        let mut before_memory = String::from("{");
        for (name, value) in &constant {
            let _ = write!(before_memory, "\"{name}\":{value},");
        }
        before_memory.push_str("\"memory_bytes\":");
        let cpus = app.identity.cpus;
        Box::leak(Box::new(Self {
            app,
            before_memory,
            before_uptime: format!(",\"processors\":{cpus},\"uptime_seconds\":"),
            page: LazyLock::new(Box::new(move || page(&constant))),
        }))
    }

    /// Handles a request in the requested media type.
    pub(super) fn handle(&self, accept: Option<Accept>) -> Response {
        let mut response = match accept {
            Some(Accept::Html) => respond(HTML, self.html().into()),
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
        let digits: usize = numbers.iter().map(|&number| digit_count(number)).sum();
        // A vector without spare capacity becomes the body without a copy.
        let mut out = Vec::with_capacity(texts + digits + 1);
        for (text, number) in before.iter().zip(numbers) {
            out.extend_from_slice(text.as_bytes());
            write_decimal(&mut out, number);
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
            ("CPUs", app.identity.cpus.to_string()),
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

/// Formats a value for the page.
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
    fn arguments_are_escaped() {
        let value = json!(["<script>", "\"&'"]);
        let row = row("arguments", &plain(&value));
        assert!(row.contains("&lt;script&gt; &quot;&amp;&#39;"), "{row}");
    }
}
