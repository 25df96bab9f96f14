//! Calls that fail.

use std::cell::Cell;

use zbus::fdo;

use super::*;
use crate::systemd::bus::error::Cause;

fn lost() -> CallError {
    CallError::new("GetAll", Cause::Lost("connection reset".to_owned()))
}

#[tokio::test(start_paused = true)]
async fn a_query_without_a_connection_is_sent_again() {
    let tries = Cell::new(0);
    let result = retry(|| {
        tries.set(tries.get() + 1);
        let result = if tries.get() < 3 { Err(lost()) } else { Ok(7) };
        async move { result }
    });
    assert_eq!(result.await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_query_that_keeps_failing_is_an_error() {
    let tries = Cell::new(0);
    let result = retry::<(), _>(|| {
        tries.set(tries.get() + 1);
        async { Err(lost()) }
    });
    let error = Error::from(result.await.unwrap_err());
    assert_eq!(error.to_string(), "systemd: GetAll: connection reset");
    assert_eq!(tries.get(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_error_reply_is_final() {
    let tries = Cell::new(0);
    let result = retry::<(), _>(|| {
        tries.set(tries.get() + 1);
        let cause = Cause::from(zbus::Error::from(fdo::Error::InvalidArgs("no".to_owned())));
        async { Err(CallError::new("LoadUnit", cause)) }
    });
    let error = Error::from(result.await.unwrap_err());
    assert_eq!(error.to_string(), "systemd: LoadUnit: no");
    assert_eq!(tries.get(), 1);
}

#[test]
fn a_bus_without_systemd_is_a_lost_connection() {
    let reply = zbus::Error::from(fdo::Error::NoReply("disconnected".to_owned()));
    assert!(CallError::new("GetAll", reply.into()).is_lost());
}
