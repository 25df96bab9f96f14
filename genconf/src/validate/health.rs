//! Rules for status codes of health checks.

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Spanned;
use crate::topology::Topology;
use crate::topology::health::StatusRange;

/// No status code is covered by another entry of the list.
pub(super) fn status_codes_are_distinct(topology: &Topology, diagnostics: &mut Diagnostics) {
    for (_, app) in topology.apps.iter() {
        let list = app.health.as_ref().and_then(|h| h.0.status.as_deref());
        for (index, status) in list.into_iter().flatten().enumerate() {
            let covers = |(other, range): &(usize, &Spanned<StatusRange>)| {
                let is_first = *other < index || range.value != status.value;
                is_first && range.value.covers(status.value)
            };
            let mut ranges = list.into_iter().flatten().enumerate();
            if let Some((_, covering)) = ranges.find(covers) {
                let message = if covering.value == status.value {
                    format!("`{}` is listed twice", status.value)
                } else {
                    format!("`{}` already covers `{}`", covering.value, status.value)
                };
                let help = format!("remove `{}`", status.value);
                diagnostics.push(
                    Diagnostic::warning(Code::NoEffect, status.span, message, help)
                        .also(covering.span, "covered by this entry"),
                );
            }
        }
    }
}
