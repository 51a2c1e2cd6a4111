//! What follows from the state: compares what should be with what is, and gives the orders that close the gap.
//!
//! Level-triggered and idempotent: a reaction looks at the state alone, never at the fact that woke it, so that nothing is
//! forgotten by a restart. Each is run after every batch, in the batch's own transaction.

mod acts;
mod alerts;
mod deliveries;

use model::{Actor, Timestamp};

pub use acts::{Acts, RollbackAct, Run};
pub(crate) use acts::{automatic, fill, policy};
pub(crate) use deliveries::routing_labels;

use crate::{
    command::Command,
    control::{Order, World},
    mint::Mint,
    state::State,
};

/// What is to be decided. `whole` says that the journal verifies: without it nothing with power is started.
pub(crate) fn decisions(
    state: &State,
    world: &World,
    whole: bool,
    now: Timestamp,
    mint: &mut Mint,
) -> Vec<Order> {
    let mut orders = alerts::resolved(state);
    orders.extend(alerts::removed(state, world));
    orders.extend(alerts::joined(state, world, now, mint));
    orders.extend(alerts::suspected(state, world));
    orders.extend(acts::went_back(state, now, mint));
    orders.extend(acts::mitigations(state));
    if whole {
        orders.extend(acts::rollbacks(state, world, now, mint));
    }
    orders
}

/// Who is to be told, once all is decided.
pub(crate) fn words(state: &State, world: &World, now: Timestamp, mint: &mut Mint) -> Vec<Order> {
    let mut orders = deliveries::owed(state, world, now, mint);
    orders.extend(deliveries::interrupted_acts(state, world, now, mint));
    orders
}

/// When a reaction will be due although nothing happens before.
pub(crate) fn next_due(state: &State, world: &World, now: Timestamp) -> Option<Timestamp> {
    deliveries::next_at(state, world, now)
}

fn order(part: &str, command: Command) -> Order {
    Order { actor: Actor::system(part), command }
}
