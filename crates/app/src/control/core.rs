//! Decide, append, apply, react: one batch at a time, without a clock or a thread of its own.

use std::sync::Arc;

use catalog::Topology;
use journal::{Draft, FactId, Head, Health, Record};
use model::{Actor, Timestamp};

use crate::{
    command::{Command, Rejection},
    control::{ledger::Ledger, snapshots::Snapshots},
    files::Repo,
    mint::Mint,
    notify::link::LinkSigner,
    react::{self, Acts},
    record::{Fact, ReadFactError},
    state::State,
    triage::Suspicions,
};

/// Rounds of reactions in one batch; more would mean that reactions feed each other.
const ROUNDS_MAX: usize = 32;

/// A command and who gives it.
#[derive(Clone, Debug)]
pub struct Order {
    pub actor: Actor,
    pub command: Command,
}

/// What an order led to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Receipt {
    /// Facts of this order, oldest first; empty when all was so already.
    pub facts: Vec<(u64, Fact)>,
    /// Number of the last fact in the journal when the order was answered.
    pub seq: u64,
}

pub type Answer = Result<Receipt, Rejection>;

/// What reactions look at beside the state: it changes without facts, and decides nothing by itself.
#[derive(Debug)]
pub struct World {
    pub repo: Arc<Repo>,
    pub topology: Arc<Topology>,
    /// Evidence on services that have just begun to burn.
    pub suspicions: Arc<Suspicions>,
    /// The acts that the server's own configuration allows.
    pub acts: Arc<Acts>,
    /// The receiver of pages that none of theirs got in time.
    pub fallback: Option<Box<str>>,
    /// Signs the links in pages.
    pub links: LinkSigner,
    /// Where people reach the server, for links in pages; no slash at the end.
    pub external_url: Box<str>,
    /// Whether `repo` is the one that was applied last: an older one does not say that an SLO is gone.
    pub is_certain: bool,
}

/// The journal, the state that its facts make, and the world around.
pub struct Core {
    journal: Box<dyn Ledger>,
    mint: Mint,
    last_at: Timestamp,
    /// The state after the last fact, while the disk is full: each refused batch goes back to it.
    before: Option<(u64, State)>,
    snapshots: Option<Snapshots>,
    pub world: World,
}

