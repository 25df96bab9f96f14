//! Paths that a location matches.

use super::directive::Directive;

/// How a location compares paths.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Matching {
    /// `=`: one path.
    Exact,
    /// A path and every path that starts with it.
    Prefix,
    /// `~` or `~*`: a regular expression.
    Regex,
    /// `@`: internal redirects only.
    Named,
}

/// The modifier and the path of a location.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pattern<'t> {
    /// How it compares paths.
    pub(super) matching: Matching,
    /// Modifier, as in the file; it can be empty.
    pub(super) modifier: &'t str,
    /// Path or regular expression.
    pub(super) path: &'t str,
}

impl<'t> Pattern<'t> {
    /// The pattern of a `location` block; `None` if nginx would reject it.
    pub(super) fn of(location: &'t Directive) -> Option<Self> {
        let (modifier, path) = match location.args.as_slice() {
            [word] => split(word),
            [modifier, path] => (modifier.as_str(), path.as_str()),
            _ => return None,
        };
        let matching = match modifier {
            "=" => Matching::Exact,
            "~" | "~*" => Matching::Regex,
            "" if path.starts_with('@') => Matching::Named,
            "" | "^~" => Matching::Prefix,
            _ => return None,
        };
        Some(Self {
            matching,
            modifier,
            path,
        })
    }

    /// The path as a route compares it: without the slash at its end.
    pub(super) fn trimmed(&self) -> &'t str {
        self.path.trim_end_matches('/')
    }

    /// Whether both match the same path, for a route.
    pub(super) fn has_path_of(&self, other: &Self) -> bool {
        self.is_path() && other.is_path() && self.trimmed() == other.trimmed()
    }

    /// Whether it matches `path` or a path below it by its prefix.
    pub(super) fn covers(&self, path: &str) -> bool {
        self.matching == Matching::Prefix && path.starts_with(self.path)
    }

    /// Whether it is a path, not a regular expression or a name.
    pub(super) fn is_path(&self) -> bool {
        matches!(self.matching, Matching::Exact | Matching::Prefix)
    }

    /// Order of locations whose routes have the same path: the one that matches most paths below it
    /// is first.
    pub(super) fn rank(&self) -> u8 {
        match self.matching {
            Matching::Prefix if self.path.ends_with('/') => 0,
            Matching::Prefix => 1,
            _ => 2,
        }
    }
}

/// The modifier at the start of a word, which nginx accepts without a space.
fn split(word: &str) -> (&str, &str) {
    let modifier = ["=", "^~", "~*", "~"]
        .into_iter()
        .find(|m| word.starts_with(m));
    word.split_at(modifier.map_or(0, str::len))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn modifiers_need_no_space() {
        assert_eq!(split("=/a"), ("=", "/a"));
        assert_eq!(split("~*\\.php$"), ("~*", "\\.php$"));
        assert_eq!(split("^~/a"), ("^~", "/a"));
        assert_eq!(split("/a"), ("", "/a"));
    }
}
