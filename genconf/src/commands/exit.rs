//! Exit codes.

/// How a run ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// The command did what it was asked to do.
    Success,
    /// An invalid topology, an I/O error, or a program that cannot be run.
    Failure,
    /// Differences were found, and `--check` or `--exit-code` asked for this code.
    Differences,
    /// `verify`: a validator rejected the rendered files.
    VerifyFailed,
    /// `status`: an instance is not ready, or a host is not reachable.
    Unhealthy,
    /// Invalid command line (sysexits.h, `EX_USAGE`).
    Usage,
    /// A bug in genconf (sysexits.h, `EX_SOFTWARE`).
    Bug,
    /// The reader of standard output closed it; the code is that of SIGPIPE in a shell.
    ClosedOutput,
}

impl Exit {
    /// Every way to end, in the order of the codes.
    pub const ALL: [Self; 8] = [
        Self::Success,
        Self::Failure,
        Self::Differences,
        Self::VerifyFailed,
        Self::Unhealthy,
        Self::Usage,
        Self::Bug,
        Self::ClosedOutput,
    ];

    /// The exit code of the process. `verify` and `status` share one: an examination found problems.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Differences => 2,
            Self::VerifyFailed | Self::Unhealthy => 3,
            Self::Usage => 64,
            Self::Bug => 70,
            Self::ClosedOutput => 141,
        }
    }

    /// The meaning of the code, as `--help` and the manual print it.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => {
                "error, such as an invalid topology, a file edited by hand, or a missing program"
            }
            Self::Differences => "differences, only with --check or --exit-code",
            Self::VerifyFailed => "a validator rejected the rendered files (verify)",
            Self::Unhealthy => "an instance is not ready or a host is not reachable (status)",
            Self::Usage => "invalid command line",
            Self::Bug => "bug in genconf",
            Self::ClosedOutput => "the reader closed standard output before all was printed",
        }
    }
}

/// The exit codes of a command for its `--help`: the common ones, and `others`.
#[must_use]
pub fn help(others: &[Exit]) -> String {
    let common = [Exit::Success, Exit::Failure, Exit::Usage, Exit::Bug];
    let is_listed = |exit: &&Exit| common.contains(exit) || others.contains(exit);
    let lines = Exit::ALL
        .iter()
        .filter(is_listed)
        .map(|exit| format!("  {:<4}{}", exit.code(), exit.meaning()));
    format!("Exit codes:\n{}", lines.collect::<Vec<_>>().join("\n"))
}
