//! What a load run is to do, and when it ends.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;

/// Where requests go: an address and a path, from `http://ADDRESS:PORT/PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Address and port of the listener.
    pub address: SocketAddr,
    /// The value of the `Host` header.
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

/// What a right answer holds besides its status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Expect {
    /// A tally that sums to the numbers asked for.
    #[default]
    Tally,
    /// Anything, from a service that draws no numbers.
    Any,
}

/// A bounded run of requests.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where requests go.
    pub target: Target,
    /// Connections that are kept alive side by side.
    pub connections: u32,
    /// Requests to send; with a hold, at least so many.
    pub requests: u64,
    /// Requests never to exceed, also under a hold.
    pub limit: u64,
    /// The whole run ends at the latest after this.
    pub duration: Duration,
    /// Share of POSTs, in percent.
    pub post_percent: u8,
    /// Numbers to ask for in each request: `?cant=`; a right body sums to it.
    pub cant: u64,
    /// What a right body holds.
    pub expect: Expect,
    /// Requests per second over all connections; `None` is as fast as answers come.
    pub rate: Option<u32>,
    /// Longest wait for one answer, connecting included.
    pub timeout: Duration,
}

impl Plan {
    /// A plan with figures that suit most scenarios.
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

    /// Whether request number `number` is a POST: they are spread evenly.
    #[must_use]
    pub fn is_post(&self, number: u64) -> bool {
        let share = u64::from(self.post_percent);
        (number + 1) * share / 100 != number * share / 100
    }

    /// The bytes of a request of this plan.
    #[must_use]
    pub fn request(&self, method: &str) -> Vec<u8> {
        let Target {
            authority, path, ..
        } = &self.target;
        let cant = self.cant;
        let head = format!("{method} {path}?cant={cant} HTTP/1.1\r\nHost: {authority}\r\n");
        let tail = match method {
            // A body that must be read to the end before the answer may go out.
            "POST" => format!(
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{BODY}",
                BODY.len()
            ),
            _ => "\r\n".to_owned(),
        };
        (head + &tail).into_bytes()
    }
}

/// What a POST carries. The server draws by the query and reads this to its end.
const BODY: &str = "note=counted-by-the-load-client";

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(post_percent: u8) -> Plan {
        let target = "http://127.0.0.1:8080/api/randoms".parse().unwrap();
        Plan {
            post_percent,
            ..Plan::new(target)
        }
    }

    #[test]
    fn posts_are_the_share_asked_for() {
        for share in [0, 1, 50, 99, 100] {
            let posts = (0..1_000).filter(|n| plan(share).is_post(*n)).count();
            assert_eq!(posts, usize::from(share) * 10);
        }
    }

    #[test]
    fn a_url_without_port_means_port_80() {
        let target: Target = "http://192.168.56.11/x".parse().unwrap();
        assert_eq!(target.address.port(), 80);
        assert_eq!(target.path, "/x");
        assert!("https://192.168.56.11/".parse::<Target>().is_err());
        assert!("http://example.com/".parse::<Target>().is_err());
    }
}
