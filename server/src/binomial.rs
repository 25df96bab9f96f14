//! Binomial counts by transformed rejection with squeeze.
//!
//! The algorithm is BTRS of W. Hörmann, "The generation of binomial random
//! variates", Journal of Statistical Computation and Simulation 46 (1993). It
//! has almost nothing to prepare, which counts here: each sample of a tally
//! has parameters of its own. It is exact up to the rounding of `f64`.

use rand::{Rng, RngExt};
use rand_distr::{Binomial, Distribution};

/// Below this mean the algorithm does not hold.
const LEAST_MEAN: f64 = 10.0;

/// How many of `trials` fall on one of `values` equally likely values, which
/// are at least two.
#[expect(
    clippy::cast_precision_loss,
    reason = "trials are below 2^53, and so is each count"
)]
pub(crate) fn sample(trials: u64, values: u16, generator: &mut impl Rng) -> u64 {
    let probability = f64::from(values).recip();
    if trials as f64 * probability < LEAST_MEAN {
        return Binomial::new(trials, probability).map_or(0, |binomial| binomial.sample(generator));
    }
    let hat = Hat::new(trials as f64, f64::from(values));
    loop {
        if let Some(count) = hat.attempt(generator) {
            return count;
        }
    }
}

/// The hat over a binomial distribution, in the paper's terms: `a`, `b` and
/// `c` place it, `quick` is the part under which nothing needs to be computed.
struct Hat {
    trials: f64,
    probability: f64,
    deviation: f64,
    a: f64,
    b: f64,
    c: f64,
    quick: f64,
}

impl Hat {
    fn new(trials: f64, values: f64) -> Self {
        let probability = values.recip();
        let deviation = (trials * probability * (1.0 - probability)).sqrt();
        let b = 1.15 + 2.53 * deviation;
        Self {
            trials,
            probability,
            deviation,
            a: -0.0873 + 0.0248 * b + 0.01 * probability,
            b,
            c: trials * probability + 0.5,
            quick: 0.92 - 4.2 / b,
        }
    }

    /// A count, unless this attempt is rejected.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count is a whole number from 0 to the trials, seen before"
    )]
    fn attempt(&self, generator: &mut impl Rng) -> Option<u64> {
        let place = generator.random::<f64>() - 0.5;
        let height = generator.random::<f64>();
        let margin = 0.5 - place.abs();
        let count = ((2.0 * self.a / margin + self.b) * place + self.c).floor();
        if margin >= 0.07 && height <= self.quick {
            return Some(count as u64);
        }
        if count < 0.0 || count > self.trials {
            return None;
        }
        let alpha = (2.83 + 5.1 / self.b) * self.deviation;
        let height = (height * alpha / (self.a / (margin * margin) + self.b)).ln();
        (height <= self.density(count)).then_some(count as u64)
    }

    /// The logarithm of the probability of `count` against that of the mode.
    fn density(&self, count: f64) -> f64 {
        let (trials, odds) = (self.trials, self.probability / (1.0 - self.probability));
        let mode = ((trials + 1.0) * self.probability).floor();
        let (rest, mode_rest) = (trials - count, trials - mode);
        // A quotient close to one is taken by its distance from one, which is
        // exact; its logarithm is multiplied by as many trials as there are.
        (mode + 0.5) * ((mode + 1.0) / (odds * (mode_rest + 1.0))).ln()
            + (trials + 1.0) * ((count - mode) / (rest + 1.0)).ln_1p()
            + (count + 0.5) * (odds * (rest + 1.0) / (count + 1.0)).ln()
            + stirling(mode)
            + stirling(mode_rest)
            - stirling(count)
            - stirling(rest)
    }
}

/// What Stirling's formula leaves of ln k!, written for k + 1.
fn stirling(count: f64) -> f64 {
    const SMALL: [f64; 10] = [
        0.081_061_466_795_327_26,
        0.041_340_695_955_409_29,
        0.027_677_925_684_998_34,
        0.020_790_672_103_765_09,
        0.016_644_691_189_821_19,
        0.013_876_128_823_070_75,
        0.011_896_709_945_891_77,
        0.010_411_265_261_972_09,
        0.009_255_462_182_712_73,
        0.008_330_563_433_362_87,
    ];
    if let Some(&known) = SMALL.iter().enumerate().find_map(|(k, known)| {
        let k = u8::try_from(k).unwrap_or_default();
        (count < f64::from(k) + 0.5).then_some(known)
    }) {
        return known;
    }
    let next = count + 1.0;
    let square = next * next;
    (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / 1260.0 / square) / square) / next
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::Xoshiro256PlusPlus;

    #[test]
    fn stirling_is_what_the_formula_leaves() {
        let mut logarithm = 0.0;
        for count in 0..40 {
            let count = f64::from(count);
            logarithm += count.max(1.0).ln();
            let next = count + 1.0;
            let formula =
                (count + 0.5) * next.ln() - next + (2.0 * std::f64::consts::PI).ln() / 2.0;
            assert!(
                (logarithm - formula - stirling(count)).abs() < 1e-9,
                "{count}"
            );
        }
    }

    /// Compares samples with the exact distribution, bin by bin.
    #[test]
    fn samples_have_the_exact_distribution() {
        const SAMPLES: u32 = 200_000;
        for (trials, values, seed) in [
            (20, 2, 1),
            (100, 2, 2),
            (150, 10, 3),
            (1000, 100, 4),
            (12_000, 1000, 5),
        ] {
            let mut generator = Xoshiro256PlusPlus::seed_from_u64(seed);
            let mut seen = vec![0_u32; usize::try_from(trials).expect("small") + 1];
            for _ in 0..SAMPLES {
                let count = sample(trials, values, &mut generator);
                seen[usize::try_from(count).expect("small")] += 1;
            }
            let odds = 1.0 / (f64::from(values) - 1.0);
            let trials = f64::from(u32::try_from(trials).expect("small"));
            let mut probability = (trials * (1.0 - f64::from(values).recip()).ln()).exp();
            let (mut statistic, mut freedom) = (0.0, -1.0);
            for (count, &seen) in (0_u32..).zip(&seen) {
                let expected = probability * f64::from(SAMPLES);
                if expected > 20.0 {
                    statistic += (f64::from(seen) - expected).powi(2) / expected;
                    freedom += 1.0;
                }
                let count = f64::from(count);
                probability *= (trials - count) / (count + 1.0) * odds;
            }
            let deviation: f64 = (statistic - freedom) / (2.0_f64 * freedom).sqrt();
            assert!(
                deviation < 4.0,
                "{trials} trials, {values} values: {deviation}"
            );
        }
    }
}
