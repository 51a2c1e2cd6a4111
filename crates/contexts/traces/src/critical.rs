//! The critical path of a trace: which span the end had to wait for, at each moment.
//!
//! Walks back from the end: the child that finished last is what its parent waited for; before that child began, the parent
//! itself, or the child that had finished last by then (CRISP, Zhang et al., USENIX ATC 2022; Jaeger's critical path). A child
//! that still ran when the one waited for began is on no path.
//!
//! What a parent does not wait for: a consumer, a child whose link to its parent says `follows_from` (OpenTracing), a producer
//! that outlives its parent, and any child wholly outside of its parent's time. These are left out with all below them. Any other
//! child that sticks out of its parent's time is cut to it.

use std::time::Duration;

use model::{Span, SpanId, SpanKind, Timestamp, value::attribute};

use crate::{Trace, trace::window};

/// A stretch of time in which a span is what the end waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    pub row: usize,
    pub span: SpanId,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// Sections by time without gap or overlap: together they last as long as the span that they were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CriticalPath {
    pub sections: Vec<Section>,
    /// Rows that stick out of their parents' time, and were cut; those on the path.
    pub cut: Vec<usize>,
    /// Rows of children of spans on the path that nobody waited for.
    pub left_out: Vec<usize>,
}

impl Section {
    pub fn duration(&self) -> Duration {
        self.to.since(self.from)
    }
}

impl CriticalPath {
    pub fn duration(&self) -> Duration {
        self.sections.iter().map(Section::duration).sum()
    }

    /// The time on the path by row, each row once.
    pub fn by_row(&self) -> Vec<(usize, Duration)> {
        let mut rows: Vec<(usize, Duration)> =
            self.sections.iter().map(|section| (section.row, section.duration())).collect();
        rows.sort_by_key(|(row, _)| *row);
        rows.dedup_by(|later, first| {
            let same = later.0 == first.0;
            if same {
                first.1 += later.1;
            }
            same
        });
        rows
    }
}

/// A child within the time in which its parent may have waited for it.
#[derive(Clone, Copy)]
struct Wait {
    from: i64,
    to: i64,
    row: usize,
}

/// A span on the path: it is followed back to `from`, and has been as far as `cursor`.
struct Open {
    row: usize,
    from: i64,
    cursor: i64,
    /// What it may have waited for, the last to end last.
    waits: Vec<Wait>,
}

impl Trace {
    /// The critical path of the first root; empty without spans.
    pub fn critical_path(&self) -> CriticalPath {
        if self.is_empty() { CriticalPath::default() } else { self.critical_path_of(0) }
    }

    /// The critical path within the span at `row`.
    pub fn critical_path_of(&self, row: usize) -> CriticalPath {
        let mut path = CriticalPath::default();
        let (from, to) = self.window(row);
        let mut open = vec![self.open(Wait { from, to, row }, &mut path)];
        while let Some(span) = open.last_mut() {
            let next = std::iter::from_fn(|| span.waits.pop())
                .find(|wait| wait.to <= span.cursor && wait.from < wait.to);
            let since = next.map_or(span.from, |wait| wait.to);
            if since < span.cursor {
                path.sections.push(Section {
                    row: span.row,
                    span: self.spans()[span.row].span_id,
                    from: Timestamp::from_nanos(since),
                    to: Timestamp::from_nanos(span.cursor),
                });
            }
            match next {
                Some(wait) => {
                    span.cursor = wait.from;
                    if self.window(wait.row) != (wait.from, wait.to) {
                        path.cut.push(wait.row);
                    }
                    let child = self.open(wait, &mut path);
                    open.push(child);
                }
                None => {
                    open.pop();
                }
            }
        }
        path.sections.reverse();
        path.cut.sort_unstable();
        path.left_out.sort_unstable();
        path
    }

    fn open(&self, Wait { from, to, row }: Wait, path: &mut CriticalPath) -> Open {
        let mut waits = Vec::new();
        for child in self.children(row) {
            let (start, end) = self.window(child);
            let inside = start <= to && end >= from;
            if inside && is_waited_for(&self.spans()[row], &self.spans()[child]) {
                waits.push(Wait { from: start.max(from), to: end.min(to), row: child });
            } else {
                path.left_out.push(child);
            }
        }
        // Of those that end together, the one that took longest.
        waits.sort_by_key(|wait| (wait.to, std::cmp::Reverse((wait.from, wait.row))));
        Open { row, from, cursor: to, waits }
    }
}

/// Whether the parent's end may have had to wait for the child's.
fn is_waited_for(parent: &Span, child: &Span) -> bool {
    let follows = child.links.iter().any(|link| {
        (link.trace_id, link.span_id) == (parent.trace_id, parent.span_id)
            && attribute(&link.attributes, "opentracing.ref_type")
                .and_then(model::Value::as_str)
                .is_some_and(|kind| kind == "follows_from")
    });
    match child.kind {
        SpanKind::Consumer => false,
        SpanKind::Producer => !follows && window(child).1 <= window(parent).1,
        SpanKind::Unspecified | SpanKind::Internal | SpanKind::Server | SpanKind::Client => {
            !follows
        }
    }
}