/// Why a batch could not be written.
#[derive(Debug, thiserror::Error)]
pub enum CoreError {
    #[error("cannot write facts to the journal")]
    Append(#[source] journal::AppendError),
    #[error("cannot read the journal")]
    Read(#[source] journal::ReadError),
    #[error(transparent)]
    Fact(ReadFactError),
}

impl Core {
    pub fn new(journal: Box<dyn Ledger>, mint: Mint, world: World) -> Self {
        Self { journal, mint, last_at: Timestamp::EPOCH, before: None, snapshots: None, world }
    }

    /// Starts from snapshots where it can, and writes them.
    pub fn use_snapshots(&mut self, snapshots: Snapshots) {
        self.snapshots = Some(snapshots);
    }

    /// Writes a snapshot on the side when one is due; at an orderly stop, before it goes.
    pub(crate) fn snapshot(&mut self, state: &State, is_stop: bool) {
        let head = self.journal.head();
        match &mut self.snapshots {
            Some(snapshots) if is_stop => snapshots.at_stop(state, head),
            Some(snapshots) => snapshots.after(state, head),
            None => {}
        }
    }

    /// The state that the journal's facts make.
    ///
    /// # Errors
    /// When the journal cannot be read, or holds what a newer version wrote.
    pub fn replay(&mut self) -> Result<State, CoreError> {
        let journal = &*self.journal;
        let snapshot = self.snapshots.as_mut().and_then(|snapshots| snapshots.load(journal));
        let (after, mut state) = snapshot.unwrap_or_default();
        // The time of the record that a snapshot stands at counts, too.
        for record in journal::replay(journal, after.saturating_sub(1)) {
            let record = record.map_err(CoreError::Read)?;
            self.last_at = self.last_at.max(record.recorded_at);
            if record.seq <= after {
                continue;
            }
            if let Some(fact) = Fact::read(&record).map_err(CoreError::Fact)? {
                state.apply(&fact);
            }
        }
        Ok(state)
    }

    /// The state without a batch that could not be written. Only the first one after a fact is replayed for.
    fn undone(&mut self) -> Result<State, CoreError> {
        let seq = self.journal.head().seq;
        match &self.before {
            Some((at, state)) if *at == seq => Ok(state.clone()),
            _ => {
                let state = self.replay()?;
                self.before = Some((seq, state.clone()));
                Ok(state)
            }
        }
    }

    pub fn health(&self) -> Health {
        self.journal.health()
    }

    pub fn head(&self) -> Head {
        self.journal.head()
    }

    /// When the last fact was recorded.
    pub fn last_at(&self) -> Timestamp {
        self.last_at
    }

    pub(crate) fn journal(&mut self) -> &mut dyn Ledger {
        &mut *self.journal
    }

    /// Decides and writes a batch of orders and all that follows from them, as one transaction.
    ///
    /// A `now` before the last fact's time counts as that time. `state` changes as the facts say; when this fails it must be
    /// thrown away, as the process must. `make_room` is asked once when the disk is full, and says whether it is worth another
    /// try; when that fails too, nothing has happened and every order is rejected.
    ///
    /// # Errors
    /// When the journal did not take the facts.
    pub fn run(
        &mut self,
        state: &mut State,
        orders: Vec<Order>,
        now: Timestamp,
        make_room: &mut dyn FnMut() -> bool,
    ) -> Result<(Vec<Answer>, Vec<Record>), CoreError> {
        let now = now.max(self.last_at);
        let mut batch = Batch { drafts: Vec::new(), next_seq: self.journal.next_seq() };
        let whole = matches!(self.journal.health(), Health::Whole);
        let (repo, is_certain) = (Arc::clone(&self.world.repo), self.world.is_certain);
        let mut answers = Vec::with_capacity(orders.len());
        for order in orders {
            answers.push(self.order(state, &order, whole, now, &mut batch));
        }
        self.react(state, whole, now, &mut batch);
        let seq = batch.next_seq - 1;
        let records = if batch.drafts.is_empty() {
            Vec::new()
        } else {
            match self.append(batch.drafts, now, make_room) {
                Err(CoreError::Append(journal::AppendError::DiskFull { .. })) => {
                    // Nothing was written, so nothing has happened.
                    *state = self.undone()?;
                    (self.world.repo, self.world.is_certain) = (repo, is_certain);
                    let full = |answer: Answer| answer.and(Err(Rejection::DiskFull));
                    return Ok((answers.into_iter().map(full).collect(), Vec::new()));
                }
                written => {
                    self.before = None;
                    written?
                }
            }
        };
        self.last_at =
            records.last().map_or(self.last_at, |record| record.recorded_at.max(self.last_at));
        for receipt in answers.iter_mut().flatten() {
            receipt.seq = seq;
        }
        Ok((answers, records))
    }

    fn append(
        &mut self,
        drafts: Vec<Draft>,
        now: Timestamp,
        make_room: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<Record>, CoreError> {
        match self.journal.append(drafts.clone(), now) {
            Err(journal::AppendError::DiskFull { .. }) if make_room() => {
                self.journal.append(drafts, now).map_err(CoreError::Append)
            }
            written => written.map_err(CoreError::Append),
        }
    }

    fn order(
        &mut self,
        state: &mut State,
        order: &Order,
        whole: bool,
        now: Timestamp,
        batch: &mut Batch,
    ) -> Answer {
        if order.command.is_act() && !whole {
            return Err(Rejection::JournalBroken);
        }
        let facts = order.command.decide(state, now)?;
        let mut drafts = Vec::with_capacity(facts.len());
        let mut cause = None;
        for fact in &facts {
            let id: FactId = self.mint.id(now);
            let draft = fact.draft(id, order.actor.clone(), cause);
            journal::check_draft(&draft).map_err(Rejection::TooLarge)?;
            drafts.push(draft);
            // Several facts of one order are led to by the first.
            cause = cause.or(Some(id));
        }
        if let Command::ApplyConfig { repo, .. } = &order.command {
            self.world.repo = Arc::clone(repo);
            self.world.is_certain = true;
        }
        batch.drafts.extend(drafts);
        let mut receipt = Receipt::default();
        for fact in facts {
            state.apply(&fact);
            receipt.facts.push((batch.next_seq, fact));
            batch.next_seq += 1;
        }
        Ok(receipt)
    }

    /// Lets what follows from the state follow, until nothing more does. Words come last, so that they say all of it.
    fn react(&mut self, state: &mut State, whole: bool, now: Timestamp, batch: &mut Batch) {
        for _ in 0..ROUNDS_MAX {
            let before = batch.drafts.len();
            let decisions = react::decisions(state, &self.world, whole, now, &mut self.mint);
            self.follow(state, decisions, whole, now, batch);
            if batch.drafts.len() > before {
                continue;
            }
            let words = react::words(state, &self.world, now, &mut self.mint);
            self.follow(state, words, whole, now, batch);
            if batch.drafts.len() == before {
                return;
            }
        }
        tracing::error!(rounds = ROUNDS_MAX, "reactions did not come to rest");
    }

    fn follow(
        &mut self,
        state: &mut State,
        orders: Vec<Order>,
        whole: bool,
        now: Timestamp,
        batch: &mut Batch,
    ) {
        for order in orders {
            // A reaction that is refused is tried again with the next batch.
            if let Err(rejection) = self.order(state, &order, whole, now, batch) {
                tracing::warn!(%rejection, command = ?order.command, "a reaction was refused");
            }
        }
    }
}

/// Facts that are decided and not yet written.
struct Batch {
    drafts: Vec<Draft>,
    next_seq: u64,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("head", &self.journal.head()).finish_non_exhaustive()
    }
}
