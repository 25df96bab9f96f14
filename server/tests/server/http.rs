//! The HTTP routes.

use super::client::{Client, get};
use super::process::{Process, command, wait_until};

#[test]
fn tally_sums_to_the_number_of_draws() {
    let process = Process::start(&[]);
    let address = process.address();
    for cant in [
        0,
        1,
        2,
        1000,
        20_000,
        59_999,
        60_000,
        100_000_000,
        9_007_199_254_740_991,
    ] {
        let response = get(address, &format!("/api/randoms?cant={cant}"));
        assert_eq!((response.status, response.sum()), (200, cant));
        assert_eq!(response.header("content-type"), Some("application/json"));
        let tally = response.json();
        for (value, count) in tally.as_object().expect("an object") {
            assert!((1..=1000).contains(&value.parse().expect("a number")));
            assert!(count.as_u64() > Some(0));
        }
    }
    assert_eq!(get(address, "/api/randoms?cant=0").body, "{}");
    let by_default = get(address, "/api/randoms/");
    assert_eq!(by_default.sum(), 100_000_000);
    assert_eq!(
        by_default.json().as_object().map(serde_json::Map::len),
        Some(1000)
    );
}

#[test]
fn invalid_request_gets_problem_details() {
    let process = Process::start(&[]);
    let mut client = Client::connect(process.address()).expect("a connection");
    let cases = [
        ("GET", "/api/randoms?cant=-1", 400),
        ("GET", "/api/randoms?cant=1.5", 400),
        ("GET", "/api/randoms?cant=", 400),
        ("GET", "/api/randoms?cant=1&cant=2", 400),
        ("GET", "/api/randoms?cant=9007199254740992", 400),
        ("POST", "/api/randoms?cant=many", 400),
        ("GET", "/nothing", 404),
        ("GET", "/api/randoms/1", 404),
        ("GET", "/api", 404),
        ("DELETE", "/api/randoms", 405),
        ("PUT", "/info", 405),
        ("POST", "/health", 405),
    ];
    for (method, path, status) in cases {
        let response = client.request(method, path, "").expect("a response");
        assert_eq!(response.status, status, "{method} {path}");
        let kind = response.header("content-type");
        assert_eq!(kind, Some("application/problem+json"), "{path}");
        let problem = response.json();
        assert_eq!(problem["status"], status);
        assert!(problem["title"].is_string() && problem["detail"].is_string());
        assert_eq!(problem["parameter"] == "cant", status == 400);
        let methods = match path {
            _ if status != 405 => None,
            "/api/randoms" => Some("GET, HEAD, POST"),
            _ => Some("GET, HEAD"),
        };
        assert_eq!(response.header("allow"), methods, "{method} {path}");
    }
}

#[test]
fn post_is_read_to_the_end_and_answered() {
    let process = Process::start(&[]);
    let mut client = Client::connect(process.address()).expect("a connection");
    for size in [0, 1, 70_000, 3_000_000] {
        let response = client.post("/api/randoms?cant=7", &vec![b'x'; size]);
        let response = response.expect("a response");
        assert_eq!((response.status, response.sum()), (200, 7), "{size}");
        let not_found = client.post("/nothing", &vec![b'x'; size]);
        assert_eq!(not_found.expect("a response").status, 404, "{size}");
    }
    let chunked = b"POST /api/randoms?cant=2 HTTP/1.1\r\nHost: t\r\n\
        Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    client.send(chunked).expect("a request");
    assert_eq!(client.read_response("POST").expect("a response").sum(), 2);
}

#[test]
fn info_describes_the_process() {
    let mut start = command(&["--listen", "127.0.0.1:0", "--drain", "1s"]);
    let process = Process::spawn(&mut start);
    let address = process.address();
    let response = get(address, "/info");
    let info = response.json();
    let pid = process.pid().as_raw_nonzero();
    assert_eq!(info["mode"], "fork");
    assert_eq!(info["instance"], serde_json::Value::Null);
    assert_eq!(info["workers"], 1);
    assert_eq!(info["pid"], pid.get());
    assert_eq!(info["parent"], std::process::id());
    assert_eq!(info["arguments"][2], "--drain");
    assert!(
        info["executable"]
            .as_str()
            .expect("a path")
            .ends_with("randoms")
    );
    assert!(info["directory"].as_str().expect("a path").starts_with('/'));
    assert!(
        info["platform"]
            .as_str()
            .expect("text")
            .starts_with("linux")
    );
    assert!(info["version"].is_string() && info["uptime_seconds"].is_u64());
    assert!(info["memory_bytes"].as_u64() > Some(1_000_000));
    assert!(info["processors"].as_u64() > Some(0));
    assert_eq!(info["requests"], 0);
    assert_eq!(get(address, "/info/").json()["requests"], 1);
    assert_eq!(
        response.header("x-served-by"),
        Some(&*format!("fork-{pid}"))
    );
}

