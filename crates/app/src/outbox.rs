//! The outbox: sends what is owed, and reports what became of it.
//!
//! Starts from facts that are on the disk. A notification in flight when the process dies is sent again after the restart
//! under the same id: rather twice than never.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use alert::{
    delivery::{self, Attempt, NotificationId, Outcome},
    routing::Integration,
};
use model::{Actor, Clock};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::{
    command::Command,
    control::{Control, ControlError},
    notify::send::{Sender, Sent},
};

/// Attempts under way at once.
const IN_FLIGHT_MAX: usize = 64;
/// Attempts under way at once to one receiver, so that a slow one holds up nobody else.
const IN_FLIGHT_PER_RECEIVER_MAX: usize = 8;
/// The longest sleep between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Tries notifications until their outcome is a fact.
#[derive(Debug)]
pub struct Outbox {
    control: Arc<Control>,
    sender: Arc<Sender>,
    clock: Arc<dyn Clock>,
    in_flight: Mutex<BTreeSet<NotificationId>>,
    slots: Arc<Semaphore>,
}

impl Outbox {
    pub fn new(control: Arc<Control>, sender: Arc<Sender>, clock: Arc<dyn Clock>) -> Self {
        let slots = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
        Self { control, sender, clock, in_flight: Mutex::default(), slots }
    }

    /// Runs until the control thread stops.
    pub async fn run(self: Arc<Self>) {
        let mut seq = self.control.seq();
        loop {
            for attempt in self.due() {
                let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else { return };
                self.in_flight.lock().insert(attempt.notification);
                let this = Arc::clone(&self);
                tokio::spawn(async move {
                    this.attempt(attempt).await;
                    drop(slot);
                });
            }
            let now = self.control.now();
            let next = delivery::next_due(&self.control.state().deliveries, &self.in_flight.lock());
            let wait = next.map_or(LOOK_EVERY, |at| {
                at.since(now).clamp(Duration::from_millis(10), LOOK_EVERY)
            });
            if let Ok(Err(_)) = tokio::time::timeout(wait, seq.changed()).await {
                return;
            }
        }
    }

    fn due(&self) -> Vec<Attempt> {
        let state = self.control.state();
        let in_flight = self.in_flight.lock();
        let mut busy: std::collections::BTreeMap<Box<str>, usize> =
            std::collections::BTreeMap::new();
        for id in in_flight.iter() {
            if let Some(record) = state.deliveries.get(*id) {
                *busy.entry(record.receiver.clone()).or_default() += 1;
            }
        }
        let mut due = delivery::due(&state.deliveries, &in_flight, self.control.now());
        due.retain(|attempt| {
            let busy = busy.entry(attempt.receiver.clone()).or_default();
            *busy += 1;
            *busy <= IN_FLIGHT_PER_RECEIVER_MAX
        });
        due
    }

    async fn attempt(&self, attempt: Attempt) {
        let command = match self.integration(&attempt) {
            Some(integration) => {
                let began = self.clock.monotonic();
                let sent = self.sender.send(&integration, &attempt, self.clock.now()).await;
                let latency = self.clock.monotonic().saturating_sub(began);
                delivery::Command::Report {
                    notification: attempt.notification,
                    outcome: outcome(sent, latency),
                }
            }
            None => delivery::Command::Abandon {
                notification: attempt.notification,
                reason: delivery::AbandonReason::ReceiverRemoved,
            },
        };
        let reported = self.control.tell(Actor::system("outbox"), Command::Delivery(command)).await;
        if let Err(error @ ControlError::Rejected(_)) = reported {
            tracing::warn!(%error, notification = %attempt.notification, "an attempt's outcome was not wanted");
        }
        self.in_flight.lock().remove(&attempt.notification);
    }

    fn integration(&self, attempt: &Attempt) -> Option<Integration> {
        let world = self.control.world();
        let receiver = world.repo.routing.as_ref()?.receiver(&attempt.receiver)?;
        attempt.integration(receiver).cloned()
    }
}

fn outcome(sent: Sent, latency: Duration) -> Outcome {
    match sent {
        Sent::Taken { status } => Outcome::Delivered { status, latency },
        Sent::Refused { status, error } => Outcome::Failed { status, error: error.into(), latency },
    }
}
