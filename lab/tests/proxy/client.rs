//! A client's connection to a proxy, byte by byte.

use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::failure::{Checked, Context as _, ensure};
use crate::http::Answer;

/// Longest wait for a piece of an answer, unless a case says otherwise.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where proxies of setups listen.
pub(crate) const PROXY: &str = "127.0.0.1:80";

/// A connection.
pub(crate) struct Client {
    pub(crate) stream: BufReader<TcpStream>,
}

impl Client {
    /// A connection to the proxy.
    pub(crate) fn connect() -> Checked<Self> {
        Self::connect_to(PROXY)
    }

    pub(crate) fn connect_to(address: &str) -> Checked<Self> {
        let stream = TcpStream::connect(address).doing(format!("connecting to {address}"))?;
        Self::over(stream)
    }

    /// A connection to the proxy from another address of this host.
    pub(crate) fn connect_from(source: &str) -> Checked<Self> {
        let source: SocketAddr = format!("{source}:0").parse().doing("reading an address")?;
        let socket = Socket::new(Domain::for_address(source), Type::STREAM, None)?;
        socket.bind(&source.into())?;
        let proxy: SocketAddr = PROXY.parse().doing("reading an address")?;
        socket.connect(&proxy.into())?;
        Self::over(socket.into())
    }

    /// A connection whose kernel buffer takes in little of an answer before the client reads it.
    pub(crate) fn connect_narrow() -> Checked<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_recv_buffer_size(16 * 1024)?;
        let proxy: SocketAddr = PROXY.parse().doing("reading an address")?;
        socket.connect(&proxy.into())?;
        Self::over(socket.into())
    }

    fn over(stream: TcpStream) -> Checked<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Another limit for each read.
    pub(crate) fn patient(self, seconds: u64) -> Checked<Self> {
        let limit = Some(Duration::from_secs(seconds));
        self.stream.get_ref().set_read_timeout(limit)?;
        Ok(self)
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> Checked {
        let sent = self.stream.get_mut().write_all(bytes.as_ref());
        sent.doing("sending a request")
    }

    /// The next answer, whole.
    pub(crate) fn answer(&mut self, method: &str) -> Checked<Answer> {
        let mut answer = Answer::read_head(&mut self.stream)?;
        answer.read_body(&mut self.stream, method)?;
        Ok(answer)
    }

    /// The head of the next answer.
    pub(crate) fn head(&mut self) -> Checked<Answer> {
        Answer::read_head(&mut self.stream)
    }

    /// Sends a request whole and reads its answer. What cannot be sent any more since the proxy
    /// answered early is not an error: the response decides.
    pub(crate) fn ask(&mut self, request: impl AsRef<[u8]>) -> Checked<Answer> {
        let request = request.as_ref();
        let sent = self.send(request);
        let method = request
            .split(|byte| *byte == b' ')
            .next()
            .unwrap_or_default();
        let answer = self.answer(&String::from_utf8_lossy(method));
        match (answer, sent) {
            (Ok(answer), _) => Ok(answer),
            (Err(error), Ok(())) => Err(error),
            (Err(error), Err(sent)) => Err(format!("{error}; {sent}").into()),
        }
    }
}

/// A request head for `example.org`; `headers` are lines with their line ends.
pub(crate) fn request(method: &str, url: &str, headers: &str) -> String {
    format!("{method} {url} HTTP/1.1\r\nHost: example.org\r\n{headers}\r\n")
}

/// The response to a request on a new connection.
pub(crate) fn ask(request: impl AsRef<[u8]>) -> Checked<Answer> {
    Client::connect()?.ask(request)
}

/// The answer to a GET.
pub(crate) fn get(url: &str) -> Checked<Answer> {
    ask(request("GET", url, ""))
}

/// The answer to a GET with more headers.
pub(crate) fn get_with(url: &str, headers: &str) -> Checked<Answer> {
    ask(request("GET", url, headers))
}

/// The answer to a request with a body.
pub(crate) fn send(method: &str, url: &str, body: &[u8]) -> Checked<Answer> {
    let length = format!("Content-Length: {}\r\n", body.len());
    let mut bytes = request(method, url, &length).into_bytes();
    bytes.extend_from_slice(body);
    ask(bytes)
}

/// What curl prints of the answer to its arguments: the head and the body, decoded as it was asked to.
pub(crate) fn curl(arguments: &[&str]) -> Checked<Answer> {
    let mut command = Command::new("curl");
    command
        .args(["-sSik", "--max-time", "20", "--path-as-is"])
        .args(arguments);
    let output = command
        .stdin(Stdio::null())
        .output()
        .doing("starting curl")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "curl failed: {}", said.trim());
    let mut bytes = &output.stdout[..];
    let mut answer = Answer::read_head(&mut bytes)?;
    answer.body = bytes.to_vec();
    Ok(answer)
}
