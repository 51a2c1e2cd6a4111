//! Times that cannot be: a server that starts before its client called, a message that is taken before it was sent.

use std::{fmt, time::Duration};

use model::{SpanId, SpanKind};

use super::{Clocks, interval::Interval};
use crate::{
    Trace, host,
    spoken::{Spoken, lasting},
};

/// Two spans whose reported times contradict the order in which things happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impossible {
    /// The row of the later span: the server's or the consumer's.
    pub row: usize,
    pub parent: SpanId,
    pub span: SpanId,
    pub order: Order,
    /// By how much.
    pub by: Duration,
    pub cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The server starts before its client.
    AnsweredBeforeAsked,
    /// The server ends after its client, though it took less time.
    EndedAfterAnswer,
    /// The consumer starts before its producer.
    TakenBeforeSent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Both times come from one clock: the spans are wrong.
    OneClock,
    /// The offset between the hosts' clocks, as all their calls bound it, accounts for it.
    Clocks,
    /// The offset between the hosts' clocks does not account for it.
    NotClocks,
    /// Nothing is known of the clocks.
    Unknown,
}

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { parent, span, by, .. } = self;
        let by = Spoken(*by);
        match self.order {
            Order::AnsweredBeforeAsked => {
                write!(f, "server span {span} starts {by} before its client span {parent}")?;
            }
            Order::EndedAfterAnswer => {
                write!(f, "server span {span} ends {by} after its client span {parent}")?;
            }
            Order::TakenBeforeSent => {
                write!(f, "consumer span {span} starts {by} before its producer span {parent}")?;
            }
        }
        f.write_str(match self.cause {
            Cause::OneClock => ", by one clock: the spans are wrong",
            Cause::Clocks => "; the hosts' clocks account for it",
            Cause::NotClocks => "; the hosts' clocks do not account for it",
            Cause::Unknown => "",
        })
    }
}

impl Trace {
    /// All orders that cannot be, by row; `clocks` tell their causes.
    pub fn impossible_orders(&self, clocks: Option<&Clocks>) -> Vec<Impossible> {
        let mut found = Vec::new();
        for row in 0..self.len() {
            let Some(parent) = self.parent(row) else { continue };
            let (from, to) = (&self.spans()[parent], &self.spans()[row]);
            let ((sent, answered), (start, end)) = (self.window(parent), self.window(row));
            // What the offset of the child's clock from the parent's would have to be.
            let (early, late) = (start.saturating_sub(sent), end.saturating_sub(answered));
            let mut add = |order, by, needed: Interval| {
                let cause = cause(clocks, host(&from.resource), host(&to.resource), needed);
                let (parent, span) = (from.span_id, to.span_id);
                found.push(Impossible { row, parent, span, order, by, cause });
            };
            let needed = |low| Interval { low, high: Some(early) };
            match (from.kind, to.kind) {
                (SpanKind::Client, SpanKind::Server) => {
                    let low = (late <= early).then_some(late);
                    if early < 0 {
                        add(Order::AnsweredBeforeAsked, lasting(early, 0), needed(low));
                    } else if low.is_some_and(|low| low > 0) {
                        add(Order::EndedAfterAnswer, lasting(0, late), needed(low));
                    }
                }
                (SpanKind::Producer, SpanKind::Consumer) if early < 0 => {
                    add(Order::TakenBeforeSent, lasting(early, 0), needed(None));
                }
                _ => {}
            }
        }
        found
    }
}

fn cause(clocks: Option<&Clocks>, from: Option<&str>, to: Option<&str>, needed: Interval) -> Cause {
    let (Some(from), Some(to)) = (from, to) else { return Cause::Unknown };
    if from == to {
        return Cause::OneClock;
    }
    let Some(known) = clocks.and_then(|clocks| clocks.relative(from, to)) else {
        return Cause::Unknown;
    };
    let may = Interval { low: known.low_nanos, high: known.high_nanos };
    if may.meets(needed) { Cause::Clocks } else { Cause::NotClocks }
}
