//! What the server answers: the filters that choose, and one file for each
//! answer that is more than a word.

mod info;
mod problem;
mod randoms;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use std::convert::Infallible;
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

/// All routes; what none of them takes becomes a problem.
pub(crate) fn routes(
    app: &'static App,
) -> impl Filter<Extract = (impl Reply,), Error = Infallible> + Clone {
    let info = Info::new(app);
    let randoms = warp::path!("api" / "randoms")
        .and(readable())
        .or(warp::path!("api" / "randoms").and(warp::post()))
        .unify()
        .and(query())
        .map(move |query: String| randoms::answer(app, &query));
    let info = warp::path!("info")
        .or(warp::path::end())
        .unify()
        .and(readable())
        .and(warp::header::optional("accept"))
        .map(move |wanted: Option<Wanted>| info.answer(wanted));
    let health = warp::path!("health").and(readable()).map(|| word("ok\n"));
    let ready = warp::path!("ready")
        .and(readable())
        .map(move || readiness(app));
    let metrics = warp::path!("metrics")
        .and(readable())
        .map(move || metrics(app));
    randoms
        .or(info)
        .unify()
        .or(health)
        .unify()
        .or(ready)
        .unify()
        .or(metrics)
        .unify()
        .recover(refuse)
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
            app.metrics
                .in_flight
                .load(std::sync::atomic::Ordering::Relaxed),
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
    respond(PROMETHEUS, app.metrics.text(&gauges).into())
}

async fn refuse(rejection: Rejection) -> Result<Response, Infallible> {
    let problem = if rejection.is_not_found() {
        Problem::new(StatusCode::NOT_FOUND, "There is nothing at this path.")
    } else if rejection.find::<MethodNotAllowed>().is_some() {
        let detail = "This path does not take this method.";
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
    } else {
        Problem::new(StatusCode::BAD_REQUEST, "The request cannot be read.")
    };
    Ok(problem.response())
}
