//! Decides which samples of a request are taken. Changes nothing.

use std::collections::{BTreeMap, HashMap};

use model::{Labels, Sample, Series, Timestamp};

use crate::{
    Offender, Options, Refused, RefusedReason,
    head::{Head, service},
    series::SeriesState,
};

/// What is to be taken, and what was refused.
#[derive(Debug, Default)]
pub(crate) struct Admitted {
    /// Merged by labels; samples sorted by time, each time once.
    pub(crate) stored: Vec<Series>,
    pub(crate) samples: u64,
    pub(crate) duplicates: u64,
    refused: BTreeMap<(RefusedReason, Box<str>), Count>,
    /// New series that this request brings, in all and by service.
    new: usize,
    new_of: BTreeMap<Box<str>, usize>,
}

#[derive(Clone, Debug, Default)]
struct Count {
    /// The refused samples, as [`Refused::places`].
    places: Vec<(usize, i64)>,
    series: u64,
}

/// The times between which samples are taken.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    oldest_ms: i64,
    newest_ms: i64,
    window_ms: i64,
}

pub(crate) fn admit(
    head: &Head,
    options: &Options,
    received_at: Timestamp,
    series: &[Series],
) -> Admitted {
    let future = std::time::Duration::from_secs(options.limits.future_seconds_max);
    let bounds = Bounds {
        oldest_ms: oldest_ms(options, received_at),
        newest_ms: (received_at + future).as_millis(),
        window_ms: window_ms(options),
    };
    let mut admitted = Admitted::default();
    for (place, samples) in merged(series) {
        let labels = &series[place].labels;
        let state = head.get(labels);
        if state.is_none()
            && let Some(reason) = admitted.over_limit(head, options, labels)
        {
            admitted.refuse(reason, labels, place, samples.iter().map(|sample| sample.at_ms));
            continue;
        }
        let stored = admitted.samples(state, bounds, (labels, place), samples);
        if stored.is_empty() {
            continue;
        }
        if state.is_none() {
            admitted.new += 1;
            *admitted.new_of.entry(service(labels).into()).or_default() += 1;
        }
        admitted.samples += to_u64(stored.len());
        admitted.stored.push(Series { labels: labels.clone(), samples: stored });
    }
    admitted
}

/// The time before which samples are older than the retention.
pub(crate) fn oldest_ms(options: &Options, now: Timestamp) -> i64 {
    options.retention.map_or(i64::MIN, |retention| (now - retention).as_millis())
}

pub(crate) fn window_ms(options: &Options) -> i64 {
    i64::try_from(options.out_of_order_window.as_millis()).unwrap_or(i64::MAX)
}

/// Each series once, by the place of its first appearance; samples sorted by time, those of one time as they came.
fn merged(series: &[Series]) -> Vec<(usize, Vec<Sample>)> {
    let mut places: HashMap<&Labels, usize> = HashMap::with_capacity(series.len());
    let mut merged: Vec<(usize, Vec<Sample>)> = Vec::with_capacity(series.len());
    for (first, one) in series.iter().enumerate() {
        let place = *places.entry(&one.labels).or_insert_with(|| {
            merged.push((first, Vec::new()));
            merged.len() - 1
        });
        merged[place].1.extend_from_slice(&one.samples);
    }
    for (_, samples) in &mut merged {
        samples.sort_by_key(|sample| sample.at_ms);
    }
    merged
}

impl Admitted {
    fn over_limit(&self, head: &Head, options: &Options, labels: &Labels) -> Option<RefusedReason> {
        let limits = &options.limits;
        let service = service(labels);
        let new_of = self.new_of.get(service).copied().unwrap_or(0);
        // Those that sleep take memory too: a sender of ever new series must not fill it within the retention.
        let known_max = limits.active_series_max.saturating_mul(2);
        if head.active + self.new >= limits.active_series_max || head.len() + self.new >= known_max
        {
            Some(RefusedReason::SeriesLimit)
        } else if head.active_of(service) + new_of >= limits.active_series_per_service_max {
            Some(RefusedReason::SeriesPerServiceLimit)
        } else {
            None
        }
    }

    fn refuse(
        &mut self,
        reason: RefusedReason,
        labels: &Labels,
        place: usize,
        times_ms: impl Iterator<Item = i64>,
    ) {
        let count = self.refused.entry((reason, service(labels).into())).or_default();
        count.places.extend(times_ms.map(|at_ms| (place, at_ms)));
        count.series += 1;
    }

