//! What the server answers: the table of paths, the filters behind each, and
//! one file for each answer that is more than a word.

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
use info::{Info, Wanted};
pub(crate) use problem::Problem;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const PROMETHEUS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4");

/// The paths of the table, by the number of their route. The last one stands
/// for all others.
pub(crate) const PATHS: [&str; 7] = [
    "/api/randoms",
    "/info",
    "/health",
    "/ready",
    "/metrics",
    "/",
    "other",
];

/// What the routes take: the body has been read before.
pub(crate) type Bodiless = Request<Empty<Bytes>>;

/// The methods of a path that only gives.
const READ: &str = "GET, HEAD";

type Handler = Box<dyn Fn(Bodiless) -> Response + Send + Sync>;

/// A path's number in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route(pub(crate) usize);

impl Route {
    /// The route of a path; a trailing slash makes no difference.
    pub(crate) fn of(path: &str) -> Self {
        let path = match path.strip_suffix('/') {
            Some("") | None => path,
            Some(rest) => rest,
        };
        let place = PATHS.iter().position(|&known| known == path);
        Self(place.unwrap_or(PATHS.len() - 1))
    }
}

/// The answers to all requests.
///
/// The path is looked up in a table and not by a chain of filters: trying one
/// filter after the other moves the request along, which cost more than all
/// else that this server does for a small answer.
pub(crate) struct Routes {
    table: [Handler; PATHS.len()],
}

impl Routes {
    /// The routes of a process, kept until it ends.
    pub(crate) fn new(app: &'static App) -> &'static Self {
        let info = Info::new(app);
        let page = move || {
            readable()
                .and(warp::header::optional("accept"))
                .map(move |wanted: Option<Wanted>| info.answer(wanted))
        };
        let randoms = readable()
            .or(warp::post())
            .unify()
            .and(query())
            .map(move |query: String| randoms::answer(app, &query));
        let table = [
            handler("GET, HEAD, POST", randoms),
            handler(READ, page()),
            handler(READ, readable().map(|| word("ok\n"))),
            handler(READ, readable().map(move || readiness(app))),
            handler(READ, readable().map(move || metrics(app))),
            handler(READ, page()),
            Box::new(|_| nothing()) as Handler,
        ];
        Box::leak(Box::new(Self { table }))
    }

    /// Answers a request.
    pub(crate) fn answer(&self, route: Route, request: Bodiless) -> Response {
        self.table[route.0](request)
    }
}

/// Makes a filter a function. None of ours waits for anything, so that its
/// first poll is its last.
fn handler<F>(methods: &'static str, filter: F) -> Handler
where
    F: Filter<Error = Rejection> + Clone + Send + Sync + 'static,
    F::Extract: Reply,
    F::Future: Send,
{
    let refuse = move |rejection| ready(Ok::<_, Infallible>(refuse(methods, &rejection)));
    let service = warp::service(filter.recover(refuse));
    Box::new(move |request| {
        let answer = pin!(service.clone().call(request));
        match answer.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(response)) => response,
            Poll::Pending => unavailable(),
        }
    })
}

/// GET, or HEAD for the same without a body.
fn readable() -> impl Filter<Extract = (), Error = Rejection> + Copy {
    warp::get().or(warp::head()).unify()
}

/// The query string; empty when there is none.
fn query() -> impl Filter<Extract = (String,), Error = Infallible> + Copy {
    warp::query::raw().or(warp::any().map(String::new)).unify()
}

fn respond(kind: HeaderValue, body: Bytes) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// A word for a prober, which must never get an old one.
fn word(text: &'static str) -> Response {
    let mut response = respond(TEXT, Bytes::from_static(text.as_bytes()));
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

fn readiness(app: &App) -> Response {
    if !app.is_draining() {
        return word("ready\n");
    }
    let mut response = word("draining\n");
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

fn metrics(app: &App) -> Response {
    let gauges = [
        (
            "randoms_requests_in_flight",
            "Requests being answered.",
            app.metrics.in_flight.load(Relaxed),
        ),
        (
            "randoms_connections_open",
            "Connections open.",
            app.connections.count() as u64,
        ),
        (
            "randoms_resident_memory_bytes",
            "Resident memory.",
            app.memory(),
        ),
        (
            "randoms_draining",
            "1 while the process is about to end.",
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

fn nothing() -> Response {
    Problem::new(StatusCode::NOT_FOUND, "There is nothing at this path.").response()
}

fn unavailable() -> Response {
    let detail = "The answer is not ready.";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail).response()
}

fn refuse(methods: &'static str, rejection: &Rejection) -> Response {
    let problem = if rejection.find::<MethodNotAllowed>().is_some() {
        Problem::method(methods)
    } else {
        Problem::new(StatusCode::BAD_REQUEST, "The request cannot be read.")
    };
    problem.response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_slash_is_the_same_route() {
        assert_eq!(Route::of("/api/randoms/"), Route::of("/api/randoms"));
        assert_ne!(Route::of("/"), Route::of("/elsewhere"));
        assert_eq!(Route::of("/").0, 5);
    }
}
