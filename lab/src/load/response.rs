//! Parsing of an HTTP/1.1 response, and the check of its body.

use std::collections::BTreeMap;

use super::Failure;

/// The head of a response, reduced to what the client needs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Bytes up to and including the blank line.
    pub(super) length: usize,
    pub(super) body: Body,
    /// The server closes the connection after this response.
    pub(super) closes: bool,
    /// The instance that responded: header `x-served-by`.
    pub(super) instance: Option<String>,
}

/// How the length of the body is determined (RFC 9112, section 6.3).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Body {
    /// `Content-Length`.
    Sized(usize),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// Neither: the end of the connection ends the body.
    #[default]
    UntilClose,
}

/// Parses the head at the start of `bytes`; `None` while it is incomplete.
pub(super) fn head(bytes: &[u8]) -> Result<Option<Head>, Failure> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| Failure::Malformed)?;
    let mut lines = text.split("\r\n");
    let mut head = Head {
        status: status(lines.next().unwrap_or_default())?,
        length: end + 4,
        ..Head::default()
    };
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(Failure::Malformed)?;
        field(&mut head, &name.to_ascii_lowercase(), value.trim())?;
    }
    Ok(Some(head))
}

fn status(line: &str) -> Result<u16, Failure> {
    line.strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5))
        .and_then(|digits| digits.parse().ok())
        .ok_or(Failure::Malformed)
}

fn field(head: &mut Head, name: &str, value: &str) -> Result<(), Failure> {
    match name {
        "content-length" => {
            head.body = Body::Sized(value.parse().map_err(|_| Failure::Malformed)?);
        }
        "transfer-encoding" => head.body = Body::Chunked,
        "connection" => head.closes = value.eq_ignore_ascii_case("close"),
        "x-served-by" => head.instance = Some(value.to_owned()),
        _ => {}
    }
    Ok(())
}

/// Decodes a chunked body; `None` until the last chunk has arrived. Returns the body and its
/// encoded length in bytes.
pub(super) fn dechunk(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Failure> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let Some(line) = bytes[at..].windows(2).position(|two| two == b"\r\n") else {
            return Ok(None);
        };
        let size = chunk_size(&bytes[at..at + line])?;
        let start = at + line + 2;
        if bytes.len() < start + size + 2 {
            return Ok(None);
        }
        body.extend_from_slice(&bytes[start..start + size]);
        at = start + size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
}

fn chunk_size(line: &[u8]) -> Result<usize, Failure> {
    let digits = std::str::from_utf8(line).map_err(|_| Failure::Malformed)?;
    let digits = digits.split(';').next().unwrap_or_default().trim();
    usize::from_str_radix(digits, 16).map_err(|_| Failure::Malformed)
}

/// Whether `body` is a tally: a JSON object with keys from 1 to 1000 and values that sum to `cant`.
pub(super) fn is_tally(body: &[u8], cant: u64) -> bool {
    let Ok(tally) = serde_json::from_slice::<BTreeMap<String, u64>>(body) else {
        return false;
    };
    let in_range = |key: &String| key.parse::<u32>().is_ok_and(|n| (1..=1_000).contains(&n));
    tally.keys().all(in_range) && tally.values().sum::<u64>() == cant
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_parsed_once_it_is_complete() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Served-By: spread@8082\r\nConnection: close\r\n\r\nhello";
        assert_eq!(head(&text[..40]).unwrap(), None);
        let read = head(text).unwrap().unwrap();
        assert_eq!((read.status, read.length), (200, text.len() - 5));
        assert_eq!(read.body, Body::Sized(5));
        assert!(read.closes);
        assert_eq!(read.instance.as_deref(), Some("spread@8082"));
    }

    #[test]
    fn another_protocol_is_malformed() {
        assert_eq!(head(b"SSH-2.0-OpenSSH\r\n\r\n"), Err(Failure::Malformed));
    }

    #[test]
    fn chunks_are_joined_up_to_the_last_chunk() {
        let text = b"4\r\n{\"1\"\r\n3;x=y\r\n:1}\r\n0\r\n\r\nHTTP";
        let (body, used) = dechunk(text).unwrap().unwrap();
        assert_eq!(body, b"{\"1\":1}");
        assert_eq!(used, text.len() - 4);
        assert_eq!(dechunk(&text[..12]).unwrap(), None);
    }

    #[test]
    fn a_tally_sums_to_the_count() {
        assert!(is_tally(br#"{"1":2,"1000":3}"#, 5));
        for wrong in [
            r#"{"1":2}"#,
            r#"{"0":5}"#,
            r#"{"1001":5}"#,
            "",
            "{}",
            "<html>",
            r#"{"1":"5"}"#,
        ] {
            assert!(!is_tally(wrong.as_bytes(), 5), "{wrong}");
        }
    }
}
