//! Configuration of a load run.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;

/// The target of requests: an address and a path, from `http://ADDRESS:PORT/PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Address and port of the listener.
    pub address: SocketAddr,
    /// Value of the `Host` header.
    pub authority: String,
    /// Path without query.
    pub path: String,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let rest = url
            .strip_prefix("http://")
            .ok_or_else(|| format!("`{url}` does not begin with http://"))?;
        let (authority, path) = rest
            .split_once('/')
            .map_or((rest, String::from("/")), |(host, path)| {
                (host, format!("/{path}"))
            });
        let with_port = if authority.contains(':') {
            authority.to_owned()
        } else {
            format!("{authority}:80")
        };
        let address = with_port
            .parse()
            .map_err(|_| format!("`{authority}` is not an address (a lab has no DNS)"))?;
        Ok(Self {
            address,
            authority: authority.to_owned(),
            path,
        })
    }
}

/// The expected body of a response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Expect {
    /// A tally whose values sum to the count of requested numbers.
    #[default]
    Tally,
    /// Any body.
    Any,
}

/// Target, limits, and requests of a load run.
#[derive(Debug, Clone)]
pub struct LoadConfig {
    /// Target of the requests.
    pub target: Target,
    /// Number of parallel keepalive connections.
    pub connections: u32,
    /// Number of requests; with a hold, the minimum.
    pub requests: u64,
    /// Maximum number of requests, also with a hold.
    pub limit: u64,
    /// Maximum duration of the run.
    pub duration: Duration,
    /// Share of POST requests, in percent.
    pub post_percent: u8,
    /// Count of numbers to request in each request: `?cant=`.
    pub cant: u64,
    /// Expected body of a response.
    pub expect: Expect,
    /// Requests per second over all connections; `None`: no limit.
    pub rate: Option<u32>,
    /// Timeout of a response, including the time to connect.
    pub timeout: Duration,
}

impl LoadConfig {
    /// The defaults of most scenarios.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self {
            target,
            connections: 16,
            requests: 2_000,
            limit: 2_000_000,
            duration: Duration::from_mins(5),
            post_percent: 50,
            cant: 100,
            expect: Expect::default(),
            rate: None,
            timeout: Duration::from_secs(20),
        }
    }

    /// Whether request number `number` is a POST; POST requests are distributed evenly.
    #[must_use]
    pub fn is_post(&self, number: u64) -> bool {
        let share = u64::from(self.post_percent);
        (number + 1) * share / 100 != number * share / 100
    }

    /// The bytes of a request.
    #[must_use]
    pub fn request(&self, method: &str) -> Vec<u8> {
        let Target {
            authority, path, ..
        } = &self.target;
        let cant = self.cant;
        let head = format!("{method} {path}?cant={cant} HTTP/1.1\r\nHost: {authority}\r\n");
        let tail = match method {
            // The server reads the body to its end before it responds.
            "POST" => format!(
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{BODY}",
                BODY.len()
            ),
            _ => "\r\n".to_owned(),
        };
        (head + &tail).into_bytes()
    }
}

/// Body of a POST. The server ignores it: the query selects the numbers.
const BODY: &str = "note=counted-by-the-load-client";

#[cfg(test)]
mod tests {
    use super::*;

    fn config(post_percent: u8) -> LoadConfig {
        let target = "http://127.0.0.1:8080/api/randoms".parse().unwrap();
        LoadConfig {
            post_percent,
            ..LoadConfig::new(target)
        }
    }

    #[test]
    fn posts_have_the_configured_share() {
        for share in [0, 1, 50, 99, 100] {
            let posts = (0..1_000).filter(|n| config(share).is_post(*n)).count();
            assert_eq!(posts, usize::from(share) * 10);
        }
    }

    #[test]
    fn the_default_port_is_80() {
        let target: Target = "http://192.168.56.11/x".parse().unwrap();
        assert_eq!(target.address.port(), 80);
        assert_eq!(target.path, "/x");
        assert!("https://192.168.56.11/".parse::<Target>().is_err());
        assert!("http://example.com/".parse::<Target>().is_err());
    }
}
