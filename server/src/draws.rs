//! The tally of N uniform draws from 1..=1000.
//!
//! Without side effects: the generator is an argument. Below [`CROSSOVER`], each
//! value is drawn. From there on, the counts are sampled directly from the same
//! multinomial distribution, so that the cost does not grow with N.

use bytes::{BufMut, Bytes, BytesMut};
use rand::{Rng, RngExt};

use crate::binomial;

/// The number of values that a draw can have: 1, 2, … `VALUES`.
pub const VALUES: usize = 1000;

/// The number of draws if the request does not set one.
pub const DEFAULT_DRAWS: u64 = 100_000_000;

/// The maximum number of draws: the largest integer that JSON parsers preserve
/// exactly (RFC 8259, section 6).
pub const MAX_DRAWS: u64 = (1 << 53) - 1;

/// The number of draws from which sampling the counts is faster than single
/// draws (`cargo run --release --example crossover`).
pub const CROSSOVER: u64 = 60_000;

/// The number of draws of each value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    counts: [u64; VALUES],
}

impl From<[u64; VALUES]> for Tally {
    fn from(counts: [u64; VALUES]) -> Self {
        Self { counts }
    }
}

impl Tally {
    /// Draws `draws` values with the faster method.
    pub fn draw(draws: u64, generator: &mut impl Rng) -> Self {
        if draws < CROSSOVER {
            Self::one_by_one(draws, generator)
        } else {
            Self::multinomial(draws, generator)
        }
    }

    /// Draws each value.
    pub fn one_by_one(draws: u64, generator: &mut impl Rng) -> Self {
        let mut counts = [0; VALUES];
        for _ in 0..draws / 2 {
            let word: u64 = generator.random();
            counts[value_index(low(word), generator)] += 1;
            counts[value_index(high(word), generator)] += 1;
        }
        if draws % 2 == 1 {
            let word: u64 = generator.random();
            counts[value_index(low(word), generator)] += 1;
        }
        Self { counts }
    }

    /// Samples the counts. The count of the next value is binomial over the
    /// remaining draws, with probability 1 / number of remaining values. The result
    /// has exactly the multinomial distribution.
    pub fn multinomial(draws: u64, generator: &mut impl Rng) -> Self {
        let mut counts = [0; VALUES];
        let mut remaining = draws;
        for (count, remaining_values) in counts.iter_mut().zip((2..=1000_u16).rev()) {
            *count = binomial::sample(remaining, remaining_values, generator);
            remaining -= *count;
        }
        counts[VALUES - 1] = remaining;
        Self { counts }
    }

    /// Returns the counts of 1, 2, … in this order.
    #[must_use]
    pub const fn counts(&self) -> &[u64; VALUES] {
        &self.counts
    }

    /// Formats the tally as `{"1":100123,…}`, without values that have no draws.
    #[must_use]
    pub fn json(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.json_size());
        let mut opening = b'{';
        for (index, &count) in self.counts.iter().enumerate() {
            if count > 0 {
                out.put_u8(opening);
                out.put_u8(b'"');
                write_decimal(&mut out, index as u64 + 1);
                out.put_slice(b"\":");
                write_decimal(&mut out, count);
                opening = b',';
            }
        }
        if opening == b'{' {
            out.put_u8(b'{');
        }
        out.put_u8(b'}');
        out.freeze()
    }

    /// Returns an upper limit of the length of the JSON in bytes.
    fn json_size(&self) -> usize {
        let widest = self
            .counts
            .iter()
            .max()
            .map_or(1, |&count| digit_count(count));
        let present = self.counts.iter().filter(|&&count| count > 0).count();
        2 + present * (7 + widest)
    }
}

/// Maps 32 random bits to an index without bias. Products that would favor some
/// values are rejected and drawn again (Lemire, arXiv:1805.10941).
#[inline]
fn value_index(bits: u32, generator: &mut impl Rng) -> usize {
    const SPAN: u32 = 1000;
    const BIASED: u32 = SPAN.wrapping_neg() % SPAN;
    let mut product = u64::from(bits) * u64::from(SPAN);
    while low(product) < BIASED {
        product = u64::from(generator.random::<u32>()) * u64::from(SPAN);
    }
    high(product) as usize
}

#[expect(clippy::cast_possible_truncation, reason = "returns the low half")]
const fn low(word: u64) -> u32 {
    word as u32
}

const fn high(word: u64) -> u32 {
    low(word >> 32)
}

/// Returns the number of decimal digits.
pub(crate) const fn digit_count(number: u64) -> usize {
    match number.checked_ilog10() {
        Some(log) => log as usize + 1,
        None => 1,
    }
}

/// Writes a number in decimal, two digits per step.
pub(crate) fn write_decimal(out: &mut impl BufMut, number: u64) {
    const PAIRS: &[u8; 200] = b"\
        0001020304050607080910111213141516171819\
        2021222324252627282930313233343536373839\
        4041424344454647484950515253545556575859\
        6061626364656667686970717273747576777879\
        8081828384858687888990919293949596979899";
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = number;
    loop {
        let pair = usize::from((rest % 100).to_le_bytes()[0]) * 2;
        start -= 2;
        digits[start..start + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
        rest /= 100;
        if rest == 0 {
            break;
        }
    }
    // With an odd number of digits, the last pair starts with an extra zero.
    let first = start + usize::from(digits[start] == b'0');
    out.put_slice(&digits[first..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::Xoshiro256PlusPlus;

    #[test]
    fn decimal_matches_display() {
        let edges = [0, 1, 9, 10, 11, 99, 100, 101, 999, 1000, 1001, u64::MAX];
        let powers = (0..64).map(|shift| (1_u64 << shift) - 1);
        for number in edges.into_iter().chain(powers).chain(0..2000) {
            let mut out = BytesMut::new();
            write_decimal(&mut out, number);
            assert_eq!(out, number.to_string().as_bytes());
        }
    }

    #[test]
    fn json_parses_to_the_tally() {
        let mut generator = Xoshiro256PlusPlus::seed_from_u64(1);
        for draws in [0, 1, 2, 999, 100_000, MAX_DRAWS] {
            let tally = Tally::draw(draws, &mut generator);
            let json = tally.json();
            assert!(json.len() <= tally.json_size());
            let read: std::collections::BTreeMap<usize, u64> =
                serde_json::from_slice(&json).expect("JSON");
            assert_eq!(read.values().sum::<u64>(), draws);
            assert!(
                read.iter()
                    .all(|(value, &count)| tally.counts[value - 1] == count)
            );
        }
    }
}
