//! The tally of N uniform draws from 1..=1000.
//!
//! Pure: the generator is an argument, nothing else is touched. Below
//! [`CROSSOVER`] each draw is made; above it the counts of the same
//! multinomial distribution are sampled directly, so cost stops growing.

use bytes::{BufMut, Bytes, BytesMut};
use rand::{Rng, RngExt};

use crate::binomial;

/// How many different values a draw can have: 1, 2, … `FACES`.
pub const FACES: usize = 1000;

/// Draws made when the request does not say how many.
pub const DEFAULT_DRAWS: u64 = 100_000_000;

/// The most draws one list can have: the largest integer that every JSON
/// reader keeps exactly (RFC 8259, section 6).
pub const MAX_DRAWS: u64 = (1 << 53) - 1;

/// From this number of draws on, sampling the counts is faster than drawing
/// one by one (`cargo run --release --example crossover`).
pub const CROSSOVER: u64 = 60_000;

/// How often each value came up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    counts: [u64; FACES],
}

impl From<[u64; FACES]> for Tally {
    fn from(counts: [u64; FACES]) -> Self {
        Self { counts }
    }
}

impl Tally {
    /// Draws `draws` values by whichever way is faster.
    pub fn draw(draws: u64, generator: &mut impl Rng) -> Self {
        if draws < CROSSOVER {
            Self::one_by_one(draws, generator)
        } else {
            Self::multinomial(draws, generator)
        }
    }

    /// Makes every single draw.
    pub fn one_by_one(draws: u64, generator: &mut impl Rng) -> Self {
        let mut counts = [0; FACES];
        for _ in 0..draws / 2 {
            let word: u64 = generator.random();
            counts[face(low(word), generator)] += 1;
            counts[face(high(word), generator)] += 1;
        }
        if draws % 2 == 1 {
            let word: u64 = generator.random();
            counts[face(low(word), generator)] += 1;
        }
        Self { counts }
    }

    /// Samples the counts themselves: of the draws that are left, those that
    /// fall on the next value are binomial with probability one in the number
    /// of values left. This is the multinomial distribution, not a likeness.
    pub fn multinomial(draws: u64, generator: &mut impl Rng) -> Self {
        let mut counts = [0; FACES];
        let mut left = draws;
        for (count, values_left) in counts.iter_mut().zip((2..=1000_u16).rev()) {
            *count = binomial::sample(left, values_left, generator);
            left -= *count;
        }
        counts[FACES - 1] = left;
        Self { counts }
    }

    /// The counts of 1, 2, … in this order.
    #[must_use]
    pub const fn counts(&self) -> &[u64; FACES] {
        &self.counts
    }

    /// `{"1":100123,…}`, without the values that never came up.
    #[must_use]
    pub fn json(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.json_size());
        let mut opening = b'{';
        for (index, &count) in self.counts.iter().enumerate() {
            if count > 0 {
                out.put_u8(opening);
                out.put_u8(b'"');
                put_decimal(&mut out, index as u64 + 1);
                out.put_slice(b"\":");
                put_decimal(&mut out, count);
                opening = b',';
            }
        }
        if opening == b'{' {
            out.put_u8(b'{');
        }
        out.put_u8(b'}');
        out.freeze()
    }

    /// An upper bound of the JSON's length in bytes.
    fn json_size(&self) -> usize {
        let widest = self.counts.iter().max().map_or(1, |&count| width(count));
        let present = self.counts.iter().filter(|&&count| count > 0).count();
        2 + present * (7 + widest)
    }
}

/// Maps 32 random bits to an index without bias: the few products that would
/// favour some values are drawn again (Lemire, arXiv:1805.10941).
#[inline]
fn face(bits: u32, generator: &mut impl Rng) -> usize {
    const SPAN: u32 = 1000;
    const BIASED: u32 = SPAN.wrapping_neg() % SPAN;
    let mut product = u64::from(bits) * u64::from(SPAN);
    while low(product) < BIASED {
        product = u64::from(generator.random::<u32>()) * u64::from(SPAN);
    }
    high(product) as usize
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is meant")]
const fn low(word: u64) -> u32 {
    word as u32
}

const fn high(word: u64) -> u32 {
    low(word >> 32)
}

/// How many digits a number has.
pub(crate) const fn width(number: u64) -> usize {
    match number.checked_ilog10() {
        Some(log) => log as usize + 1,
        None => 1,
    }
}

/// Writes a number in decimal, two digits a step.
pub(crate) fn put_decimal(out: &mut impl BufMut, number: u64) {
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
    // The last pair of an odd number of digits begins with a zero too many.
    let first = start + usize::from(digits[start] == b'0');
    out.put_slice(&digits[first..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::Xoshiro256PlusPlus;

    #[test]
    fn decimal_writes_what_display_writes() {
        let edges = [0, 1, 9, 10, 11, 99, 100, 101, 999, 1000, 1001, u64::MAX];
        let powers = (0..64).map(|shift| (1_u64 << shift) - 1);
        for number in edges.into_iter().chain(powers).chain(0..2000) {
            let mut out = BytesMut::new();
            put_decimal(&mut out, number);
            assert_eq!(out, number.to_string().as_bytes());
        }
    }

    #[test]
    fn json_reads_back_as_the_tally() {
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
