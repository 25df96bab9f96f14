//! The HTTP routes: the table of paths, the filter of each, and one file for each
//! route that needs more than a few lines.

mod info;
mod problem;
mod randoms;

use std::convert::Infallible;
use std::future::ready;
use std::pin::pin;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Request, StatusCode};
use tower_service::Service;
use warp::reject::{MethodNotAllowed, Rejection};
use warp::reply::Response;
use warp::{Filter, Reply};

use crate::app::App;
use info::{Accept, Info};
pub(crate) use problem::Problem;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const PROMETHEUS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4");

/// The paths of the table, by route index. The last entry stands for all other paths.
pub(crate) const PATHS: [&str; 7] = [
    "/api/randoms",
    "/info",
    "/health",
    "/ready",
    "/metrics",
    "/",
    "other",
];

/// A request whose body has been read and discarded.
pub(crate) type BodilessRequest = Request<Empty<Bytes>>;

/// The methods of a read-only path.
const READ_METHODS: &str = "GET, HEAD";

type Handler = Box<dyn Fn(BodilessRequest) -> Response + Send + Sync>;

/// The index of a path in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route(pub(crate) usize);

impl Route {
    /// Returns the route of a path. A trailing slash is ignored.
    pub(crate) fn of(path: &str) -> Self {
        let path = match path.strip_suffix('/') {
            Some("") | None => path,
            Some(rest) => rest,
        };
        let index = PATHS.iter().position(|&known| known == path);
        Self(index.unwrap_or(PATHS.len() - 1))
    }
}

/// The handlers of all routes.
///
/// The path is looked up in a table. A chain of filters would move the request from
/// filter to filter, which costs more than the rest of a small response.
pub(crate) struct Routes {
    table: [Handler; PATHS.len()],
}

impl Routes {
    /// Creates the routes, which are never freed.
    pub(crate) fn new(app: &'static App) -> &'static Self {
        let info = Info::new(app);
        let page = move || {
            read_only()
                .and(warp::header::optional("accept"))
                .map(move |accept: Option<Accept>| info.handle(accept))
        };
        let randoms = read_only()
            .or(warp::post())
            .unify()
            .and(query())
            .map(move |query: String| randoms::handle(app, &query));
        let table = [
            handler("GET, HEAD, POST", randoms),
            handler(READ_METHODS, page()),
            handler(READ_METHODS, read_only().map(|| plain_text("ok\n"))),
            handler(READ_METHODS, read_only().map(move || readiness(app))),
            handler(READ_METHODS, read_only().map(move || metrics(app))),
            handler(READ_METHODS, page()),
            Box::new(|_| not_found()) as Handler,
        ];
        Box::leak(Box::new(Self { table }))
    }

    /// Handles a request.
    pub(crate) fn handle(&self, route: Route, request: BodilessRequest) -> Response {
        self.table[route.0](request)
    }
}

/// Wraps a filter in a function. The filters do not wait, so the first poll
/// completes the response.
fn handler<F>(methods: &'static str, filter: F) -> Handler
where
    F: Filter<Error = Rejection> + Clone + Send + Sync + 'static,
    F::Extract: Reply,
    F::Future: Send,
{
    let reject = move |rejection| ready(Ok::<_, Infallible>(reject(methods, &rejection)));
    let service = warp::service(filter.recover(reject));
    Box::new(move |request| {
        let response = pin!(service.clone().call(request));
        match response.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(response)) => response,
            Poll::Pending => internal_error(),
        }
    })
}

/// Accepts GET and HEAD.
fn read_only() -> impl Filter<Extract = (), Error = Rejection> + Copy {
    warp::get().or(warp::head()).unify()
}

/// Extracts the query string, which is empty if there is none.
fn query() -> impl Filter<Extract = (String,), Error = Infallible> + Copy {
    warp::query::raw().or(warp::any().map(String::new)).unify()
}

fn respond(kind: HeaderValue, body: Bytes) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Builds a response for probes, which must not be cached.
fn plain_text(text: &'static str) -> Response {
    let mut response = respond(TEXT, Bytes::from_static(text.as_bytes()));
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

fn readiness(app: &App) -> Response {
    if !app.is_draining() {
        return plain_text("ready\n");
    }
    let mut response = plain_text("draining\n");
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

fn metrics(app: &App) -> Response {
    let gauges = [
        (
            "randoms_requests_in_flight",
            "Requests in flight.",
            app.metrics.in_flight.load(Relaxed),
        ),
        (
            "randoms_connections_open",
            "Open connections.",
            app.connections.count() as u64,
        ),
        (
            "randoms_resident_memory_bytes",
            "Resident memory.",
            app.memory(),
        ),
        (
            "randoms_draining",
            "1 while the process is draining.",
            u64::from(app.is_draining()),
        ),
    ];
    let identity = &app.identity;
    let labels = [
        ("instance", identity.name.as_str()),
        ("mode", identity.mode.as_str()),
        ("version", env!("CARGO_PKG_VERSION")),
    ];
    respond(PROMETHEUS, app.metrics.text(&labels, &gauges).into())
}

fn not_found() -> Response {
    Problem::new(StatusCode::NOT_FOUND, "This path does not exist.").response()
}

fn internal_error() -> Response {
    let detail = "The response is not complete.";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail).response()
}

fn reject(methods: &'static str, rejection: &Rejection) -> Response {
    let problem = if rejection.find::<MethodNotAllowed>().is_some() {
        Problem::method(methods)
    } else {
        Problem::new(StatusCode::BAD_REQUEST, "The request is invalid.")
    };
    problem.response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_slash_is_ignored() {
        assert_eq!(Route::of("/api/randoms/"), Route::of("/api/randoms"));
        assert_ne!(Route::of("/"), Route::of("/elsewhere"));
        assert_eq!(Route::of("/").0, 5);
    }
}
