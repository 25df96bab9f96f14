//! Sends health checks.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response, header};
use hyper_util::rt::TokioIo;
use model::{Endpoint, HealthCheck};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// Most bytes of an unexpected response that are printed.
const EXCERPT_BYTES: usize = 200;

/// Why an instance did not pass a check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Failure {
    #[cfg(test)]
    pub(crate) fn new(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

/// Checks one instance.
pub(crate) trait Checker {
    /// Sends one request. An instance that gives no healthy response within `timeout` fails.
    fn check(
        &self,
        endpoint: &Endpoint,
        check: &HealthCheck,
        timeout: Duration,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Checks over HTTP/1.1, with one connection for each check.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpChecker;

impl Checker for HttpChecker {
    async fn check(
        &self,
        endpoint: &Endpoint,
        check: &HealthCheck,
        timeout: Duration,
    ) -> Result<(), Failure> {
        let result = match tokio::time::timeout(timeout, exchange(endpoint, check)).await {
            Ok(result) => result,
            Err(_) => Err(format!("no response within {} ms", timeout.as_millis())),
        };
        result.map_err(|reason| Failure(format!("GET {} at {endpoint}: {reason}", check.path)))
    }
}

async fn exchange(endpoint: &Endpoint, check: &HealthCheck) -> Result<(), String> {
    let response = match endpoint {
        Endpoint::Tcp(address) => send(TcpStream::connect(address).await, check).await?,
        Endpoint::Unix(path) => send(UnixStream::connect(path).await, check).await?,
    };
    let status = response.status();
    if check.status.contains(status.as_u16()) {
        return Ok(());
    }
    let excerpt = excerpt(response.into_body()).await;
    Err(format!(
        "{status} {excerpt:?}, expected {} for Host {}",
        check.status, check.host
    ))
}

/// The start of a response body.
async fn excerpt(mut body: Incoming) -> String {
    let frame = body.frame().await.and_then(Result::ok);
    let data = frame.and_then(|frame| frame.into_data().ok());
    let data = data.unwrap_or_default();
    let start = &data[..data.len().min(EXCERPT_BYTES)];
    String::from_utf8_lossy(start).trim().to_owned()
}

async fn send<S>(
    stream: std::io::Result<S>,
    check: &HealthCheck,
) -> Result<Response<Incoming>, String>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let stream = stream.map_err(|error| error.to_string())?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    let request = Request::get(&check.path)
        .header(header::HOST, &check.host)
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    // Ends with the response: `sender` and the body are its only users.
    tokio::spawn(connection);
    sender
        .send_request(request)
        .await
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, UnixListener};

    use super::*;

    fn check_of(status: &str) -> HealthCheck {
        HealthCheck {
            path: "/up?full=1".to_owned(),
            host: "shop.example.org".to_owned(),
            status: status.to_owned().try_into().unwrap(),
        }
    }

    /// Answers one request with `response`; returns the request.
    async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, response: &str) -> String {
        let mut stream = stream;
        let mut request = vec![0; 1024];
        let length = stream.read(&mut request).await.unwrap();
        stream.write_all(response.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    }

    async fn check_tcp(response: &'static str, status: &str) -> (Result<(), Failure>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::Tcp(listener.local_addr().unwrap());
        let served = async { serve(listener.accept().await.unwrap().0, response).await };
        let check = check_of(status);
        let checked = HttpChecker.check(&endpoint, &check, Duration::from_secs(5));
        tokio::join!(checked, served)
    }

    #[tokio::test]
    async fn the_request_has_the_path_and_the_host_header() {
        let ok = "HTTP/1.1 204 No Content\r\n\r\n";
        let (result, request) = check_tcp(ok, "200-299").await;
        assert_eq!(result, Ok(()));
        assert!(
            request.starts_with("GET /up?full=1 HTTP/1.1\r\n"),
            "{request}"
        );
        assert!(request.contains("host: shop.example.org\r\n"), "{request}");
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed_and_the_response_is_in_the_message() {
        let moved = "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 5\r\n\r\nlogin";
        let (result, _) = check_tcp(moved, "200-299").await;
        let message = result.unwrap_err().to_string();
        assert!(
            message.contains("302 Found \"login\", expected 200-299 for Host shop.example.org"),
            "{message}"
        );
        let (result, _) = check_tcp(moved, "200,302").await;
        assert_eq!(result, Ok(()));
    }

    #[tokio::test]
    async fn a_unix_socket_is_an_endpoint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let served = async {
            serve(
                listener.accept().await.unwrap().0,
                "HTTP/1.1 200 OK\r\n\r\n",
            )
            .await
        };
        let (check, endpoint) = (check_of("200"), Endpoint::Unix(path));
        let checked = HttpChecker.check(&endpoint, &check, Duration::from_secs(5));
        assert_eq!(tokio::join!(checked, served).0, Ok(()));
    }

    #[tokio::test]
    async fn an_instance_that_accepts_and_does_not_respond_fails_after_the_timeout() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::Tcp(listener.local_addr().unwrap());
        let check = check_of("200");
        let result = HttpChecker.check(&endpoint, &check, Duration::from_millis(20));
        let message = result.await.unwrap_err().to_string();
        assert!(message.ends_with("no response within 20 ms"), "{message}");
    }

    #[tokio::test]
    async fn a_closed_port_fails() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::Tcp(listener.local_addr().unwrap());
        drop(listener);
        let check = check_of("200");
        let result = HttpChecker.check(&endpoint, &check, Duration::from_secs(5));
        let message = result.await.unwrap_err().to_string();
        assert!(message.contains("onnection refused"), "{message}");
    }
}
