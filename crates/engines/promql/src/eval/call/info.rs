//! `info`: series with the labels of the info metrics that belong to the same target.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{Labels, MatchOp, Matcher};

use crate::{
    ast::{Expr, ExprKind, Shift},
    eval::{
        Context, EvalError, Hints, SameLabels,
        cells::Cells,
        hash::{Signature, SignatureMap},
        item::{Id, Item, Items},
        pipeline::{Input, InstantCall, InstantKind, Leaf, Pipeline, unwrapped},
        range::{Moments, Ticker},
        same_labels,
        select::looked_back,
    },
    span::Span,
};

/// What tells targets apart.
const IDENTIFYING: [&str; 2] = ["instance", "job"];
/// The info metric that is meant when none is named.
const TARGET_INFO: &str = "target_info";
/// More values than this are not listed in a pattern.
const VALUES_MAX: usize = 500;

/// What the second argument asks for.
struct Wanted {
    /// Which info metrics.
    names: Vec<Matcher>,
    /// Which of their labels.
    data: Vec<Matcher>,
}

impl Wanted {
    fn of(selector: Option<&[Matcher]>) -> Self {
        let all = selector.unwrap_or(&[]);
        let is_name = |one: &&Matcher| one.name() == Labels::METRIC_NAME;
        let mut names: Vec<Matcher> = all.iter().filter(is_name).cloned().collect();
        let positive = names.iter().any(|one| matches!(one.op(), MatchOp::Equal | MatchOp::Regex));
        if names.is_empty() {
            names.push(Matcher::equal(Labels::METRIC_NAME, TARGET_INFO));
        } else if !positive {
            names.extend(Matcher::new(Labels::METRIC_NAME, MatchOp::Regex, ".+_info").ok());
        }
        Self { names, data: all.iter().filter(|one| !is_name(one)).cloned().collect() }
    }

    fn is_info(&self, name: &str) -> bool {
        self.names.iter().all(|one| one.matches(name))
    }

    /// Whether a label of an info metric is asked for.
    fn takes(&self, name: &str) -> bool {
        name != Labels::METRIC_NAME
            && (self.data.is_empty() || self.data.iter().any(|one| one.name() == name))
    }

    /// Whether a series stays as it is where no info metric belongs to it.
    fn stays_alone(&self) -> bool {
        self.data.iter().all(|one| one.matches(""))
    }
}

/// The labels that tell targets apart; `None` when a series has none.
fn target(id: &Id<'_>) -> Option<Signature> {
    let mut any = false;
    id.visit(&mut |name, _| any |= IDENTIFYING.contains(&name));
    any.then(|| id.signature(|name| IDENTIFYING.contains(&name)))
}

impl<'s> Context<'s> {
    pub(super) fn info(&mut self, args: &[Expr], span: Span) -> Result<Items<'s>, EvalError> {
        let Some(first) = args.first() else { return Ok(Items::default()) };
        let base = self.vector(unwrapped(first))?;
        let selector = args.get(1).and_then(|arg| match &unwrapped(arg).kind {
            ExprKind::Selector(selector) => Some(selector.matchers.as_slice()),
            _ => None,
        });
        let wanted = Wanted::of(selector);
        let moments = reference(first, Shift::default())
            .map_or_else(|| self.query.moments(), |shift| self.moments(shift));
        let infos = self.infos(&base, &wanted, moments, span)?;
        let mut by_target: SignatureMap<BTreeMap<String, Vec<usize>>> = SignatureMap::default();
        for (at, item) in infos.list.iter().enumerate() {
            if let Some(target) = target(&item.id) {
                let names = by_target.entry(target).or_default();
                names.entry(item.id.name()).or_default().push(at);
            }
        }
        let mut out = Vec::new();
        let mut ticker = Ticker::new(self.budget);
        for item in base.list {
            ticker.tick(item.cells.len())?;
            let names = target(&item.id).and_then(|target| by_target.get(&target));
            if wanted.is_info(&item.id.name()) {
                out.push(item);
                continue;
            }
            self.budget.hold(8 * item.cells.len())?;
            enrich(&item, names, &infos, &wanted, &mut out, span)?;
        }
        let mut items = Items::new(out);
        items.merge_same().map_err(|SameLabels| same_labels(span))?;
        Ok(items)
    }

    /// Info metrics of the targets of `base`; their cells are the times of their samples.
    fn infos(
        &mut self,
        base: &Items<'s>,
        wanted: &Wanted,
        moments: Moments,
        span: Span,
    ) -> Result<Items<'s>, EvalError> {
        let mut values: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for item in base.list.iter().filter(|item| !wanted.is_info(&item.id.name())) {
            item.id.visit(&mut |name, value| {
                if let Some(known) = IDENTIFYING.iter().find(|known| **known == name) {
                    values.entry(known).or_default().insert(value.to_owned());
                }
            });
        }
        if values.is_empty() {
            return Ok(Items::default());
        }
        let mut matchers = wanted.names.clone();
        matchers.extend(wanted.data.iter().cloned());
        for (name, values) in values.iter().filter(|(_, values)| values.len() <= VALUES_MAX) {
            let patterns: Vec<String> = values.iter().map(|value| regex::escape(value)).collect();
            matchers.extend(Matcher::new(*name, MatchOp::Regex, patterns.join("|")).ok());
        }
        let lookback_ms = self.limits.lookback_ms;
        let (start_ms, end_ms) = looked_back(moments, lookback_ms, 0);
        let hints = Hints {
            start_ms,
            end_ms,
            step_ms: self.query.step_ms,
            range_ms: 0,
            function: Some("info"),
        };
        let selected = self.selection(&matchers, &hints, "")?;
        let pipeline = |kind: InstantKind| Pipeline {
            input: Input::Selected(Arc::clone(&selected)),
            leaf: Leaf::Instant(InstantCall { moments, lookback_ms, kind, span }),
            stages: Vec::new(),
            steps: moments.len(),
            drops_name: false,
            one_name: selected.name.is_some(),
            hints: false,
        };
        let found = self.collect(&pipeline(InstantKind::Value), span)?;
        if let Some(item) = found.list.iter().find(|item| item.cells.has_histograms()) {
            let labels = item.id.labels();
            let message = format!("this should be an info metric, with float samples: {labels}");
            return Err(EvalError::invalid(span, message));
        }
        self.collect(&pipeline(InstantKind::Time), span)
    }
}

