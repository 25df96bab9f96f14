use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use model::{HealthCheck, TlsFiles};
use tempfile::TempDir;

use super::*;

const HAPROXY: &str = r#"
defaults
    mode http
    timeout connect 1s
    timeout client 1s
    timeout server 1s
frontend edge
    bind "${BIND-fd@3}"
    default_backend web
backend web
    server web 192.0.2.7:80
"#;

/// `unit` must be unique: each test asserts on its directories.
fn nginx(unit: &str, listen: &str, directives: &str) -> String {
    format!(
        "error_log /var/log/{unit}/error.log notice;
pid /run/{unit}/nginx.pid;
events {{}}
http {{
    access_log /var/log/{unit}/access.log;
    client_body_temp_path /var/cache/{unit}/body;
    proxy_temp_path /var/cache/{unit}/proxy;
    fastcgi_temp_path /var/cache/{unit}/fastcgi;
    scgi_temp_path /var/cache/{unit}/scgi;
    uwsgi_temp_path /var/cache/{unit}/uwsgi;
    server {{
        listen 127.0.0.1:8731;
        listen {listen};
        {directives}
    }}
}}
"
    )
}

fn proxy(unit: &str, engine: Engine) -> Proxy {
    Proxy {
        name: "edge".to_owned(),
        engine,
        unit: format!("{unit}.service"),
        socket: format!("{unit}.socket"),
        configuration: PathBuf::from("/etc/randoms/edge/edge.conf"),
        kernel_settings: None,
        status_endpoint: "127.0.0.1:8731".parse().unwrap(),
        status_check: HealthCheck {
            path: "/".to_owned(),
            host: "localhost".to_owned(),
            status: "200".to_owned().try_into().unwrap(),
        },
        tls: None,
        servers: Vec::new(),
        directories: ["/run", "/var/cache", "/var/log"]
            .map(|parent| Path::new(parent).join(unit))
            .to_vec(),
        credentials: PathBuf::from(format!("/run/credentials/{unit}.service")),
    }
}

fn written(directory: &TempDir, text: &str) -> PathBuf {
    let path = directory.path().join("candidate.conf");
    fs::write(&path, text).unwrap();
    path
}

fn tested(proxy: &Proxy, text: &str) -> Result<(), String> {
    let directory = tempfile::tempdir().unwrap();
    let candidate = written(&directory, text);
    test_configuration(proxy, &candidate).map_err(|rejected| rejected.to_string())
}

#[test]
fn an_address_that_this_host_does_not_have_is_accepted() {
    let proxy = proxy("randoms-address", Engine::Nginx);
    for listen in ["192.0.2.7:80", "[2001:db8::7]:80"] {
        let text = nginx("randoms-address", listen, "return 204;");
        assert_eq!(tested(&proxy, &text), Ok(()), "{listen}");
    }
}

#[test]
fn a_configuration_that_nginx_rejects_is_an_error_with_its_output() {
    let proxy = proxy("randoms-invalid", Engine::Nginx);
    let text = nginx("randoms-invalid", "192.0.2.7:80", "nonsense;");
    let message = tested(&proxy, &text).unwrap_err();
    let first_line = "nginx rejected /etc/randoms/edge/edge.conf:\n";
    assert!(message.starts_with(first_line), "{message}");
    assert!(
        message.contains("unknown directive \"nonsense\""),
        "{message}"
    );
}

#[test]
fn haproxy_accepts_and_rejects_configurations() {
    let proxy = proxy("randoms-haproxy", Engine::Haproxy);
    assert_eq!(tested(&proxy, HAPROXY), Ok(()));
    let message = tested(&proxy, &format!("{HAPROXY}    nonsense\n")).unwrap_err();
    let first_line = "haproxy rejected /etc/randoms/edge/edge.conf:\n";
    assert!(message.starts_with(first_line), "{message}");
    assert!(message.contains("nonsense"), "{message}");
}

#[test]
fn a_test_creates_no_files_on_the_host() {
    let proxy = proxy("randoms-private", Engine::Nginx);
    let text = nginx("randoms-private", "127.0.0.1:8732", "return 204;");
    assert_eq!(tested(&proxy, &text), Ok(()));
    for directory in proxy.directories.iter().chain([&proxy.credentials]) {
        assert!(!directory.exists(), "{}", directory.display());
    }
}

#[test]
fn a_directory_that_the_unit_does_not_create_does_not_exist_in_the_test() {
    let mut proxy = proxy("randoms-missing", Engine::Nginx);
    proxy.directories.pop();
    let text = nginx("randoms-missing", "127.0.0.1:8732", "return 204;");
    let message = tested(&proxy, &text).unwrap_err();
    let path = "/var/log/randoms-missing/error.log";
    assert!(message.contains(path), "{message}");
}

