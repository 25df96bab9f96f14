//! The ping that means something: sent only after the runtime has run a task
//! and the process has answered itself through its own routes.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Empty;
use hyper::Request;
use tokio::time::{MissedTickBehavior, interval};

use crate::notify::Supervisor;
use crate::routes::{Bodiless, Route, Routes};

/// Tells the supervisor `alive` each `period`, as long as that is true.
pub(crate) async fn ping(supervisor: Arc<Supervisor>, routes: &'static Routes, period: Duration) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A task of its own: a runtime that starts no more tasks is stuck.
        let answer = tokio::spawn(async { routes.answer(Route::of("/health"), health()) });
        if let Ok(response) = answer.await
            && response.status().is_success()
        {
            supervisor.alive();
        }
    }
}

fn health() -> Bodiless {
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = hyper::Uri::from_static("/health");
    request
}
