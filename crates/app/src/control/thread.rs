//! The thread around [`Core`]: takes orders from everywhere, answers them, and wakes who waits for facts.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use catalog::Topology;
use journal::Record;
use model::{Actor, Clock, Timestamp};
use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use tokio::sync::{broadcast, oneshot, watch};

use super::{
    core::{Answer, Core, CoreError, Order, World},
    steady::SteadyClock,
};
use crate::{
    command::{Command, Rejection},
    data_dir::Reserve,
    react,
    state::State,
};

/// Orders that wait; more and the asker waits too.
const WAITING_MAX: usize = 1024;
/// Orders in one transaction.
const BATCH_MAX: usize = 256;
/// Batches that a slow listener may be behind.
const COMMITTED_KEPT: usize = 1024;
/// The longest sleep between two looks at what is due.
const TICK: Duration = Duration::from_millis(250);
/// How often what has happened is told again while the disk is full.
const TELL_AGAIN: Duration = Duration::from_secs(1);
/// How often the reserve is held again after it was given up.
const RESERVE_EVERY: Duration = Duration::from_secs(10);
/// The least step of the wall clock that is a fact.
const STEP_MIN: Duration = Duration::from_secs(2);

/// Facts that are on the disk.
pub type Committed = Arc<Vec<Record>>;

/// A handle on the control thread.
#[derive(Debug)]
pub struct Control {
    orders: Mutex<Option<SyncSender<Message>>>,
    shared: Arc<Shared>,
    time: Arc<SteadyClock>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    state: RwLock<State>,
    world: RwLock<Arc<WorldView>>,
    committed: broadcast::Sender<Committed>,
    /// The last fact's number, and whether the thread has stopped because it could not write.
    seq: watch::Sender<u64>,
    failed: watch::Sender<Option<Arc<str>>>,
    health: RwLock<journal::Health>,
}

/// What readers see of the world around the state.
#[derive(Debug)]
pub struct WorldView {
    pub repo: Arc<crate::files::Repo>,
    pub topology: Arc<Topology>,
    pub fallback: Option<Box<str>>,
}

enum Message {
    Order(Box<Order>, oneshot::Sender<Answer>),
    World(Box<dyn FnOnce(&mut World) + Send>),
    VerifyAgain(oneshot::Sender<()>),
    AcceptBreak(journal::Acceptance, oneshot::Sender<Result<u64, journal::AcceptError>>),
}

/// Why an order has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error(transparent)]
    Rejected(Rejection),
    #[error(
        "evenkeel is stopping, or could not write to its journal and has stopped; nothing was changed"
    )]
    Stopped,
}

