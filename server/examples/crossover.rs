//! Measures the number of draws from which sampling the counts is faster than
//! single draws: the value of `CROSSOVER` in `draws.rs`.
//!
//! `cargo run --release --package randoms --example crossover`

use std::hint::black_box;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use randoms::draws::Tally;

const ROUNDS: u32 = 400;

fn main() -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "draws     one by one  multinomial")?;
    for draws in (10_000..=100_000).step_by(10_000) {
        let single = median(|generator| Tally::one_by_one(draws, generator));
        let sampled = median(|generator| Tally::multinomial(draws, generator));
        writeln!(out, "{draws:<9} {single:>9.1?} {sampled:>12.1?}")?;
    }
    Ok(())
}

fn median(draw: impl Fn(&mut Xoshiro256PlusPlus) -> Tally) -> Duration {
    let mut generator = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut times: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            black_box(draw(&mut generator));
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}
