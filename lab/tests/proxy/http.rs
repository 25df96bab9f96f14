//! Reading of an HTTP/1.1 response from a stream.

use std::io::{BufRead, Read as _};

use crate::failure::{CheckResult, Context as _, Failure, ensure};

/// A response.
#[derive(Debug, Default)]
pub(crate) struct Response {
    /// `1.1`, or `2` as curl reports it.
    pub(crate) version: String,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Statuses of the interim responses before it.
    pub(crate) interim: Vec<u16>,
}

/// How the length of the body is determined (RFC 9112, section 6.3).
enum Framing {
    Empty,
    Sized(u64),
    Chunked,
    UntilClose,
}

impl Response {
    /// Reads the head of the final response.
    pub(crate) fn read_head(stream: &mut impl BufRead) -> CheckResult<Self> {
        let mut interim = Vec::new();
        loop {
            let mut response = Self::read_one_head(stream)?;
            if !(100..200).contains(&response.status) || response.status == 101 {
                response.interim = interim;
                return Ok(response);
            }
            interim.push(response.status);
        }
    }

    fn read_one_head(stream: &mut impl BufRead) -> CheckResult<Self> {
        let first = line(stream)?;
        let unreadable = || Failure::from(format!("this is not a status line: {first:?}"));
        let mut fields = first
            .strip_prefix("HTTP/")
            .ok_or_else(unreadable)?
            .split(' ');
        let version = fields.next().unwrap_or_default().to_owned();
        let status = fields.next().and_then(|digits| digits.parse().ok());
        let status = status.ok_or_else(unreadable)?;
        let mut headers = Vec::new();
        loop {
            let text = line(stream)?;
            if text.is_empty() {
                break;
            }
            let (name, value) = text
                .split_once(':')
                .ok_or_else(|| Failure::from(format!("this is not a header: {text:?}")))?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        Ok(Self {
            version,
            status,
            headers,
            ..Self::default()
        })
    }

    /// Reads the body of a response to `method`.
    pub(crate) fn read_body(&mut self, stream: &mut impl BufRead, method: &str) -> CheckResult {
        match self.framing(method)? {
            Framing::Empty => {}
            Framing::Sized(size) => {
                stream.take(size).read_to_end(&mut self.body)?;
                let read = self.body.len() as u64;
                ensure!(read == size, "the body has {read} of {size} bytes");
            }
            Framing::Chunked => while self.read_chunk(stream)? {},
            Framing::UntilClose => {
                stream.read_to_end(&mut self.body)?;
            }
        }
        Ok(())
    }

    /// Reads one chunk; false after the last.
    pub(crate) fn read_chunk(&mut self, stream: &mut impl BufRead) -> CheckResult<bool> {
        let text = line(stream)?;
        let digits = text.split(';').next().unwrap_or_default().trim();
        let size =
            u64::from_str_radix(digits, 16).context(format!("reading the chunk size {text:?}"))?;
        stream.take(size).read_to_end(&mut self.body)?;
        ensure!(
            line(stream)?.is_empty(),
            "a chunk does not end where it should"
        );
        Ok(size > 0)
    }

    fn framing(&self, method: &str) -> CheckResult<Framing> {
        if method == "HEAD" || self.status == 204 || self.status == 304 {
            return Ok(Framing::Empty);
        }
        if self.is_chunked() {
            return Ok(Framing::Chunked);
        }
        match self.header("content-length") {
            Some(size) => Ok(Framing::Sized(
                size.parse().context("reading Content-Length")?,
            )),
            None => Ok(Framing::UntilClose),
        }
    }

    pub(crate) fn is_chunked(&self) -> bool {
        self.header("transfer-encoding").is_some()
    }

    /// The first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// The values of a header, one per header line.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Fails unless there is exactly one header of this name, with this value.
    pub(crate) fn expect_header(&self, name: &str, value: &str) -> CheckResult {
        let all = self.all(name);
        ensure!(all == [value], "{name} is {all:?}, not {value:?} once");
        Ok(())
    }

    /// Fails unless the status is `status`.
    pub(crate) fn expect(self, status: u16) -> CheckResult<Self> {
        ensure!(
            self.status == status,
            "the status is {}, not {status}: {}",
            self.status,
            self.text().chars().take(200).collect::<String>()
        );
        Ok(self)
    }

    /// The request as the application received it, from the body of its response.
    pub(crate) fn echoed(&self) -> CheckResult<Received> {
        serde_json::from_slice(&self.body).context(format!(
            "reading the echo of a response {} {:?}",
            self.status,
            self.text().chars().take(200).collect::<String>()
        ))
    }
}

/// A request as an application received it.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Received {
    pub(crate) port: u16,
    pub(crate) method: String,
    pub(crate) url: String,
    /// Names and values in turn, as they arrived.
    headers: Vec<String>,
    /// Bytes of the body.
    #[serde(default)]
    pub(crate) length: u64,
}

impl Received {
    /// The values of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers
            .chunks(2)
            .filter(|pair| pair[0].eq_ignore_ascii_case(name))
            .filter_map(|pair| pair.get(1))
            .map(String::as_str)
            .collect()
    }
}

/// A line without its line end.
fn line(stream: &mut impl BufRead) -> CheckResult<String> {
    let mut bytes = Vec::new();
    stream
        .read_until(b'\n', &mut bytes)
        .context("reading a response")?;
    ensure!(
        bytes.ends_with(b"\n"),
        "the connection closed {}",
        if bytes.is_empty() {
            "before a response"
        } else {
            "within a response"
        }
    );
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
