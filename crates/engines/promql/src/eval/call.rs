//! Function calls.

mod date;
mod label;

use model::Labels;

use super::{Column, Context, EvalError, Value, map, range, window::Windows, without_name};
use crate::{
    ast::{Expr, ExprKind, Function},
    span::Span,
};

impl Context<'_> {
    pub(super) fn call(
        &mut self,
        function: &Function,
        args: &[Expr],
        span: Span,
    ) -> Result<Value, EvalError> {
        let name = function.name;
        if let Some(change) = unary(name) {
            return Ok(Value::Vector(map(self.vector(&args[0])?, true, change)));
        }
        if let Some(of_window) = range::simple(name) {
            let keep_name = name == "last_over_time";
            let windows = self.windows(&args[0])?;
            return self
                .over(&windows, keep_name, |_, window| of_window(window))
                .map(Value::Vector);
        }
        let steps = self.query.steps();
        let vector = match name {
            "time" => {
                return Ok(Value::Scalar((0..steps).map(|step| self.seconds(step)).collect()));
            }
            "pi" => return Ok(Value::Scalar(vec![std::f64::consts::PI; steps])),
            "scalar" => return Ok(Value::Scalar(only(&self.vector(&args[0])?, steps))),
            "vector" => {
                let values = self.scalar(&args[0])?.into_iter().map(Some).collect();
                vec![Column { labels: Labels::default(), values }]
            }
            "absent" => {
                let columns = self.vector(&args[0])?;
                let there =
                    |step: usize| columns.iter().any(|column| column.values[step].is_some());
                vec![absent(&args[0], (0..steps).map(there))]
            }
            "absent_over_time" => {
                let windows = self.windows(&args[0])?;
                let columns = self.over(&windows, true, |_, _| Some(1.0))?;
                let there =
                    |step: usize| columns.iter().any(|column| column.values[step].is_some());
                vec![absent(&args[0], (0..steps).map(there))]
            }
            "timestamp" => self.timestamp(&args[0])?,
            "clamp" | "clamp_min" | "clamp_max" => self.clamp(name, args)?,
            "round" => self.round(args)?,
            "sort" | "sort_desc" => sorted(self.vector(&args[0])?, name == "sort_desc"),
            "quantile_over_time" => {
                let q = self.scalar(&args[0])?;
                let windows = self.windows(&args[1])?;
                self.over(&windows, false, |step, window| {
                    Some(range::quantile_over(window, q[step]))
                })?
            }
            "predict_linear" => {
                let windows = self.windows(&args[0])?;
                let ahead = self.scalar(&args[1])?;
                self.over(&windows, false, |step, window| range::predict(window, ahead[step]))?
            }
            "histogram_quantile" => {
                let q = self.scalar(&args[0])?;
                let buckets = self.vector(&args[1])?;
                self.histogram_quantile(&q, buckets)?
            }
            "label_replace" => self.label_replace(args, span)?,
            "label_join" => self.label_join(args)?,
            _ => self.date(name, args, span)?,
        };
        Ok(Value::Vector(vector))
    }

    /// `function` of each series' windows.
    fn over(
        &mut self,
        windows: &Windows,
        keep_name: bool,
        function: impl Fn(usize, super::window::Window<'_>) -> Option<f64>,
    ) -> Result<Vec<Column>, EvalError> {
        let mut columns = Vec::with_capacity(windows.series.len());
        for series in &windows.series {
            self.spend(windows.moments.len())?;
            let values = windows.each(
                &series.samples,
                |size| self.tick(size),
                |window| function(window.step, window),
            )?;
            let labels =
                if keep_name { series.labels.clone() } else { without_name(&series.labels) };
            columns.push(Column { labels, values });
        }
        Ok(columns)
    }

    #[expect(clippy::cast_precision_loss, reason = "PromQL's times are floats of seconds")]
    fn seconds(&self, step: usize) -> f64 {
        self.query.moment(step) as f64 / 1000.0
    }

    /// The time of the sample itself where a selector is asked, else the step's.
    fn timestamp(&mut self, arg: &Expr) -> Result<Vec<Column>, EvalError> {
        if let ExprKind::Selector(selector) = &arg.kind {
            let moments = self.moments(selector.shift);
            let lookback = self.limits.lookback_ms;
            let series = self.read(selector, &moments, lookback)?;
            #[expect(clippy::cast_precision_loss, reason = "PromQL's times are floats of seconds")]
            let secs = |sample: model::Sample| sample.at_ms as f64 / 1000.0;
            let mut columns = Vec::new();
            for series in series {
                if let Some(values) = self.looked_up(&series, &moments, secs)? {
                    columns.push(Column { labels: without_name(&series.labels), values });
                }
            }
            return Ok(columns);
        }
        let mut columns = self.vector(arg)?;
        for column in &mut columns {
            column.labels = without_name(&column.labels);
            for (step, value) in column.values.iter_mut().enumerate() {
                *value = value.map(|_| self.seconds(step));
            }
        }
        Ok(columns)
    }

    fn clamp(&mut self, name: &str, args: &[Expr]) -> Result<Vec<Column>, EvalError> {
        let columns = self.vector(&args[0])?;
        let infinite = |value: f64, steps: usize| vec![value; steps];
        let steps = self.query.steps();
        let (low, high) = match name {
            "clamp_min" => (self.scalar(&args[1])?, infinite(f64::INFINITY, steps)),
            "clamp_max" => (infinite(f64::NEG_INFINITY, steps), self.scalar(&args[1])?),
            _ => (self.scalar(&args[1])?, self.scalar(&args[2])?),
        };
        Ok(each(columns, |step, value| {
            // An empty interval has nothing in it; a NaN bound makes NaN.
            if low[step] > high[step] {
                return None;
            }
            let nan = value.is_nan() || low[step].is_nan() || high[step].is_nan();
            Some(if nan { f64::NAN } else { value.max(low[step]).min(high[step]) })
        }))
    }

    fn round(&mut self, args: &[Expr]) -> Result<Vec<Column>, EvalError> {
        let columns = self.vector(&args[0])?;
        let nearest = match args.get(1) {
            Some(arg) => self.scalar(arg)?,
            None => vec![1.0; self.query.steps()],
        };
        Ok(each(columns, |step, value| {
            let inverse = 1.0 / nearest[step];
            Some((value * inverse + 0.5).floor() / inverse)
        }))
    }
}

