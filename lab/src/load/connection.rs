//! One kept-alive connection: a request goes out, its whole answer comes back.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::answer::{self, Body, Head};
use super::{Failure, Target};

/// A connection between two requests: nothing unread is left on it.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

/// A complete answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    pub(super) served_by: Option<String>,
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

    /// Whether the server has closed it while it was idle. A client that looks
    /// first opens another one, and no request is harmed.
    pub(super) fn is_closed(&self) -> bool {
        let mut byte = [0];
        !matches!(self.stream.try_read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    pub(super) async fn ask(&mut self, request: &[u8]) -> Result<Answer, Failure> {
        // A server may answer and close while we still write: its answer counts.
        let written = self.stream.write_all(request).await;
        let head = match (self.head().await, written) {
            (Ok(head), _) => head,
            (Err(Failure::Cut), Err(error)) => return Err(error.into()),
            (Err(failure), _) => return Err(failure),
        };
        let body = self.body(&head).await?;
        Ok(Answer {
            status: head.status,
            body,
            closes: head.closes || head.body == Body::UntilClose,
            served_by: head.served_by,
        })
    }

    async fn head(&mut self) -> Result<Head, Failure> {
        loop {
            if let Some(head) = answer::head(&self.read)? {
                self.read.drain(..head.length);
                return Ok(head);
            }
            if self.more().await? == 0 {
                return Err(if self.read.is_empty() {
                    Failure::Cut
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
                    if let Some((body, used)) = answer::dechunk(&self.read)? {
                        self.read.drain(..used);
                        return Ok(body);
                    }
                }
                _ => {}
            }
            if self.more().await? == 0 {
                return match head.body {
                    Body::UntilClose => Ok(std::mem::take(&mut self.read)),
                    _ => Err(Failure::Truncated),
                };
            }
        }
    }

    async fn more(&mut self) -> Result<usize, Failure> {
        Ok(self.stream.read_buf(&mut self.read).await?)
    }
}
