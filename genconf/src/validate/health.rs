//! What a health check expects.

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Spanned;
use crate::topology::Topology;
use crate::topology::health::StatusRange;

/// A code that another element of the list covers changes nothing.
pub(super) fn status_codes_are_listed_once(topology: &Topology, faults: &mut Diagnostics) {
    for (_, app) in topology.apps.iter() {
        let list = app.health.as_ref().and_then(|h| h.0.status.as_deref());
        for (index, status) in list.into_iter().flatten().enumerate() {
            let covers = |(other, range): &(usize, &Spanned<StatusRange>)| {
                let is_first = *other < index || range.value != status.value;
                is_first && range.value.covers(status.value)
            };
            let mut ranges = list.into_iter().flatten().enumerate();
            if let Some((_, covering)) = ranges.find(covers) {
                let said = format!("`{}` already covers `{}`", covering.value, status.value);
                faults.push(
                    Diagnostic::warning(Code::NoEffect, status.span, said)
                        .help(format!("remove `{}`", status.value))
                        .also(covering.span, "covered by this"),
                );
            }
        }
    }
}
