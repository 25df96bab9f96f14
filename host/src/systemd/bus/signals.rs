//! Signals of systemd.

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::Poll;

use futures_core::Stream as _;
use zbus::{Connection, MatchRule, MessageStream, OwnedObjectPath, message};

use super::Bus;
use super::call::{BUS_NAME, MANAGER, MANAGER_PATH, Method, retry};
use super::error::CallError;

/// Signals in the queue, which are of the jobs of all units. If it is full, replies are not received either.
const MAX_QUEUED: NonZeroUsize = NonZeroUsize::new(1024).expect("it is not zero");

/// A signal that a job was removed from the queue.
pub(super) struct RemovedJob {
    /// Object path.
    pub(super) path: String,
    /// `done`, or why it was not done.
    pub(super) result: String,
}

/// Signals of removed jobs.
pub(super) struct Signals {
    /// The connection that receives them.
    pub(super) connection: Connection,
    stream: MessageStream,
    /// Whether the connection is closed.
    pub(super) is_closed: bool,
}

impl Signals {
    /// The next removed job; `None` if the connection is closed.
    pub(super) async fn next(&mut self) -> Option<RemovedJob> {
        let message = poll_fn(|context| Pin::new(&mut self.stream).poll_next(context));
        let removed = message.await.and_then(Result::ok);
        self.is_closed = removed.is_none();
        removed.map(|message| removed_job(&message))
    }

    /// The next one of those that were received.
    pub(super) async fn next_received(&mut self) -> Option<RemovedJob> {
        let next = poll_fn(|context| {
            Poll::Ready(match Pin::new(&mut self.stream).poll_next(context) {
                Poll::Ready(Some(Ok(message))) => Some(message),
                Poll::Ready(Some(Err(_)) | None) | Poll::Pending => None,
            })
        });
        next.await.map(|message| removed_job(&message))
    }
}

/// The job of a signal. One without content is the job of no request.
fn removed_job(message: &message::Message) -> RemovedJob {
    // Job ID, object path, unit, result.
    let content = message.body().deserialize();
    let (_, path, _, result): (u32, OwnedObjectPath, String, String) = content.unwrap_or_default();
    RemovedJob {
        path: path.to_string(),
        result,
    }
}

impl Bus {
    /// Has systemd send signals, which it does not for clients that have not requested them.
    pub(super) async fn subscribe(&self) -> Result<Signals, CallError> {
        retry(|| async {
            let connection = self.connect().await?;
            let stream = match_removed_jobs(&connection).await;
            let stream = stream.map_err(|e| CallError::new("match JobRemoved", e.into()))?;
            // Each time: some versions of systemd forget it when all units are read again.
            let method = Method::manager("Subscribe");
            match self.call(&connection, method, &()).await {
                Err(error) if !error.is_already_subscribed() => Err(error),
                _ => Ok(Signals {
                    connection,
                    stream,
                    is_closed: false,
                }),
            }
        })
        .await
    }
}

async fn match_removed_jobs(connection: &Connection) -> zbus::Result<MessageStream> {
    let rule = MatchRule::builder()
        .msg_type(message::Type::Signal)
        .sender(BUS_NAME)
        .path(MANAGER_PATH)
        .interface(MANAGER)
        .member("JobRemoved")
        .build()?;
    MessageStream::for_match_rule(rule, connection, Some(MAX_QUEUED)).await
}
