//! A response as curl prints it, and the expectations that it can meet.

use lab::{Error, Result};

use crate::install::sum;

/// An expectation of a response.
pub(crate) enum Expect {
    /// Status 200, and a tally of 1,000 numbers.
    Tally,
    /// Status 200, and a body that contains this text.
    BodyContains(&'static str),
    /// This header line, with the name in lower case.
    Header(&'static str),
    /// This status.
    Status(u16),
}

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    status: u16,
    /// Header lines, with the names in lower case.
    headers: Vec<String>,
    body: String,
}

impl Response {
    /// Parses the output of `curl --include`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok())
            .ok_or_else(|| Error::Invalid {
                what: "invalid response".to_owned(),
                text: text.to_owned(),
            })?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| format!("{}: {}", name.to_lowercase(), value.trim()))
            .collect();
        Ok(Self {
            status,
            headers,
            body: body.to_owned(),
        })
    }

    /// The expectation as text, unless the response meets it.
    pub(crate) fn missing(&self, expect: &Expect) -> Option<String> {
        let is_ok = self.status == 200;
        let (is_met, expected) = match expect {
            Expect::Tally => {
                let is_met = is_ok && sum(&self.body).is_ok_and(|sum| sum == 1_000);
                (is_met, "a tally of 1,000 numbers".to_owned())
            }
            Expect::BodyContains(text) => (is_ok && self.body.contains(text), format!("`{text}`")),
            Expect::Header(line) => {
                let is_met = self.headers.iter().any(|header| header == line);
                (is_met, format!("header `{line}`"))
            }
            Expect::Status(status) => (self.status == *status, format!("status {status}")),
        };
        (!is_met).then_some(expected)
    }
}
