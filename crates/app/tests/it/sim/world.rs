//! What is around the control thread: three services that call each other, who is told, what may be rolled back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use alert::routing::{Integration, Receiver, RouteConfig, Routing, Webhook};
use app::{
    control::{Ledger, World},
    files::Repo,
    notify::link::LinkSigner,
    react::{Acts, RollbackAct, Run},
    triage::{Suspicion, Suspicions},
};
use catalog::{Catalog, Entry};
use deploy::{Policy, RollbackMode, RollbackPolicy};
use incident::{
    Suspect, SuspectKind,
    suspects::{Counts, Numbers},
};
use journal::{
    AcceptError, Acceptance, AppendError, Broken, CheckpointError, Draft, EraseError, Erasure,
    Head, Health, Journal, MemoryJournal, ReadError, Reason, Record,
};
use model::{Labels, Timestamp};
use parking_lot::Mutex;
use slo::{
    Indicator, Objective, Part, RollingWindow, Slo, SpanFilter, SpanIndicator, StatusFilter,
};

/// From the one that users see to the one that all others need.
pub(crate) const SERVICES: [&str; 3] = ["web", "checkout", "payment"];
pub(crate) const ENVIRONMENT: &str = "prod";

/// A journal that outlives its process, and may be found broken.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    pub(crate) journal: Arc<Mutex<MemoryJournal>>,
    pub(crate) broken: Arc<AtomicBool>,
}

impl Journal for Disk {
    fn append(&mut self, drafts: Vec<Draft>, now: Timestamp) -> Result<Vec<Record>, AppendError> {
        self.journal.lock().append(drafts, now)
    }

    fn erase(&mut self, erasure: Erasure, now: Timestamp) -> Result<Vec<Record>, EraseError> {
        self.journal.lock().erase(erasure, now)
    }

    fn accept_break(&mut self, by: Acceptance, now: Timestamp) -> Result<Vec<Record>, AcceptError> {
        self.journal.lock().accept_break(by, now)
    }

    fn head(&self) -> Head {
        self.journal.lock().head()
    }

    fn next_seq(&self) -> u64 {
        self.journal.lock().next_seq()
    }

    fn health(&self) -> Health {
        if !self.broken.load(Ordering::Relaxed) {
            return Health::Whole;
        }
        Health::Broken(Broken {
            first_bad_seq: 1,
            last_bad_seq: 1,
            reason: Reason::Removed,
            verified_through: 0,
            resumed_at: None,
        })
    }

    fn read(&self, after: u64, limit: usize) -> Result<Vec<Record>, ReadError> {
        self.journal.lock().read(after, limit)
    }
}

impl Ledger for Disk {
    fn checkpoint(&mut self, _: Timestamp, _: bool) -> Result<(), CheckpointError> {
        Ok(())
    }

    fn snapshot_hash(&self, _seq: u64) -> Option<journal::Hash> {
        None
    }
}

pub(crate) fn slo(service: &str) -> Slo {
    let filter = |status| SpanFilter {
        service: service.into(),
        operation: None,
        environment: Some(ENVIRONMENT.into()),
        status,
        latency_max: None,
        kinds: vec![model::SpanKind::Server],
    };
    Slo {
        name: format!("{service}-availability").into(),
        display_name: service.into(),
        description: "".into(),
        service: service.into(),
        environment: Some(ENVIRONMENT.into()),
        indicator: Indicator::Spans(SpanIndicator {
            total: filter(None),
            part: Part::Good(filter(Some(StatusFilter::NotError))),
        }),
        objective: Objective::try_from(0.999).unwrap(),
        window: "30d".parse::<RollingWindow>().unwrap(),
        owner: None,
        labels: Labels::default(),
    }
}

pub(crate) fn receiver(name: &str) -> Receiver {
    let webhook = Webhook {
        url: format!("https://{name}.example/hook").into(),
        send_resolved: true,
        max_alerts: 0,
        timeout: None,
    };
    Receiver { name: name.into(), integrations: vec![Integration::Webhook(webhook)] }
}

/// Two repos that take turns: the second has neither the SLO of `web` nor the receivers `audit` and `fallback`.
pub(crate) fn repo(variant: u8) -> Arc<Repo> {
    let oncall = RouteConfig { receiver: Some("oncall".into()), ..RouteConfig::default() };
    let audit =
        RouteConfig { receiver: Some("audit".into()), continue_: true, ..RouteConfig::default() };
    let (routes, receivers, services) = match variant {
        1 => (vec![], vec![receiver("oncall")], &SERVICES[1..]),
        _ => (
            vec![audit, oncall.clone()],
            vec![receiver("oncall"), receiver("audit"), receiver("fallback")],
            &SERVICES[..],
        ),
    };
    let rollback = RollbackPolicy { mode: RollbackMode::Automatic, ..RollbackPolicy::default() };
    Arc::new(Repo {
        slos: services.iter().map(|service| slo(service)).collect(),
        routing: Some(Routing::build(RouteConfig { routes, ..oncall }, receivers).unwrap()),
        policies: vec![Policy { name: "all".into(), rollback, ..Policy::default() }],
        services: entries(),
        runbooks: Vec::new(),
        hash: [variant; 32],
    })
}

fn entries() -> Vec<Entry> {
    let entry = |at: usize| Entry {
        name: SERVICES[at].into(),
        depends_on: SERVICES.get(at + 1).map(|callee| (*callee).into()).into_iter().collect(),
        ..Entry::default()
    };
    (0..SERVICES.len()).map(entry).collect()
}

pub(crate) fn world(repo: Arc<Repo>) -> World {
    let act = RollbackAct {
        service: "*".into(),
        environment: None,
        run: Run::Argv(vec!["deploy".into(), "{service}".into(), "{version}".into()]),
        timeout: Duration::from_secs(60),
    };
    World {
        topology: Arc::new(Catalog::default().topology(&repo.services, Timestamp::EPOCH)),
        repo,
        suspicions: Arc::default(),
        acts: Arc::new(Acts { rollbacks: vec![act] }),
        fallback: Some("fallback".into()),
        links: LinkSigner::new(b"simulation"),
        external_url: "https://evenkeel.example".into(),
        is_certain: true,
    }
}

/// What triage would have found out about a deploy: clear evidence, or none to speak of.
pub(crate) fn suspicions(deploy: &deploy::Deploy, is_clear: bool) -> Suspicions {
    let numbers = Numbers {
        on: Counts::new(if is_clear { 190 } else { 20 }, 200),
        elsewhere: Counts::new(1, 1800),
        carried_share: Some(0.99),
        p_value: Some(1e-9),
        traces: Counts::new(180, 190),
    };
    let suspect = Suspect {
        kind: SuspectKind::Deploy,
        service: deploy.service.clone(),
        version: Some(deploy.version.clone()),
        reference: Some(deploy.id.to_string().into()),
        at: Some(deploy.at),
        by: Some("ci".into()),
        score: 0.9,
        evidence: "most failures carry it".into(),
        concurrent: true,
        numbers,
    };
    let found = Suspicion { suspects: vec![suspect], impact: None };
    Suspicions::from([((deploy.service.clone(), deploy.environment.clone()), found)])
}
