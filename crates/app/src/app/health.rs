//! Whether Evenkeel can do its work, for whoever sends it traffic.

use super::App;

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
