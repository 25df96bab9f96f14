//! An HTTP/1.1 client that keeps its connection and hides nothing.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::process::PATIENCE;

/// An answer, whole.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: Vec<String>,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a header, by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Whether the server ends the connection with this answer.
    pub(crate) fn closes(&self) -> bool {
        self.header("connection") == Some("close")
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The sum of the values of a tally.
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
    /// Connects.
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let stream = BufReader::new(stream);
        Ok(Self { stream })
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Asks for a path.
    pub(crate) fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.ask("GET", path, "")
    }

    /// Asks with any method and more header lines.
    pub(crate) fn ask(&mut self, method: &str, path: &str, headers: &str) -> io::Result<Answer> {
        self.send(format!("{method} {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n").as_bytes())?;
        self.answer(method)
    }

    /// Posts a body. Head and body are two writes, so that an end between
    /// them is possible.
    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> io::Result<Answer> {
        let size = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {size}\r\n\r\n");
        self.send(head.as_bytes())?;
        self.send(body)?;
        self.answer("POST")
    }

    /// Reads an answer to the end.
    pub(crate) fn answer(&mut self, method: &str) -> io::Result<Answer> {
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
        let status = head[0].split(' ').nth(1).and_then(|word| word.parse().ok());
        let mut answer = Answer {
            status: status.ok_or(io::ErrorKind::InvalidData)?,
            head,
            body: String::new(),
        };
        let size = answer.header("content-length").unwrap_or("0");
        let size: usize = size.parse().map_err(|_| io::ErrorKind::InvalidData)?;
        if method != "HEAD" {
            let mut body = vec![0; size];
            self.stream.read_exact(&mut body)?;
            answer.body = String::from_utf8(body).map_err(|_| io::ErrorKind::InvalidData)?;
        }
        Ok(answer)
    }

    /// Waits until the server ends the connection.
    pub(crate) fn is_ended(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => true,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }
}

/// Asks for a path on a connection of its own.
pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    let mut client = Client::connect(address).expect("a connection");
    client.get(path).expect("an answer")
}
