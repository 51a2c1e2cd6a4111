//! Reports how often the true cause of a simulated shop's slowness is found: `cargo run --release --example shop -- 100`.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a report of measurements over the tests' simulation"
)]

#[path = "../tests/it/shop.rs"]
mod shop;

use shop::{Cause, Rng, Shop, difference};

fn main() {
    let argument = |at, default| {
        std::env::args().nth(at).and_then(|n| n.parse::<u32>().ok()).unwrap_or(default)
    };
    let (seeds, shown) = (u64::from(argument(1, 100)), u64::from(argument(3, 0)));
    let events = argument(2, 30_000) as usize;
    for cause in [Cause::VersionInRegion, Cause::Host, Cause::NoCacheKey, Cause::BigPayload] {
        for (name, innocents) in
            [("careful", 0.0), ("20 % innocents", 0.2), ("40 % innocents", 0.4)]
        {
            let (mut top3, mut first, mut certain, mut sizes) = (0, 0, 0, Vec::new());
            for seed in 0..seeds {
                let shop = Shop::as_seen(seed, cause, events);
                let mut rng = Rng(seed);
                let inside = if innocents > 0.0 {
                    shop.careless_box(&mut rng, innocents)
                } else {
                    shop.perfect_box(&mut rng)
                };
                sizes.push(inside.iter().filter(|inside| **inside).count());
                let found = difference(&shop.events, &inside);
                let place = shop.place_of_cause(&found);
                top3 += u32::from(place.is_some_and(|place| place <= 3));
                first += u32::from(place == Some(1));
                certain += u32::from(place.is_some_and(|place| place <= found.rows.len()));
                if seed < shown || (shown > 0 && place.is_none_or(|place| place > 3)) {
                    println!(
                        "seed {seed}: cause at {place:?} ({} {} {}), {} rows, selection {}, {:.0} % innocent, slower {:.1}",
                        shop.version,
                        shop.region,
                        shop.host,
                        found.rows.len(),
                        sizes[sizes.len() - 1],
                        100.0 * shop.innocents(&inside),
                        shop.slower
                    );
                    for row in found.rows.iter().chain(&found.perhaps).take(6) {
                        println!(
                            "   {:.3} {} [{}]",
                            row.separation_low,
                            row.sentence(),
                            row.beside
                                .iter()
                                .take(5)
                                .map(|b| format!("{:?} {}", b.relation, b.name()))
                                .collect::<Vec<_>>()
                                .join("; ")
                        );
                    }
                }
            }
            sizes.sort_unstable();
            println!(
                "{cause:?}, {name}: top 3 in {top3} of {seeds}, first in {first}, certain in {certain}; selections {}..{} events, median {}",
                sizes[0],
                sizes[sizes.len() - 1],
                sizes[sizes.len() / 2]
            );
        }
    }
    let (mut any, mut notable, mut runs) = (0, 0, 0);
    for seed in 0..seeds {
        let shop = Shop::new(seed, Cause::Nothing, events, true);
        for share in [0.0005, 0.005, 0.05, 0.4] {
            let mut rng = Rng(seed ^ 0xabcd);
            let inside: Vec<bool> = shop.events.iter().map(|_| rng.chance(share)).collect();
            let found = difference(&shop.events, &inside);
            runs += 1;
            any += u32::from(!found.rows.is_empty() || !found.rarer.is_empty());
            notable += u32::from(found.rows.iter().chain(&found.rarer).any(|row| row.is_notable()));
        }
    }
    println!("no cause: {any} of {runs} random selections list a row, {notable} a notable one");
}
