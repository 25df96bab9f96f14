//! Reports directives that the topology does not support.

use super::directive::Directive;
use super::include;
use super::skipped;
use crate::import::Finding;

/// Unsupported directives and the reason.
const UNSUPPORTED: &[(&[&str], &str)] = &[
    (
        &["proxy_hide_header"],
        "the header is not hidden: clients receive it if an instance sends it",
    ),
    (
        &["proxy_redirect", "proxy_cookie_domain", "proxy_cookie_path"],
        "the replacement is lost: Location and Set-Cookie headers of instances are passed unchanged",
    ),
    (
        &["proxy_ignore_headers", "proxy_pass_header"],
        "response headers of instances are passed unchanged",
    ),
    (
        &["proxy_http_version"],
        "requests to instances use HTTP/1.1",
    ),
    (
        &["proxy_pass_request_headers", "proxy_pass_request_body"],
        "instances receive the complete request",
    ),
    (
        &["proxy_next_upstream_tries", "proxy_next_upstream_timeout"],
        "a request is retried at most once",
    ),
    (
        &[
            "gzip_types",
            "gzip_vary",
            "gzip_proxied",
            "gzip_comp_level",
            "gzip_min_length",
            "gzip_http_version",
            "gzip_buffers",
            "gzip_disable",
        ],
        "`compress` applies to text, JSON, XML, and SVG of at least 1000 bytes",
    ),
    (
        &["limit_req_log_level"],
        "rejected requests are logged as errors",
    ),
    (
        &["access_log", "error_log", "log_format", "log_not_found"],
        "the access log is in /var/log/PROJECT/PROXY, errors are in the journal",
    ),
    (
        &[
            "proxy_buffering",
            "proxy_buffer_size",
            "proxy_buffers",
            "proxy_busy_buffers_size",
            "proxy_cache",
            "proxy_cache_bypass",
            "proxy_cache_path",
            "proxy_cache_valid",
            "proxy_cache_use_stale",
            "proxy_request_buffering",
            "limit_conn_zone",
            "limit_conn",
            "map",
            "geo",
            "upstream_conf",
            "resolver",
        ],
        "if you need it, add it to `raw`; for request limits use `rate_limit`",
    ),
    (
        &["include"],
        "includes are not read; the file may restrict access, so check it before you switch to genconf; to import all files: nginx -T | genconf import nginx -",
    ),
    (
        &[
            "ssl_protocols",
            "ssl_ciphers",
            "ssl_prefer_server_ciphers",
            "ssl_session_cache",
            "ssl_session_timeout",
            "ssl_session_tickets",
            "ssl_dhparam",
            "ssl_stapling",
            "ssl_stapling_verify",
            "ssl_trusted_certificate",
            "ssl_ecdh_curve",
        ],
        "`tls` has fixed TLS settings",
    ),
    (
        &["return", "set", "try_files", "error_page", "internal"],
        "a route only passes requests on",
    ),
    (
        &["rewrite"],
        "rewrites and redirects of a server are not supported: instances receive these requests with the path of the client",
    ),
    (
        &["if"],
        "conditions are not supported, and instances receive these requests; if the condition restricts access, restore it before you switch to genconf",
    ),
    (
        &[
            "root",
            "index",
            "alias",
            "autoindex",
            "expires",
            "gzip_static",
        ],
        "the proxy does not serve files",
    ),
    (
        &["auth_delay", "auth_jwt", "auth_request", "auth_request_set"],
        "access control is not supported; restore it before you switch to genconf",
    ),
    (&["stream", "mail"], "only HTTP is supported"),
];

/// Directives that genconf sets. They are not reported.
const MANAGED: &[&str] = &[
    "user",
    "worker_processes",
    "worker_rlimit_nofile",
    "worker_connections",
    "events",
    "pid",
    "load_module",
    "sendfile",
    "tcp_nopush",
    "tcp_nodelay",
    "keepalive_timeout",
    "keepalive_requests",
    "types_hash_max_size",
    "server_names_hash_bucket_size",
    "default_type",
    "server_tokens",
    "multi_accept",
    "types",
    "charset",
    "use",
];

/// Directives with the same effect as the configuration of genconf.
const EQUIVALENT: &[&str] = &[
    "gzip_comp_level 4",
    "gzip_disable msie6",
    "gzip_http_version 1.1",
    "gzip_min_length 1000",
    "gzip_proxied any",
    "gzip_vary on",
    "limit_req_log_level error",
    "proxy_cache off",
    "proxy_cache_bypass $http_upgrade",
    "proxy_http_version 1.1",
    "proxy_next_upstream_tries 2",
    "proxy_pass_request_body on",
    "proxy_pass_request_headers on",
    "proxy_redirect off",
];

/// Reports an unsupported directive.
pub(super) fn report(directive: &Directive, findings: &mut Vec<Finding>) {
    let name = directive.name.as_str();
    let is_standard_file = name == "include" && include::is_distribution_file(directive.arg());
    if MANAGED.contains(&name)
        || EQUIVALENT.contains(&directive.text().as_str())
        || is_standard_file
    {
        return;
    }
    let known = UNSUPPORTED.iter().find(|(names, _)| names.contains(&name));
    findings.push(skipped(
        directive,
        known.map_or("the directive is not supported", |(_, reason)| *reason),
    ));
}