    /// Those of the samples that are taken.
    fn samples(
        &mut self,
        state: Option<&SeriesState>,
        bounds: Bounds,
        (labels, place): (&Labels, usize),
        samples: Vec<Sample>,
    ) -> Vec<Sample> {
        let newest = state.map_or(i64::MIN, |state| state.max_ms);
        let existing = match (state, samples.first(), samples.last()) {
            (Some(state), Some(first), Some(last)) if first.at_ms <= newest => {
                let start_ms = first.at_ms.max(newest.saturating_sub(bounds.window_ms));
                state.existing(start_ms, last.at_ms)
            }
            _ => Vec::new(),
        };
        let mut taken: Vec<Sample> = Vec::with_capacity(samples.len());
        let mut refused: BTreeMap<RefusedReason, Vec<i64>> = BTreeMap::new();
        for sample in samples {
            let same_time = match taken.last() {
                Some(last) if last.at_ms == sample.at_ms => Some(*last),
                _ => find(&existing, sample.at_ms),
            };
            let verdict =
                bounds.judge(newest, sample.at_ms).or(same_time.map(|_| RefusedReason::Duplicate));
            match (verdict, same_time) {
                (None, _) => taken.push(sample),
                (Some(RefusedReason::Duplicate), Some(other))
                    if other.value.to_bits() == sample.value.to_bits() =>
                {
                    self.duplicates += 1;
                }
                (Some(reason), _) => refused.entry(reason).or_default().push(sample.at_ms),
            }
        }
        for (reason, times_ms) in refused {
            self.refuse(reason, labels, place, times_ms.into_iter());
        }
        taken
    }

    /// What was refused, with a message for each reason and service. `offender` finds the label to blame.
    pub(crate) fn refused(
        &self,
        head: &Head,
        options: &Options,
        mut offender: impl FnMut(Option<&str>) -> Option<Offender>,
    ) -> Vec<Refused> {
        self.refused
            .iter()
            .map(|((reason, service), count)| Refused {
                reason: *reason,
                service: service.clone(),
                samples: to_u64(count.places.len()),
                places: count.places.clone(),
                message: message(*reason, service, count, head, options, &mut offender),
            })
            .collect()
    }
}

impl Bounds {
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

fn find(samples: &[Sample], at_ms: i64) -> Option<Sample> {
    samples.binary_search_by_key(&at_ms, |sample| sample.at_ms).ok().map(|at| samples[at])
}

fn message(
    reason: RefusedReason,
    service: &str,
    count: &Count,
    head: &Head,
    options: &Options,
    offender: &mut dyn FnMut(Option<&str>) -> Option<Offender>,
) -> String {
    let limits = &options.limits;
    let what = format!(
        "refused {} samples of {} series of service `{service}`",
        count.places.len(),
        count.series
    );
    let why = match reason {
        RefusedReason::SeriesLimit => format!(
            "the series are new, and {} active ones are known; `limits.max_active_series` allows {}",
            head.active, limits.active_series_max
        ),
        RefusedReason::SeriesPerServiceLimit => format!(
            "the series are new, and the service has {} active ones; \
             `limits.max_active_series_per_service` allows {}",
            head.active_of(service),
            limits.active_series_per_service_max
        ),
        RefusedReason::OutOfOrder => format!(
            "they are older than their series' newest by more than the out-of-order window of {:?}",
            options.out_of_order_window
        ),
        RefusedReason::TooOld => "they are older than the retention of metrics".to_owned(),
        RefusedReason::TooFarInFuture => format!(
            "they are ahead of our clock by more than the {} s of `limits.max_future_seconds`",
            limits.future_seconds_max
        ),
        RefusedReason::Duplicate => {
            "there are samples of the same times with other values".to_owned()
        }
    };
    let blamed = match reason {
        RefusedReason::SeriesLimit => offender(None),
        RefusedReason::SeriesPerServiceLimit => offender(Some(service)),
        RefusedReason::OutOfOrder
        | RefusedReason::TooOld
        | RefusedReason::TooFarInFuture
        | RefusedReason::Duplicate => None,
    };
    match blamed {
        Some(label) => {
            format!(
                "{what}: {why}; label `{}` has the most values, {} or more",
                label.name, label.count
            )
        }
        None => format!("{what}: {why}"),
    }
}

fn to_u64(len: usize) -> u64 {
    u64::try_from(len).expect("a length in memory fits 64 bits")
}