impl Control {
    /// Starts the thread on a replayed state.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        core: Core,
        state: State,
        clock: Arc<dyn Clock>,
        reserve: Reserve,
    ) -> std::io::Result<Self> {
        let (orders, inbox) = sync_channel(WAITING_MAX);
        let shared = Arc::new(Shared {
            state: RwLock::new(state),
            world: RwLock::new(Arc::new(view(&core.world))),
            committed: broadcast::channel(COMMITTED_KEPT).0,
            seq: watch::channel(core.head().seq).0,
            failed: watch::channel(None).0,
            health: RwLock::new(core.health()),
        });
        let time = Arc::new(SteadyClock::new(Arc::clone(&clock), core.last_at()));
        let keeper = Keeper {
            core,
            shared: Arc::clone(&shared),
            clock,
            time: Arc::clone(&time),
            reserve,
            step: None,
            reserve_at: Duration::ZERO,
        };
        let thread = std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || keeper.run(&inbox))?;
        let orders = Mutex::new(Some(orders));
        Ok(Self { orders, shared, time, thread: Mutex::new(Some(thread)) })
    }

    /// Gives an order and waits until its facts are on the disk.
    ///
    /// # Errors
    /// When it is rejected, or the thread has stopped.
    pub async fn order(
        &self,
        actor: Actor,
        command: Command,
    ) -> Result<super::Receipt, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Order(Box::new(Order { actor, command }), reply)).await?;
        answer.await.map_err(|_| ControlError::Stopped)?.map_err(ControlError::Rejected)
    }

    /// Gives an order that tells what has happened already: while the disk is full it is given again.
    ///
    /// # Errors
    /// As [`order`](Self::order).
    pub async fn tell(
        &self,
        actor: Actor,
        command: Command,
    ) -> Result<super::Receipt, ControlError> {
        loop {
            match self.order(actor.clone(), command.clone()).await {
                Err(ControlError::Rejected(Rejection::DiskFull)) => {
                    tokio::time::sleep(TELL_AGAIN).await;
                }
                answered => return answered,
            }
        }
    }

    /// Accepts the journal's breaks.
    ///
    /// # Errors
    /// When there is none to accept, or the thread has stopped.
    pub async fn accept_break(
        &self,
        acceptance: journal::Acceptance,
    ) -> Result<Result<u64, journal::AcceptError>, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::AcceptBreak(acceptance, reply)).await?;
        answer.await.map_err(|_| ControlError::Stopped)
    }

    /// Has the journal looked at again; what is found shows in [`health`](Self::health).
    ///
    /// # Errors
    /// When the thread has stopped.
    pub async fn verify_again(&self) -> Result<(), ControlError> {
        let (reply, done) = oneshot::channel();
        self.send(Message::VerifyAgain(reply)).await?;
        done.await.map_err(|_| ControlError::Stopped)
    }

    /// Changes the world around the state, before any order that is given after this.
    ///
    /// # Errors
    /// When the thread has stopped.
    pub async fn update_world(
        &self,
        change: impl FnOnce(&mut World) + Send + 'static,
    ) -> Result<(), ControlError> {
        self.send(Message::World(Box::new(change))).await
    }

    async fn send(&self, message: Message) -> Result<(), ControlError> {
        let sender = self.orders.lock().clone().ok_or(ControlError::Stopped)?;
        // The queue is short and the thread quick; a full one is waited for away from the runtime's threads.
        match sender.try_send(message) {
            Ok(()) => Ok(()),
            Err(std::sync::mpsc::TrySendError::Disconnected(_)) => Err(ControlError::Stopped),
            Err(std::sync::mpsc::TrySendError::Full(message)) => {
                tokio::task::spawn_blocking(move || sender.send(message))
                    .await
                    .map_err(|_| ControlError::Stopped)?
                    .map_err(|_| ControlError::Stopped)
            }
        }
    }

    /// The time that facts are dated by, and against which their retries are due; see [`SteadyClock`].
    pub fn now(&self) -> Timestamp {
        self.time.now()
    }

    pub fn state(&self) -> RwLockReadGuard<'_, State> {
        self.shared.state.read()
    }

    pub fn world(&self) -> Arc<WorldView> {
        Arc::clone(&self.shared.world.read())
    }

    pub fn health(&self) -> journal::Health {
        self.shared.health.read().clone()
    }

    /// Facts as they are written from now on.
    pub fn committed(&self) -> broadcast::Receiver<Committed> {
        self.shared.committed.subscribe()
    }

    /// The number of the last fact, as it grows.
    pub fn seq(&self) -> watch::Receiver<u64> {
        self.shared.seq.subscribe()
    }

    /// Holds a text once the journal could not be written: the process must end.
    pub fn failed(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.shared.failed.subscribe()
    }

    /// Whether the thread takes orders.
    pub fn is_running(&self) -> bool {
        self.thread.lock().as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Answers what waits, and ends the thread.
    pub fn stop(&self) {
        self.orders.lock().take();
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the control thread panicked");
        }
    }
}

fn view(world: &World) -> WorldView {
    WorldView {
        repo: Arc::clone(&world.repo),
        topology: Arc::clone(&world.topology),
        fallback: world.fallback.clone(),
    }
}

/// What the thread owns.
struct Keeper {
    core: Core,
    shared: Arc<Shared>,
    /// The machine's, which may step.
    clock: Arc<dyn Clock>,
    time: Arc<SteadyClock>,
    reserve: Reserve,
    /// Wall and monotonic time when they were last compared.
    step: Option<(Timestamp, Duration)>,
    /// Monotonic time of the next look at the reserve.
    reserve_at: Duration,
}

