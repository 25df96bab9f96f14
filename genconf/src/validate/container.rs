//! Rules for containers.

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Span, Spanned};
use crate::topology::choice::{Runtime, Switch};
use crate::topology::{App, Topology};

/// A container has an image; other apps have no keys of containers.
pub(super) fn containers_have_images(topology: &Topology, diagnostics: &mut Diagnostics) {
    for (name, app) in topology.apps.iter() {
        let image = app.image.as_ref().map(|i| i.span);
        let port = app.container_port.as_ref().map(|p| p.span);
        let name = name.value.as_str();
        match container(app) {
            Some(runtime) if image.is_none() && !app.has_invalid(&["image"]) => {
                let message = format!("app `{name}` must have `image`, because it is a container");
                let help = format!("set an image of the archive: `image: {name}:1`");
                diagnostics.push(
                    Diagnostic::error(Code::MissingImage, runtime, message, help)
                        .also(app.artifact.span, "the archive with the image"),
                );
            }
            Some(_) => {}
            None if app.has_invalid(&["runtime"]) => {}
            None => {
                let runtime = app.runtime.as_ref().map(|r| r.span);
                for (key, span) in [("image", image), ("container_port", port)] {
                    let Some(span) = span else { continue };
                    let message = format!(
                        "`{key}` requires `runtime: container`, found `{}`",
                        app.runs_on().word()
                    );
                    let help = format!("set `runtime: container`, or remove `{key}`");
                    let code = Code::ContainerOnly;
                    let diagnostic = Diagnostic::error(code, span, message, help);
                    diagnostics.push(match runtime {
                        Some(runtime) => diagnostic.also(runtime, "the runtime"),
                        None => diagnostic,
                    });
                }
            }
        }
    }
}

/// systemd passes nothing to the process in a container: its child is the client of the container
/// engine.
pub(super) fn containers_use_supported_keys(topology: &Topology, diagnostics: &mut Diagnostics) {
    for (_, app) in topology.apps.iter() {
        let Some(runtime) = container(app) else {
            continue;
        };
        let enabled = |key: &Option<Spanned<Switch>>| {
            key.as_ref()
                .filter(|k| k.value == Switch::Yes)
                .map(|k| k.span)
        };
        let unsupported = [
            (
                &app.socket_activation,
                "socket_activation",
                "a container binds its own port",
            ),
            (
                &app.sd_notify,
                "sd_notify",
                "containers are checked with an HTTP health probe",
            ),
            (
                &app.state_directory,
                "state_directory",
                "files in a container are deleted at its next start",
            ),
        ];
        for (key, name, reason) in unsupported {
            let Some(span) = enabled(key) else { continue };
            let message = format!("`{name}` is not supported with `runtime: container`");
            let help = format!("remove `{name}`; {reason}");
            diagnostics.push(
                Diagnostic::error(Code::UnsupportedInContainer, span, message, help)
                    .also(runtime, "the runtime"),
            );
        }
    }
}

/// The location of `runtime: container`.
fn container(app: &App) -> Option<Span> {
    let runtime = app.runtime.as_ref()?;
    (runtime.value == Runtime::Container).then_some(runtime.span)
}
