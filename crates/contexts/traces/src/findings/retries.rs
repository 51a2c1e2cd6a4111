//! Retries: the same call made again under one parent after it failed; and how levels of them multiply.

use std::{collections::BTreeMap, fmt};

use model::SpanId;

use super::{
    calls::{Calls, failed, is_resent, target},
    times, who,
};
use crate::Trace;

/// So many attempts at one call are a storm.
const STORM_ATTEMPTS: usize = 3;

/// Attempts at one call.
#[derive(Clone, Debug, PartialEq)]
pub struct Retries {
    /// The service that retries.
    pub service: Box<str>,
    /// The name of the call.
    pub operation: Box<str>,
    /// The span under which it was made; its service wanted it once.
    pub parent: SpanId,
    /// The attempts, by start.
    pub spans: Vec<SpanId>,
    pub attempts: usize,
    /// Whether the last attempt did not fail.
    pub recovered: bool,
    /// All attempts on each level, where what is called retries its own calls in turn: `[3, 9]` for three times three.
    pub levels: Vec<usize>,
}

impl Retries {
    /// What the one call became on the level that was hit most.
    pub fn amplification(&self) -> usize {
        self.levels.iter().copied().max().unwrap_or(self.attempts)
    }

    pub fn is_storm(&self) -> bool {
        self.attempts >= STORM_ATTEMPTS || self.levels.len() > 1
    }
}

impl fmt::Display for Retries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, operation, attempts, .. } = self;
        let end = if self.recovered { "until it succeeded" } else { "and it failed each time" };
        write!(f, "`{service}` called `{operation}` {}, {end}", times(*attempts))?;
        if self.levels.len() > 1 {
            write!(
                f,
                "; what it calls retries as well: one call became {} over {} levels",
                self.amplification(),
                self.levels.len()
            )?;
        }
        Ok(())
    }
}

/// A run of attempts.
struct Run {
    parent: usize,
    rows: Vec<usize>,
}

/// Runs that lie within no attempt of another, each with what multiplies below it.
pub(super) fn find(trace: &Trace, calls: &Calls) -> Vec<Retries> {
    let runs: Vec<Run> =
        calls.0.iter().flat_map(|like| runs(trace, like.parent, &like.rows)).collect();
    // The run whose attempt each row is.
    let mut run_of = vec![None; trace.len()];
    for (at, run) in runs.iter().enumerate() {
        run.rows.iter().for_each(|row| run_of[*row] = Some(at));
    }
    // The innermost run around each row, itself excluded; parents come first.
    let mut around: Vec<Option<usize>> = vec![None; trace.len()];
    for row in 0..trace.len() {
        around[row] = trace.parent(row).and_then(|parent| run_of[parent].or(around[parent]));
    }
    let mut outer: Vec<(usize, usize)> = Vec::with_capacity(runs.len());
    let mut levels: Vec<Vec<usize>> = runs.iter().map(|run| vec![run.rows.len()]).collect();
    // A run comes after those around it, because its parent's row does.
    for (at, run) in runs.iter().enumerate() {
        let (top, level) = match around[run.rows[0]] {
            Some(outside) => (outer[outside].0, outer[outside].1 + 1),
            None => (at, 0),
        };
        outer.push((top, level));
        if level > 0 {
            let levels = &mut levels[top];
            levels.resize(levels.len().max(level + 1), 0);
            levels[level] += run.rows.len();
        }
    }
    let all = runs.iter().zip(levels).enumerate();
    all.map(|(at, (run, levels))| {
        let spans = trace.spans();
        let (service, operation) = who(&spans[run.rows[0]]);
        let last = run.rows[run.rows.len() - 1];
        Retries {
            service,
            operation,
            parent: spans[run.parent].span_id,
            spans: trace.named(&run.rows),
            attempts: run.rows.len(),
            recovered: !failed(&spans[last]),
            levels: if outer[at].1 == 0 { levels } else { vec![run.rows.len()] },
        }
    })
    .collect()
}

/// Like calls of one parent, parted where one is no further attempt at the one before: that one failed and was over, or the
/// instrumentation says that it was sent again.
fn runs(trace: &Trace, parent: usize, rows: &[usize]) -> Vec<Run> {
    let mut by_target: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for row in rows {
        by_target.entry(target(&trace.spans()[*row])).or_default().push(*row);
    }
    let runs = by_target.into_values().flat_map(|rows| attempts(trace, &rows));
    let mut runs: Vec<Run> = runs.map(|rows| Run { parent, rows }).collect();
    runs.sort_by_key(|run| run.rows[0]);
    runs
}

/// Calls with one target, parted in runs of attempts.
fn attempts(trace: &Trace, rows: &[usize]) -> Vec<Vec<usize>> {
    let mut runs = Vec::new();
    let mut run: Vec<usize> = Vec::new();
    for row in rows {
        let span = &trace.spans()[*row];
        let goes_on = run.last().is_some_and(|last| {
            let before = &trace.spans()[*last];
            (failed(before) && span.start >= before.end) || is_resent(span)
        });
        if !goes_on {
            runs.push(std::mem::take(&mut run));
        }
        run.push(*row);
    }
    runs.push(run);
    runs.retain(|run| run.len() > 1);
    runs
}
