//! Files that a configuration includes, in place of the directive that names them.

use super::files::{File, Files};
use super::token::fault;
use super::tree::{self, Directive};
use crate::import::Fault;

/// More files in each other than nginx itself opens; such includes go in a circle.
const DEEPEST: usize = 32;

/// Directives, and files looked at, that includes may come to.
const BUDGET: usize = 1_000_000;

/// The directives of the first file with all that it includes.
pub(super) fn whole(files: &Files<'_>) -> Result<Vec<Directive>, Fault> {
    let main = &files.list[0];
    let read = tree::read(files.source, &main.range)?;
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
    fn expand(&mut self, from: Vec<Directive>, depth: usize) -> Result<Vec<Directive>, Fault> {
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

    /// What an `include` stands for. One that names a file that is not here stays.
    fn include(&mut self, directive: Directive, depth: usize) -> Result<Vec<Directive>, Fault> {
        if depth == DEEPEST {
            return Err(fault(directive.place, "includes go in a circle"));
        }
        self.spend(self.files.list.len(), &directive)?;
        let files = self.named(directive.arg());
        if files.is_empty() && !directive.arg().contains(['*', '?', '[']) {
            return Ok(vec![directive]);
        }
        let mut included = Vec::new();
        for file in files {
            let read = tree::read(self.files.source, &file.range)?;
            included.extend(self.expand(read, depth + 1)?);
        }
        Ok(included)
    }

    fn spend(&mut self, steps: usize, at: &Directive) -> Result<(), Fault> {
        let left = self.budget.checked_sub(steps);
        self.budget = left.ok_or_else(|| fault(at.place, "what is included is too much"))?;
        Ok(())
    }

    /// The files that a pattern names, in the order in which nginx reads them.
    fn named(&self, pattern: &str) -> Vec<&'f File<'s>> {
        let pattern = if pattern.starts_with('/') {
            pattern.to_owned()
        } else {
            format!("{}/{pattern}", self.folder)
        };
        let files = self.files.list.iter();
        let mut named: Vec<_> = files.filter(|f| is_path(&pattern, f.path)).collect();
        named.sort_by_key(|f| f.path);
        named
    }
}

/// Whether `path` is one that `pattern` names: `*` and `?` stand for what is within a step.
fn is_path(pattern: &str, path: &str) -> bool {
    let (mut steps, mut names) = (pattern.split('/'), path.split('/'));
    loop {
        match (steps.next(), names.next()) {
            (None, None) => return true,
            (Some(step), Some(name)) if is_name(step, name) => {}
            _ => return false,
        }
    }
}

fn is_name(pattern: &str, name: &str) -> bool {
    // A hidden file is meant only where its point is written (glob(7)).
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Behind the last star, and how far it reaches.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                star = Some((p, n));
            }
            Some(letter) if *letter == b'?' || *letter == name[n] => (p, n) = (p + 1, n + 1),
            _ => match &mut star {
                Some((behind, reach)) => {
                    *reach += 1;
                    (p, n) = (*behind, *reach);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

/// The `include` directives of `http` that may have held servers or locations.
pub(super) fn unread(http: &[Directive]) -> Vec<&Directive> {
    let mut found = Vec::new();
    for directive in http {
        if directive.name == "include" && !is_usual(directive.arg()) {
            found.push(directive);
        }
        found.extend(unread(directive.inside()));
    }
    found
}

/// Whether an included file is one that the distribution wrote.
pub(super) fn is_usual(path: &str) -> bool {
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
    fn a_pattern_names_what_the_shell_would() {
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
            assert_eq!(is_path(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn includes_that_go_in_a_circle_or_grow_without_end_are_told() {
        let read = |text: &str| whole(&Files::of(&Source::new("-", text))).map(|t| t.len());
        let said = |text: &str| read(text).expect_err("is refused").said;
        let circle = "# configuration file /n/a:\nx;\ninclude a;\n";
        assert_eq!(said(circle), "includes go in a circle");
        let twice = |n| format!("include {0}; include {0};", n + 1);
        let file = |n| format!("# configuration file /n/{n}:\n{}\n", twice(n));
        let bomb: Vec<_> = (0..30).map(file).collect();
        assert_eq!(said(&bomb.concat()), "what is included is too much");
        assert_eq!(
            read("# configuration file /n/a:\ninclude b*; include c;"),
            Ok(1)
        );
    }
}
