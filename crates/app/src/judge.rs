//! The tick of judgement: reads every SLO's burn rates, and orders what they mean.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use alert::{Evidence, Judgement, Key, Pending, Severity, Verdict, Window};
use model::{Actor, Clock, Labels};
use parking_lot::Mutex;
use slo::{Burn, BurnWindow, Evaluation};
use tokio::sync::Semaphore;

use crate::{
    command::Command,
    control::{Control, ControlError},
    mint::Mint,
    telemetry::Stores,
    triage::{Place, Suspicions, Triage},
};

/// How long a page waits for its suspects.
const LOOK_MAX: Duration = Duration::from_secs(1);

/// Judges all SLOs when it is told to.
#[derive(Debug)]
pub struct Judge {
    stores: Arc<Stores>,
    control: Arc<Control>,
    triage: Arc<Triage>,
    clock: Arc<dyn Clock>,
    memory: Mutex<Memory>,
    /// One look for suspects at a time.
    looking: Arc<Semaphore>,
}

#[derive(Debug)]
struct Memory {
    pending: Pending,
    mint: Mint,
    last: Arc<Vec<Evaluation>>,
}

impl Judge {
    pub fn new(
        stores: Arc<Stores>,
        control: Arc<Control>,
        triage: Arc<Triage>,
        clock: Arc<dyn Clock>,
        mint: Mint,
    ) -> Self {
        let memory = Mutex::new(Memory { pending: Pending::default(), mint, last: Arc::default() });
        let looking = Arc::new(Semaphore::new(1));
        Self { stores, control, triage, clock, memory, looking }
    }

    /// The last round's evaluations.
    pub fn evaluations(&self) -> Arc<Vec<Evaluation>> {
        Arc::clone(&self.memory.lock().last)
    }

    /// One round.
    ///
    /// # Errors
    /// When the control thread has stopped.
    pub async fn round(&self) -> Result<(), ControlError> {
        let now = self.clock.now();
        let evaluations = self.stores.counters.lock().evaluate(now);
        let (judgements, ids) = {
            let labels = |evaluation: &Evaluation| labels(&self.stores, evaluation);
            let all = evaluations
                .iter()
                .flat_map(|evaluation| judgements(evaluation, &labels(evaluation)))
                .collect();
            let mut memory = self.memory.lock();
            memory.last = Arc::new(evaluations);
            let state = self.control.state();
            let judgements = memory.pending.track(&state.alerts, all);
            let crossed =
                judgements.iter().filter(|judgement| judgement.verdict == Verdict::Crossed).count();
            let ids = (0..crossed).map(|_| memory.mint.id(now)).collect();
            (judgements, ids)
        };
        if !judgements.is_empty() {
            self.look_around(&judgements).await?;
            let command = Command::Alert(alert::Command::Judge { judgements, ids });
            self.control.order(Actor::system("judge"), command).await?;
        }
        Ok(())
    }
}

impl Judge {
    /// Gathers evidence on services whose alerts are about to fire, so that the incident opens with it.
    async fn look_around(&self, judgements: &[Judgement]) -> Result<(), ControlError> {
        let mut burning: BTreeMap<Place, Vec<Box<str>>> = BTreeMap::new();
        for judgement in judgements.iter().filter(|judgement| judgement.verdict == Verdict::Crossed)
        {
            let key =
                (judgement.service.clone(), judgement.environment.clone().unwrap_or_default());
            burning.entry(key).or_default().push(judgement.key.slo.clone());
        }
        if burning.is_empty() {
            return Ok(());
        }
        let triage = Arc::clone(&self.triage);
        let look = move || -> Suspicions {
            let look = |(key, slos): (Place, Vec<Box<str>>)| {
                let found = triage.suspicion(&key.0, &key.1, &slos);
                (key, found)
            };
            burning.into_iter().map(look).collect()
        };
        let found = within(LOOK_MAX, &self.looking, look).await;
        self.control.update_world(move |world| world.suspicions = Arc::new(found)).await
    }
}

