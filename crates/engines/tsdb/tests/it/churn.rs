//! Series that come and go, and stores that must stay small.

use model::{Labels, Series};
use tsdb::{Options, Tsdb};
use wal::SimDisk;

use crate::{HOUR, contents, floats, labels, open, options, secs, series};

const INSTANCES: i64 = 10;
const SERIES: i64 = 100;

/// Ten instances with a hundred series each; one is replaced every hour.
fn append_fleet(store: &Tsdb, second: i64) {
    for instance in 0..INSTANCES {
        let generation = (second / 3600 + INSTANCES - 1 - instance) / INSTANCES;
        let batch: Vec<Series> = (0..SERIES)
            .map(|number| {
                let labels = Labels::from_pairs([
                    ("__name__", format!("metric_{number}")),
                    ("job", "shop".to_owned()),
                    ("instance", format!("10.0.{generation}.{instance}")),
                ]);
                let value = f64::from(i32::try_from(second / 7).unwrap());
                series(&labels, &[(second * 1000, value)])
            })
            .collect();
        store.append(secs(second), &floats(&batch)).unwrap();
    }
}

#[test]
fn memory_is_flat_and_old_series_go_with_their_samples() {
    let disk = SimDisk::new(1);
    let options = Options { retention: Some(6 * HOUR), head_samples: 20_000, ..options() };
    let (store, _) = open(&disk, options.clone(), secs(0));
    let mut at_hour = Vec::new();
    for hour in 0..24 {
        for second in (hour * 3600..(hour + 1) * 3600).step_by(120) {
            append_fleet(&store, second);
            store.maintain(secs(second)).unwrap();
        }
        let stats = store.stats();
        at_hour.push((stats.index_bytes + stats.head_bytes, stats.series, stats.series_active));
    }
    let stats = store.stats();
    // Those of the retention, and of the part that is not dropped yet.
    assert!((1500..2200).contains(&stats.series), "{stats:?}");
    assert!((1000..1400).contains(&stats.series_active), "{stats:?}");
    let (early, late) = (at_hour[12].0, at_hour[23].0);
    assert!(late <= early + early / 10, "{at_hour:?}");
    let kept = contents(&store);
    assert_eq!(contents(&open(&disk, options, secs(24 * 3600)).0), kept);
}

#[test]
fn the_oldest_parts_go_when_there_are_too_many_bytes() {
    let disk = SimDisk::new(1);
    let options = Options { retention: None, retention_bytes: Some(60_000), ..options() };
    let (store, _) = open(&disk, options, secs(0));
    for second in (0..20 * 86_400).step_by(600) {
        let noise = f64::from(u32::try_from(second).unwrap()).sin();
        let batch =
            [series(&labels("noise", 0), &[(second * 1000, noise), (second * 1000 + 1, -noise)])];
        store.append(secs(second), &floats(&batch)).unwrap();
        if second % 21_600 == 0 {
            store.flush(secs(second)).unwrap();
            store.maintain(secs(second)).unwrap();
        }
    }
    let stats = store.stats();
    assert!((30_000..70_000).contains(&stats.part_bytes), "{stats:?}");
    assert!(stats.min_ms.unwrap() > 86_400_000);
    assert_eq!(stats.max_ms.unwrap() / 1000, 20 * 86_400 - 600);
}
