//! Escaping and quoting filters, so that a value cannot change the syntax around it.
//!
//! Without a filter, `{{ value }}` accepts only characters without special meaning in any output
//! format; any other character is an error. Arbitrary text needs the filter of its output language,
//! which prints it with quotes.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};

use serde_json::Value as Json;
use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

/// Escape function for every `{{ value }}` without a filter.
pub(super) fn plain(text: &str, out: &mut dyn Write) -> io::Result<()> {
    let harmless = |b: u8| b.is_ascii_alphanumeric() || b"._:/@,+=-".contains(&b);
    if text.bytes().all(harmless) {
        return out.write_all(text.as_bytes());
    }
    let message = format!("{text:?} needs the quoting filter of its language");
    Err(io::Error::new(io::ErrorKind::InvalidData, message))
}

/// Registers the filters of `languages`. Returns an error for an unknown language.
pub(super) fn register(tera: &mut Tera, languages: &[String]) -> Result<(), String> {
    tera.register_filter("address", address);
    tera.register_filter("url", url);
    tera.register_filter("host_header", host_header);
    for language in languages {
        match language.as_str() {
            "nginx" => {
                tera.register_filter("nginx", nginx);
                tera.register_filter("verbatim", verbatim);
            }
            "haproxy" => {
                tera.register_filter("haproxy", haproxy);
                tera.register_filter("verbatim", verbatim);
            }
            "unit" => {
                tera.register_filter("unit", unit);
                tera.register_filter("exec", exec);
            }
            "yaml" => tera.register_filter("yaml", yaml),
            "json" => tera.register_filter("json", json),
            "ruby" => tera.register_filter("ruby", ruby),
            other => {
                return Err(format!(
                    "unknown language `{other}`: expected nginx, haproxy, unit, yaml, json, or ruby"
                ));
            }
        }
    }
    Ok(())
}

fn safe(text: &str) -> Value {
    Value::safe_string(text)
}

/// An IP address, optionally in brackets or with a port.
fn address(text: &str, _: Kwargs, _: &State) -> TeraResult<Value> {
    let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let is_ip = inner.unwrap_or(text).parse::<IpAddr>().is_ok();
    if is_ip || text.parse::<SocketAddr>().is_ok() {
        return Ok(safe(text));
    }
    Err(Error::message(format!("{text:?} is not an address")))
}

/// A URL of a health check or status page. Quote it in shell commands; it cannot contain quotes.
fn url(text: &str, _: Kwargs, _: &State) -> TeraResult<Value> {
    let harmless = |b: u8| b.is_ascii_alphanumeric() || b"._:/@,+=-[]".contains(&b);
    let is_http = text.starts_with("http://") || text.starts_with("http+unix://");
    if is_http && text.bytes().all(harmless) {
        return Ok(safe(text));
    }
    Err(Error::message(format!("{text:?} is not a URL")))
}

/// The value of a Host header. Quote it in shell commands; it cannot contain quotes.
fn host_header(text: &str, _: Kwargs, _: &State) -> TeraResult<Value> {
    let harmless = |b: u8| b.is_ascii_alphanumeric() || b".:-[]".contains(&b);
    if !text.is_empty() && text.bytes().all(harmless) {
        return Ok(safe(text));
    }
    Err(Error::message(format!("{text:?} is not a Host header")))
}

/// A quoted string of nginx.conf. Quotes and backslashes are escaped. `$` is an error, because nginx
/// expands variables in quotes and has no escape for it.
fn nginx(text: &str, _: Kwargs, _: &State) -> TeraResult<Value> {
    if text.contains('$') || text.chars().any(char::is_control) {
        return Err(Error::message(format!(
            "{text:?} cannot be written in nginx.conf"
        )));
    }
    Ok(safe(&format!(
        "\"{}\"",
        text.replace('\\', "\\\\").replace('"', "\\\"")
    )))
}

/// A string of haproxy.cfg in single quotes. Only the quote is special in them (configuration.txt,
/// 2.2).
fn haproxy(text: &str, _: Kwargs, _: &State) -> TeraResult<Value> {
    if text.chars().any(char::is_control) {
        return Err(Error::message(format!(
            "{text:?} cannot be written in haproxy.cfg"
        )));
    }
    Ok(safe(&format!("'{}'", text.replace('\'', "'\\''"))))
}

/// A raw line from the topology (`raw`), printed unchanged. Line breaks are an error.
fn verbatim(text: &str, _: Kwargs, _: &State) -> TeraResult<Value> {
    if text.chars().any(char::is_control) {
        return Err(Error::message(format!(
            "{text:?} contains control characters: expected one line"
        )));
    }
    Ok(safe(text))
}

