//! Thirty days of production in seconds, from a seed: failures, people, clock steps, full disks and kills at any moment.
//!
//! The real [`Core`](app::control::Core) decides and reacts over a journal in memory; around it stand a model of the outbox,
//! of the runner of acts and of receivers that fail. After every step the state must obey what is promised, and after every
//! kill the journal alone must give it back.

mod checks;
mod days;
mod effects;
mod machine;
pub(crate) mod world;

pub(crate) use machine::{Sim, person};

/// Seeds of one run; more are a matter of patience.
const ROUNDS: u64 = 20;

#[expect(clippy::disallowed_methods, reason = "which seeds to run is the caller's to say")]
fn seeds() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    match number("EVENKEEL_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("EVENKEEL_ROUNDS").unwrap_or(ROUNDS)).collect(),
    }
}

#[test]
fn simulation_of_thirty_days_keeps_every_promise() {
    let seeds = seeds();
    std::thread::scope(|scope| {
        for half in seeds.chunks(seeds.len().div_ceil(2)) {
            scope.spawn(|| half.iter().copied().for_each(simulate));
        }
    });
}

fn simulate(seed: u64) {
    let run = std::panic::catch_unwind(|| {
        let mut sim = Sim::new(seed);
        sim.live();
        sim.come_to_rest();
        sim.story()
    });
    match run {
        Ok(story) => println!("seed {seed}: {story}"),
        Err(_) => panic!("run it again with EVENKEEL_SEED={seed}"),
    }
}

#[test]
fn simulation_of_one_seed_is_the_same_twice() {
    let run = || {
        let mut sim = Sim::new(7);
        sim.live();
        sim.head()
    };
    assert_eq!(run(), run());
}
