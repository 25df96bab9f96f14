//! An answer of a service, as curl shows it, and what may be expected of one.

use lab::{Error, Result};

use crate::install::sum;

/// What an answer must hold.
pub(crate) enum Expect {
    /// Status 200 and a tally of the 1,000 numbers that were asked for.
    Tally,
    /// Status 200 and these words in the body.
    Says(&'static str),
    /// This header, its name in small letters.
    Header(&'static str),
    /// This status.
    Status(u16),
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Reply {
    status: u16,
    /// Name and value of each, the name in small letters.
    headers: Vec<String>,
    body: String,
}

impl Reply {
    /// Reads what `curl --include` printed.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok())
            .ok_or_else(|| Error::Unreadable {
                what: "an answer".to_owned(),
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

    /// What is missing from what was expected, if anything.
    pub(crate) fn lacks(&self, expect: &Expect) -> Option<String> {
        let is_fine = self.status == 200;
        let (holds, wanted) = match expect {
            Expect::Tally => {
                let holds = is_fine && sum(&self.body).is_ok_and(|sum| sum == 1_000);
                (holds, "a tally of 1,000 numbers".to_owned())
            }
            Expect::Says(words) => (is_fine && self.body.contains(words), format!("`{words}`")),
            Expect::Header(line) => {
                let holds = self.headers.iter().any(|header| header == line);
                (holds, format!("header `{line}`"))
            }
            Expect::Status(status) => (self.status == *status, format!("status {status}")),
        };
        (!holds).then_some(wanted)
    }
}
