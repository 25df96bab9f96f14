//! Binomial sampling by transformed rejection with squeeze.
//!
//! The algorithm is BTRS of W. Hörmann, "The generation of binomial random
//! variates", Journal of Statistical Computation and Simulation 46 (1993). Its
//! setup is cheap, which matters because each sample of a tally has different
//! parameters. It is exact up to the rounding of `f64`.

use rand::{Rng, RngExt};
use rand_distr::{Binomial, Distribution};

/// The smallest mean for which the algorithm is valid.
const MIN_MEAN: f64 = 10.0;

/// Returns how many of `trials` have one given value of `values` equally likely
/// values; `values` is at least two.
#[expect(
    clippy::cast_precision_loss,
    reason = "trials are below 2^53, and so is each count"
)]
pub(crate) fn sample(trials: u64, values: u16, generator: &mut impl Rng) -> u64 {
    let probability = f64::from(values).recip();
    if trials as f64 * probability < MIN_MEAN {
        return Binomial::new(trials, probability).map_or(0, |binomial| binomial.sample(generator));
    }
    let hat = Hat::new(trials as f64, f64::from(values));
    loop {
        if let Some(count) = hat.attempt(generator) {
            return count;
        }
    }
}

/// The hat function of a binomial distribution. `a`, `b`, and `c` are the
/// parameters of the paper; below `squeeze`, an attempt is accepted without
/// further computation.
struct Hat {
    trials: f64,
    probability: f64,
    deviation: f64,
    a: f64,
    b: f64,
    c: f64,
    squeeze: f64,
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
            squeeze: 0.92 - 4.2 / b,
        }
    }

    /// Returns a count, or `None` if the attempt is rejected.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count is an integer from 0 to the number of trials"
    )]
    fn attempt(&self, generator: &mut impl Rng) -> Option<u64> {
        let offset = generator.random::<f64>() - 0.5;
        let height = generator.random::<f64>();
        let margin = 0.5 - offset.abs();
        let count = ((2.0 * self.a / margin + self.b) * offset + self.c).floor();
        if margin >= 0.07 && height <= self.squeeze {
            return Some(count as u64);
        }
        if count < 0.0 || count > self.trials {
            return None;
        }
        let alpha = (2.83 + 5.1 / self.b) * self.deviation;
        let height = (height * alpha / (self.a / (margin * margin) + self.b)).ln();
        (height <= self.density(count)).then_some(count as u64)
    }

    /// Returns the logarithm of the probability of `count`, relative to that of the mode.
    fn density(&self, count: f64) -> f64 {
        let (trials, odds) = (self.trials, self.probability / (1.0 - self.probability));
        let mode = ((trials + 1.0) * self.probability).floor();
        let (rest, mode_rest) = (trials - count, trials - mode);
        // For a quotient close to one, `ln_1p` of its exact distance from one avoids
        // a rounding error that the number of trials would multiply.
        (mode + 0.5) * ((mode + 1.0) / (odds * (mode_rest + 1.0))).ln()
            + (trials + 1.0) * ((count - mode) / (rest + 1.0)).ln_1p()
            + (count + 0.5) * (odds * (rest + 1.0) / (count + 1.0)).ln()
            + stirling(mode)
            + stirling(mode_rest)
            - stirling(count)
            - stirling(rest)
    }
}

/// Returns the error of Stirling's formula for ln k!, expressed in k + 1.
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
    if let Some(&value) = SMALL.iter().enumerate().find_map(|(k, value)| {
        let k = u8::try_from(k).unwrap_or_default();
        (count < f64::from(k) + 0.5).then_some(value)
    }) {
        return value;
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
    fn stirling_matches_the_formula() {
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

    /// Compares samples with the exact distribution in each bin.
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
            let mut observed = vec![0_u32; usize::try_from(trials).expect("small") + 1];
            for _ in 0..SAMPLES {
                let count = sample(trials, values, &mut generator);
                observed[usize::try_from(count).expect("small")] += 1;
            }
            let odds = 1.0 / (f64::from(values) - 1.0);
            let trials = f64::from(u32::try_from(trials).expect("small"));
            let mut probability = (trials * (1.0 - f64::from(values).recip()).ln()).exp();
            let (mut statistic, mut freedom) = (0.0, -1.0);
            for (count, &observed) in (0_u32..).zip(&observed) {
                let expected = probability * f64::from(SAMPLES);
                if expected > 20.0 {
                    statistic += (f64::from(observed) - expected).powi(2) / expected;
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
