//! Handling of one request: reads the body, calls the route, and completes the
//! response.

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
use warp::reply::Response;

use crate::app::App;
use crate::connection::{Activity, Phase};
use crate::routes::{Problem, Route, Routes};

/// The response header that names the serving process.
const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");

/// Counts a request as in flight until dropped.
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

/// The future of a response.
pub(super) enum ResponseFuture {
    /// The response to a request without a body.
    Ready(Option<Response>),
    /// The response to a request whose body is to be read first.
    AfterBody(Pin<Box<dyn Future<Output = Response> + Send>>),
}

impl Future for ResponseFuture {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Ready(response) => response
                .take()
                .map_or(Poll::Pending, |response| Poll::Ready(Ok(response))),
            Self::AfterBody(response) => response.as_mut().poll(context).map(Ok),
        }
    }
}

/// Handles the requests of one connection.
#[derive(Clone)]
pub(super) struct RequestHandler {
    pub(super) app: &'static App,
    pub(super) routes: &'static Routes,
    pub(super) activity: Arc<Activity>,
}

impl RequestHandler {
    /// Handles a request; without a body, the response is ready immediately.
    pub(super) fn handle(&self, request: Request<Incoming>) -> ResponseFuture {
        let started = Instant::now();
        let in_flight = InFlight::begin(self.app);
        self.activity.start_phase(Phase::Body);
        let route = Route::of(request.uri().path());
        let (head, body) = request.into_parts();
        if body.is_end_stream() {
            let response = self
                .routes
                .handle(route, Request::from_parts(head, Empty::new()));
            return ResponseFuture::Ready(Some(self.finish(response, route, started)));
        }
        let handler = self.clone();
        ResponseFuture::AfterBody(Box::pin(async move {
            let response = match discard_body(body).await {
                Ok(()) => {
                    let request = Request::from_parts(head, Empty::new());
                    handler.routes.handle(route, request)
                }
                Err(_) => unreadable_body(),
            };
            drop(in_flight);
            handler.finish(response, route, started)
        }))
    }

    /// Sets the headers that all responses have, and records the metrics.
    fn finish(&self, mut response: Response, route: Route, started: Instant) -> Response {
        let headers = response.headers_mut();
        headers.insert(SERVED_BY, self.app.identity.served_by.clone());
        if self.app.is_draining() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        self.app
            .metrics
            .record(route, response.status(), started.elapsed());
        self.activity.start_phase(Phase::Response);
        response
    }
}

fn unreadable_body() -> Response {
    Problem::new(StatusCode::BAD_REQUEST, "The request body cannot be read.").response()
}

/// Reads a body to its end and discards it. Closing a socket that holds unread
/// bytes resets it and can destroy the response (RFC 9112, section 9.6). The
/// request timeout limits the duration.
async fn discard_body(mut body: Incoming) -> Result<(), hyper::Error> {
    while !body.is_end_stream() {
        match body.frame().await {
            Some(frame) => drop(frame?),
            None => break,
        }
    }
    Ok(())
}
