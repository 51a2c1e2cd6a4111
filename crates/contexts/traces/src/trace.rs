//! A trace out of any bag of spans, in the order of a waterfall.

use std::{
    cmp::{Ordering, Reverse},
    collections::BTreeMap,
    ops::Range,
};

use model::{Span, SpanId, SpanKind, Timestamp, TraceId};

use crate::{Anomaly, AnomalyKind, limits, spoken::lasting};

/// Spans by rows: each parent before its children, children by start; a span's descendants follow it without a gap.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    id: TraceId,
    spans: Vec<Span>,
    nodes: Vec<Node>,
    /// Rows by span id.
    ids: Vec<(SpanId, u32)>,
    anomalies: Vec<Anomaly>,
    left_out: usize,
}

/// Where a row stands in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Node {
    parent: Option<u32>,
    depth: u32,
    /// Itself and all descendants.
    size: u32,
}

impl Trace {
    /// Takes whatever there is; at most [`limits::SPANS_MAX`] of it.
    pub fn new(mut spans: Vec<Span>) -> Self {
        let left_out = cap(&mut spans);
        let mut bag = Bag::unique(spans);
        bag.find_parents();
        bag.open_rings();
        bag.into_trace(left_out)
    }

    /// The trace that most spans belong to.
    pub fn id(&self) -> TraceId {
        self.id
    }

    /// All spans, by row.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    pub fn len(&self) -> usize {
        self.spans.len()
    }

    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Spans beyond the limit, which are not here.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The row of a span; of a client and a server that share an id, the client's.
    pub fn row(&self, id: SpanId) -> Option<usize> {
        let at = self.ids.partition_point(|(one, _)| *one < id);
        self.ids.get(at).filter(|(one, _)| *one == id).map(|(_, row)| *row as usize)
    }

    /// The parent's row; `None` for a root.
    pub fn parent(&self, row: usize) -> Option<usize> {
        self.nodes[row].parent.map(|parent| parent as usize)
    }

    /// 0 for a root.
    pub fn depth(&self, row: usize) -> usize {
        self.nodes[row].depth as usize
    }

    /// How many spans are below this one.
    pub fn descendants(&self, row: usize) -> usize {
        self.nodes[row].size as usize - 1
    }

    /// The rows of the span and all its descendants.
    pub fn subtree(&self, row: usize) -> Range<usize> {
        row..row + self.nodes[row].size as usize
    }

    /// Rows of the span's children, by start.
    pub fn children(&self, row: usize) -> impl Iterator<Item = usize> + '_ {
        let Range { start, end } = self.subtree(row);
        self.siblings(start + 1, end)
    }

    /// Rows without a parent: those that name none first, then by start.
    pub fn roots(&self) -> impl Iterator<Item = usize> + '_ {
        self.siblings(0, self.len())
    }

    /// What is wrong, by row.
    pub fn anomalies(&self) -> &[Anomaly] {
        &self.anomalies
    }

    /// Services with the number of their spans.
    pub fn services(&self) -> BTreeMap<&str, usize> {
        let mut services = BTreeMap::new();
        for span in &self.spans {
            *services.entry(&*span.resource.service).or_default() += 1;
        }
        services
    }

    /// The earliest start and the latest end, as reported; `None` without spans.
    pub fn extent(&self) -> Option<(Timestamp, Timestamp)> {
        let from = self.spans.iter().map(|span| span.start).min()?;
        let to = self.spans.iter().map(|span| span.end.max(span.start)).max()?;
        Some((from, to))
    }

    /// A span's start and end in nanoseconds; the end is never before the start.
    pub(crate) fn window(&self, row: usize) -> (i64, i64) {
        window(&self.spans[row])
    }

    fn siblings(&self, first: usize, end: usize) -> impl Iterator<Item = usize> + '_ {
        let within = move |row: &usize| *row < end;
        std::iter::successors(Some(first).filter(within), move |row| {
            Some(row + self.nodes[*row].size as usize).filter(within)
        })
    }
}

pub(crate) fn window(span: &Span) -> (i64, i64) {
    let start = span.start.as_nanos();
    (start, span.end.as_nanos().max(start))
}

/// Leaves the earliest spans that fit; returns how many go.
fn cap(spans: &mut Vec<Span>) -> usize {
    let over = spans.len().saturating_sub(limits::SPANS_MAX);
    if over > 0 {
        spans.sort_by_key(|span| (span.start, span.trace_id, span.span_id));
        spans.truncate(limits::SPANS_MAX);
    }
    over
}

/// Spans by trace and span id, on their way to become a tree.
struct Bag {
    spans: Vec<Span>,
    parents: Vec<Option<u32>>,
    /// Whether a span shares its id with the one before it.
    shares: Vec<bool>,
    /// What was found, by place in `spans`.
    found: Vec<(usize, AnomalyKind)>,
    /// Those that lost their parent stand after those that have none.
    lost: Vec<bool>,
}

