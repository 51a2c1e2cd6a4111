//! What is refused, and how it is told.

use model::{Labels, Limits, Sample, Series};
use tsdb::{Options, RefusedReason};
use wal::SimDisk;

use crate::{append_at, floats, labels, open, options, secs, series};

fn limited() -> Options {
    let limits =
        Limits { active_series_max: 30, active_series_per_service_max: 20, ..Limits::default() };
    Options { limits, ..options() }
}

fn of(service: &str, user: usize) -> Series {
    let user = user.to_string();
    let labels =
        Labels::from_pairs([("__name__", "hits"), ("service_name", service), ("user_id", &user)]);
    series(&labels, &[(1000, 1.0)])
}

#[test]
fn a_service_over_its_limit_is_told_which_label_is_to_blame() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, limited(), secs(1));
    let batch: Vec<Series> = (0..25).map(|user| of("checkout", user)).collect();
    let appended = store.append(secs(1), &floats(&batch)).unwrap();
    assert_eq!(appended.samples, 20);
    assert_eq!(appended.refused.len(), 1);
    let refused = &appended.refused[0];
    assert_eq!((refused.reason, refused.samples), (RefusedReason::SeriesPerServiceLimit, 5));
    assert_eq!(refused.places, (20..25).map(|place| (place, 1000)).collect::<Vec<_>>());
    // The label is looked for before the batch is stored; the next one knows better.
    let again = store.append(secs(100), &floats(&[of("checkout", 99)])).unwrap();
    insta::assert_snapshot!(again.refused[0].message, @"refused 1 samples of 1 series of service `checkout`: the series are new, and the service has 20 active ones; `limits.max_active_series_per_service` allows 20; label `user_id` has the most values, 20 or more");

    let others: Vec<Series> = (0..15).map(|user| of("web", user)).collect();
    let appended = store.append(secs(200), &floats(&others)).unwrap();
    assert_eq!((appended.samples, appended.refused[0].samples), (10, 5));
    insta::assert_snapshot!(appended.refused[0].message, @"refused 5 samples of 5 series of service `web`: the series are new, and 30 active ones are known; `limits.max_active_series` allows 30; label `user_id` has the most values, 20 or more");

    let known: Vec<Series> = (0..20)
        .map(|user| Series {
            samples: vec![Sample { at_ms: 2000, value: 2.0 }],
            ..of("checkout", user)
        })
        .collect();
    assert_eq!(store.append(secs(300), &floats(&known)).unwrap().samples, 20, "known ones go on");
    assert_eq!(store.stats().refused[&RefusedReason::SeriesLimit], 5);

    let (reopened, _) = open(&disk, limited(), secs(301));
    assert_eq!(reopened.stats().series_active, 30);
    assert_eq!(reopened.append(secs(302), &floats(&[of("web", 77)])).unwrap().samples, 0);
}

#[test]
fn a_series_that_fell_silent_makes_room() {
    let (store, _) = open(&SimDisk::new(1), limited(), secs(1));
    let batch: Vec<Series> = (0..20).map(|user| of("checkout", user)).collect();
    store.append(secs(1), &floats(&batch)).unwrap();
    let later = 3 * 3600;
    store.maintain(secs(later)).unwrap();
    assert_eq!(store.stats().series_active, 0);
    assert_eq!(store.append(secs(later), &floats(&[of("checkout", 99)])).unwrap().samples, 1);
    let woken = Series { samples: vec![Sample { at_ms: 9000, value: 2.0 }], ..of("checkout", 3) };
    assert_eq!(store.append(secs(later), &floats(&[woken])).unwrap().samples, 1);
    assert_eq!(store.stats().series_active, 2);
}

#[test]
fn the_job_stands_in_for_the_service() {
    let (store, _) = open(&SimDisk::new(1), options(), secs(1));
    let by_job = Labels::from_pairs([("__name__", "up"), ("job", "node")]);
    let nameless = Labels::from_pairs([("__name__", "up")]);
    let batch =
        [of("web", 1), of("web", 2), series(&by_job, &[(0, 1.0)]), series(&nameless, &[(0, 1.0)])];
    store.append(secs(1), &floats(&batch)).unwrap();
    let stats = store.stats();
    let services: Vec<_> = stats.services.iter().map(|one| (&*one.name, one.count)).collect();
    assert_eq!(services, [("web", 2), ("", 1), ("node", 1)]);
    assert_eq!(&*stats.labels[0].name, "__name__");
}

#[test]
fn times_out_of_bounds_are_refused_by_reason() {
    let now = 40 * 86_400;
    let (store, _) = open(&SimDisk::new(1), options(), secs(now));
    append_at(&store, now, 1);
    let at = |second: i64| (second * 1000, 0.5);
    let batch = series(
        &labels("up", 0),
        &[
            at(now),
            at(now + 601),
            at(now - 1801),
            at(now - 31 * 86_400),
            at(now - 1800),
            at(now + 600),
        ],
    );
    let appended = store.append(secs(now), &floats(&[batch])).unwrap();
    let mut reasons: Vec<_> =
        appended.refused.iter().map(|refused| (refused.reason.as_str(), refused.samples)).collect();
    reasons.sort_unstable();
    assert_eq!(
        reasons,
        [("duplicate", 1), ("out_of_order", 1), ("too_far_in_future", 1), ("too_old", 1)]
    );
    let places = |reason| {
        appended.refused.iter().find(|refused| refused.reason == reason).unwrap().places.clone()
    };
    assert_eq!(places(RefusedReason::OutOfOrder), [(0, (now - 1801) * 1000)]);
    assert_eq!((appended.samples, appended.duplicates), (2, 0));
    assert_eq!(append_at(&store, now, 1).duplicates, 1);

    let backfill = series(&labels("up", 7), &[at(now - 86_400), at(now - 86_399), at(now - 1)]);
    let appended = store.append(secs(now), &floats(&[backfill])).unwrap();
    assert_eq!(appended.samples, 3, "a new series may begin long ago");
}
