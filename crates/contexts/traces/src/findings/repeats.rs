//! Like calls one after another under one parent, where one call for all would do ("N+1").

use std::{fmt, time::Duration};

use model::SpanId;

use super::{
    calls::{Calls, failed},
    who,
};
use crate::{
    Trace,
    spoken::{Spoken, lasting},
};

/// So many like calls in sequence are worth a word.
const REPEATS_MIN: usize = 5;

#[derive(Clone, Debug, PartialEq)]
pub struct Repeats {
    pub service: Box<str>,
    /// The name of the calls.
    pub operation: Box<str>,
    /// The name of the span that makes them.
    pub caller: Box<str>,
    pub parent: SpanId,
    /// The calls, by start.
    pub spans: Vec<SpanId>,
    /// Calls of which none began before the one before had ended.
    pub calls: usize,
    /// What these took together.
    pub time: Duration,
    /// What the parent took.
    pub of: Duration,
}

impl fmt::Display for Repeats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` of `{}` made {} like calls `{}` one after another, which took {} of its {}",
            self.caller,
            self.service,
            self.calls,
            self.operation,
            Spoken(self.time),
            Spoken(self.of)
        )
    }
}

pub(super) fn find(trace: &Trace, calls: &Calls) -> Vec<Repeats> {
    let mut found = Vec::new();
    for like in &calls.0 {
        // Attempts at a failing call are retries.
        let rows = like.rows.iter().copied().filter(|row| !failed(&trace.spans()[*row]));
        let rows = in_sequence(trace, rows);
        if rows.len() < REPEATS_MIN {
            continue;
        }
        let (service, operation) = who(&trace.spans()[rows[0]]);
        let parent = &trace.spans()[like.parent];
        let (from, to) = trace.window(like.parent);
        let took = |row: &usize| {
            let (from, to) = trace.window(*row);
            lasting(from, to)
        };
        found.push(Repeats {
            service,
            operation,
            caller: parent.name.clone(),
            parent: parent.span_id,
            spans: trace.named(&rows),
            calls: rows.len(),
            time: rows.iter().map(took).sum(),
            of: lasting(from, to),
        });
    }
    found
}

/// The most rows of which none overlaps another: always the one that ends first.
fn in_sequence(trace: &Trace, rows: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut rows: Vec<usize> = rows.collect();
    rows.sort_by_key(|row| (trace.window(*row).1, *row));
    let mut until = i64::MIN;
    rows.retain(|row| {
        let (from, to) = trace.window(*row);
        let after = from >= until;
        if after {
            until = to;
        }
        after
    });
    rows
}