impl Bag {
    /// Keeps one span of each id, or a client's and a server's.
    fn unique(mut spans: Vec<Span>) -> Self {
        let id = |span: &Span| (span.trace_id, span.span_id);
        spans.sort_by_key(id);
        let mut bag = Self {
            spans: Vec::with_capacity(spans.len()),
            parents: Vec::new(),
            shares: Vec::with_capacity(spans.len()),
            found: Vec::new(),
            lost: Vec::new(),
        };
        let mut rest = spans.into_iter().peekable();
        while let Some(first) = rest.next() {
            let key = id(&first);
            if rest.peek().is_none_or(|next| id(next) != key) {
                bag.keep(first, false);
                continue;
            }
            let mut group = vec![first];
            while let Some(next) = rest.next_if(|next| id(next) == key) {
                group.push(next);
            }
            bag.keep_group(group);
        }
        bag.parents = vec![None; bag.spans.len()];
        bag.lost = vec![false; bag.spans.len()];
        bag
    }

    fn keep(&mut self, span: Span, shares: bool) {
        self.spans.push(span);
        self.shares.push(shares);
    }

    fn keep_group(&mut self, group: Vec<Span>) {
        let has = |kind| group.iter().any(|span: &Span| span.kind == kind);
        if has(SpanKind::Client) && has(SpanKind::Server) {
            let (servers, others): (Vec<_>, Vec<_>) =
                group.into_iter().partition(|span| span.kind == SpanKind::Server);
            self.keep_fullest(others, false);
            self.keep_fullest(servers, true);
            self.found.push((self.spans.len() - 1, AnomalyKind::SharedId));
        } else {
            self.keep_fullest(group, false);
        }
    }

    fn keep_fullest(&mut self, group: Vec<Span>, shares: bool) {
        let copies = group.len();
        let differ = group.iter().any(|span| *span != group[0]);
        let Some(fullest) = group.into_iter().max_by(fuller) else { return };
        self.keep(fullest, shares);
        let at = self.spans.len() - 1;
        match copies {
            1 => {}
            _ if differ => self.found.push((at, AnomalyKind::Conflict { copies })),
            _ => self.found.push((at, AnomalyKind::Duplicate { copies })),
        }
    }

    fn find_parents(&mut self) {
        for at in 0..self.spans.len() {
            let span = &self.spans[at];
            if self.shares[at] {
                self.parents[at] = place(at - 1);
                continue;
            }
            let Some(parent) = span.parent.filter(|parent| *parent != SpanId::default()) else {
                continue;
            };
            let key = (span.trace_id, parent);
            let after = self.spans.partition_point(|one| (one.trace_id, one.span_id) <= key);
            let known = after
                .checked_sub(1)
                .filter(|found| (self.spans[*found].trace_id, self.spans[*found].span_id) == key);
            match known {
                // Of two that share an id, the server's has the children.
                Some(found) if parent != span.span_id => self.parents[at] = place(found),
                Some(_) => {
                    self.lost[at] = true;
                    self.found.push((at, AnomalyKind::OwnParent));
                }
                None => {
                    self.lost[at] = true;
                    self.found.push((at, AnomalyKind::Orphan { parent }));
                }
            }
        }
    }

    /// Follows each chain of parents once; where it bites its tail, the earliest span becomes a root.
    fn open_rings(&mut self) {
        const NEW: u32 = 0;
        let mut met = vec![NEW; self.spans.len()];
        for start in 0..self.spans.len() {
            let walk = place(start).unwrap_or_default() + 1;
            let mut at = start;
            while met[at] == NEW {
                met[at] = walk;
                match self.parents[at] {
                    Some(parent) => at = parent as usize,
                    None => break,
                }
            }
            if met[at] == walk && self.parents[at].is_some() {
                self.open_ring(at);
            }
        }
    }

    fn open_ring(&mut self, at: usize) {
        let next = |one: &usize| self.parents[*one].map(|parent| parent as usize);
        let mut ring = vec![at];
        ring.extend(std::iter::successors(next(&at), next).take_while(|one| *one != at));
        let first = ring.iter().copied().min_by_key(|one| (self.spans[*one].start, *one));
        let first = first.unwrap_or(at);
        self.parents[first] = None;
        self.lost[first] = true;
        self.found.push((first, AnomalyKind::Cycle { spans: ring.len() }));
    }

