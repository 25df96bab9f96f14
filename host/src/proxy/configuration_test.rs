//! Tests a configuration with the program of its proxy before it replaces the current one.
//!
//! The test runs in a private mount namespace in which /run, /var/cache, and /var/log are empty: `nginx -t`
//! creates the logs and the PID file as root, and the proxy, which does not run as root, could not write to
//! them.
//!
//! It first runs in a private network namespace in which any address can be bound: `nginx -t` binds the
//! addresses of the configuration, and a virtual address may be on another host now. A configuration that
//! is rejected there is tested again in the host's network, in which host names can be resolved.

#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use model::{Engine, Proxy};

use crate::time_limit::TimeLimit;

/// Parameters: the configuration, the directory of credentials, the certificate and its key or two empty
/// strings, and the directories of the proxy's unit.
const FILES: &str = r#"
for directory in /run /var/cache /var/log; do mount -t tmpfs none "$directory"; done
configuration=$1 credentials=$2 certificate=$3 key=$4
shift 4
mkdir -p -- "$credentials" "$@"
if [ -n "$certificate" ]; then
    ln -s -- "$certificate" "$credentials/certificate"
    ln -s -- "$key" "$credentials/certificate.key"
fi
"#;

/// The kernel may have no IPv6, and in a container /proc/sys may be read-only: the addresses that can be
/// bound then are enough for most configurations.
const ANY_ADDRESS: &str = r#"
{
    ip link set lo up
    for family in /proc/sys/net/ipv[46]; do echo 1 > "$family/ip_nonlocal_bind"; done
} 2> /dev/null || true
"#;

/// Why a configuration must not be installed.
#[derive(Debug)]
pub(crate) enum Rejected {
    /// The certificate or its key does not exist.
    TlsFileMissing {
        /// Path of the installed configuration.
        configuration: PathBuf,
        /// The certificate or the key.
        file: PathBuf,
    },
    /// The program of the proxy reported errors.
    Invalid {
        /// The program.
        engine: Engine,
        /// Path of the installed configuration.
        configuration: PathBuf,
        /// Standard output and standard error.
        output: String,
    },
    /// unshare(1) could not be executed.
    NotTested {
        /// Path of the installed configuration.
        configuration: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TlsFileMissing {
                configuration,
                file,
            } => {
                let (configuration, file) = (configuration.display(), file.display());
                write!(
                    f,
                    "{configuration} requires {file}, which does not exist: install it first"
                )
            }
            Self::Invalid {
                engine,
                configuration,
                output,
            } => write!(
                f,
                "{engine} rejected {}:\n{output}",
                configuration.display()
            ),
            Self::NotTested {
                configuration,
                error,
            } => {
                let configuration = configuration.display();
                write!(f, "{configuration} was not tested: unshare: {error}")
            }
        }
    }
}

impl std::error::Error for Rejected {}

/// Of a test: it may resolve names.
const TEST_LIMIT: TimeLimit = TimeLimit::seconds(60);

/// The network in which a test runs.
#[derive(Clone, Copy)]
enum Network {
    Private,
    Host,
}

/// Tests `candidate` as the configuration of `proxy`. Requires root.
pub(crate) fn test_configuration(proxy: &Proxy, candidate: &Path) -> Result<(), Rejected> {
    test_with(&mut Command::output, proxy, candidate)
}

/// Executes a command and waits for it.
type Run<'r> = &'r mut dyn FnMut(&mut Command) -> io::Result<Output>;

fn test_with(run: Run<'_>, proxy: &Proxy, candidate: &Path) -> Result<(), Rejected> {
    let tls_files = proxy
        .tls
        .iter()
        .flat_map(|tls| [&tls.certificate, &tls.key]);
    if let Some(missing) = tls_files.into_iter().find(|file| !file.is_file()) {
        return Err(Rejected::TlsFileMissing {
            configuration: proxy.configuration.clone(),
            file: missing.clone(),
        });
    }
    let mut execute = |network| {
        run(&mut command(network, proxy, candidate)).map_err(|error| Rejected::NotTested {
            configuration: proxy.configuration.clone(),
            error,
        })
    };
    if execute(Network::Private)?.status.success() {
        return Ok(());
    }
    let output = execute(Network::Host)?;
    if output.status.success() {
        return Ok(());
    }
    let mut text = [output.stdout, output.stderr].concat();
    if let Some(exceeded) = TEST_LIMIT.exceeded(output.status) {
        text.extend_from_slice(exceeded.as_bytes());
    }
    Err(Rejected::Invalid {
        engine: proxy.engine,
        configuration: proxy.configuration.clone(),
        output: String::from_utf8_lossy(&text).trim_end().to_owned(),
    })
}

fn command(network: Network, proxy: &Proxy, candidate: &Path) -> Command {
    let (namespaces, set_up_network): (&[&str], &str) = match network {
        Network::Private => (&["--mount", "--net"], ANY_ADDRESS),
        Network::Host => (&["--mount"], ""),
    };
    let test = match proxy.engine {
        Engine::Nginx => r#"exec nginx -t -q -e stderr -c "$configuration""#,
        // BIND replaces the sockets that systemd passes to the service.
        Engine::Haproxy => r#"BIND=127.0.0.1:1 exec haproxy -c -f "$configuration""#,
    };
    let [certificate, key] = match &proxy.tls {
        Some(tls) => [tls.certificate.as_os_str(), tls.key.as_os_str()],
        None => [OsStr::new(""); 2],
    };
    let mut command = TEST_LIMIT.command("unshare");
    command
        .env("LC_ALL", "C.UTF-8")
        .args(namespaces)
        .args(["sh", "-ec", &format!("{set_up_network}{FILES}{test}"), "sh"])
        .args([candidate, &proxy.credentials])
        .args([certificate, key])
        .args(&proxy.directories);
    command
}
