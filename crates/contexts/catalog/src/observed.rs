//! What telemetry shows of one service.

use std::{collections::BTreeMap, time::Duration};

use model::Timestamp;

use crate::{limits, window::Window};

/// A version or instance that has been silent for this long no longer counts as running, however seldom it spoke.
pub(crate) const RUNNING_WITHIN: Duration = Duration::from_secs(300);
/// One that speaks often counts as running for at least this long after its last word.
const RUNNING_WITHIN_LEAST: Duration = Duration::from_secs(15);
/// It is gone when it has been silent for so many times its usual pause.
const PAUSES: u32 = 3;

#[derive(Clone, Debug)]
pub struct Observed {
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// Requests that it served.
    pub(crate) requests: Window,
    /// When each (version, instance) was last heard of.
    instances: BTreeMap<(Box<str>, Box<str>), Heard>,
}

/// When an instance was last heard of, and how long it usually pauses.
#[derive(Clone, Copy, Debug)]
struct Heard {
    last: Timestamp,
    /// The longest pause so far, the older the less; `None` after the first word.
    pause: Option<Duration>,
}

impl Heard {
    fn again(&mut self, now: Timestamp) {
        // The records of one batch are one word.
        if now > self.last {
            let pause = now.since(self.last);
            self.pause = Some(self.pause.unwrap_or_default().mul_f64(0.98).max(pause));
            self.last = now;
        }
    }

    fn is_running(&self, now: Timestamp) -> bool {
        let silent = now.since(self.last);
        let pause = self.pause.map_or(RUNNING_WITHIN, |pause| pause * PAUSES);
        silent < pause.clamp(RUNNING_WITHIN_LEAST, RUNNING_WITHIN)
    }
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
        if let Some(heard) = self.instances.get_mut(&key) {
            heard.again(now);
        } else if known < limits::INSTANCES_MAX {
            self.instances.insert(key, Heard { last: now, pause: None });
        }
    }

    pub(crate) fn forget(&mut self, now: Timestamp) {
        self.instances.retain(|_, heard| heard.is_running(now));
    }

    /// Versions that run now, each with its instances; telemetry without a version is left out.
    pub fn versions(&self, now: Timestamp) -> Vec<VersionSeen> {
        let mut versions: BTreeMap<&str, VersionSeen> = BTreeMap::new();
        for ((version, _), heard) in &self.instances {
            if version.is_empty() || !heard.is_running(now) {
                continue;
            }
            let seen = versions.entry(version).or_insert_with(|| VersionSeen {
                version: version.clone(),
                instances: 0,
                last_seen: heard.last,
            });
            seen.instances += 1;
            seen.last_seen = seen.last_seen.max(heard.last);
        }
        versions.into_values().collect()
    }

    /// Requests served within the last `span`, to the minute.
    pub fn requests(&self, now: Timestamp, span: Duration) -> crate::Requests {
        self.requests.sum(now, span)
    }
}