impl Keeper {
    fn run(mut self, inbox: &Receiver<Message>) {
        loop {
            let mut messages = Vec::new();
            match inbox.recv_timeout(self.sleep()) {
                Ok(message) => messages.push(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            messages.extend(inbox.try_iter().take(BATCH_MAX - 1));
            if let Err(error) = self.batch(messages) {
                let text = chain(&error);
                tracing::error!(error = %text, "the journal cannot be written; stopping");
                self.shared.failed.send_replace(Some(text.into()));
                return;
            }
            self.hold_reserve();
            self.core.snapshot(&self.shared.state.read(), false);
            if let Err(error) = self.core.journal().checkpoint(self.time.now(), false) {
                tracing::warn!(error = %chain(&error), "the journal's checkpoint was not written");
            }
        }
        self.core.snapshot(&self.shared.state.read(), true);
        if let Err(error) = self.core.journal().checkpoint(self.time.now(), true) {
            tracing::warn!(error = %chain(&error), "the journal's checkpoint was not written");
        }
    }

    fn hold_reserve(&mut self) {
        let now = self.clock.monotonic();
        if now < self.reserve_at {
            return;
        }
        self.reserve_at = now + RESERVE_EVERY;
        if let Err(error) = self.reserve.hold_again() {
            tracing::warn!(%error, "the reserve of the control plane cannot be held");
        }
    }

    /// Until the next word is owed, at most a tick.
    fn sleep(&self) -> Duration {
        let now = self.time.now();
        let next = react::next_due(&self.shared.state.read(), &self.core.world, now);
        next.map_or(TICK, |at| at.since(now).clamp(Duration::from_millis(1), TICK))
    }

    fn batch(&mut self, messages: Vec<Message>) -> Result<(), CoreError> {
        let now = self.time.now();
        let (mut orders, mut replies) = (Vec::new(), Vec::new());
        orders.extend(self.clock_step());
        let own = orders.len();
        let (mut accepts, mut verifies) = (Vec::new(), Vec::new());
        for message in messages {
            match message {
                Message::Order(order, reply) => {
                    orders.push(*order);
                    replies.push(reply);
                }
                Message::World(change) => change(&mut self.core.world),
                Message::VerifyAgain(reply) => verifies.push(reply),
                Message::AcceptBreak(acceptance, reply) => accepts.push((acceptance, reply)),
            }
        }
        let answers = self.write(orders, now)?;
        for (reply, answer) in replies.into_iter().zip(answers.into_iter().skip(own)) {
            // An asker who has gone away does not want to know.
            drop(reply.send(answer));
        }
        if !verifies.is_empty() {
            if let Err(error) = self.core.journal().verify_again(now) {
                tracing::error!(error = %chain(&error), "the journal cannot be verified");
            }
            *self.shared.health.write() = self.core.health();
            for reply in verifies {
                // Who has gone away does not want to know.
                reply.send(()).ok();
            }
        }
        for (acceptance, reply) in accepts {
            let accepted = self.core.journal().accept_break(acceptance, now);
            let last = accepted.map(|records| {
                let seq = records.last().map_or(0, |record| record.seq);
                self.publish(records);
                seq
            });
            *self.shared.health.write() = self.core.health();
            drop(reply.send(last));
        }
        Ok(())
    }

    /// Runs the core under the lock that readers share: they see the facts once these are on the disk.
    fn write(&mut self, orders: Vec<Order>, now: Timestamp) -> Result<Vec<Answer>, CoreError> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state.write();
        let reserve = &self.reserve;
        let (answers, records) =
            self.core.run(&mut state, orders, now, &mut || reserve.release().unwrap_or(false))?;
        *self.shared.world.write() = Arc::new(view(&self.core.world));
        drop(state);
        if !records.is_empty() {
            self.publish(records);
        }
        Ok(answers)
    }

    fn publish(&self, records: Vec<Record>) {
        if let Some(last) = records.last() {
            self.shared.seq.send_replace(last.seq);
        }
        // Nobody listening is fine.
        drop(self.shared.committed.send(Arc::new(records)));
    }

    /// A fact when wall and monotonic time have come apart since the last look.
    fn clock_step(&mut self) -> Option<Order> {
        let (now, monotonic) = (self.clock.now(), self.clock.monotonic());
        let (wall, then) = self.step.replace((now, monotonic))?;
        let expected = wall + monotonic.saturating_sub(then);
        let stepped = now.since(expected).max(expected.since(now));
        (stepped > STEP_MIN).then(|| Order {
            actor: Actor::system("clock"),
            command: Command::ClockStepped { from: expected, to: now },
        })
    }
}

/// An error with all its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}
