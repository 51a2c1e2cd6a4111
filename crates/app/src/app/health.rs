//! Whether Evenkeel can do its work, for whoever sends it traffic.

use super::App;

/// Accepted breaks that are told of.
const ACCEPTED_MAX: usize = 100;

/// What `/readyz` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    /// Telemetry is taken and people are paged, but not all else works.
    Degraded(String),
    NotReady(String),
}

impl App {
    /// Whether telemetry can be stored, orders carried out, and the journal believed.
    pub fn readiness(&self) -> Readiness {
        if let Some(why) = self.obstacle() {
            return Readiness::NotReady(why);
        }
        match self.control.health() {
            journal::Health::Whole => Readiness::Ready,
            journal::Health::Broken(broken) => {
                Readiness::Degraded(format!("the journal is broken: {broken}"))
            }
        }
    }

    /// Bytes that the data directory's disk has left; `None` where the system does not say.
    pub fn free_bytes(&self) -> Option<u64> {
        let stat = rustix::fs::statvfs(self.options.data_dir.as_std_path()).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// The breaks of the journal that people accepted, oldest first, each with its first record's number and the reason given.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn accepted_breaks(&self) -> Result<Vec<(u64, String)>, journal::ReadError> {
        let query = journal::Query {
            kind_prefix: Some(journal::BREAK_ACCEPTED.into()),
            limit: ACCEPTED_MAX,
            ..journal::Query::default()
        };
        let read = |record: &journal::Record| {
            let first = record.subject.split_once('-')?.0.parse().ok()?;
            let payload: Option<serde_json::Value> =
                record.payload.as_deref().and_then(|bytes| serde_json::from_slice(bytes).ok());
            let reason = payload.as_ref().and_then(|payload| payload["reason"].as_str());
            Some((first, reason.unwrap_or_default().to_owned()))
        };
        Ok(self.reader.read(&query)?.records.iter().filter_map(read).collect())
    }

    fn obstacle(&self) -> Option<String> {
        for failed in [self.control.failed(), self.telemetry.failed()] {
            if let Some(why) = failed.borrow().as_deref() {
                return Some(why.to_owned());
            }
        }
        let stopped = [
            (!self.control.is_running(), "the control thread has stopped"),
            (!self.telemetry.is_running(), "the writer of telemetry has stopped"),
            (self.stores.metrics.is_closed(), "the metric store is closed after an error"),
            (
                self.stores.events.is_closed(),
                "the store of spans and logs is closed after an error",
            ),
        ];
        if let Some((_, why)) = stopped.into_iter().find(|(stopped, _)| *stopped) {
            return Some(why.to_owned());
        }
        let (free, min) = (self.free_bytes()?, self.options.free_bytes_min);
        (free < min).then(|| {
            format!("the disk has {free} bytes left, and telemetry is stored only above {min}")
        })
    }
}
