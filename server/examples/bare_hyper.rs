//! A reference for the benchmark: hyper without a framework, returning a constant
//! body with the headers of the server.
//!
//! `bare_hyper ADDRESS FILE` responds to each request with the content of FILE.

use std::convert::Infallible;
use std::io;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, VARY};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().ok_or(io::ErrorKind::InvalidInput);
    let listener = TcpListener::bind(argument()?).await?;
    let body = Bytes::from(std::fs::read(argument()?)?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let body = body.clone();
        let service = service_fn(move |_: Request<Incoming>| {
            let body = body.clone();
            async move { Ok::<_, Infallible>(response(body)) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

fn response(body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(VARY, HeaderValue::from_static("accept"));
    let served_by = HeaderName::from_static("x-served-by");
    headers.insert(served_by, HeaderValue::from_static("fork-12345"));
    response
}
