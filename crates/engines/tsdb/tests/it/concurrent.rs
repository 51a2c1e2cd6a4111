//! Many threads at once.

use std::thread;

use model::Matcher;
use wal::SimDisk;

use crate::{labels, open, options, secs, series};

#[test]
fn appends_queries_and_checkpoints_go_side_by_side() {
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
                    store.append(at, &[series(&labels("up", instance), &[sample])], &[]).unwrap();
                    if second % 50 == 0 {
                        store.checkpoint(at).unwrap();
                    }
                    let own = [Matcher::equal("instance", instance.to_string())];
                    let found = store.select(&own, 0, i64::MAX).unwrap();
                    assert_eq!(found.damaged_blocks, 0);
                    assert_eq!(found.series[0].samples.len(), usize::try_from(second).unwrap() + 1);
                }
            });
        }
    });
    assert_eq!(store.stats().samples, u64::try_from(SAMPLES).unwrap() * THREADS as u64);
}
