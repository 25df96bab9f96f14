//! The Host header: valid names, and server names.

use crate::case::{Case, DEFAULTS, PLAIN, Setup, case};
use crate::client::fetch;
use crate::failure::{CheckResult, ensure};

static NAMED: Setup = Setup {
    proxy: "server_name: [example.org, \"*.example.net\"]",
    ..PLAIN
};

pub(crate) const CASES: &[Case] = &[
    case(
        "hosts: a list that ends in a server name is 400",
        &NAMED,
        |_| {
            host_gets("evil.example/?,example.org", 400)?;
            host_gets("evil.example,example.org", 400)?;
            host_gets("evil.example:80,example.org", 400)
        },
    ),
    case(
        "hosts: a fragment before a wildcard's end is 400",
        &NAMED,
        |_| {
            host_gets("evil#.example.net", 400)?;
            host_gets("evil.example#.example.net", 400)?;
            host_gets("evil.example?.example.net", 400)?;
            host_gets("evil.example/.example.net", 400)
        },
    ),
    case(
        "hosts: invalid characters are 400 with server names",
        &NAMED,
        |_| invalid_characters(".example.net"),
    ),
    case(
        "hosts: invalid characters are 400 without server names",
        &DEFAULTS,
        |_| invalid_characters(".example.org"),
    ),
    case(
        "hosts: an invalid Host is 400 without server names",
        &DEFAULTS,
        |_| {
            host_gets("evil.example/?,example.org", 400)?;
            host_gets("user@example.org", 400)?;
            host_gets("[::1", 400)?;
            host_gets("::1", 400)?;
            host_gets("[zz]", 400)?;
            host_gets("example.org:http", 400)?;
            host_gets("example.org:123456", 400)?;
            host_gets("example.org:80:80", 400)
        },
    ),
    case(
        "hosts: an invalid Host is 400 with server names",
        &NAMED,
        |_| {
            host_gets("user@example.org", 400)?;
            host_gets("example.org:http", 400)?;
            host_gets("example.org:123456", 400)?;
            host_gets("example.org:80:80", 400)
        },
    ),
    case("hosts: two Host headers are 400", &NAMED, |_| {
        let two = "GET / HTTP/1.1\r\nHost: example.org\r\nHost: a.example.net\r\n\r\n";
        request_gets(two, 400)
    }),
    case("hosts: no Host header is 400", &DEFAULTS, |_| {
        request_gets("GET / HTTP/1.1\r\n\r\n", 400)?;
        request_gets("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400)
    }),
    case(
        "hosts: HTTP/1.0 needs no Host header without server names",
        &DEFAULTS,
        |_| request_gets("GET / HTTP/1.0\r\n\r\n", 200),
    ),
    case(
        "hosts: names, addresses, and ports are accepted",
        &DEFAULTS,
        |_| {
            for host in [
                "example.org",
                "my_host.example.org",
                "xn--bcher-kva.example",
                "192.0.2.10",
                "192.0.2.10:8080",
                "[2001:db8::1]",
                "[::1]:8080",
                "example.org:1",
                "example.org:65535",
                "localhost",
            ] {
                host_gets(host, 200)?;
            }
            Ok(())
        },
    ),
    case("hosts: server names are accepted", &NAMED, |_| {
        for host in [
            "example.org",
            "example.org:80",
            "example.org:65535",
            "a.example.net",
            "a.b.example.net:8080",
            "my_host.example.net",
        ] {
            host_gets(host, 200)?;
        }
        Ok(())
    }),
    case(
        "hosts: server names are accepted in upper case",
        &NAMED,
        |_| {
            host_gets("EXAMPLE.org", 200)?;
            host_gets("A.Example.NET", 200)
        },
    ),
    case(
        "hosts: a dot at the end of a server name is ignored",
        &NAMED,
        |_| {
            host_gets("example.org.", 200)?;
            host_gets("a.example.net.:80", 200)
        },
    ),
    case("hosts: other names are 421", &NAMED, |_| {
        for host in [
            "example.net",
            "example.com",
            "www.example.org",
            "badexample.net",
            "example.org.example.com",
            "192.0.2.10",
            "[::1]",
        ] {
            host_gets(host, 421)?;
        }
        Ok(())
    }),
    case(
        "hosts: a URL with another host than Host is 400",
        &NAMED,
        |_| {
            let line = |url: &str| format!("GET {url} HTTP/1.1\r\nHost: example.org\r\n\r\n");
            request_gets(&line("http://evil.example/"), 400)?;
            request_gets(&line("http://[x!$&'();,=]/"), 400)?;
            request_gets(&line("http://example.org/"), 200)
        },
    ),
    case(
        "hosts: the application receives the name and the port unchanged",
        &DEFAULTS,
        |_| {
            for host in [
                "example.org",
                "example.org:8080",
                "[::1]:8080",
                "my_host.example.org",
            ] {
                let response =
                    fetch(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"))?.expect(200)?;
                let received = response.echoed()?;
                ensure!(
                    received.all("host") == [host] && received.all("x-forwarded-host") == [host],
                    "{host} arrives as {:?}, forwarded {:?}",
                    received.all("host"),
                    received.all("x-forwarded-host")
                );
            }
            Ok(())
        },
    ),
];

fn host_gets(host: &str, status: u16) -> CheckResult {
    let response = fetch(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"))?;
    ensure!(
        response.status == status,
        "Host: {host} gets {}, not {status}",
        response.status
    );
    Ok(())
}

fn request_gets(request: &str, status: u16) -> CheckResult {
    let response = fetch(request)?;
    ensure!(
        response.status == status,
        "{request:?} gets {}, not {status}",
        response.status
    );
    Ok(())
}

/// Expects 400 for every ASCII character that a host name cannot contain, before a valid end.
fn invalid_characters(end: &str) -> CheckResult {
    let mut others = Vec::new();
    for character in " \t!\"#$%&'()*+,/;<=>?@[\\]^`{|}~\u{1}\u{7f}".chars() {
        let response = fetch(format!(
            "GET / HTTP/1.1\r\nHost: a{character}b{end}\r\n\r\n"
        ))?;
        if response.status != 400 {
            others.push(format!("{character:?} {}", response.status));
        }
    }
    ensure!(others.is_empty(), "not 400: {}", others.join(", "));
    Ok(())
}