    fn into_trace(mut self, left_out: usize) -> Trace {
        let (order, nodes) = self.rows();
        let mut row_of = vec![0; order.len()];
        for (row, at) in order.iter().enumerate() {
            row_of[*at as usize] = row;
        }
        let mut slots: Vec<Option<Span>> = self.spans.drain(..).map(Some).collect();
        let spans: Vec<Span> = order.iter().filter_map(|at| slots[*at as usize].take()).collect();
        let mut ids: Vec<(SpanId, u32)> =
            (0u32..).zip(&spans).map(|(row, span)| (span.span_id, row)).collect();
        ids.sort_unstable();
        let anomaly = |(at, kind): (usize, AnomalyKind)| Anomaly {
            row: row_of[at],
            span: spans[row_of[at]].span_id,
            kind,
        };
        let anomalies = self.found.drain(..).map(anomaly).collect();
        let id = most(&spans).unwrap_or_default();
        let mut trace = Trace { id, spans, nodes, ids, anomalies, left_out };
        trace.name_anomalies();
        trace
    }

    /// The places of spans in the order of rows, and how the rows hang together.
    fn rows(&self) -> (Vec<u32>, Vec<Node>) {
        let count = self.spans.len();
        let places = 0..place(count).unwrap_or_default();
        let key = |at: u32| {
            let (from, to) = window(&self.spans[at as usize]);
            (from, Reverse(to), at)
        };
        let mut roots: Vec<u32> =
            places.clone().filter(|at| self.parents[*at as usize].is_none()).collect();
        roots.sort_by_key(|at| (self.lost[*at as usize], key(*at)));
        let mut children: Vec<(u32, _)> = places
            .filter_map(|at| self.parents[at as usize].map(|parent| (parent, key(at))))
            .collect();
        children.sort_unstable();
        let mut first = vec![0; count + 1];
        children.iter().for_each(|(parent, _)| first[*parent as usize + 1] += 1);
        for at in 0..count {
            first[at + 1] += first[at];
        }
        let (mut order, mut nodes) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut stack: Vec<(u32, Option<u32>)> = roots.iter().rev().map(|at| (*at, None)).collect();
        while let Some((at, parent)) = stack.pop() {
            let row = place(order.len());
            let depth = parent.map_or(0, |parent: u32| {
                let above: &Node = &nodes[parent as usize];
                above.depth + 1
            });
            order.push(at);
            nodes.push(Node { parent, depth, size: 1 });
            let own = &children[first[at as usize]..first[at as usize + 1]];
            stack.extend(own.iter().rev().map(|(_, (_, _, child))| (*child, row)));
        }
        for row in (0..count).rev() {
            if let Some(parent) = nodes[row].parent {
                let size = nodes[row].size;
                nodes[parent as usize].size += size;
            }
        }
        (order, nodes)
    }
}

impl Trace {
    /// Adds what shows only in the tree, and sorts by row.
    fn name_anomalies(&mut self) {
        let mut found = Vec::new();
        let mut is_first = true;
        for root in self.roots() {
            let span = &self.spans[root];
            if span.trace_id != self.id {
                found.push((root, AnomalyKind::OtherTrace { trace: span.trace_id }));
            } else if span.parent.is_none_or(|parent| parent == SpanId::default()) {
                if !is_first {
                    found.push((root, AnomalyKind::SecondRoot));
                }
                is_first = false;
            }
        }
        for (row, span) in self.spans.iter().enumerate() {
            let (start, end) = (span.start.as_nanos(), span.end.as_nanos());
            match end.cmp(&start) {
                Ordering::Less => {
                    found.push((row, AnomalyKind::EndsBeforeStart { by: lasting(end, start) }));
                }
                Ordering::Equal => found.push((row, AnomalyKind::NoDuration)),
                Ordering::Greater => {}
            }
            let Some(parent) = self.parent(row) else { continue };
            let ((from, to), (start, end)) = (self.window(parent), self.window(row));
            if start < from {
                found.push((row, AnomalyKind::StartsBeforeParent { by: lasting(start, from) }));
            }
            if end > to {
                found.push((row, AnomalyKind::EndsAfterParent { by: lasting(to, end) }));
            }
        }
        let named = |(row, kind): (usize, AnomalyKind)| Anomaly {
            row,
            span: self.spans[row].span_id,
            kind,
        };
        self.anomalies.extend(found.into_iter().map(named).collect::<Vec<_>>());
        self.anomalies.sort_by_key(|anomaly| anomaly.row);
    }
}

fn place(at: usize) -> Option<u32> {
    u32::try_from(at).ok()
}

/// Which of two spans with one id says more; equal only when both say the same.
fn fuller(one: &Span, other: &Span) -> Ordering {
    let weight = |span: &Span| {
        (
            span.end,
            span.attributes.len() + span.events.len() + span.links.len(),
            Reverse(span.start),
        )
    };
    weight(one).cmp(&weight(other)).then_with(|| {
        if one == other { Ordering::Equal } else { format!("{one:?}").cmp(&format!("{other:?}")) }
    })
}

/// The trace id of most spans; of equally many, the smallest.
fn most(spans: &[Span]) -> Option<TraceId> {
    let mut counts: BTreeMap<TraceId, usize> = BTreeMap::new();
    for span in spans {
        *counts.entry(span.trace_id).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(id, count)| (*count, Reverse(*id))).map(|(id, _)| id)
}
