//! One request: its body is read to the end, the routes answer, the answer is
//! counted and named.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, HeaderName, HeaderValue};
use hyper::{Request, StatusCode};

use crate::app::App;
use crate::connection::{Phase, Pulse};
use crate::routes::{Problem, Route, Routes};

/// Says which process answered.
const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");

/// The answer of a route.
pub(super) type Answer = warp::reply::Response;

/// Counts a request as in flight until dropped, finished or not.
struct InFlight(&'static App);

impl InFlight {
    fn begin(app: &'static App) -> Self {
        app.metrics.in_flight.fetch_add(1, Relaxed);
        Self(app)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.metrics.in_flight.fetch_sub(1, Relaxed);
    }
}

/// Answers one request.
pub(super) async fn answer(
    app: &'static App,
    routes: &Routes,
    pulse: &Pulse,
    request: Request<Incoming>,
) -> Answer {
    let started = Instant::now();
    let _in_flight = InFlight::begin(app);
    let route = Route::of(request.uri().path());
    pulse.enter(Phase::Body);
    let (head, body) = request.into_parts();
    let mut response = match read_to_end(body).await {
        Ok(()) => routes.answer(route, Request::from_parts(head, Empty::new())),
        Err(_) => Problem::new(StatusCode::BAD_REQUEST, "The body cannot be read.").response(),
    };
    let headers = response.headers_mut();
    headers.insert(SERVED_BY, app.identity.served_by.clone());
    if app.is_draining() {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    app.metrics
        .answered(route, response.status(), started.elapsed());
    pulse.enter(Phase::Answer);
    response
}

/// Reads a body and forgets it. Closing a socket that holds unread bytes
/// resets it and can destroy the answer on its way (RFC 9112, section 9.6).
/// The request timeout bounds how long this may take.
async fn read_to_end(mut body: Incoming) -> Result<(), hyper::Error> {
    while !body.is_end_stream() {
        match body.frame().await {
            Some(frame) => drop(frame?),
            None => break,
        }
    }
    Ok(())
}
