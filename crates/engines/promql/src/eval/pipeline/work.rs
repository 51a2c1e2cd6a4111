//! Threads that work on a pipeline.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{CHUNK, Id, Input, Leaf, Notes, Pipeline, Scratch, Ticker};
use crate::eval::{Context, EvalError, PlanNode, cells::Cells};

/// Below this many samples, threads cost more than they bring.
const SAMPLES_MIN: usize = 60_000;

/// What one chunk of series gave.
struct Done<T> {
    value: T,
    notes: Notes,
    per_step: Vec<u64>,
    took: Took,
}

/// Where time went, for the plan.
#[derive(Clone, Copy, Default)]
struct Took {
    time: Duration,
    samples: u64,
    series: u64,
}

impl<'s> Context<'s> {
    /// Computes all series of a pipeline: each chunk begins with `start`, takes its series by `put`, and is given to
    /// `join` in the order of chunks. Gives the number of series that have values.
    pub(crate) fn run<T: Send>(
        &mut self,
        pipeline: &Pipeline<'s>,
        start: impl Fn() -> T + Sync,
        put: impl Fn(&mut T, Id<'s>, &mut Cells, &Notes) -> Result<(), EvalError> + Sync,
        mut join: impl FnMut(T) -> Result<(), EvalError> + Send,
    ) -> Result<usize, EvalError> {
        let len = pipeline.input.len();
        let (budget, limits) = (self.budget, self.limits);
        let (explain, counting) = (limits.explain, self.counting);
        let by_label = limits.type_and_unit_labels;
        let one = |chunk: usize, scratch: &mut Scratch| {
            let notes = Notes::default();
            let mut value = start();
            let mut took = Took::default();
            let started = if explain { (limits.clock)() } else { Duration::ZERO };
            if counting {
                scratch.per_step.clear();
                scratch.per_step.resize(pipeline.steps, 0);
            }
            let mut ticker = Ticker::new(budget);
            budget.check()?;
            let from = chunk * CHUNK;
            for at in from..len.min(from + CHUNK) {
                if pipeline.compute(at, scratch, &notes, &mut ticker, budget)? {
                    let id = pipeline.input.id(at);
                    pipeline.say_non_counter(&id, &scratch.cells, &notes, by_label);
                    took.series += 1;
                    put(&mut value, id, &mut scratch.cells, &notes)?;
                }
            }
            if explain {
                took.time = (limits.clock)().saturating_sub(started);
            }
            Ok(Done { value, notes, per_step: std::mem::take(&mut scratch.per_step), took })
        };
        let notes = &self.notes;
        let per_step = &mut self.per_step;
        let mut took = Took::default();
        let before = budget.samples();
        let threads = threads(pipeline, limits.threads);
        // Each thread has cells and windows of its own.
        let scratch = threads.saturating_mul(pipeline.steps).saturating_mul(40);
        budget.hold(scratch)?;
        chunked(len.div_ceil(CHUNK), threads, one, |done: Done<T>| {
            notes.join(done.notes);
            for (all, one) in per_step.iter_mut().zip(&done.per_step) {
                *all += one;
            }
            took.time += done.took.time;
            took.series += done.took.series;
            join(done.value)
        })?;
        budget.release(scratch);
        took.samples = budget.samples().saturating_sub(before);
        if explain {
            self.explain(pipeline, took);
        }
        Ok(usize::try_from(took.series).unwrap_or(usize::MAX))
    }

    /// Adds a node of the plan for the samples that a pipeline read.
    fn explain(&mut self, pipeline: &Pipeline<'s>, took: Took) {
        let text = match &pipeline.leaf {
            Leaf::Instant(_) => "read and look back",
            Leaf::Range(_) => "read and slide windows",
        };
        let span = match &pipeline.leaf {
            Leaf::Instant(call) => call.span,
            Leaf::Range(call) => call.span,
        };
        let selected = match &pipeline.input {
            Input::Selected(selected) => selected.set.len(),
            Input::Computed(list) => list.len(),
        };
        self.plan.push(PlanNode {
            text: format!("{text}: {} of {selected} series have values", took.series),
            span,
            time: took.time,
            samples: took.samples,
            series: took.series,
            children: Vec::new(),
        });
    }
}

/// How many threads are worth it.
fn threads(pipeline: &Pipeline<'_>, max: usize) -> usize {
    let Input::Selected(selected) = &pipeline.input else { return 1 };
    let len = selected.set.len();
    if max < 2 || len < 2 * CHUNK {
        return 1;
    }
    let looked_at = len.min(16);
    let sampled: usize =
        (0..looked_at).map(|at| selected.set.samples_hint(at * (len / looked_at))).sum();
    let samples = sampled / looked_at * len + pipeline.steps * len;
    if samples < SAMPLES_MIN { 1 } else { max.min(len.div_ceil(CHUNK)).min(64) }
}

/// Does `work` for each chunk by `threads` threads; `join` gets the outcomes in the order of chunks.
pub(crate) fn chunked<T: Send, S: Default>(
    chunks: usize,
    threads: usize,
    work: impl Fn(usize, &mut S) -> Result<T, EvalError> + Sync,
    mut join: impl FnMut(T) -> Result<(), EvalError> + Send,
) -> Result<(), EvalError> {
    if threads < 2 {
        let mut scratch = S::default();
        for chunk in 0..chunks {
            join(work(chunk, &mut scratch)?)?;
        }
        return Ok(());
    }
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let joining = Mutex::new((0, BTreeMap::new(), join, Ok(())));
    let worker = || {
        let mut scratch = S::default();
        while !stop.load(Ordering::Relaxed) {
            let chunk = next.fetch_add(1, Ordering::Relaxed);
            if chunk >= chunks {
                return;
            }
            let done = work(chunk, &mut scratch);
            let mut guard = joining.lock().unwrap_or_else(PoisonError::into_inner);
            let (turn, waiting, join, outcome) = &mut *guard;
            waiting.insert(chunk, done);
            while let Some(done) = waiting.remove(turn) {
                *turn += 1;
                if outcome.is_ok() {
                    *outcome = done.and_then(&mut *join);
                }
            }
            // A later chunk's error waits for its turn, but no new work begins.
            if outcome.is_err() || waiting.values().any(Result::is_err) {
                stop.store(true, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(worker);
        }
        worker();
    });
    let (_, waiting, _, outcome) = joining.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcome?;
    // Chunks before the first error were perhaps not begun; the error is what counts.
    waiting.into_values().find_map(Result::err).map_or(Ok(()), Err)
}
