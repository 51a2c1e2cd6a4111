//! What happens in thirty days.

use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

use alert::{Evidence, Judgement, Key, Severity, Verdict, Window};
use app::command::Command;
use deploy::{NewDeploy, Stage};
use incident::{Incident, Reading, RecoveryPolicy};
use model::{Clock, Labels};
use rand::RngExt;

use super::{
    effects::Health,
    machine::{Sim, person},
    world::{ENVIRONMENT, SERVICES, suspicions},
};

const DAYS: Duration = Duration::from_secs(30 * 86_400);
/// The longest sleep of the control thread that is modelled.
const TICK_MAX: Duration = Duration::from_secs(4 * 3600);
/// The longest time for which a receiver fails.
const OUTAGE_SECS_MAX: u64 = 900;
const PAIRS: [(&str, Severity); 2] = [("1h+5m", Severity::Page), ("3d+6h", Severity::Ticket)];
const HEALTH: [Health; 6] =
    [Health::Up, Health::Up, Health::Up, Health::Down, Health::Mute, Health::Gone];

impl Sim {
    /// Thirty days in which anything may happen.
    pub(crate) fn live(&mut self) {
        while self.clock.monotonic() < DAYS {
            self.happen();
            self.judge();
            let pause = match self.dice.random_range(0..10) {
                0..5 => self.seconds(0..90),
                5..8 => self.seconds(60..1800),
                _ => self.seconds(4 * 3600..24 * 3600),
            };
            self.pass(pause);
        }
        self.replay();
    }

    /// All is repaired; two days later everything that was owed has been told.
    pub(crate) fn come_to_rest(&mut self) {
        self.is_rough = false;
        self.burning.clear();
        self.health.values_mut().for_each(|health| *health = Health::Up);
        self.disk.broken.store(false, Ordering::Relaxed);
        for _ in 0..12 {
            self.judge();
            self.end_act();
            self.pass(TICK_MAX);
        }
        // What was due just now gets its answer.
        self.pass(Duration::from_secs(60));
        assert_eq!(self.state.alerts.firing().next(), None);
        assert_eq!(self.state.deliveries.waiting(), 0);
        assert!(!self.state.deploys.acts().any(deploy::Act::is_open));
        self.checks.all_is_told();
        self.replay();
    }

    /// Lets time pass, in which the outbox and the control thread go on.
    fn pass(&mut self, duration: Duration) {
        let until = self.clock.monotonic() + duration;
        loop {
            if self.clock.monotonic() >= self.outage_ends_at {
                self.health.values_mut().for_each(|health| *health = Health::Up);
            }
            self.act();
            self.send();
            let left = until.saturating_sub(self.clock.monotonic());
            if left.is_zero() {
                return;
            }
            let next = self.next_event().unwrap_or(TICK_MAX).max(Duration::from_millis(500));
            self.clock.advance(next.min(left).min(TICK_MAX));
            if next >= left.min(TICK_MAX) {
                self.judge();
                self.run(Vec::new());
            }
        }
    }

    fn happen(&mut self) {
        match self.dice.random_range(0..20) {
            0..4 => self.burn(),
            4 => self.burning.clear(),
            5 | 6 => self.deploy(),
            7 | 8 => self.respond(),
            9 => self.end_act(),
            10 | 11 => self.recover(),
            12 => self.resolve_or_reopen(),
            13 => {
                let health = HEALTH[self.dice.random_range(0..HEALTH.len())];
                let receiver = ["oncall", "audit"][self.dice.random_range(0..2)];
                self.health.insert(receiver, health);
                self.outage_ends_at = self.clock.monotonic() + self.seconds(1..OUTAGE_SECS_MAX);
            }
            14 => {
                let variant = self.dice.random_range(0..2);
                self.apply_repo(variant);
            }
            15 => self.step_clock(),
            16 => self.die(),
            17 => {
                let broken = self.chance(0.3);
                self.disk.broken.store(broken, Ordering::Relaxed);
            }
            18 => self.roll_back(),
            _ => {}
        }
    }

    /// Something begins to fail, or stops to.
    fn burn(&mut self) {
        let what = (self.dice.random_range(0..SERVICES.len()), self.dice.random_range(0..2));
        if !self.burning.remove(&what) {
            self.burning.insert(what);
        }
    }

    /// One round of the judge; it forgets what it was about to do when the process dies.
    pub(crate) fn judge(&mut self) {
        let all = (0..SERVICES.len()).flat_map(|at| [(at, 0), (at, 1)]);
        let all = all.map(|what| self.judgement(what)).collect();
        let news = self.pending.track(&self.state.alerts, all);
        let known = |judgement: &Judgement| {
            self.core.world.repo.slos.iter().any(|slo| slo.name == judgement.key.slo)
        };
        let judgements: Vec<_> = news.into_iter().filter(known).collect();
        if judgements.is_empty() {
            return;
        }
        let ids = judgements.iter().map(|_| self.id()).collect();
        self.order(Command::Alert(alert::Command::Judge { judgements, ids }));
    }

