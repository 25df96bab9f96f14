//! An HTTP/1.1 client with a keepalive connection. It never retries.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::process::TIMEOUT;

/// A complete response.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    head: Vec<String>,
    pub(crate) body: String,
}

impl Response {
    /// Returns the value of a header, by its case-insensitive name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Whether the response has `Connection: close`.
    pub(crate) fn closes(&self) -> bool {
        self.header("connection") == Some("close")
    }

    /// Parses the body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// Returns the sum of the counts of a tally.
    pub(crate) fn sum(&self) -> u64 {
        let tally = self.json();
        let counts = tally.as_object().expect("an object").values();
        counts.map(|count| count.as_u64().expect("a count")).sum()
    }
}

/// A connection to the server.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Opens a connection.
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let stream = BufReader::new(stream);
        Ok(Self { stream })
    }

    /// Sends raw bytes.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Sends a GET request.
    pub(crate) fn get(&mut self, path: &str) -> io::Result<Response> {
        self.request("GET", path, "")
    }

    /// Sends a request with any method and additional header lines.
    pub(crate) fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
    ) -> io::Result<Response> {
        self.send(format!("{method} {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n").as_bytes())?;
        self.read_response(method)
    }

    /// Sends a POST request. Head and body are separate writes, so that the
    /// connection can close between them.
    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> io::Result<Response> {
        let size = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {size}\r\n\r\n");
        self.send(head.as_bytes())?;
        self.send(body)?;
        self.read_response("POST")
    }

    /// Reads a complete response.
    pub(crate) fn read_response(&mut self, method: &str) -> io::Result<Response> {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match line.trim_end() {
                "" => break,
                line => head.push(line.to_owned()),
            }
        }
        let status = head[0].split(' ').nth(1).and_then(|text| text.parse().ok());
        let mut response = Response {
            status: status.ok_or(io::ErrorKind::InvalidData)?,
            head,
            body: String::new(),
        };
        let size = response.header("content-length").unwrap_or("0");
        let size: usize = size.parse().map_err(|_| io::ErrorKind::InvalidData)?;
        if method != "HEAD" {
            let mut body = vec![0; size];
            self.stream.read_exact(&mut body)?;
            response.body = String::from_utf8(body).map_err(|_| io::ErrorKind::InvalidData)?;
        }
        Ok(response)
    }

    /// Waits until the server closes the connection.
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => true,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }
}

/// Sends a GET request on a new connection.
pub(crate) fn get(address: SocketAddr, path: &str) -> Response {
    let mut client = Client::connect(address).expect("a connection");
    client.get(path).expect("a response")
}
