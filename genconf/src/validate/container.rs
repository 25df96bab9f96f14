//! What a container needs, and what its engine cannot do.

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Span, Spanned};
use crate::topology::choice::{Runtime, Switch};
use crate::topology::{App, Topology};

/// A container runs an image, and nothing else does.
pub(super) fn images_are_run(topology: &Topology, faults: &mut Diagnostics) {
    for (name, app) in topology.apps.iter() {
        let image = app.image.as_ref().map(|i| i.span);
        let port = app.container_port.as_ref().map(|p| p.span);
        match container(app) {
            Some(runtime) if image.is_none() && !app.is_unsure_of(&["image"]) => faults.push(
                contradiction(runtime, "a container runs an image, and none is named")
                    .also(app.artifact.span, "one of those in this archive")
                    .help(format!(
                        "write `image: {}:1`, as it was called when it was built and saved",
                        name.value.as_str()
                    )),
            ),
            Some(_) => {}
            None if app.is_unsure_of(&["runtime"]) => {}
            None => {
                let runtime = app.runtime.as_ref().map(|r| r.span);
                for (key, span) in [("an image", image), ("a port of its own", port)] {
                    let Some(span) = span else { continue };
                    let said = format!("{key} belongs to a container, which this app is not");
                    let diagnostic = contradiction(span, &said).help("write `runtime: container`");
                    faults.push(match runtime {
                        Some(runtime) => diagnostic.also(runtime, "because of this"),
                        None => diagnostic,
                    });
                }
            }
        }
    }
}

/// What systemd says to its child stays between the two: the child is the
/// engine's client, and an engine with a daemon starts the container elsewhere.
pub(super) fn engines_hand_nothing_on(topology: &Topology, faults: &mut Diagnostics) {
    for (_, app) in topology.apps.iter() {
        let Some(runtime) = container(app) else {
            continue;
        };
        let asked = |key: &Option<Spanned<Switch>>| {
            key.as_ref()
                .filter(|k| k.value == Switch::Yes)
                .map(|k| k.span)
        };
        let opens = "leave it out: a container opens its own port, and a timer asks its health";
        let cannot = [
            (
                &app.socket_activation,
                "systemd's socket does not reach into a container",
                opens,
            ),
            (
                &app.sd_notify,
                "systemd does not hear what is said in a container",
                opens,
            ),
            (
                &app.state_directory,
                "a folder of systemd's does not reach into a container",
                "leave it out: what a container writes is gone with its next start",
            ),
        ];
        for (key, said, help) in cannot {
            let Some(span) = asked(key) else { continue };
            faults.push(
                contradiction(span, said)
                    .also(runtime, "because of this")
                    .help(help),
            );
        }
    }
}

/// Where it says that it is a container.
fn container(app: &App) -> Option<Span> {
    let runtime = app.runtime.as_ref()?;
    (runtime.value == Runtime::Container).then_some(runtime.span)
}

fn contradiction(span: Span, said: &str) -> Diagnostic {
    Diagnostic::error(Code::Contradiction, span, said)
}