/// When the first selector of an expression reads, relative to the step: info metrics are read then, too.
fn reference(expr: &Expr, outer: Shift) -> Option<Shift> {
    let within = |inner: Shift| match inner.at {
        Some(_) => inner,
        None => Shift { offset_ms: outer.offset_ms.saturating_add(inner.offset_ms), at: outer.at },
    };
    match &expr.kind {
        ExprKind::Number { .. } | ExprKind::String(_) => None,
        ExprKind::Selector(selector) | ExprKind::Matrix { selector, .. } => {
            Some(within(selector.shift))
        }
        ExprKind::Subquery { expr, shift, .. } => reference(expr, within(*shift)),
        ExprKind::Negate(inner) | ExprKind::Plus(inner) | ExprKind::Paren(inner) => {
            reference(inner, outer)
        }
        ExprKind::Binary(binary) => {
            reference(&binary.left, outer).or_else(|| reference(&binary.right, outer))
        }
        ExprKind::Aggregate(aggregate) => reference(&aggregate.expr, outer),
        ExprKind::Call { args, .. } => args.iter().find_map(|arg| reference(arg, outer)),
    }
}

/// Gives a series the labels of those info metrics that belong to it, step by step.
fn enrich<'s>(
    item: &Item<'s>,
    names: Option<&BTreeMap<String, Vec<usize>>>,
    infos: &Items<'s>,
    wanted: &Wanted,
    out: &mut Vec<Item<'s>>,
    span: Span,
) -> Result<(), EvalError> {
    // The info series of a step, one of each metric.
    let mut variants: BTreeMap<Vec<usize>, Cells> = BTreeMap::new();
    for step in (0..item.cells.len()).filter(|step| item.cells.has(*step)) {
        let mut chosen = Vec::new();
        for all in names.into_iter().flat_map(BTreeMap::values) {
            chosen.extend(newest(all, step, infos, span)?);
        }
        if chosen.is_empty() && !wanted.stays_alone() {
            continue;
        }
        let cells = variants.entry(chosen).or_insert_with(|| Cells::absent(item.cells.len()));
        cells.take(step, &item.cells);
    }
    let base = item.id.labels();
    for (chosen, cells) in variants {
        let mut added: BTreeMap<String, String> = BTreeMap::new();
        for at in chosen {
            let mut conflict = None;
            infos.list[at].id.visit(&mut |name, value| {
                if !wanted.takes(name) {
                    return;
                }
                match added.get(name) {
                    Some(known) if known != value => conflict = Some(name.to_owned()),
                    _ if base.get(name).is_some() => {}
                    _ => {
                        added.insert(name.to_owned(), value.to_owned());
                    }
                }
            });
            if let Some(name) = conflict {
                return Err(EvalError::invalid(span, format!("conflicting label: {name}")));
            }
        }
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let labels = Labels::from_pairs(base.iter().map(owned).chain(added));
        out.push(Item { id: Id::Own(labels), cells, drop_name: item.drop_name });
    }
    Ok(())
}

/// The series of one info metric with the newest sample at a step.
fn newest(
    all: &[usize],
    step: usize,
    infos: &Items<'_>,
    span: Span,
) -> Result<Option<usize>, EvalError> {
    let mut best: Option<(f64, usize)> = None;
    for at in all {
        let Some(time) = infos.list[*at].cells.float(step) else { continue };
        match best {
            Some((newest, _)) if newest > time => {}
            Some((newest, known)) if newest == time => {
                let labels = |at: usize| infos.list[at].id.labels();
                let ms = time * 1000.0;
                return Err(EvalError::invalid(
                    span,
                    format!(
                        "found duplicate series for info metric: existing {} @ {ms}, new {} @ {ms}",
                        labels(known),
                        labels(*at)
                    ),
                ));
            }
            Some(_) | None => best = Some((time, *at)),
        }
    }
    Ok(best.map(|(_, at)| at))
}
