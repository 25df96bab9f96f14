//! Expands `include` directives.

use super::directive::{self, Directive};
use super::files::{File, Files};
use super::token::error_at;
use crate::import::ImportError;

/// Maximum depth of includes. Deeper includes are treated as circular.
const MAX_DEPTH: usize = 32;

/// Maximum number of directives and file comparisons.
const BUDGET: usize = 1_000_000;

/// The directives of the main file with all includes expanded.
pub(super) fn expand(files: &Files<'_>) -> Result<Vec<Directive>, ImportError> {
    let main = &files.list[0];
    let read = directive::read(files.source, &main.range)?;
    if !files.is_dump() {
        return Ok(read);
    }
    let folder = main.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut includes = Includes {
        files,
        folder,
        budget: BUDGET,
    };
    includes.expand(read, 0)
}

struct Includes<'f, 's> {
    files: &'f Files<'s>,
    folder: &'f str,
    budget: usize,
}

impl<'f, 's> Includes<'f, 's> {
    fn expand(
        &mut self,
        from: Vec<Directive>,
        depth: usize,
    ) -> Result<Vec<Directive>, ImportError> {
        let mut expanded = Vec::new();
        for mut directive in from {
            self.spend(1, &directive)?;
            if directive.name == "include" {
                expanded.extend(self.include(directive, depth)?);
                continue;
            }
            if let Some(block) = directive.block.take() {
                directive.block = Some(self.expand(block, depth)?);
            }
            expanded.push(directive);
        }
        Ok(expanded)
    }

    /// The directives of an `include`. One whose file is not in the input is kept.
    fn include(
        &mut self,
        directive: Directive,
        depth: usize,
    ) -> Result<Vec<Directive>, ImportError> {
        if depth == MAX_DEPTH {
            return Err(error_at(directive.position, "circular include"));
        }
        self.spend(self.files.list.len(), &directive)?;
        let files = self.matching(directive.arg());
        if files.is_empty() && !directive.arg().contains(['*', '?', '[']) {
            return Ok(vec![directive]);
        }
        let mut included = Vec::new();
        for file in files {
            let read = directive::read(self.files.source, &file.range)?;
            included.extend(self.expand(read, depth + 1)?);
        }
        Ok(included)
    }

    fn spend(&mut self, steps: usize, at: &Directive) -> Result<(), ImportError> {
        let remaining = self.budget.checked_sub(steps);
        self.budget = remaining
            .ok_or_else(|| error_at(at.position, "the includes expand to too many directives"))?;
        Ok(())
    }

    /// The files that match a pattern, in the order of nginx.
    fn matching(&self, pattern: &str) -> Vec<&'f File<'s>> {
        let pattern = if pattern.starts_with('/') {
            pattern.to_owned()
        } else {
            format!("{}/{pattern}", self.folder)
        };
        let files = self.files.list.iter();
        let mut matching: Vec<_> = files.filter(|f| path_matches(&pattern, f.path)).collect();
        matching.sort_by_key(|f| f.path);
        matching
    }
}

/// Whether `path` matches `pattern`. `*` and `?` match within a path component.
fn path_matches(pattern: &str, path: &str) -> bool {
    let (mut steps, mut names) = (pattern.split('/'), path.split('/'));
    loop {
        match (steps.next(), names.next()) {
            (None, None) => return true,
            (Some(step), Some(name)) if name_matches(step, name) => {}
            _ => return false,
        }
    }
}

fn name_matches(pattern: &str, name: &str) -> bool {
    // A leading dot must be matched explicitly (glob(7)).
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Pattern index after the last star, and name index that the star has consumed.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                star = Some((p, n));
            }
            Some(letter) if *letter == b'?' || *letter == name[n] => (p, n) = (p + 1, n + 1),
            _ => match &mut star {
                Some((after, consumed)) => {
                    *consumed += 1;
                    (p, n) = (*after, *consumed);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

/// The `include` directives that were not expanded and may contain servers or locations.
pub(super) fn skipped_includes(http: &[Directive]) -> Vec<&Directive> {
    let mut found = Vec::new();
    for directive in http {
        if directive.name == "include" && !is_distribution_file(directive.arg()) {
            found.push(directive);
        }
        found.extend(skipped_includes(directive.inside()));
    }
    found
}

/// Whether an included file belongs to the distribution.
pub(super) fn is_distribution_file(path: &str) -> bool {
    ["mime.types", "_params", "fastcgi.conf"]
        .iter()
        .any(|end| path.ends_with(end))
        || path.contains("/modules-enabled/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn patterns_match_like_in_a_shell() {
        let sites = "/etc/nginx/sites-enabled/*";
        for (pattern, path, expected) in [
            (sites, "/etc/nginx/sites-enabled/shop", true),
            (sites, "/etc/nginx/sites-enabled/.shop.swp", false),
            (sites, "/etc/nginx/sites-enabled/a/b", false),
            ("/c/*.d/?a*b.conf", "/c/x.d/aaxbb.conf", true),
            ("/c/*.d/?a*b.conf", "/c/x.d/ab.conf", false),
            ("/c/*.conf", "/c/a.conf~", false),
            ("/c/x", "/c/x", true),
        ] {
            assert_eq!(path_matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn circular_and_exponential_includes_are_rejected() {
        let read = |text: &str| super::expand(&Files::of(&Source::new("-", text))).map(|t| t.len());
        let message = |text: &str| read(text).expect_err("is rejected").message;
        let circle = "# configuration file /n/a:\nx;\ninclude a;\n";
        assert_eq!(message(circle), "circular include");
        let twice = |n| format!("include {0}; include {0};", n + 1);
        let file = |n| format!("# configuration file /n/{n}:\n{}\n", twice(n));
        let bomb: Vec<_> = (0..30).map(file).collect();
        assert_eq!(
            message(&bomb.concat()),
            "the includes expand to too many directives"
        );
        assert_eq!(
            read("# configuration file /n/a:\ninclude b*; include c;"),
            Ok(1)
        );
    }
}
