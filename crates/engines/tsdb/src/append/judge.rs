//! Decides which samples are taken. Changes nothing but marks.

use std::{sync::Arc, time::Duration};

use model::{Points, Timestamp};

use super::{Intake, REFUSED, UNRESOLVED, oldest_ms};
use crate::{
    Options, RefusedReason,
    head::{Head, normalise},
    hot::VALUE,
    record::{self, HistogramItem, Item},
};

/// The times between which samples are taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    oldest_ms: i64,
    newest_ms: i64,
    window_ms: i64,
}

impl Bounds {
    pub(super) fn new(options: &Options, received_at: Timestamp) -> Self {
        let future = Duration::from_secs(options.limits.future_seconds_max);
        Self {
            oldest_ms: oldest_ms(options, received_at),
            newest_ms: (received_at + future).as_millis(),
            window_ms: i64::try_from(options.out_of_order_window.as_millis()).unwrap_or(i64::MAX),
        }
    }

    fn judge(self, newest_ms: i64, at_ms: i64) -> Option<RefusedReason> {
        if at_ms > self.newest_ms {
            Some(RefusedReason::TooFarInFuture)
        } else if at_ms < self.oldest_ms {
            Some(RefusedReason::TooOld)
        } else if at_ms < newest_ms.saturating_sub(self.window_ms) {
            Some(RefusedReason::OutOfOrder)
        } else {
            None
        }
    }
}

/// Whether each series comes in one run, and its times ascend.
pub(super) fn is_regular(head: &mut Head, batch: u16, items: &[Item]) -> bool {
    let (mut last_id, mut last_ms) = (UNRESOLVED, i64::MIN);
    for item in items {
        if item.id >= REFUSED {
            continue;
        }
        if item.id == last_id {
            if item.at_ms <= last_ms {
                return false;
            }
        } else {
            let hot = head.pages.at(item.id);
            if hot.batch == batch {
                return false;
            }
            hot.batch = batch;
            last_id = item.id;
        }
        last_ms = item.at_ms;
    }
    true
}

/// Leaves those of the samples that are taken.
pub(super) fn judge_floats(
    head: &Head,
    bounds: Bounds,
    items: &mut Vec<Item>,
    intake: &mut Intake,
) {
    let mut kept = 0;
    let mut at = 0;
    while at < items.len() {
        let id = items[at].id;
        let mut end = at + 1;
        while items.get(end).is_some_and(|item| item.id == id) {
            end += 1;
        }
        if id >= REFUSED {
            for item in &items[at..end] {
                intake.refuse_series(item.place, item.at_ms);
            }
        } else if let Some(hot) = head.pages.get(id) {
            let newest = hot.last_ms;
            let first = items[at];
            if end == at + 1 && first.at_ms > newest && bounds.judge(newest, first.at_ms).is_none()
            {
                // As nearly all are: the next one of its series.
                items[kept] = first;
                kept += 1;
            } else {
                kept = judge_run(head, bounds, (items, at, end), kept, intake);
            }
        }
        at = end;
    }
    items.truncate(kept);
}

/// Judges the samples of one series, whose times ascend or repeat, and moves those that are taken to `kept`.
fn judge_run(
    head: &Head,
    bounds: Bounds,
    (items, at, end): (&mut [Item], usize, usize),
    mut kept: usize,
    intake: &mut Intake,
) -> usize {
    let id = items[at].id;
    let (newest, newest_bits) = head
        .pages
        .get(id)
        .map_or((i64::MIN, None), |hot| (hot.last_ms, hot.is(VALUE).then_some(hot.last_bits)));
    let mut existing = Points::default();
    let first_ms = items[at].at_ms.max(newest.saturating_sub(bounds.window_ms));
    if first_ms < newest {
        head.existing(id, (first_ms, items[end - 1].at_ms.min(newest)), &mut existing);
        normalise(&mut existing);
    }
    let mut last: Option<Item> = None;
    for place in at..end {
        let item = items[place];
        let same_time = match last {
            Some(last) if last.at_ms == item.at_ms => Some(last.bits),
            _ if item.at_ms == newest => newest_bits,
            _ if item.at_ms < newest => {
                let found = existing.times.binary_search(&item.at_ms);
                found.ok().map(|at| existing.values[at].to_bits())
            }
            _ => None,
        };
        let verdict =
            bounds.judge(newest, item.at_ms).or(same_time.map(|_| RefusedReason::Duplicate));
        match verdict {
            None => {
                items[kept] = item;
                kept += 1;
                last = Some(item);
            }
            Some(RefusedReason::Duplicate) if same_time == Some(item.bits) => {
                intake.duplicates += 1
            }
            Some(reason) => intake.refuse(head, reason, &item),
        }
    }
    kept
}

pub(super) fn judge_histograms(
    head: &Head,
    bounds: Bounds,
    items: &mut Vec<HistogramItem>,
    intake: &mut Intake,
) {
    let mut existing = Points::default();
    let mut known = None;
    let mut newest = i64::MIN;
    let mut last: Option<HistogramItem> = None;
    items.retain(|item| {
        if item.id >= REFUSED {
            intake.refuse_series(item.place, item.at_ms);
            return false;
        }
        if known != Some(item.id) {
            known = Some(item.id);
            let known_ms = head.pages.get(item.id).map_or(i64::MIN, |hot| hot.last_ms);
            newest = head.newest_histogram_ms(item.id).max(known_ms);
            existing.clear();
            head.existing(item.id, (item.at_ms, newest), &mut existing);
            normalise(&mut existing);
            last = None;
        }
        let same_time = match &last {
            Some(last) if last.at_ms == item.at_ms => Some(Arc::clone(&last.histogram)),
            _ => {
                let found = existing.histograms.binary_search_by_key(&item.at_ms, |one| one.at_ms);
                found.ok().map(|at| Arc::clone(&existing.histograms[at].histogram))
            }
        };
        match (bounds.judge(newest, item.at_ms), same_time) {
            (None, None) => {
                last = Some(item.clone());
                return true;
            }
            (None, Some(other)) if same(&other, &item.histogram) => intake.duplicates += 1,
            (reason, _) => {
                let reason = reason.unwrap_or(RefusedReason::Duplicate);
                let item = Item { id: item.id, place: item.place, at_ms: item.at_ms, bits: 0 };
                intake.refuse(head, reason, &item);
            }
        }
        false
    });
}

/// Whether two histograms are the same, a NaN being the same as itself.
fn same(a: &model::Histogram, b: &model::Histogram) -> bool {
    let bytes = |histogram| {
        let mut out = Vec::new();
        record::histogram::put(&mut out, histogram);
        out
    };
    a == b || bytes(a) == bytes(b)
}