#[test]
fn certificate_and_key_are_in_the_directory_of_credentials() {
    let directory = tempfile::tempdir().unwrap();
    let tls = TlsFiles {
        certificate: directory.path().join("a certificate.pem"),
        key: directory.path().join("a key.pem"),
    };
    // Files of directives instead of a certificate: nginx reports a file that it cannot include.
    fs::write(&tls.certificate, "server_tokens off;").unwrap();
    fs::write(&tls.key, "from_the_key;").unwrap();
    let mut proxy = proxy("randoms-tls", Engine::Nginx);
    proxy.tls = Some(tls);
    let credentials = "/run/credentials/randoms-tls.service";
    let include = |name: &str| {
        let include = format!("include {credentials}/{name};");
        tested(&proxy, &nginx("randoms-tls", "127.0.0.1:8732", &include))
    };
    assert_eq!(include("certificate"), Ok(()));
    let message = include("certificate.key").unwrap_err();
    assert!(message.contains("\"from_the_key\""), "{message}");
}

#[test]
fn a_certificate_or_key_that_does_not_exist_is_an_error_with_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file.pem");
    fs::write(&file, "").unwrap();
    let missing = directory.path().join("missing.pem");
    for (certificate, key) in [(&file, &missing), (&missing, &file)] {
        let mut proxy = proxy("randoms-tls-missing", Engine::Nginx);
        proxy.tls = Some(TlsFiles {
            certificate: certificate.clone(),
            key: key.clone(),
        });
        let expected = format!(
            "/etc/randoms/edge/edge.conf requires {}, which does not exist: install it first",
            missing.display()
        );
        assert_eq!(tested(&proxy, ""), Err(expected));
    }
}

#[test]
fn paths_are_not_interpreted_by_the_shell() {
    let directory = tempfile::tempdir().unwrap();
    let name = "it's \"$(exit 1)\" $1; exit 1 #";
    let candidate = directory.path().join(name);
    let file = directory.path().join(format!("{name}.pem"));
    let text = nginx("randoms-quoted", "127.0.0.1:8732", "return 204;");
    fs::write(&candidate, text).unwrap();
    fs::write(&file, "").unwrap();
    let mut proxy = proxy("randoms-quoted", Engine::Nginx);
    proxy.tls = Some(TlsFiles {
        certificate: file.clone(),
        key: file,
    });
    proxy.credentials = Path::new("/run").join(name);
    let result = test_configuration(&proxy, &candidate);
    assert!(result.is_ok(), "{result:?}");
}

/// Tests an empty configuration with these exit statuses of unshare(1). Returns the result and the
/// arguments of each command.
fn tested_with(statuses: &[i32]) -> (Result<(), Rejected>, Vec<Vec<String>>) {
    let mut commands = Vec::new();
    let mut run = |command: &mut Command| {
        let arguments = command.get_args().map(|a| a.to_string_lossy().into_owned());
        commands.push(arguments.collect::<Vec<_>>());
        let attempt = commands.len();
        Ok(Output {
            // wait(2): the exit status is in the second byte.
            status: ExitStatus::from_raw(statuses[attempt - 1] << 8),
            stdout: format!("output {attempt}: \u{e9}").into_bytes(),
            stderr: b" \xff\n".to_vec(),
        })
    };
    let proxy = proxy("randoms-run", Engine::Nginx);
    let result = test_with(&mut run, &proxy, Path::new("/candidate.conf"));
    (result, commands)
}

fn is_private(arguments: &[String]) -> bool {
    arguments.iter().any(|a| a == "--net")
}

#[test]
fn a_configuration_rejected_in_a_private_network_is_tested_in_the_network_of_the_host() {
    let (result, commands) = tested_with(&[1, 0]);
    assert!(result.is_ok(), "{result:?}");
    let private: Vec<bool> = commands.iter().map(|c| is_private(c)).collect();
    assert_eq!(private, [true, false]);
}

#[test]
fn a_configuration_accepted_in_a_private_network_is_not_tested_again() {
    let (result, commands) = tested_with(&[0]);
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(commands.len(), 1);
}

#[test]
fn the_error_has_the_output_of_the_last_test_and_replaces_invalid_utf_8() {
    let (result, _) = tested_with(&[1, 1]);
    let expected = "nginx rejected /etc/randoms/edge/edge.conf:\noutput 2: \u{e9} \u{fffd}";
    assert_eq!(result.unwrap_err().to_string(), expected);
}

#[test]
fn unshare_that_cannot_be_executed_is_an_error() {
    let mut run = |_: &mut Command| Err(io::ErrorKind::NotFound.into());
    let proxy = proxy("randoms-run", Engine::Nginx);
    let result = test_with(&mut run, &proxy, Path::new("/candidate.conf"));
    let message = result.unwrap_err().to_string();
    let expected = "/etc/randoms/edge/edge.conf was not tested: unshare: ";
    assert!(message.starts_with(expected), "{message}");
}
