//! The process: gives orders to the core, dies at any moment, and comes back with what the journal holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use alert::{Pending, delivery::NotificationId};
use app::{
    command::Command,
    control::{Answer, Core, Order, SteadyClock},
    mint::Mint,
    state::State,
};
use deploy::ActId;
use journal::{FailAt, Hash};
use model::{Actor, Clock, Id, ManualClock, Timestamp};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

use super::{
    checks::Checks,
    effects::{Flight, Health},
    world::{Disk, repo, world},
};

const START: Timestamp = Timestamp::from_secs(1_795_000_000);

/// One life of Evenkeel after the other, over one disk.
pub(crate) struct Sim {
    pub(crate) dice: StdRng,
    pub(crate) clock: ManualClock,
    pub(crate) disk: Disk,
    pub(crate) checks: Checks,
    /// Receivers, which outlive the process.
    pub(crate) health: BTreeMap<&'static str, Health>,
    /// Monotonic.
    pub(crate) outage_ends_at: Duration,
    /// What burns: a service's and a pair's place.
    pub(crate) burning: BTreeSet<(usize, usize)>,
    /// Whether things may go wrong.
    pub(crate) is_rough: bool,

    // What dies with the process.
    pub(crate) core: Core,
    pub(crate) state: State,
    pub(crate) time: SteadyClock,
    pub(crate) pending: Pending,
    pub(crate) in_flight: BTreeMap<NotificationId, Flight>,
    pub(crate) running: BTreeSet<ActId>,
}

impl Sim {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        let clock = ManualClock::new(START);
        let disk = Disk::default();
        let mut sim = Self {
            core: core(&disk, &mut dice),
            dice,
            time: SteadyClock::new(Arc::new(clock.clone()), START),
            clock,
            disk,
            checks: Checks::default(),
            health: ["oncall", "audit", "fallback"].map(|name| (name, Health::Up)).into(),
            outage_ends_at: Duration::ZERO,
            burning: BTreeSet::new(),
            is_rough: true,
            state: State::default(),
            pending: Pending::default(),
            in_flight: BTreeMap::new(),
            running: BTreeSet::new(),
        };
        sim.apply_repo(0);
        sim
    }

    pub(crate) fn apply_repo(&mut self, variant: u8) {
        let command = Command::ApplyConfig {
            repo: repo(variant),
            files: 3,
            changes: vec![],
            services: vec![],
            by: person(),
        };
        self.order(command);
    }

    /// Gives one order; `None` when the process died over it.
    pub(crate) fn order(&mut self, command: Command) -> Option<Answer> {
        let answers = self.run(vec![Order { actor: person(), command }])?;
        answers.into_iter().next()
    }

    /// One batch, as the control thread runs it. Now and then the disk fails under it.
    pub(crate) fn run(&mut self, orders: Vec<Order>) -> Option<Vec<Answer>> {
        let fail = (self.is_rough && self.dice.random_bool(0.004)).then(|| {
            [FailAt::DiskFull, FailAt::BeforeCommit, FailAt::AfterCommit]
                [self.dice.random_range(0..3)]
        });
        let has_reserve = self.dice.random_bool(0.5);
        let before = fail.map(|_| self.state.clone());
        if let Some(at) = fail {
            self.disk.journal.lock().fail_next(at);
        }
        let now = self.time.now();
        match self.core.run(&mut self.state, orders, now, &mut || has_reserve) {
            Ok((answers, records)) => {
                // A failure that met no write is taken back.
                self.disk.journal.lock().crash();
                let broken = self.disk.broken.load(Ordering::Relaxed);
                self.checks.note(&records, self.clock.monotonic(), broken);
                self.checks.look(&self.state);
                Some(answers)
            }
            Err(error) => {
                let at = fail.unwrap_or_else(|| panic!("the journal failed by itself: {error}"));
                let kept = match at {
                    FailAt::AfterCommit => None,
                    FailAt::DiskFull | FailAt::BeforeCommit => before,
                };
                if let Some(kept) = kept {
                    self.state = kept;
                }
                self.die();
                None
            }
        }
    }

    /// The process is killed and started again: the journal gives back the state that it had acknowledged.
    pub(crate) fn die(&mut self) {
        self.checks.deaths += 1;
        self.in_flight.clear();
        self.running.clear();
        self.pending = Pending::default();
        self.replay();
        let kept = State::from_bytes(&self.state.to_bytes()).unwrap();
        assert_eq!(kept, self.state, "a snapshot is not the state");
        self.time = SteadyClock::new(Arc::new(self.clock.clone()), self.core.last_at());
        self.core.world.repo = repo(self.state.config().map_or(0, |config| config.hash[0]));
        for command in deploy::interrupted(&self.state.deploys) {
            if self.order(Command::Deploy(command)).is_none() {
                // It died again, and that life has marked them.
                return;
            }
        }
        let started = |act: &deploy::Act| matches!(act.state, deploy::ActState::Started { .. });
        assert!(!self.state.deploys.acts().any(started), "an act that was cut off stays started");
    }

    /// The state that the journal gives is the one at hand.
    pub(crate) fn replay(&mut self) {
        self.disk.journal.lock().crash();
        self.core = core(&self.disk, &mut self.dice);
        let replayed = self.core.replay().unwrap();
        assert!(replayed == self.state, "the journal gives another state than the live one");
        let unseen = self.disk.journal.lock().committed()[self.checks.seen()..].to_vec();
        let broken = self.disk.broken.load(Ordering::Relaxed);
        self.checks.note(&unseen, self.clock.monotonic(), broken);
    }

    pub(crate) fn head(&self) -> Hash {
        self.core.head().hash
    }

    /// What happened, for people.
    pub(crate) fn story(&self) -> String {
        format!("{} facts; {}", self.core.head().seq, self.checks.story())
    }

    pub(crate) fn id<K>(&mut self) -> Id<K> {
        let ms = u64::try_from(self.time.now().as_millis()).unwrap();
        Id::from_parts(ms, u128::from(self.dice.next_u64()))
    }

    pub(crate) fn chance(&mut self, of: f64) -> bool {
        self.dice.random_bool(of)
    }

    pub(crate) fn seconds(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_secs(self.dice.random_range(range))
    }
}

fn core(disk: &Disk, dice: &mut StdRng) -> Core {
    let mut random = StdRng::seed_from_u64(dice.next_u64());
    let mint = Mint::from_fn(move || u128::from(random.next_u64()));
    Core::new(Box::new(disk.clone()), mint, world(repo(0)))
}

pub(crate) fn person() -> Actor {
    Actor { kind: model::ActorKind::Human, id: "ana".into(), via: "cli".into() }
}
