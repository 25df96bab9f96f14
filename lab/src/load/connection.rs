//! A keepalive connection: sends a request and reads the complete response.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::response::{self, Body, Head};
use super::{Failure, Target};

/// A connection without unread bytes between two requests.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

/// A complete response.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    pub(super) instance: Option<String>,
    pub(super) closes: bool,
}

impl Connection {
    pub(super) async fn open(target: &Target) -> Result<Self, Failure> {
        let stream = TcpStream::connect(target.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            read: Vec::with_capacity(4096),
        })
    }

    /// Whether the server has closed the idle connection. A client that checks before it sends
    /// opens another connection, and no request fails.
    pub(super) fn is_closed(&self) -> bool {
        let mut byte = [0];
        !matches!(self.stream.try_read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    pub(super) async fn send(&mut self, request: &[u8]) -> Result<Response, Failure> {
        // A server can respond and close before it has read the request: the response counts.
        let written = self.stream.write_all(request).await;
        let head = match (self.head().await, written) {
            (Ok(head), _) => head,
            (Err(Failure::Closed), Err(error)) => return Err(error.into()),
            (Err(failure), _) => return Err(failure),
        };
        let body = self.body(&head).await?;
        Ok(Response {
            status: head.status,
            body,
            closes: head.closes || head.body == Body::UntilClose,
            instance: head.instance,
        })
    }

    async fn head(&mut self) -> Result<Head, Failure> {
        loop {
            if let Some(head) = response::head(&self.read)? {
                self.read.drain(..head.length);
                return Ok(head);
            }
            if self.read_more().await? == 0 {
                return Err(if self.read.is_empty() {
                    Failure::Closed
                } else {
                    Failure::Truncated
                });
            }
        }
    }

    async fn body(&mut self, head: &Head) -> Result<Vec<u8>, Failure> {
        loop {
            match head.body {
                Body::Sized(size) if self.read.len() >= size => {
                    return Ok(self.read.drain(..size).collect());
                }
                Body::Chunked => {
                    if let Some((body, used)) = response::dechunk(&self.read)? {
                        self.read.drain(..used);
                        return Ok(body);
                    }
                }
                _ => {}
            }
            if self.read_more().await? == 0 {
                return match head.body {
                    Body::UntilClose => Ok(std::mem::take(&mut self.read)),
                    _ => Err(Failure::Truncated),
                };
            }
        }
    }

    async fn read_more(&mut self) -> Result<usize, Failure> {
        Ok(self.stream.read_buf(&mut self.read).await?)
    }
}