/// A quoted word of a unit file (systemd.syntax(7), "Quoting"). `%` is doubled, because it starts a
/// specifier (systemd.unit(5)).
fn unit_word(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '%' => quoted.push_str("%%"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Placeholder for the port of an instance, in arguments and variables.
const PORT: &str = "{port}";

/// Replaces the placeholder with the filter's argument `port`, a number or a specifier.
fn with_port(word: &str, kwargs: &Kwargs) -> TeraResult<Value> {
    let port = kwargs.must_get::<Value>("port")?.to_string();
    Ok(safe(&word.replace(PORT, &port)))
}

/// A word of a unit file, as in `Environment=`.
#[expect(clippy::needless_pass_by_value, reason = "signature of a tera filter")]
fn unit(text: &str, kwargs: Kwargs, _: &State) -> TeraResult<Value> {
    with_port(&unit_word(text), &kwargs)
}

/// An argument of `ExecStart=`. `$` is doubled, because it starts a variable (systemd.service(5),
/// "Command lines").
#[expect(clippy::needless_pass_by_value, reason = "signature of a tera filter")]
fn exec(text: &str, kwargs: Kwargs, _: &State) -> TeraResult<Value> {
    with_port(&unit_word(text).replace('$', "$$"), &kwargs)
}

/// Any value as JSON on one line, which is valid YAML. A string with template syntax of Ansible is
/// marked `!unsafe`.
fn yaml(value: &Value, _: Kwargs, _: &State) -> TeraResult<Value> {
    let json = serde_json::to_value(value).map_err(Error::message)?;
    let mut text = String::new();
    write_yaml(&json, &mut text);
    Ok(safe(&text))
}

/// Any value as JSON, indented by two spaces.
fn json(value: &Value, _: Kwargs, _: &State) -> TeraResult<Value> {
    let json: Json = serde_json::to_value(value).map_err(Error::message)?;
    let text = serde_json::to_string_pretty(&json).map_err(Error::message)?;
    Ok(safe(&text))
}

fn write_yaml(value: &Json, out: &mut String) {
    match value {
        Json::String(text) => write_yaml_string(text, out),
        Json::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_yaml(item, out);
            }
            out.push(']');
        }
        Json::Object(entries) => {
            out.push('{');
            for (index, (key, item)) in entries.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_yaml_string(key, out);
                out.push_str(": ");
                write_yaml(item, out);
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}

fn write_yaml_string(text: &str, out: &mut String) {
    if ["{{", "{%", "{#"]
        .iter()
        .any(|opening| text.contains(opening))
    {
        out.push_str("!unsafe ");
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            ' '..='~' => out.push(c),
            // JSON escapes it as a surrogate pair, which YAML parsers do not combine.
            c if u32::from(c) > 0xFFFF => out.push(c),
            // Writing to a String cannot fail.
            c => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
        }
    }
    out.push('"');
}

/// A Ruby string in single quotes. Quotes and backslashes are escaped.
fn ruby(text: &str, _: Kwargs, _: &State) -> Value {
    safe(&format!(
        "'{}'",
        text.replace('\\', "\\\\").replace('\'', "\\'")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_rejects_special_characters() {
        for text in [
            " ", "\n", ";", "{", "}", "%", "$", "\"", "'", "\\", "#", "é", "*", "[", "\u{202e}",
        ] {
            assert!(plain(text, &mut Vec::new()).is_err(), "{text:?}");
        }
        let mut out = Vec::new();
        plain("/opt/a-b_c@1:2,3+4=5.6", &mut out).expect("is harmless");
        assert_eq!(out, b"/opt/a-b_c@1:2,3+4=5.6");
    }

    #[test]
    fn only_the_port_placeholder_is_expanded_in_arguments() {
        let mut tera = Tera::default();
        register(&mut tera, &["unit".to_owned()]).expect("is a language");
        let line = r#"{{ arg | exec(port="%i") }} {{ arg | unit(port=8081) }}"#;
        tera.add_raw_template("line", line).expect("is a template");
        let mut context = tera::Context::new();
        context.insert("arg", "--port={port} %i $PORT {other}");
        let printed = tera.render("line", &context).expect("renders");
        let exec = r#""--port=%i %%i $$PORT {other}""#;
        let unit = r#""--port=8081 %%i $PORT {other}""#;
        assert_eq!(printed, format!("{exec} {unit}"));
    }

    #[test]
    fn yaml_strings_are_parsed_as_one_value() {
        let mut text = String::new();
        write_yaml_string("no\n\"\\\u{85}\u{2028}😀", &mut text);
        assert_eq!(text, "\"no\\u000a\\\"\\\\\\u0085\\u2028😀\"");
        let read: String = serde_yaml::from_str(&text).expect("is YAML");
        assert_eq!(read, "no\n\"\\\u{85}\u{2028}😀");
    }
}
