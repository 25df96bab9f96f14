//! What is told of a pool's processes and ports.

use super::app::Declared;
use crate::import::Note;
use crate::import::plan::Sharing;
use crate::import::ports;

/// How many processes there are, and on which ports.
pub(super) fn tell_instances(
    label: &str,
    group: &[Declared],
    ports: &[u16],
    notes: &mut Vec<Note>,
) {
    let first = &group[0];
    if first.sharing == Sharing::OwnCluster {
        let why = "its arguments make it the master of its own workers (`supervisor: app`)";
        notes.push(Note::changed(label, why));
        if first.instances > 1 {
            notes.push(Note::left(
                format!("{label}: `instances`"),
                "the app itself says how many workers it has",
            ));
        }
        return;
    }
    if group.iter().all(|e| e.instances == 1) {
        return;
    }
    let counted = if group.iter().any(|e| e.counted) {
        "; they are as many as `cpus` of the host, which --cpus tells"
    } else {
        ""
    };
    let why = format!(
        "an app that takes no socket cannot share its port, so its {} processes have the ports {} behind one route{counted}; with `socket_activation: true` it could be `mode: cluster`",
        ports.len(),
        ports::ranges(ports).join(", "),
    );
    notes.push(Note::changed(format!("{label}: `instances`"), why));
}

/// How each instance is told its port now.
pub(super) fn tell_port(label: &str, first: &Declared, notes: &mut Vec<Note>) {
    for said in &first.said {
        let why = "`{port}` is in its place, which is the port of each instance";
        notes.push(Note::changed(format!("{label}: {said}"), why));
    }
}
