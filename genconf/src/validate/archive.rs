//! What an archive needs to be run.

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::topology::Topology;
use crate::topology::choice::Runtime;

/// An archive is unpacked and one file of it is run; nothing else has files inside.
pub(super) fn archives_say_what_runs(topology: &Topology, faults: &mut Diagnostics) {
    for (_, app) in topology.apps.iter() {
        if app.is_unsure_of(&["main", "runtime"]) {
            continue;
        }
        let artifact = &app.artifact;
        let is_image = app.runs_on() == Runtime::Container;
        let is_unpacked = artifact.value.is_archive() && !is_image;
        let fault = |span, said: &str| Diagnostic::error(Code::Contradiction, span, said);
        match &app.main {
            None if is_unpacked => faults.push(
                fault(
                    artifact.span,
                    "an archive is unpacked, and nothing says what of it is run",
                )
                .help("write `main: server.js`, the file as it is called in the archive"),
            ),
            Some(main) if is_image => faults.push(
                fault(main.span, "what a container runs is said by its image")
                    .help("leave it out; `args` go to the image's own program"),
            ),
            Some(main) if !is_unpacked => faults.push(
                fault(
                    main.span,
                    "`main` is a file of an archive, and this artifact is none",
                )
                .also(artifact.span, "this file is what is run")
                .help("leave it out, or deploy a .tar, .tar.gz or .tgz"),
            ),
            _ => {}
        }
    }
}
