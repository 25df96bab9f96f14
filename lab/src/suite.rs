//! The Debian releases a lab host can run.

use std::fmt;
use std::str::FromStr;

/// A Debian suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Suite {
    /// Debian 12: systemd 252, nginx 1.22, `HAProxy` 2.6.
    #[default]
    Bookworm,
    /// Debian 13: systemd 257, nginx 1.26, `HAProxy` 3.0.
    Trixie,
}

impl Suite {
    /// The code name, as in the package archive.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Suite {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "bookworm" | "12" => Ok(Self::Bookworm),
            "trixie" | "13" => Ok(Self::Trixie),
            _ => Err(format!("`{text}` is neither bookworm (12) nor trixie (13)")),
        }
    }
}
