//! Both ways of drawing give the same distribution: chi-square with fixed
//! seeds, on both sides of the crossover and across it.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use randoms::draws::{CROSSOVER, FACES, MAX_DRAWS, Tally};

type Way = fn(u64, &mut Xoshiro256PlusPlus) -> Tally;

/// Pearson's statistic of a tally against the uniform distribution.
#[expect(clippy::cast_precision_loss, reason = "a statistic is a real number")]
fn chi_square(tally: &Tally, draws: u64) -> f64 {
    let expected = draws as f64 / FACES as f64;
    let deviation = |&count: &u64| (count as f64 - expected).powi(2) / expected;
    tally.counts().iter().map(deviation).sum()
}

/// The statistic as a number of standard deviations from its mean. With 999
/// degrees of freedom it is close to normal.
fn deviation(tally: &Tally, draws: u64) -> f64 {
    let freedom: f64 = 999.0;
    (chi_square(tally, draws) - freedom) / (2.0 * freedom).sqrt()
}

/// Mean and standard deviation of the deviations of many tallies.
fn moments(way: Way, draws: u64) -> (f64, f64) {
    const SEEDS: u32 = 200;
    let sample: Vec<f64> = (0..SEEDS)
        .map(|seed| {
            let mut generator = Xoshiro256PlusPlus::seed_from_u64(seed.into());
            deviation(&way(draws, &mut generator), draws)
        })
        .collect();
    let number = f64::from(SEEDS);
    let mean = sample.iter().sum::<f64>() / number;
    let variance = sample.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / number;
    (mean, variance.sqrt())
}

/// Too even is as suspect as too uneven: over many seeds the statistic must
/// have the mean *and* the spread of chi-square. With 200 seeds both are known
/// to about 0.07 and 0.05; four times that is one chance in ten thousand.
fn assert_uniform(way: Way, draws: u64) {
    let (mean, spread) = moments(way, draws);
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
fn nothing_changes_across_the_crossover() {
    for draws in CROSSOVER - 1..=CROSSOVER + 1 {
        assert_uniform(Tally::draw, draws);
    }
}

#[test]
fn a_biased_way_would_be_found() {
    // The classic mistake, a remainder: 8,192 values on 1000 faces favour the
    // first 192 of them by one part in eight.
    let biased: Way = |draws, generator| {
        let mut counts = [0; FACES];
        for _ in 0..draws {
            let bits: u16 = generator.random();
            counts[usize::from(bits >> 3) % FACES] += 1;
        }
        Tally::from(counts)
    };
    let (mean, _) = moments(biased, CROSSOVER);
    assert!(mean.abs() > 0.28, "{mean}");
}

#[test]
fn both_ways_agree_on_pairs_of_values() {
    // Counts of one multinomial are negatively correlated: -1 / 999 for each
    // pair. The sum over the lower half has variance N / 4 only if they are.
    let draws = 100_000;
    for way in [Tally::one_by_one as Way, Tally::multinomial] {
        let half = |seed: u32| {
            let mut generator = Xoshiro256PlusPlus::seed_from_u64(seed.into());
            let tally = way(draws, &mut generator);
            let lower: u64 = tally.counts()[..FACES / 2].iter().sum();
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
        for way in [Tally::multinomial as Way, Tally::draw] {
            let tally = way(draws, &mut generator);
            assert_eq!(tally.counts().iter().sum::<u64>(), draws);
        }
    }
}
