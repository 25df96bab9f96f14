//! Both methods of drawing have the same distribution: chi-square tests with fixed
//! seeds, below, at, and above the crossover.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use randoms::draws::{CROSSOVER, MAX_DRAWS, Tally, VALUES};

type Method = fn(u64, &mut Xoshiro256PlusPlus) -> Tally;

/// Returns Pearson's chi-square statistic of a tally for the uniform distribution.
#[expect(clippy::cast_precision_loss, reason = "a statistic is a real number")]
fn chi_square(tally: &Tally, draws: u64) -> f64 {
    let expected = draws as f64 / VALUES as f64;
    let deviation = |&count: &u64| (count as f64 - expected).powi(2) / expected;
    tally.counts().iter().map(deviation).sum()
}

/// Returns the statistic as a number of standard deviations from its mean. With 999
/// degrees of freedom, it is close to normal.
fn deviation(tally: &Tally, draws: u64) -> f64 {
    let freedom: f64 = 999.0;
    (chi_square(tally, draws) - freedom) / (2.0 * freedom).sqrt()
}

/// Returns the mean and standard deviation of the deviations of many tallies.
fn moments(method: Method, draws: u64) -> (f64, f64) {
    const SEEDS: u32 = 200;
    let sample: Vec<f64> = (0..SEEDS)
        .map(|seed| {
            let mut generator = Xoshiro256PlusPlus::seed_from_u64(seed.into());
            deviation(&method(draws, &mut generator), draws)
        })
        .collect();
    let number = f64::from(SEEDS);
    let mean = sample.iter().sum::<f64>() / number;
    let variance = sample.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / number;
    (mean, variance.sqrt())
}

/// Checks the mean and the standard deviation of the statistic over many seeds, since
/// a tally can be too even or too uneven. With 200 seeds, their standard errors are
/// about 0.07 and 0.05. The limits are four times that.
fn assert_uniform(method: Method, draws: u64) {
    let (mean, spread) = moments(method, draws);
    assert!(mean.abs() < 0.28, "{draws} draws: mean {mean}");
    assert!((spread - 1.0).abs() < 0.2, "{draws} draws: spread {spread}");
}

#[test]
fn one_by_one_is_uniform_below_and_above_the_crossover() {
    for draws in [5_000, CROSSOVER - 1, CROSSOVER, 2 * CROSSOVER] {
        assert_uniform(Tally::one_by_one, draws);
    }
}

#[test]
fn multinomial_is_uniform_below_and_above_the_crossover() {
    for draws in [5_000, CROSSOVER - 1, CROSSOVER, 100_000_000, MAX_DRAWS] {
        assert_uniform(Tally::multinomial, draws);
    }
}

#[test]
fn draws_are_uniform_at_the_crossover() {
    for draws in CROSSOVER - 1..=CROSSOVER + 1 {
        assert_uniform(Tally::draw, draws);
    }
}

#[test]
fn biased_method_is_detected() {
    // Modulo bias: 8,192 values modulo 1000 favor the first 192 values by one part in
    // eight.
    let biased: Method = |draws, generator| {
        let mut counts = [0; VALUES];
        for _ in 0..draws {
            let bits: u16 = generator.random();
            counts[usize::from(bits >> 3) % VALUES] += 1;
        }
        Tally::from(counts)
    };
    let (mean, _) = moments(biased, CROSSOVER);
    assert!(mean.abs() > 0.28, "{mean}");
}

#[test]
fn both_methods_have_the_same_covariance() {
    // The counts of a multinomial distribution have a correlation of -1 / 999 for each
    // pair. Only then is the variance of the sum over the lower half N / 4.
    let draws = 100_000;
    for method in [Tally::one_by_one as Method, Tally::multinomial] {
        let half = |seed: u32| {
            let mut generator = Xoshiro256PlusPlus::seed_from_u64(seed.into());
            let tally = method(draws, &mut generator);
            let lower: u64 = tally.counts()[..VALUES / 2].iter().sum();
            (f64::from(u32::try_from(lower).expect("a count")) - 50_000.0).powi(2)
        };
        let variance = (0..1_000).map(half).sum::<f64>() / 1_000.0;
        assert!((variance / 25_000.0 - 1.0).abs() < 0.18, "{variance}");
    }
}

#[test]
fn tally_always_sums_to_the_draws() {
    let mut generator = Xoshiro256PlusPlus::seed_from_u64(9);
    let edges = [
        0,
        1,
        2,
        999,
        1000,
        CROSSOVER - 1,
        CROSSOVER,
        u64::from(u32::MAX),
        MAX_DRAWS,
    ];
    for draws in edges {
        for method in [Tally::multinomial as Method, Tally::draw] {
            let tally = method(draws, &mut generator);
            assert_eq!(tally.counts().iter().sum::<u64>(), draws);
        }
    }
}
