//! What of a configuration is not carried, and why.

use super::include;
use super::tree::Directive;
use super::upstream::left;
use crate::import::Note;

/// Directives that genconf's own configuration has an answer to.
const OWN: &[(&[&str], &str)] = &[
    (
        &[
            "proxy_hide_header",
            "proxy_ignore_headers",
            "proxy_pass_header",
            "proxy_redirect",
        ],
        "clients receive the headers of a response, Location included, as the instance sends them",
    ),
    (
        &["proxy_http_version"],
        "requests to instances are HTTP/1.1",
    ),
    (
        &["proxy_pass_request_headers", "proxy_pass_request_body"],
        "instances receive the whole request",
    ),
    (
        &["proxy_next_upstream_tries", "proxy_next_upstream_timeout"],
        "a request is sent again at most once",
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
        "`compress` covers text, JSON, XML and SVG from 1000 bytes on",
    ),
    (
        &["limit_req_log_level"],
        "requests over a `rate_limit` are logged as errors",
    ),
    (
        &["access_log", "error_log", "log_format", "log_not_found"],
        "it logs to /var/log/PROJECT/PROXY and the journal",
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
        "write it under `raw` if it is needed, or `rate_limit` for a limit of requests",
    ),
    (
        &["include"],
        "only this file is read; `nginx -T | genconf import nginx -` reads all",
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
        "`tls` has settings of its own",
    ),
    (
        &[
            "if",
            "rewrite",
            "return",
            "set",
            "try_files",
            "error_page",
            "internal",
        ],
        "a route passes requests on and decides nothing else",
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
        "the proxy serves no files",
    ),
    (
        &[
            "auth_basic",
            "auth_basic_user_file",
            "auth_request",
            "allow",
            "deny",
            "satisfy",
        ],
        "it decides who may come in, and genconf does not: check before you switch",
    ),
    (&["stream", "mail"], "genconf describes HTTP"),
];

/// What genconf writes itself, in every configuration; it is not worth a word.
const USUAL: &[&str] = &[
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

/// What comes to the same as genconf's own configuration.
const SAME: &[&str] = &[
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

/// Tells of a directive that nothing reads.
pub(super) fn tell(directive: &Directive, notes: &mut Vec<Note>) {
    let name = directive.name.as_str();
    let is_usual = name == "include" && include::is_usual(directive.arg());
    if USUAL.contains(&name) || SAME.contains(&directive.text().as_str()) || is_usual {
        return;
    }
    let known = OWN.iter().find(|(names, _)| names.contains(&name));
    notes.push(left(
        directive,
        known.map_or("genconf knows nothing of it", |(_, why)| *why),
    ));
}
