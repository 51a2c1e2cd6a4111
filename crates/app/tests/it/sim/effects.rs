//! What goes out: notifications to receivers that fail, and acts that a kill cuts off.

use std::{collections::BTreeSet, time::Duration};

use alert::delivery::{self, AbandonReason, Attempt, NotificationId, Outcome};
use app::command::Command;
use deploy::{ActOutcome, ActState};
use model::Clock;
use rand::RngExt;

use super::machine::Sim;

/// An attempt under way.
pub(crate) struct Flight {
    attempt: Attempt,
    /// Monotonic time at which its answer comes.
    ends_at: Duration,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Health {
    Up,
    Down,
    /// It takes what is sent, and its answers are lost.
    Mute,
    /// It answers 410.
    Gone,
}

impl Sim {
    /// Takes the answers that have come, and starts what is due.
    pub(crate) fn send(&mut self) {
        let now = self.clock.monotonic();
        let done: Vec<NotificationId> = self
            .in_flight
            .iter()
            .filter(|(_, flight)| flight.ends_at <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in done {
            let Some(flight) = self.in_flight.remove(&id) else { return };
            let outcome = self.outcome(&flight.attempt);
            let command = delivery::Command::Report { notification: id, outcome };
            if self.order(Command::Delivery(command)).is_none() {
                return;
            }
        }
        let in_flight: BTreeSet<_> = self.in_flight.keys().copied().collect();
        for attempt in delivery::due(&self.state.deliveries, &in_flight, self.time.now()) {
            self.checks.attempted(&attempt, now);
            if !self.has_receiver(&attempt.receiver) {
                let command = delivery::Command::Abandon {
                    notification: attempt.notification,
                    reason: AbandonReason::ReceiverRemoved,
                };
                if self.order(Command::Delivery(command)).is_none() {
                    return;
                }
                continue;
            }
            let ends_at = now + Duration::from_millis(self.dice.random_range(1..3000));
            self.in_flight.insert(attempt.notification, Flight { attempt, ends_at });
        }
    }

    fn has_receiver(&self, name: &str) -> bool {
        let routing = self.core.world.repo.routing.as_ref();
        routing.is_some_and(|routing| routing.receiver(name).is_some())
    }

    fn outcome(&mut self, attempt: &Attempt) -> Outcome {
        let latency = Duration::from_millis(5);
        let failed = |status, error: &str| Outcome::Failed { status, error: error.into(), latency };
        match self.health.get(&*attempt.receiver).copied().unwrap_or(Health::Down) {
            Health::Up => {
                self.checks.received(attempt);
                Outcome::Delivered { status: Some(200), latency }
            }
            Health::Mute => {
                self.checks.received(attempt);
                failed(None, "the answer was lost")
            }
            Health::Down => failed(Some(503), "not now"),
            Health::Gone => failed(Some(410), "gone"),
        }
    }

    /// When something outside will next happen by itself, from now.
    pub(crate) fn next_event(&self) -> Option<Duration> {
        let answered = self
            .in_flight
            .values()
            .map(|flight| flight.ends_at)
            .min()
            .map(|at| at.saturating_sub(self.clock.monotonic()));
        let in_flight: BTreeSet<_> = self.in_flight.keys().copied().collect();
        let due = delivery::next_due(&self.state.deliveries, &in_flight)
            .map(|at| at.since(self.time.now()));
        [answered, due].into_iter().flatten().min()
    }

    /// Starts the acts that were asked for: first the fact, then the act.
    pub(crate) fn act(&mut self) {
        let asked: Vec<_> = self
            .state
            .deploys
            .acts()
            .filter(|act| act.state == ActState::Requested)
            .map(|act| act.id)
            .collect();
        for id in asked {
            let command = deploy::Command::StartAct { id };
            match self.order(Command::Deploy(command)) {
                Some(Ok(_)) => {
                    self.checks.ran(id);
                    self.running.insert(id);
                }
                Some(Err(_)) => {}
                None => return,
            }
        }
    }

    /// One act that runs comes to its end.
    pub(crate) fn end_act(&mut self) {
        let Some(id) = self.running.pop_first() else { return };
        let outcome = match self.dice.random_range(0..3) {
            0 => ActOutcome::Failed { detail: "exit status: 1".into() },
            _ => ActOutcome::Succeeded { detail: "exit status: 0".into() },
        };
        self.order(Command::Deploy(deploy::Command::EndAct { id, outcome }));
    }
}
