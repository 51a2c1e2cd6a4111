//! `histogram_quantile`, `histogram_quantiles` and `histogram_fraction`, of classic and native histograms.

use super::text;
use crate::{
    ast::Expr,
    eval::{
        Context, EvalError,
        aggregate::values::with,
        cells::Cells,
        hash::SignatureMap,
        item::{Id, Item, Items},
        notes::Kind,
        pipeline::{named, unwrapped},
        range::Ticker,
    },
    histogram::{Classic, Note, fraction, quantile},
    number::General,
    span::Span,
};

/// The label with a bucket's upper bound.
const BOUND: &str = "le";

/// What is asked of each histogram.
enum Asked {
    Quantile(Vec<f64>),
    Fraction { lower: Vec<f64>, upper: Vec<f64> },
}

/// The buckets of one classic histogram: their bounds, ascending, and where their series stand.
struct Group<'s> {
    id: Id<'s>,
    drop_name: bool,
    buckets: Vec<(f64, usize)>,
    /// Steps at which a native histogram has the same labels.
    native: Vec<bool>,
}

impl<'s> Context<'s> {
    pub(super) fn of_histograms(
        &mut self,
        name: &str,
        args: &[Expr],
        span: Span,
    ) -> Result<Items<'s>, EvalError> {
        let at = |at: usize| args.get(at).map_or(span, |arg| unwrapped(arg).span);
        let many = name == "histogram_quantiles";
        let vector_at = match name {
            "histogram_quantile" => 1,
            "histogram_fraction" => 2,
            _ => 0,
        };
        let Some(vector) = args.get(vector_at) else { return Ok(Items::default()) };
        let mut asked = Vec::new();
        if name == "histogram_fraction" {
            let (lower, upper) =
                (self.scalar(unwrapped(&args[0]))?, self.scalar(unwrapped(&args[1]))?);
            asked.push(Asked::Fraction { lower, upper });
        } else {
            let params = if many { 2..args.len() } else { 0..1 };
            for param in params {
                let values = self.scalar(unwrapped(&args[param]))?;
                for q in values.iter().filter(|q| !(0.0..=1.0).contains(*q)) {
                    self.notes.add(Kind::InvalidQuantile(q.to_bits()), at(param), "");
                }
                asked.push(Asked::Quantile(values));
            }
        }
        let items = self.within(name, |context| context.vector(unwrapped(vector)))?;
        let steps = self.query.steps();
        let mut groups = self.groups(&items, at(vector_at));
        self.say_mixed(&items, &mut groups, at(vector_at));
        let by_signature = &groups.1;
        let mut out = Vec::new();
        let mut ticker = Ticker::new(self.budget);
        for asked in &asked {
            for item in items.list.iter().filter(|item| item.cells.has_histograms()) {
                ticker.tick(steps)?;
                let group = by_signature.get(&item.id.signature(|_| true)).map(|at| &groups.0[*at]);
                let cells = self.natives(item, group, asked, at(vector_at));
                self.give(&mut out, &item.id, item.drop_name, cells, asked, many, args)?;
            }
            let mut classic = Classic::default();
            for group in &groups.0 {
                ticker.tick(steps.saturating_mul(1 + group.buckets.len()))?;
                let cells = self.classic(&items, group, &mut classic, asked, at(vector_at));
                self.give(&mut out, &group.id, group.drop_name, cells, asked, many, args)?;
            }
        }
        let mut items = Items { one_name: items.one_name, ..Items::new(out) };
        // Buckets with the same labels but for their name are histograms of their own until the name is gone.
        self.unique(&mut items, span)?;
        Ok(items)
    }

    /// Classic histograms among series, with the signature of each: that of all labels but the bound.
    fn groups(&self, items: &Items<'s>, span: Span) -> (Vec<Group<'s>>, SignatureMap<usize>) {
        let mut groups: Vec<Group<'s>> = Vec::new();
        let mut by_signature: SignatureMap<usize> = SignatureMap::default();
        let mut bound = String::new();
        for (at, item) in items.list.iter().enumerate() {
            if !item.cells.has_floats() {
                continue;
            }
            bound.clear();
            let mut hasher = crate::eval::hash::LabelHasher::new();
            item.id.visit(&mut |name, value| {
                if name == BOUND {
                    bound.push_str(value);
                } else {
                    hasher.label(name, value);
                }
            });
            let Ok(upper) = bound.parse::<f64>() else {
                let name =
                    if self.limits.delayed_name_removal { item.id.name() } else { String::new() };
                self.notes.add(Kind::BadBucketLabel, span, &format!("{name}\0{bound}"));
                continue;
            };
            let group = *by_signature.entry(hasher.finish()).or_insert_with(|| {
                groups.push(Group {
                    id: item.id.clone(),
                    drop_name: item.drop_name,
                    buckets: Vec::new(),
                    native: Vec::new(),
                });
                groups.len() - 1
            });
            groups[group].buckets.push((upper, at));
        }
        for group in &mut groups {
            group.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        (groups, by_signature)
    }

    /// Says where a native and a classic histogram have the same labels; neither is looked at there.
    fn say_mixed(
        &self,
        items: &Items<'s>,
        groups: &mut (Vec<Group<'s>>, SignatureMap<usize>),
        span: Span,
    ) {
        for item in items.list.iter().filter(|item| item.cells.has_histograms()) {
            let Some(at) = groups.1.get(&item.id.signature(|_| true)) else { continue };
            let group = &mut groups.0[*at];
            group.native = (0..item.cells.len())
                .map(|step| {
                    item.cells.histogram(step).is_some()
                        && group
                            .buckets
                            .iter()
                            .any(|(_, at)| items.list[*at].cells.float(step).is_some())
                })
                .collect();
            if group.native.contains(&true) {
                let name =
                    if self.limits.delayed_name_removal { item.id.name() } else { String::new() };
                self.notes.add(Kind::MixedClassicNative, span, &name);
            }
        }
    }

    fn natives(
        &self,
        item: &Item<'s>,
        group: Option<&Group<'s>>,
        asked: &Asked,
        span: Span,
    ) -> Cells {
        let mut cells = Cells::absent(item.cells.len());
        for step in 0..item.cells.len() {
            let mixed = group.is_some_and(|group| group.native.get(step) == Some(&true));
            let Some(histogram) = item.cells.histogram(step).filter(|_| !mixed) else { continue };
            let (value, note) = match asked {
                Asked::Quantile(q) => quantile(q[step], histogram),
                Asked::Fraction { lower, upper } => fraction(lower[step], upper[step], histogram),
            };
            cells.set(step, value);
            if let Some(note) = note {
                let kind = match note {
                    Note::QuantileIsNan => Kind::QuantileIsNan,
                    Note::QuantileIsSkewed => Kind::QuantileIsSkewed,
                    Note::FractionLacksNan => Kind::FractionLacksNan,
                };
                let name =
                    if self.limits.delayed_name_removal { item.id.name() } else { String::new() };
                self.notes.add(kind, span, &name);
            }
        }
        cells
    }

    fn classic(
        &self,
        items: &Items<'s>,
        group: &Group<'s>,
        classic: &mut Classic,
        asked: &Asked,
        span: Span,
    ) -> Cells {
        let steps = self.query.steps();
        let mut cells = Cells::absent(steps);
        for step in 0..steps {
            if group.native.get(step) == Some(&true) {
                continue;
            }
            classic.clear();
            for (bound, at) in &group.buckets {
                if let Some(count) = items.list[*at].cells.float(step) {
                    classic.push(*bound, count);
                }
            }
            if classic.is_empty() {
                continue;
            }
            match asked {
                Asked::Quantile(q) => {
                    let (value, fixed) = classic.quantile(q[step]);
                    cells.set(step, value);
                    if let Some(fixed) = fixed {
                        let name = if self.limits.delayed_name_removal {
                            group.id.name()
                        } else {
                            String::new()
                        };
                        self.notes.forced(fixed, self.query.moment(step), span, &name);
                    }
                }
                Asked::Fraction { lower, upper } => {
                    cells.set(step, classic.fraction(lower[step], upper[step]));
                }
            }
        }
        cells
    }

    /// Gives a histogram's values their labels.
    #[expect(clippy::too_many_arguments, reason = "what belongs to one histogram")]
    fn give(
        &self,
        out: &mut Vec<Item<'s>>,
        id: &Id<'s>,
        drop_name: bool,
        cells: Cells,
        asked: &Asked,
        many: bool,
        args: &[Expr],
    ) -> Result<(), EvalError> {
        if cells.is_empty() {
            return Ok(());
        }
        self.budget.hold(crate::eval::item::ITEM_BYTES + 8 * cells.len())?;
        let delayed = self.limits.delayed_name_removal;
        let labels = id.labels().filtered(|name| name != BOUND);
        let (id, drops) = named(Id::Own(labels), true, delayed);
        let drop_name = drops || (delayed && drop_name);
        let Asked::Quantile(values) = asked else {
            out.push(Item { id, cells, drop_name });
            return Ok(());
        };
        if !many {
            out.push(Item { id, cells, drop_name });
            return Ok(());
        }
        // The quantile may be another at each step, and is a label.
        let mut left = cells;
        while let Some(first) = (0..left.len()).find(|step| left.has(*step)) {
            let q = values[first];
            let mut cells = Cells::absent(left.len());
            for (step, other) in values.iter().enumerate().skip(first) {
                if left.has(step) && other.to_bits() == q.to_bits() {
                    cells.take(step, &left);
                    left.clear(step);
                }
            }
            let label = text(args, 1);
            let id = Id::Own(with(&id.labels(), label, &open_metrics(q)));
            out.push(Item { id, cells, drop_name });
        }
        Ok(())
    }
}

/// A number as OpenMetrics writes it: `1.0`.
fn open_metrics(value: f64) -> String {
    let text = General(value).to_string();
    let whole = text.chars().all(|c| c.is_ascii_digit() || c == '-');
    if whole { format!("{text}.0") } else { text }
}
