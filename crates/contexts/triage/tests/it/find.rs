//! The true cause is found, and nothing is found where there is none.

use triage::difference::{Difference, Relation};

use crate::shop::{Cause, Rng, Shop, difference};

const EVENTS: usize = 8000;

/// How often, of `seeds`, the cause is among the first three rows of a selection drawn with this share of innocents.
fn top_three(seeds: std::ops::Range<u64>, cause: Cause, innocents: impl Fn(u64) -> f64) -> (usize, usize) {
    let ran = seeds.end - seeds.start;
    let found = seeds.filter(|seed| {
        let shop = Shop::as_seen(*seed, cause, EVENTS);
        let rng = &mut Rng(*seed);
        let inside = match innocents(*seed) {
            0.0 => shop.perfect_box(rng),
            share => shop.careless_box(rng, share),
        };
        let place = shop.place_of_cause(&difference(&shop.events, &inside));
        place.is_some_and(|place| place <= 3)
    });
    (found.count(), usize::try_from(ran).unwrap())
}

#[test]
fn a_version_slow_in_one_region_is_in_the_top_three_of_95_of_100() {
    let (found, ran) = top_three(0..100, Cause::VersionInRegion, |_| 0.0);
    assert!(found >= 95, "{found} of {ran}");
}

#[test]
fn it_is_found_in_careless_selections_too() {
    let (found, ran) = top_three(100..200, Cause::VersionInRegion, |seed| [0.2, 0.3, 0.4][seed as usize % 3]);
    assert!(found >= 95, "{found} of {ran}");
}

#[test]
fn single_missing_and_numeric_causes_are_found() {
    for cause in [Cause::Host, Cause::NoCacheKey, Cause::BigPayload] {
        let (found, ran) = top_three(200..220, cause, |seed| [0.0, 0.3][seed as usize % 2]);
        assert!(found >= ran - 1, "{cause:?}: {found} of {ran}");
    }
}

#[test]
fn nothing_is_certain_where_there_is_no_cause() {
    let mut alarms = 0;
    for seed in 0..20 {
        let shop = Shop::new(seed, Cause::Nothing, 3000, true);
        for share in [0.003, 0.02, 0.2] {
            let mut rng = Rng(seed ^ 0xabcd);
            let inside: Vec<bool> = shop.events.iter().map(|_| rng.chance(share)).collect();
            let found = difference(&shop.events, &inside);
            alarms += usize::from(!found.rows.is_empty() || !found.rarer.is_empty());
        }
    }
    assert_eq!(alarms, 0, "of 60");
}

#[test]
fn what_says_the_same_is_one_row_and_identifiers_are_set_aside() {
    let shop = Shop::as_seen(1, Cause::VersionInRegion, EVENTS);
    let found = difference(&shop.events, &shop.perfect_box(&mut Rng(1)));
    let first = &found.rows[0];
    assert_eq!(first.name(), format!("version={} and region={}", shop.version, shop.region));
    assert!(first.sentence().contains(" % of the selection, "), "{}", first.sentence());
    assert!(first.is_notable());
    let same: Vec<_> =
        first.beside.iter().filter(|it| it.relation == Relation::Same).map(|it| it.name()).collect();
    let twin = format!("version={} and cloud.region=aws-{}", shop.version, shop.region);
    assert!(same.contains(&twin), "{same:?}");
    let is_pod = |name: &str| name.starts_with("pod=");
    assert!(!found.rows.iter().any(|row| is_pod(&row.name())), "{}", list(&found));
    let aside: Vec<&str> = found.set_aside.iter().map(|aside| &*aside.key).collect();
    assert_eq!(aside, ["request.id", "thread.id", "time", "trace_id", "url"]);
}

fn list(found: &Difference) -> String {
    found.rows.iter().map(|row| row.sentence() + "\n").collect()
}
