//! Tells what was refused, and why, in words.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::Timestamp;

use crate::{
    Offender, Options, Refused, RefusedBy, RefusedReason, head::Head, hot::ACTIVE, index::Index,
    store::Log,
};

/// How long the label to blame for refusals is remembered: finding it takes a while.
const OFFENDER_FOR: std::time::Duration = std::time::Duration::from_secs(60);
const OFFENDERS_MAX: usize = 1000;
/// How many series are looked at to find the label with the most values.
const OFFENDER_SERIES: usize = 10_000;

/// Services and labels that are told apart in what was refused for one reason.
const BLAMED_MAX: usize = 20;

/// What was refused since the start, by reason, service and the label to blame. Whoever came first is told apart, so that
/// no count ever falls.
#[derive(Debug, Default)]
pub(crate) struct Blamed(BTreeMap<RefusedReason, BTreeMap<ServiceAndLabel, u64>>);

type ServiceAndLabel = (Box<str>, Box<str>);

impl Blamed {
    fn add(&mut self, reason: RefusedReason, service: &str, label: Option<&str>, samples: u64) {
        let of_reason = self.0.entry(reason).or_default();
        let key = (Box::from(service), Box::from(label.unwrap_or("")));
        let count = if of_reason.len() < BLAMED_MAX || of_reason.contains_key(&key) {
            of_reason.entry(key)
        } else {
            of_reason.entry((RefusedBy::OTHER.into(), RefusedBy::OTHER.into()))
        };
        *count.or_default() += samples;
    }

    pub(crate) fn list(&self) -> Vec<RefusedBy> {
        let mut list = Vec::new();
        for (&reason, all) in &self.0 {
            for ((service, label), &samples) in all {
                let (service, label) = (service.clone(), label.clone());
                list.push(RefusedBy { reason, service, label, samples });
            }
        }
        list
    }
}

/// What one append refuses, by reason and service.
#[derive(Debug, Default)]
pub(crate) struct Refusals(BTreeMap<(RefusedReason, Box<str>), Count>);

#[derive(Clone, Debug, Default)]
struct Count {
    samples: u64,
    places: Vec<(usize, i64)>,
    series: u64,
    last_place: Option<usize>,
}

impl Refusals {
    pub(crate) fn add(&mut self, reason: RefusedReason, service: &str, place: usize, at_ms: i64) {
        let key = (reason, Box::from(service));
        let count = self.0.entry(key).or_default();
        count.samples += 1;
        if count.places.len() < Refused::PLACES_MAX {
            count.places.push((place, at_ms));
        }
        if count.last_place.replace(place) != Some(place) {
            count.series += 1;
        }
    }

    /// What was refused, with a message for each reason and service.
    pub(crate) fn told(
        &self,
        head: &Head,
        index: &Index,
        options: &Options,
        log: &mut Log,
        now: Timestamp,
    ) -> Vec<Refused> {
        let mut told = Vec::with_capacity(self.0.len());
        for ((reason, service), count) in &self.0 {
            let blamed = match reason {
                RefusedReason::SeriesLimit => offender(head, index, log, now, None),
                RefusedReason::SeriesPerServiceLimit => {
                    offender(head, index, log, now, Some(service))
                }
                RefusedReason::OutOfOrder
                | RefusedReason::TooOld
                | RefusedReason::TooFarInFuture
                | RefusedReason::Duplicate => None,
            };
            *log.refused.entry(*reason).or_default() += count.samples;
            let label = blamed.as_ref().map(|label| &*label.name);
            log.blamed.add(*reason, service, label, count.samples);
            let mut places = count.places.clone();
            places.sort_unstable();
            told.push(Refused {
                reason: *reason,
                service: service.clone(),
                samples: count.samples,
                places,
                message: message(*reason, service, count, head, options, blamed),
            });
        }
        told
    }
}

/// The label to blame, from memory when it was looked for lately.
fn offender(
    head: &Head,
    index: &Index,
    log: &mut Log,
    now: Timestamp,
    service: Option<&str>,
) -> Option<Offender> {
    let key = service.map(Box::from);
    if let Some((at, known)) = log.offenders.get(&key)
        && now.since(*at) < OFFENDER_FOR
    {
        return known.clone();
    }
    if log.offenders.len() >= OFFENDERS_MAX {
        log.offenders.clear();
    }
    let found = find_offender(head, index, service);
    log.offenders.insert(key, (now, found.clone()));
    found
}

/// The label with the most values among the active series, of a service or of all.
fn find_offender(head: &Head, index: &Index, service: Option<&str>) -> Option<Offender> {
    let service = match service {
        Some(name) => Some(head.emitters.number_of_service(name)?),
        None => None,
    };
    let reader = index.reader();
    let mut values: HashMap<String, BTreeSet<String>> = HashMap::new();
    let of_service =
        |emitter: u32| service.is_none_or(|one| head.emitters.service_of(emitter) == one);
    let series = head.pages.iter().filter(|(_, hot)| hot.is(ACTIVE) && of_service(hot.emitter));
    for (id, _) in series.take(OFFENDER_SERIES) {
        reader.visit_labels(id, &mut |name, value| {
            if let Some(known) = values.get_mut(name) {
                if !known.contains(value) {
                    known.insert(value.to_owned());
                }
            } else {
                values.insert(name.to_owned(), BTreeSet::from([value.to_owned()]));
            }
        });
    }
    let mut counts: Vec<(usize, String)> =
        values.into_iter().map(|(name, values)| (values.len(), name)).collect();
    counts.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let (count, name) = counts.into_iter().next()?;
    Some(Offender { name: name.into(), count })
}

fn message(
    reason: RefusedReason,
    service: &str,
    count: &Count,
    head: &Head,
    options: &Options,
    blamed: Option<Offender>,
) -> String {
    let limits = &options.limits;
    let what = format!(
        "refused {} samples of {} series of service `{service}`",
        count.samples, count.series
    );
    let why = match reason {
        RefusedReason::SeriesLimit => format!(
            "the series are new, and {} active ones are known; `limits.max_active_series` allows {}",
            head.active, limits.active_series_max
        ),
        RefusedReason::SeriesPerServiceLimit => format!(
            "the series are new, and the service has {} active ones; \
             `limits.max_active_series_per_service` allows {}",
            head.emitters.active_of(service),
            limits.active_series_per_service_max
        ),
        RefusedReason::OutOfOrder => format!(
            "they are older than their series' newest by more than the {:?} of \
             `retention.out_of_order_window`",
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
    match blamed {
        Some(label) => format!(
            "{what}: {why}; label `{}` has the most values, {} or more",
            label.name, label.count
        ),
        None => format!("{what}: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_blamed_is_bounded_and_no_count_falls() {
        let mut blamed = Blamed::default();
        for round in 1..=3 {
            for service in 0..30 {
                blamed.add(RefusedReason::SeriesLimit, &format!("s{service:02}"), Some("user"), 2);
            }
            blamed.add(RefusedReason::TooOld, "s29", None, 1);
            let list = blamed.list();
            let of = |service: &str, label: &str, reason| {
                let same = |one: &&RefusedBy| {
                    (&*one.service, &*one.label, one.reason) == (service, label, reason)
                };
                list.iter().find(same).map(|one| one.samples)
            };
            assert_eq!(list.len(), BLAMED_MAX + 2);
            assert_eq!(of("s00", "user", RefusedReason::SeriesLimit), Some(2 * round));
            assert_eq!(of("other", "other", RefusedReason::SeriesLimit), Some(20 * round));
            assert_eq!(of("s29", "", RefusedReason::TooOld), Some(round));
        }
    }
}