/// What is found in time: a page without a suspect is better than none.
///
/// A look that is late goes on by itself, and until it ends there is no other; triage of the open incident finds the rest.
async fn within(
    limit: Duration,
    looking: &Arc<Semaphore>,
    look: impl FnOnce() -> Suspicions + Send + 'static,
) -> Suspicions {
    let Ok(permit) = Arc::clone(looking).try_acquire_owned() else { return Suspicions::default() };
    let look = tokio::task::spawn_blocking(move || {
        let found = look();
        drop(permit);
        found
    });
    match tokio::time::timeout(limit, look).await {
        Ok(found) => found.unwrap_or_default(),
        Err(_) => {
            tracing::warn!(limit_s = limit.as_secs_f64(), "triage is late; the page goes without");
            Suspicions::default()
        }
    }
}

fn labels(stores: &Stores, evaluation: &Evaluation) -> Labels {
    stores.counters.lock().slo(&evaluation.slo).map(|slo| slo.labels.clone()).unwrap_or_default()
}

fn judgements(evaluation: &Evaluation, labels: &Labels) -> Vec<Judgement> {
    evaluation.burns.iter().map(|burn| judgement(evaluation, burn, labels)).collect()
}

fn judgement(evaluation: &Evaluation, burn: &Burn, labels: &Labels) -> Judgement {
    Judgement {
        key: Key { slo: evaluation.slo.clone(), pair: burn.pair.name.into() },
        service: evaluation.service.clone(),
        environment: evaluation.environment.clone(),
        severity: match burn.pair.severity {
            slo::Severity::Page => Severity::Page,
            slo::Severity::Ticket => Severity::Ticket,
        },
        verdict: match burn.verdict {
            slo::Verdict::Crossed => Verdict::Crossed,
            slo::Verdict::Clear => Verdict::Clear,
            slo::Verdict::Unknown => Verdict::Unknown,
        },
        evidence: Evidence {
            threshold: burn.pair.threshold,
            long: window(&burn.long),
            short: window(&burn.short),
        },
        summary: summary(evaluation, burn).into(),
        labels: labels.clone(),
        at: evaluation.at,
        clear_since: None,
    }
}

fn window(window: &BurnWindow) -> Window {
    Window { length: window.window, bad: window.bad, total: window.total, burn: window.burn }
}

fn summary(evaluation: &Evaluation, burn: &Burn) -> String {
    let rate = |window: &BurnWindow| {
        window.burn.map_or_else(|| "unknown".to_owned(), |rate| format!("{rate:.1}x"))
    };
    let (long, short) = burn.pair.name.split_once('+').unwrap_or((burn.pair.name, ""));
    format!(
        "{} burns its error budget {} over {long} and {} over {short}; {}x is too fast",
        evaluation.slo,
        rate(&burn.long),
        rate(&burn.short),
        burn.pair.threshold
    )
}

#[cfg(test)]
mod tests {
    use crate::triage::Suspicion;

    use super::*;

    #[tokio::test]
    async fn a_page_does_not_wait_for_a_look_that_is_late() {
        let looking = Arc::new(Semaphore::new(1));
        let found = || {
            let place: Place = ("checkout".into(), "prod".into());
            Suspicions::from([(place, Suspicion { suspects: Vec::new(), impact: None })])
        };
        let (release, released) = std::sync::mpsc::channel::<()>();
        let slow = move || {
            // Ends when the sender is gone, at the latest.
            assert!(released.recv().is_err());
            found()
        };
        let moment = Duration::from_millis(20);
        assert_eq!(within(moment, &looking, slow).await, Suspicions::default());
        let minute = Duration::from_secs(60);
        assert_eq!(within(minute, &looking, found).await, Suspicions::default());
        drop(release);
        while looking.available_permits() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(within(minute, &looking, found).await, found());
    }
}
