//! The Host header: what is a name, and which names a proxy answers to.

use crate::client::ask;
use crate::failure::{Checked, ensure};
use crate::table::{Case, DEFAULTS, Engine, PLAIN, Setup, case, differ};

static NAMED: Setup = Setup {
    proxy: "server_name: [example.org, \"*.example.net\"]",
    ..PLAIN
};

pub(crate) const CASES: &[Case] = &[
    case(
        "hosts: a list that ends in a server name is 400",
        &NAMED,
        |_| {
            answered("evil.example/?,example.org", 400)?;
            answered("evil.example,example.org", 400)?;
            answered("evil.example:80,example.org", 400)
        },
    ),
    case(
        "hosts: a fragment before a wildcard's end is 400",
        &NAMED,
        |_| {
            answered("evil#.example.net", 400)?;
            answered("evil.example#.example.net", 400)?;
            answered("evil.example?.example.net", 400)?;
            answered("evil.example/.example.net", 400)
        },
    ),
    case(
        "hosts: characters that no name has are 400 with server names",
        &NAMED,
        |_| no_name(".example.net"),
    ),
    case(
        "hosts: characters that no name has are 400 without server names",
        &DEFAULTS,
        |_| no_name(".example.org"),
    ),
    case(
        "hosts: an invalid Host is 400 without server names",
        &DEFAULTS,
        |_| {
            answered("evil.example/?,example.org", 400)?;
            answered("user@example.org", 400)?;
            answered("[::1", 400)?;
            answered("::1", 400)?;
            answered("[zz]", 400)?;
            answered("example.org:http", 400)?;
            answered("example.org:123456", 400)?;
            answered("example.org:80:80", 400)
        },
    ),
    case(
        "hosts: an invalid Host is 400 with server names",
        &NAMED,
        |_| {
            answered("user@example.org", 400)?;
            answered("example.org:http", 400)?;
            answered("example.org:123456", 400)?;
            answered("example.org:80:80", 400)
        },
    ),
    case("hosts: two of them are 400", &NAMED, |_| {
        let two = "GET / HTTP/1.1\r\nHost: example.org\r\nHost: a.example.net\r\n\r\n";
        status(two, 400)
    }),
    case("hosts: none of them is 400", &DEFAULTS, |_| {
        status("GET / HTTP/1.1\r\n\r\n", 400)?;
        status("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400)
    }),
    case(
        "hosts: HTTP/1.0 needs none without server names",
        &DEFAULTS,
        |_| status("GET / HTTP/1.0\r\n\r\n", 200),
    ),
    case(
        "hosts: names, addresses and ports are answered",
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
                answered(host, 200)?;
            }
            Ok(())
        },
    ),
    case("hosts: server names are answered", &NAMED, |_| {
        for host in [
            "example.org",
            "example.org:80",
            "example.org:65535",
            "a.example.net",
            "a.b.example.net:8080",
            "my_host.example.net",
        ] {
            answered(host, 200)?;
        }
        Ok(())
    }),
    case(
        "hosts: server names are answered in capitals",
        &NAMED,
        |_| {
            answered("EXAMPLE.org", 200)?;
            answered("A.Example.NET", 200)
        },
    ),
    case(
        "hosts: a dot at the end of a server name is ignored",
        &NAMED,
        |_| {
            answered("example.org.", 200)?;
            answered("a.example.net.:80", 200)
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
            answered(host, 421)?;
        }
        Ok(())
    }),
    case(
        "hosts: a URL with another host than Host is 400",
        &NAMED,
        |_| {
            let line = |url: &str| format!("GET {url} HTTP/1.1\r\nHost: example.org\r\n\r\n");
            status(&line("http://evil.example/"), 400)?;
            status(&line("http://[x!$&'();,=]/"), 400)?;
            status(&line("http://example.org/"), 200)
        },
    ),
    case(
        "hosts: the application sees the name and the port as they came",
        &DEFAULTS,
        |_| {
            for host in [
                "example.org",
                "example.org:8080",
                "[::1]:8080",
                "my_host.example.org",
            ] {
                let answer = ask(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"))?.expect(200)?;
                let seen = answer.echoed()?;
                ensure!(
                    seen.all("host") == [host] && seen.all("x-forwarded-host") == [host],
                    "{host} arrives as {:?}, forwarded {:?}",
                    seen.all("host"),
                    seen.all("x-forwarded-host")
                );
            }
            Ok(())
        },
    ),
];

fn answered(host: &str, status: u16) -> Checked {
    let answer = ask(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"))?;
    ensure!(
        answer.status == status,
        "Host: {host} is answered {}, not {status}",
        answer.status
    );
    Ok(())
}

fn status(request: &str, status: u16) -> Checked {
    let answer = ask(request)?;
    ensure!(
        answer.status == status,
        "{request:?} is answered {}, not {status}",
        answer.status
    );
    Ok(())
}

/// Every ASCII character that a host name cannot contain, before an allowed end.
fn no_name(end: &str) -> Checked {
    let mut answered = Vec::new();
    for character in " \t!\"#$%&'()*+,/;<=>?@[\\]^`{|}~\u{1}\u{7f}".chars() {
        let answer = ask(format!(
            "GET / HTTP/1.1\r\nHost: a{character}b{end}\r\n\r\n"
        ))?;
        if answer.status != 400 {
            answered.push(format!("{character:?} {}", answer.status));
        }
    }
    ensure!(answered.is_empty(), "not 400: {}", answered.join(", "));
    Ok(())
}
