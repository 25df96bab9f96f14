//! Certificates (`ssl_certificate`).

use super::directive::Directive;
use super::raw_line::absolute;
use super::scope::Scope;
use super::skipped;
use crate::import::Finding;
use crate::topology::decode::Scalar as _;
use crate::topology::path::{HostPath, KeyPath};

/// Certificate and key of a server without a name.
const PLACEHOLDER: (&str, &str) = ("/etc/ssl/certs/site.pem", "/etc/ssl/private/site.key");

/// The certificate and the key in effect; a placeholder at `listen` if there is none.
pub(super) fn certificate(
    scope: &Scope<'_>,
    listen: &Directive,
    names: &[String],
    findings: &mut Vec<Finding>,
) -> (String, String) {
    let certificates = scope.all("ssl_certificate");
    let pairs = certificates.iter().zip(scope.all("ssl_certificate_key"));
    let mut chosen: Option<(String, String)> = None;
    for (certificate, key) in pairs {
        let paths = (absolute(certificate.arg()), absolute(key.arg()));
        let is_valid = HostPath::read(&paths.0).is_ok() && KeyPath::read(&paths.1).is_ok();
        match &chosen {
            Some((first, _)) => {
                let reason = format!("a proxy has one certificate: {first}");
                findings.push(skipped(certificate, &reason));
            }
            None if is_valid => {
                report_relative(certificate, &paths.0, findings);
                report_relative(key, &paths.1, findings);
                chosen = Some(paths);
            }
            None => {
                let reason = "expected the paths of a certificate and a key without variables";
                findings.push(skipped(certificate, reason));
            }
        }
    }
    chosen.unwrap_or_else(|| {
        let paths = placeholder(names);
        let reason = format!(
            "this file has no certificate that `tls` can use: replace the placeholder {} in `tls`, or import all files: nginx -T | genconf import nginx -",
            paths.0
        );
        findings.push(Finding::adjusted(listen.text(), reason).at(listen.position));
        paths
    })
}

fn report_relative(directive: &Directive, path: &str, findings: &mut Vec<Finding>) {
    if directive.arg() != path {
        let finding = Finding::adjusted(directive.text(), format!("the path is {path}"));
        findings.push(finding.at(directive.position));
    }
}

/// The paths of certbot for the first name that it can have a certificate for.
fn placeholder(names: &[String]) -> (String, String) {
    let folder = |name: &&String| HostPath::read(&format!("/{name}")).is_ok() && name.contains('.');
    match names.iter().find(folder) {
        Some(name) => {
            let folder = format!("/etc/letsencrypt/live/{name}");
            (
                format!("{folder}/fullchain.pem"),
                format!("{folder}/privkey.pem"),
            )
        }
        None => (PLACEHOLDER.0.to_owned(), PLACEHOLDER.1.to_owned()),
    }
}
