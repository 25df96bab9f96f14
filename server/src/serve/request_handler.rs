//! One request: its body is read to the end, the routes answer, the answer is
//! counted and named.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
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

/// An answer that is there, or will be when the body has been read.
pub(super) enum Answering {
    Now(Option<Answer>),
    Later(Pin<Box<dyn Future<Output = Answer> + Send>>),
}

impl Future for Answering {
    type Output = Result<Answer, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Now(answer) => answer
                .take()
                .map_or(Poll::Pending, |answer| Poll::Ready(Ok(answer))),
            Self::Later(answer) => answer.as_mut().poll(context).map(Ok),
        }
    }
}

/// What answers the requests of one connection.
#[derive(Clone)]
pub(super) struct Answerer {
    pub(super) app: &'static App,
    pub(super) routes: &'static Routes,
    pub(super) pulse: Arc<Pulse>,
}

impl Answerer {
    /// Answers one request, at once when there is no body to be read.
    pub(super) fn answer(&self, request: Request<Incoming>) -> Answering {
        let started = Instant::now();
        let in_flight = InFlight::begin(self.app);
        self.pulse.enter(Phase::Body);
        let route = Route::of(request.uri().path());
        let (head, body) = request.into_parts();
        if body.is_end_stream() {
            let response = self
                .routes
                .answer(route, Request::from_parts(head, Empty::new()));
            return Answering::Now(Some(self.finish(response, route, started)));
        }
        let answerer = self.clone();
        Answering::Later(Box::pin(async move {
            let response = match read_to_end(body).await {
                Ok(()) => {
                    let request = Request::from_parts(head, Empty::new());
                    answerer.routes.answer(route, request)
                }
                Err(_) => unreadable(),
            };
            drop(in_flight);
            answerer.finish(response, route, started)
        }))
    }

    /// Names and counts an answer.
    fn finish(&self, mut response: Answer, route: Route, started: Instant) -> Answer {
        let headers = response.headers_mut();
        headers.insert(SERVED_BY, self.app.identity.served_by.clone());
        if self.app.is_draining() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        self.app
            .metrics
            .answered(route, response.status(), started.elapsed());
        self.pulse.enter(Phase::Answer);
        response
    }
}

fn unreadable() -> Answer {
    Problem::new(StatusCode::BAD_REQUEST, "The body cannot be read.").response()
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