#[test]
fn names_set_by_the_unit_have_precedence() {
    let mut start = command(&["--listen", "127.0.0.1:0"]);
    start
        .env("GENCONF_INSTANCE", "shared-8081@1")
        .env("GENCONF_MODE", "cluster");
    let process = Process::spawn(&mut start);
    let response = get(process.address(), "/info");
    assert_eq!(response.header("x-served-by"), Some("shared-8081@1"));
    assert_eq!(response.json()["mode"], "cluster");
    assert_eq!(response.json()["instance"], "shared-8081@1");
}

#[test]
fn browser_gets_html() {
    let process = Process::start(&["--log", "text"]);
    let mut client = Client::connect(process.address()).expect("a connection");
    for path in ["/info", "/"] {
        let accept = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";
        let page = client.request("GET", path, accept).expect("a response");
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert_eq!(page.header("vary"), Some("accept"));
        assert!(page.body.contains("<th scope=\"row\">CPUs</th>"));
        assert!(!page.body.contains("<!--"), "all placeholders are filled");
    }
}

#[test]
fn head_is_get_without_a_body() {
    let process = Process::start(&[]);
    let mut client = Client::connect(process.address()).expect("a connection");
    for path in ["/info", "/health", "/api/randoms?cant=5", "/metrics"] {
        let response = client.request("HEAD", path, "").expect("a response");
        assert_eq!(response.status, 200, "{path}");
        assert_ne!(response.header("content-length"), Some("0"), "{path}");
    }
}

#[test]
fn metrics_count_responses() {
    let process = Process::start(&[]);
    let address = process.address();
    for path in ["/api/randoms?cant=5", "/api/randoms?cant=x", "/nothing"] {
        get(address, path);
    }
    let response = get(address, "/metrics");
    let pid = process.pid().as_raw_nonzero();
    let version = env!("CARGO_PKG_VERSION");
    let kind = response.header("content-type").expect("a content type");
    assert!(kind.starts_with("text/plain; version=0.0.4"));
    for line in [
        "randoms_requests_total{route=\"/api/randoms\",status=\"200\"} 1",
        "randoms_requests_total{route=\"/api/randoms\",status=\"400\"} 1",
        "randoms_requests_total{route=\"other\",status=\"404\"} 1",
        "randoms_request_duration_seconds_count 3",
        "randoms_requests_in_flight 1",
        "randoms_draws_total 5",
        "randoms_draining 0",
        &format!(
            "randoms_process{{instance=\"fork-{pid}\",mode=\"fork\",version=\"{version}\"}} 1"
        ),
    ] {
        assert!(
            response.body.lines().any(|found| found == line),
            "{line}\n{}",
            response.body
        );
    }
}

#[test]
fn each_tally_is_logged() {
    let mut process = Process::start(&["--log", "json"]);
    let address = process.address();
    for cant in [3, 4] {
        get(address, &format!("/api/randoms?cant={cant}"));
    }
    get(address, "/api/randoms?cant=x");
    wait_until("both lines are written", || {
        process.count_lines("generated list") == 2
    });
    let line = process.line("generated list", 2);
    let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(line["cant"], 4);
    assert_eq!(line["level"], "info");
    process.stop();
    assert_eq!(process.count_lines("generated list"), 2);
}

#[test]
fn several_threads_share_one_process() {
    let mut process = Process::start(&["--threads", "3"]);
    let address = process.address();
    for _ in 0..50 {
        assert_eq!(get(address, "/api/randoms?cant=100").sum(), 100);
    }
    assert_eq!(get(address, "/info").json()["requests"], 50);
    process.stop();
}
