//! The tick of judgement: reads every SLO's burn rates, and orders what they mean.

mod lookout;

use std::{collections::BTreeMap, sync::Arc};

use alert::{Evidence, Judgement, Key, Pending, Severity, Verdict, Window};
use model::{Actor, Clock, Labels};
use parking_lot::Mutex;
use slo::{Burn, BurnWindow, Evaluation};

use self::lookout::{LOOK_MAX, Lookout};
use crate::{
    command::Command,
    control::{Control, ControlError},
    mint::Mint,
    telemetry::Stores,
    triage::{Place, Suspicions, Triage},
};

/// From this share of its threshold on, a page is looked ahead for.
const NEAR: f64 = 0.5;

/// Judges all SLOs when it is told to.
#[derive(Debug)]
pub struct Judge {
    stores: Arc<Stores>,
    control: Arc<Control>,
    triage: Arc<Triage>,
    clock: Arc<dyn Clock>,
    memory: Mutex<Memory>,
    lookout: Lookout,
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
        Self { stores, control, triage, clock, memory, lookout: Lookout::default() }
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
            match self.control.order(Actor::system("judge"), command).await {
                // What still burns is judged again in the next round.
                Err(ControlError::Rejected(rejection)) => {
                    tracing::warn!(%rejection, "a judgement was not recorded");
                }
                other => drop(other?),
            }
        }
        self.look_ahead();
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
        let now = self.clock.monotonic();
        let found = self.lookout.look(LOOK_MAX, now, self.look_at(burning)).await;
        self.control.update_world(move |world| world.suspicions = Arc::new(found)).await
    }

    /// Gathers evidence on services that may page soon.
    fn look_ahead(&self) {
        let mut near: BTreeMap<Place, Vec<Box<str>>> = BTreeMap::new();
        let evaluations = self.evaluations();
        for evaluation in evaluations.iter().filter(|one| one.burns.iter().any(is_near)) {
            let environment = evaluation.environment.clone().unwrap_or_default();
            let key = (evaluation.service.clone(), environment);
            near.entry(key).or_default().push(evaluation.slo.clone());
        }
        if !near.is_empty() {
            self.lookout.ahead(self.clock.monotonic(), self.look_at(near));
        }
    }

    fn look_at(
        &self,
        places: BTreeMap<Place, Vec<Box<str>>>,
    ) -> impl FnOnce() -> Suspicions + use<> {
        let triage = Arc::clone(&self.triage);
        move || {
            let look = |(key, slos): (Place, Vec<Box<str>>)| {
                let found = triage.suspicion(&key.0, &key.1, &slos);
                (key, found)
            };
            places.into_iter().map(look).collect()
        }
    }
}

/// It would page, were the long window a little worse.
fn is_near(burn: &Burn) -> bool {
    let over = |window: &BurnWindow, share: f64| {
        window.burn.is_some_and(|rate| rate > burn.pair.threshold * share)
    };
    burn.pair.severity == slo::Severity::Page
        && burn.verdict != slo::Verdict::Crossed
        && over(&burn.short, 1.0)
        && over(&burn.long, NEAR)
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
