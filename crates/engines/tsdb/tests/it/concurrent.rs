//! Many threads at once.

use std::thread;

use model::Matcher;
use wal::SimDisk;

use crate::{floats, labels, open, options, read, secs, series};

#[test]
fn appends_queries_and_maintenance_go_side_by_side() {
    const THREADS: usize = 4;
    const SAMPLES: i32 = 300;
    let (store, _) = open(&SimDisk::new(1), options(), secs(0));
    thread::scope(|scope| {
        for instance in 0..THREADS {
            let store = &store;
            scope.spawn(move || {
                for second in 0..SAMPLES {
                    let at = secs(second.into());
                    let sample = (at.as_millis(), f64::from(second));
                    let batch = [series(&labels("up", instance), &[sample])];
                    store.append(at, &floats(&batch)).unwrap();
                    if second % 50 == 0 {
                        store.flush(at).unwrap();
                        store.maintain(at).unwrap();
                    }
                    let own = [Matcher::equal("instance", instance.to_string())];
                    let found = read(&store.select(&own, 0, i64::MAX).unwrap());
                    let samples = &found[&labels("up", instance)];
                    assert_eq!(samples.len(), usize::try_from(second).unwrap() + 1);
                }
            });
        }
    });
    assert_eq!(store.stats().samples, u64::try_from(SAMPLES).unwrap() * THREADS as u64);
}
