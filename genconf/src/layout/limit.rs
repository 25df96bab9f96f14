//! Resolved rate limits, in units that `HAProxy` can count.

use super::proxy::Limit;
use crate::topology::{RateLimit, default};

/// Units of time in microseconds, finest first.
const TICKS: [(&str, u64); 3] = [("us", 1), ("ms", 1_000), ("s", 1_000_000)];

/// Largest distance of a client's counter from the current time, in ticks. `HAProxy` stores it in 32
/// bits, which wrap around after 71 minutes in microseconds; a quarter of the range avoids that.
const MAX_TICKS_AHEAD: u64 = 1 << 30;

/// Shortest and longest lifetime of a client's entry after its last request, in seconds.
const EXPIRE_SECONDS: (u64, u64) = (120, 24 * 3_600);

/// Resolves the limit `name` of a proxy.
pub(super) fn resolve(name: &str, limit: &RateLimit) -> Limit {
    let rate = limit.rate.value;
    let burst = limit
        .burst
        .as_ref()
        .map_or(default::BURST, |b| b.value.number());
    let unit_us = if rate.unit() == 's' { 1 } else { 60 } * 1_000_000;
    let request_us = unit_us / u64::from(rate.requests());
    let ahead_us = request_us * (u64::from(burst) + 1);
    let fits = |(_, us): &&(&str, u64)| ahead_us / us < MAX_TICKS_AHEAD;
    let (tick, tick_us) = TICKS.iter().find(fits).unwrap_or(&TICKS[2]);
    let (least, most) = EXPIRE_SECONDS;
    Limit {
        name: name.to_owned(),
        requests: rate.requests(),
        unit: rate.unit(),
        burst,
        tick,
        ticks: (request_us / tick_us).max(1),
        expire_seconds: (ahead_us / 1_000_000 + 1).clamp(least, most),
        retry_after_seconds: request_us.div_ceil(1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostics;
    use crate::source::{Source, read};
    use crate::topology::decode::Decode;
    use crate::topology::decoder::Decoder;

    fn limit(text: &str) -> Limit {
        let node = read(&Source::new("t", text)).expect("is YAML");
        let decoded = RateLimit::decode(&node, &mut Decoder::new(&mut Diagnostics::default()));
        resolve("clients", &decoded.expect("is a limit"))
    }

    #[test]
    fn the_counter_of_a_client_fits_in_thirty_bits() {
        let counted = |text| {
            let limit = limit(text);
            (limit.tick, limit.ticks, limit.expire_seconds)
        };
        assert_eq!(counted("rate: 2/s"), ("us", 500_000, 120));
        assert_eq!(counted("rate: 1/m"), ("ms", 60_000, 1261));
        assert_eq!(counted("{ rate: 1000000/s, burst: 65535 }"), ("us", 1, 120));
        assert_eq!(
            counted("{ rate: 1/m, burst: 65535 }"),
            ("s", 60, 24 * 3_600)
        );
        for requests in [1, 3, 59, 7_001, 999_999] {
            for (unit, burst) in [("s", 1_u64), ("m", 1), ("s", 65_535), ("m", 65_535)] {
                let limit = limit(&format!("{{ rate: {requests}/{unit}, burst: {burst} }}"));
                assert!(limit.ticks * (burst + 1) < MAX_TICKS_AHEAD, "{limit:?}");
            }
        }
    }
}
