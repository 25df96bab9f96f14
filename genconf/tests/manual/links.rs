//! Links of the documentation.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::pages::{is_blessing, manual, read, repository};

/// Pages outside of the manual.
const OTHERS: &[&str] = &[
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "RUNBOOK.md",
    "bench/RENDER.md",
    "bench/RESULTS.md",
    "genconf/fuzz/README.md",
    "lab/RESULTS.md",
    "server/README.md",
];

/// The lines of a page outside of fenced code, without inline code.
fn prose(page: &str) -> impl Iterator<Item = String> {
    let mut is_code = false;
    page.lines().filter_map(move |line| {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
            return None;
        }
        let spans = line.split('`').step_by(2);
        (!is_code).then(|| spans.collect())
    })
}

/// The targets of `[text](target)` and of the pictures in HTML.
fn targets(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(page) {
        for (mark, end) in [
            ("](", ')'),
            ("src=\"", '"'),
            ("srcset=\"", '"'),
            ("href=\"", '"'),
        ] {
            let parts = line.split(mark).skip(1);
            found.extend(parts.filter_map(|part| Some(part.split_once(end)?.0.to_owned())));
        }
    }
    found
}

/// The anchors of a page's headings, as GitHub and mdBook make them.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let headings = page.lines().filter_map(|line| {
        if line.starts_with("```") {
            is_code = !is_code;
        }
        let heading = line.trim_start_matches('#');
        (!is_code && heading.len() < line.len()).then(|| heading.trim().to_lowercase())
    });
    let kept = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
    headings
        .map(|h| {
            h.chars()
                .filter(|c| kept(*c))
                .collect::<String>()
                .replace(' ', "-")
        })
        .collect()
}

/// The path without `.` and `..`.
fn normalized(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                assert!(parts.pop(), "{} leaves the repository", path.display());
            }
            Component::CurDir => {}
            other => parts.push(other),
        }
    }
    parts
}

/// What is wrong with the link from `page` to `target`, if anything is.
fn problem(page: &Path, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match file {
        "" => page.to_owned(),
        file => normalized(&page.parent().unwrap_or(Path::new("")).join(file)),
    };
    if !repository().join(&path).exists() {
        return Some(format!("{}: `{target}` does not exist", page.display()));
    }
    if page.starts_with("docs") && !path.starts_with("docs") {
        return Some(format!(
            "{}: `{target}` is outside of the manual; name the file in code font",
            page.display()
        ));
    }
    let is_known = anchor.is_empty() || anchors(&read(&path)).contains(anchor);
    (!is_known).then(|| format!("{}: `{target}` has no such heading", page.display()))
}

#[test]
fn links_resolve() {
    // Other tests write the pages at the same time.
    if is_blessing() {
        return;
    }
    let others = OTHERS.iter().map(PathBuf::from);
    let mut problems = Vec::new();
    for page in manual().into_iter().chain(others) {
        let text = read(&page);
        problems.extend(
            targets(&text)
                .iter()
                .filter_map(|target| problem(&page, target)),
        );
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    if is_blessing() {
        return;
    }
    let summary = Path::new("docs/SUMMARY.md");
    let listed: BTreeSet<PathBuf> = targets(&read(summary))
        .iter()
        .map(|target| Path::new("docs").join(target))
        .collect();
    let pages: BTreeSet<PathBuf> = manual().into_iter().filter(|p| p != summary).collect();
    assert_eq!(listed, pages);
}