    pub(crate) fn judgement(&self, (service, pair): (usize, usize)) -> Judgement {
        let (verdict, burn) = if self.burning.contains(&(service, pair)) {
            (Verdict::Crossed, 20.0)
        } else {
            (Verdict::Clear, 0.0)
        };
        let window =
            |secs| Window { length: Duration::from_secs(secs), bad: 0, total: 9, burn: Some(burn) };
        let slo = format!("{}-availability", SERVICES[service]);
        Judgement {
            summary: format!("{slo} burns {burn}x").into(),
            key: Key { slo: slo.as_str().into(), pair: PAIRS[pair].0.into() },
            service: SERVICES[service].into(),
            environment: Some(ENVIRONMENT.into()),
            severity: PAIRS[pair].1,
            verdict,
            evidence: Evidence { threshold: 14.4, long: window(3600), short: window(300) },
            labels: self.labels(&slo),
            at: self.clock.now(),
            clear_since: None,
        }
    }

    fn labels(&self, slo: &str) -> Labels {
        let slos = &self.core.world.repo.slos;
        slos.iter().find(|one| *one.name == *slo).map(|one| one.labels.clone()).unwrap_or_default()
    }

    /// A new version comes, and often fails; often enough telemetry says that it is the one.
    fn deploy(&mut self) {
        let at = self.dice.random_range(0..SERVICES.len());
        let id = self.id();
        let deploy = NewDeploy {
            id,
            service: SERVICES[at].into(),
            environment: ENVIRONMENT.into(),
            version: format!("2.{}", self.dice.random_range(0..50)).into(),
            previous_version: Some("1.0".into()),
            stage: Stage::Succeeded,
            at: self.time.now(),
            by: person(),
            url: None,
            rolls_back: None,
            gate: None,
            idempotency_key: None,
        };
        if self.order(Command::Deploy(deploy::Command::Record { deploy })).is_none() {
            return;
        }
        let is_clear = self.chance(0.7);
        if let Some(deploy) = self.state.deploys.deploy(id) {
            self.core.world.suspicions = Arc::new(suspicions(deploy, is_clear));
        }
        if self.chance(0.8) {
            self.burning.insert((at, 0));
        }
    }

    fn open(&mut self) -> Option<Incident> {
        let open: Vec<_> = self.state.incidents.open().cloned().collect();
        (!open.is_empty()).then(|| open[self.dice.random_range(0..open.len())].clone())
    }

    fn respond(&mut self) {
        let Some(incident) = self.open() else { return };
        let (incident, by) = (incident.id, person());
        let command = match self.dice.random_range(0..4) {
            0 | 1 => incident::Command::Acknowledge { incident, by },
            2 => incident::Command::Assign { incident, assignee: "bo".into(), by },
            _ => incident::Command::AddUpdate { incident, text: "looking".into(), by },
        };
        self.order(Command::Incident(command));
    }

    fn recover(&mut self) {
        // What has ended may turn out not to have.
        let last = self.state.incidents.iter().rev().find(|incident| !incident.is_open()).cloned();
        let ended = if self.chance(0.3) { last } else { None };
        let Some(incident) = ended.or_else(|| self.open()) else { return };
        let policy = RecoveryPolicy::default();
        let to = self.time.now();
        let bad_events = if self.chance(0.2) { 500 } else { 0 };
        let reading = Reading {
            from: to - policy.window,
            to,
            bad_events,
            total_events: 1000,
            objective: 0.999,
        };
        let incident = incident.id;
        self.order(Command::Incident(incident::Command::MeasureRecovery {
            incident,
            reading,
            policy,
        }));
    }

    fn resolve_or_reopen(&mut self) {
        let by = person();
        let ended = self.state.incidents.iter().rev().find(|incident| !incident.is_open());
        let command = match ended.map(|incident| incident.id) {
            Some(incident) if self.chance(0.4) => {
                incident::Command::Reopen { incident, reason: "again".into(), by }
            }
            _ => {
                let Some(open) = self.open() else { return };
                incident::Command::Resolve { incident: open.id, reason: "done".into(), by }
            }
        };
        self.order(Command::Incident(command));
    }

    /// A person asks for what is offered.
    fn roll_back(&mut self) {
        let state = &self.state.deploys;
        let policy = deploy::Policy::default();
        let plan = state
            .deploys()
            .rev()
            .find_map(|deploy| deploy::automatic::offer(state, &policy, deploy).ok());
        let Some(plan) = plan else { return };
        let incident = self.open().map(|incident| incident.id.to_string().into());
        let request = deploy::Command::RequestAct {
            id: self.id(),
            plan,
            incident,
            automatic: false,
            reason: "by hand".into(),
            command: "deploy".into(),
            by: person(),
        };
        self.order(Command::Deploy(request));
    }

    fn step_clock(&mut self) {
        let by = self.seconds(3..6 * 3600);
        let from = self.clock.now();
        let to = if self.chance(0.5) { from + by } else { from - by };
        self.clock.step_to(to);
        self.order(Command::ClockStepped { from, to });
    }
}