fn unary(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "acos" => f64::acos,
        "acosh" => f64::acosh,
        "asin" => f64::asin,
        "asinh" => f64::asinh,
        "atan" => f64::atan,
        "atanh" => f64::atanh,
        "ceil" => f64::ceil,
        "cos" => f64::cos,
        "cosh" => f64::cosh,
        "deg" => f64::to_degrees,
        "exp" => f64::exp,
        "floor" => f64::floor,
        "ln" => f64::ln,
        "log10" => f64::log10,
        "log2" => f64::log2,
        "rad" => f64::to_radians,
        "sgn" => |value| if value == 0.0 || value.is_nan() { value } else { value.signum() },
        "sin" => f64::sin,
        "sinh" => f64::sinh,
        "sqrt" => f64::sqrt,
        "tan" => f64::tan,
        "tanh" => f64::tanh,
        _ => return None,
    })
}

fn each(columns: Vec<Column>, change: impl Fn(usize, f64) -> Option<f64>) -> Vec<Column> {
    columns
        .into_iter()
        .map(|column| Column {
            labels: without_name(&column.labels),
            values: column
                .values
                .into_iter()
                .enumerate()
                .map(|(step, value)| value.and_then(|value| change(step, value)))
                .collect(),
        })
        .collect()
}

/// The value of the only series at each step; NaN when there are none or several.
fn only(columns: &[Column], steps: usize) -> Vec<f64> {
    (0..steps)
        .map(|step| {
            let mut values = columns.iter().filter_map(|column| column.values[step]);
            match (values.next(), values.next()) {
                (Some(value), None) => value,
                _ => f64::NAN,
            }
        })
        .collect()
}

/// 1 where nothing is, with the labels that the selector's equality matchers give.
fn absent(arg: &Expr, there: impl Iterator<Item = bool>) -> Column {
    let matchers = match &arg.kind {
        ExprKind::Selector(selector) | ExprKind::Matrix { selector, .. } => {
            selector.matchers.as_slice()
        }
        _ => &[],
    };
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    let mut twice: Vec<&str> = vec![Labels::METRIC_NAME];
    for matcher in matchers {
        let name = matcher.name();
        if matcher.op() == model::MatchOp::Equal && !pairs.iter().any(|(pair, _)| *pair == name) {
            pairs.push((name, matcher.value()));
        } else {
            twice.push(name);
        }
    }
    pairs.retain(|(name, _)| !twice.contains(name));
    Column {
        labels: Labels::from_pairs(pairs),
        values: there.map(|there| (!there).then_some(1.0)).collect(),
    }
}

/// Only an instant query has an order; NaN comes last both ways.
fn sorted(mut columns: Vec<Column>, down: bool) -> Vec<Column> {
    let value = |column: &Column| column.values.first().copied().flatten().unwrap_or(f64::NAN);
    columns.sort_by(|a, b| {
        let order = value(a).total_cmp(&value(b));
        value(a).is_nan().cmp(&value(b).is_nan()).then(if down { order.reverse() } else { order })
    });
    columns
}

/// A number as the API prints it: the shortest text that reads back equal.
pub(super) fn number_text(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}
