//! A client connection to a proxy, with control of each byte.

use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::failure::{CheckResult, Context as _, ensure};
use crate::http::Response;

/// Default timeout of a read or write.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// Address of the proxy in most setups.
pub(crate) const PROXY: &str = "127.0.0.1:80";

/// A connection.
pub(crate) struct Client {
    pub(crate) stream: BufReader<TcpStream>,
}

impl Client {
    /// A connection to the proxy.
    pub(crate) fn connect() -> CheckResult<Self> {
        Self::connect_to(PROXY)
    }

    pub(crate) fn connect_to(address: &str) -> CheckResult<Self> {
        let stream = TcpStream::connect(address).context(format!("connecting to {address}"))?;
        Self::over(stream)
    }

    /// A connection to the proxy from another source address.
    pub(crate) fn connect_from(source: &str) -> CheckResult<Self> {
        let source: SocketAddr = format!("{source}:0")
            .parse()
            .context("reading an address")?;
        let socket = Socket::new(Domain::for_address(source), Type::STREAM, None)?;
        socket.bind(&source.into())?;
        let proxy: SocketAddr = PROXY.parse().context("reading an address")?;
        socket.connect(&proxy.into())?;
        Self::over(socket.into())
    }

    /// A connection with a receive buffer of 16 KiB, so that most of a response waits in the proxy.
    pub(crate) fn connect_small_buffer() -> CheckResult<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_recv_buffer_size(16 * 1024)?;
        let proxy: SocketAddr = PROXY.parse().context("reading an address")?;
        socket.connect(&proxy.into())?;
        Self::over(socket.into())
    }

    fn over(stream: TcpStream) -> CheckResult<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(READ_TIMEOUT))?;
        stream.set_write_timeout(Some(READ_TIMEOUT))?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Sets the timeout of each read.
    pub(crate) fn with_read_timeout(self, seconds: u64) -> CheckResult<Self> {
        let limit = Some(Duration::from_secs(seconds));
        self.stream.get_ref().set_read_timeout(limit)?;
        Ok(self)
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> CheckResult {
        let sent = self.stream.get_mut().write_all(bytes.as_ref());
        sent.context("sending a request")
    }

    /// Reads the next response.
    pub(crate) fn response(&mut self, method: &str) -> CheckResult<Response> {
        let mut response = Response::read_head(&mut self.stream)?;
        response.read_body(&mut self.stream, method)?;
        Ok(response)
    }

    /// Reads the head of the next response.
    pub(crate) fn head(&mut self) -> CheckResult<Response> {
        Response::read_head(&mut self.stream)
    }

    /// Sends a request and reads its response. A failed send is not an error if there is a
    /// response: a proxy can respond and close before it has read the request.
    pub(crate) fn fetch(&mut self, request: impl AsRef<[u8]>) -> CheckResult<Response> {
        let request = request.as_ref();
        let sent = self.send(request);
        let method = request
            .split(|byte| *byte == b' ')
            .next()
            .unwrap_or_default();
        let response = self.response(&String::from_utf8_lossy(method));
        match (response, sent) {
            (Ok(response), _) => Ok(response),
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
pub(crate) fn fetch(request: impl AsRef<[u8]>) -> CheckResult<Response> {
    Client::connect()?.fetch(request)
}

/// The response to a GET.
pub(crate) fn get(url: &str) -> CheckResult<Response> {
    fetch(request("GET", url, ""))
}

/// The response to a GET with further headers.
pub(crate) fn get_with(url: &str, headers: &str) -> CheckResult<Response> {
    fetch(request("GET", url, headers))
}

/// The response to a request with a body.
pub(crate) fn send(method: &str, url: &str, body: &[u8]) -> CheckResult<Response> {
    let length = format!("Content-Length: {}\r\n", body.len());
    let mut bytes = request(method, url, &length).into_bytes();
    bytes.extend_from_slice(body);
    fetch(bytes)
}

/// The response to a request of curl.
pub(crate) fn curl(arguments: &[&str]) -> CheckResult<Response> {
    let mut command = Command::new("curl");
    command
        .args(["-sSik", "--max-time", "20", "--path-as-is"])
        .args(arguments);
    let output = command
        .stdin(Stdio::null())
        .output()
        .context("starting curl")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "curl failed: {}", errors.trim());
    let mut bytes = &output.stdout[..];
    let mut response = Response::read_head(&mut bytes)?;
    response.body = bytes.to_vec();
    Ok(response)
}
