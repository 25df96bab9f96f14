//! Error responses (problem details, RFC 9457).

use hyper::StatusCode;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use warp::reply::Response;

/// The media type of problem details.
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The members of problem details, in the order of the RFC.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: Option<&'a str>,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'a str>,
}

/// An error response: status and reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    parameter: Option<&'static str>,
    allowed: Option<&'static str>,
}

impl Problem {
    /// Creates an error about the request as a whole.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            parameter: None,
            allowed: None,
        }
    }

    /// Creates an error about a query parameter.
    pub(crate) fn parameter(name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            parameter: Some(name),
            ..Self::new(StatusCode::BAD_REQUEST, detail)
        }
    }

    /// Creates an error about a method that is not among the `allowed` ones of its path.
    pub(crate) fn method(allowed: &'static str) -> Self {
        let detail = format!("Expected one of the methods {allowed}.");
        Self {
            allowed: Some(allowed),
            ..Self::new(StatusCode::METHOD_NOT_ALLOWED, detail)
        }
    }

    /// Builds the response.
    pub(crate) fn response(&self) -> Response {
        let body = Body {
            kind: "about:blank",
            title: self.status.canonical_reason(),
            status: self.status.as_u16(),
            detail: &self.detail,
            parameter: self.parameter,
        };
        // Serializing strings and numbers does not fail.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = Response::new(body.into());
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM);
        if let Some(methods) = self.allowed {
            let methods = HeaderValue::from_static(methods);
            response.headers_mut().insert(ALLOW, methods);
        }
        response
    }
}
