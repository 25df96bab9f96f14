//! Rules for `main`, and for the program and its runtime.

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
        let program = match app.runs_on() {
            Runtime::Node => "server.js",
            Runtime::Jvm => "web.jar",
            Runtime::Native | Runtime::Container => "web",
        };
        match &app.main {
            None if is_unpacked => diagnostics.push(Diagnostic::error(
                Code::MissingMain,
                artifact.span,
                format!("app `{name}` must have `main`, because its artifact is an archive"),
                format!("set the path of the program inside the archive: `main: {program}`"),
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

/// A program with the extension of another runtime does not run natively. A warning, because a
/// script with a shebang does.
pub(super) fn runtimes_fit_programs(topology: &Topology, diagnostics: &mut Diagnostics) {
    for (_, app) in topology.apps.iter() {
        if app.has_invalid(&["main", "runtime"]) || app.runs_on() != Runtime::Native {
            continue;
        }
        let (program, span) = match &app.main {
            Some(main) => (main.value.as_str(), main.span),
            None => (app.artifact.value.file_name(), app.artifact.span),
        };
        let runtime = match program.rsplit_once('.').map(|(_, extension)| extension) {
            Some("js" | "cjs" | "mjs") => Runtime::Node,
            Some("jar") => Runtime::Jvm,
            _ => continue,
        };
        let message = format!(
            "`{program}` should have `runtime: {}`, found `native`",
            runtime.word()
        );
        let help = format!("set `runtime: {}`", runtime.word());
        let code = Code::UnsuitableRuntime;
        let diagnostic = Diagnostic::warning(code, span, message, help);
        diagnostics.push(match &app.runtime {
            Some(runtime) => diagnostic.also(runtime.span, "the runtime"),
            None => diagnostic,
        });
    }
}
