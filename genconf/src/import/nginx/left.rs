//! What of a configuration is not carried, and why.

use super::include;
use super::tree::Directive;
use super::upstream::left;
use crate::import::Note;

/// Directives that genconf's own configuration has an answer to.
const OWN: &[(&[&str], &str)] = &[
    (
        &[
            "proxy_set_header",
            "proxy_http_version",
            "proxy_cache_bypass",
            "proxy_redirect",
            "proxy_pass_header",
            "proxy_pass_request_headers",
            "proxy_hide_header",
        ],
        "the proxy tells instances Host, X-Forwarded-For, -Proto and -Host, X-Real-IP and X-Request-ID, and upgrades websockets",
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
            "proxy_cache_path",
            "proxy_cache_valid",
            "proxy_cache_use_stale",
            "proxy_next_upstream",
            "proxy_next_upstream_tries",
            "proxy_next_upstream_timeout",
            "proxy_request_buffering",
            "gzip",
            "gzip_types",
            "gzip_vary",
            "gzip_proxied",
            "gzip_comp_level",
            "gzip_min_length",
            "gzip_http_version",
            "gzip_buffers",
            "gzip_disable",
            "gzip_static",
            "limit_req_zone",
            "limit_req",
            "limit_conn_zone",
            "limit_conn",
            "map",
            "geo",
            "upstream_conf",
            "resolver",
        ],
        "write it under `extra` if it is needed, or `rate_limit` for a limit of requests",
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
        &["root", "index", "alias", "autoindex", "expires"],
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

/// Tells of a directive that nothing reads.
pub(super) fn tell(directive: &Directive, notes: &mut Vec<Note>) {
    let name = directive.name.as_str();
    let is_usual = name == "include" && include::is_usual(directive.arg());
    if USUAL.contains(&name) || is_usual {
        return;
    }
    let known = OWN.iter().find(|(names, _)| names.contains(&name));
    notes.push(left(
        directive,
        known.map_or("genconf knows nothing of it", |(_, why)| *why),
    ));
}
