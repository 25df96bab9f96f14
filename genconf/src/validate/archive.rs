//! Rules for `main`.

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::topology::Topology;
use crate::topology::choice::Runtime;

/// `main` is set for archives, and for nothing else.
pub(super) fn archives_have_main(topology: &Topology, diagnostics: &mut Diagnostics) {
    for (name, app) in topology.apps.iter() {
        if app.has_invalid(&["main", "runtime"]) {
            continue;
        }
        let (name, artifact) = (name.value.as_str(), &app.artifact);
        let is_container = app.runs_on() == Runtime::Container;
        let is_unpacked = artifact.value.is_archive() && !is_container;
        let file = artifact.value.file_name();
        match &app.main {
            None if is_unpacked => diagnostics.push(Diagnostic::error(
                Code::MissingMain,
                artifact.span,
                format!("app `{name}` must have `main`, because its artifact is an archive"),
                "set the path of the program inside the archive: `main: server.js`",
            )),
            Some(main) if is_container => diagnostics.push(Diagnostic::error(
                Code::UnsupportedInContainer,
                main.span,
                "`main` is not supported with `runtime: container`",
                "remove `main`; the image defines the program, and `args` are its arguments",
            )),
            Some(main) if !is_unpacked => diagnostics.push(
                Diagnostic::error(
                    Code::MainWithoutArchive,
                    main.span,
                    format!("`main` requires an archive as artifact, found `{file}`"),
                    "remove `main`, or deploy an archive: `artifact: web.tar.gz`",
                )
                .also(artifact.span, "this file is the program"),
            ),
            _ => {}
        }
    }
}
