//! What telemetry shows of one service.

use std::{collections::BTreeMap, time::Duration};

use model::Timestamp;

use crate::{limits, window::Window};

/// A version or instance that has been silent for this long no longer counts as running.
const RUNNING_WITHIN: Duration = Duration::from_secs(300);

#[derive(Clone, Debug)]
pub struct Observed {
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// Requests that it served.
    pub(crate) requests: Window,
    /// When each (version, instance) was last heard of.
    instances: BTreeMap<(Box<str>, Box<str>), Timestamp>,
}

/// A version and how many instances of it run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionSeen {
    pub version: Box<str>,
    pub instances: usize,
    pub last_seen: Timestamp,
}

impl Observed {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            first_seen: now,
            last_seen: now,
            requests: Window::default(),
            instances: BTreeMap::new(),
        }
    }

    pub(crate) fn seen(&mut self, version: &str, instance: &str, now: Timestamp) {
        self.last_seen = self.last_seen.max(now);
        let known = self.instances.len();
        let key = (Box::from(version), Box::from(instance));
        if let Some(last) = self.instances.get_mut(&key) {
            *last = (*last).max(now);
        } else if known < limits::INSTANCES_MAX {
            self.instances.insert(key, now);
        }
    }

    pub(crate) fn forget(&mut self, now: Timestamp) {
        self.instances.retain(|_, last| now.since(*last) < RUNNING_WITHIN);
    }

    /// Versions that run now, each with its instances; telemetry without a version is left out.
    pub fn versions(&self, now: Timestamp) -> Vec<VersionSeen> {
        let mut versions: BTreeMap<&str, VersionSeen> = BTreeMap::new();
        for ((version, _), last) in &self.instances {
            if version.is_empty() || now.since(*last) >= RUNNING_WITHIN {
                continue;
            }
            let seen = versions.entry(version).or_insert_with(|| VersionSeen {
                version: version.clone(),
                instances: 0,
                last_seen: *last,
            });
            seen.instances += 1;
            seen.last_seen = seen.last_seen.max(*last);
        }
        versions.into_values().collect()
    }

    /// Requests served within the last `span`, to the minute.
    pub fn requests(&self, now: Timestamp, span: Duration) -> crate::Requests {
        self.requests.sum(now, span)
    }
}
