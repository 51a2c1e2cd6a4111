//! Functions that need more than one series at a time, or none.

mod absent;
pub(super) mod date;
mod histogram;
mod info;
mod label;
pub(super) mod math;
mod sort;

use super::{
    Computed, Context, EvalError,
    cells::ABSENT,
    item::Items,
    pipeline::{Stage, unwrapped},
    range::RangeFunction,
};
use crate::ast::{Expr, ExprKind, Function};

impl<'s> Context<'s> {
    pub(super) fn call(
        &mut self,
        function: &'static Function,
        args: &[Expr],
        expr: &Expr,
    ) -> Result<Computed<'s>, EvalError> {
        let steps = self.query.steps();
        let arg = |at: usize| {
            args.get(at).map(unwrapped).ok_or_else(|| {
                EvalError::invalid(expr.span, format!("{} lacks an argument", function.name))
            })
        };
        let constant = |value: f64| Ok(Computed::Scalar(vec![value; steps]));
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age")]
        let seconds = |ms: i64| ms as f64 / 1000.0;
        match function.name {
            "time" => {
                let moments = self.query.moments();
                Ok(Computed::Scalar(moments.iter().map(seconds).collect()))
            }
            "pi" => constant(std::f64::consts::PI),
            "start" => constant(seconds(self.top.start_ms)),
            "end" => constant(seconds(self.top.end_ms)),
            "range" => constant(seconds(self.top.end_ms.saturating_sub(self.top.start_ms))),
            "step" => constant(seconds(self.top.step_ms)),
            "max_of" | "min_of" => {
                let (mut a, b) = (self.scalar(arg(0)?)?, self.scalar(arg(1)?)?);
                let pick = if function.name == "max_of" { math::max } else { math::min };
                a.iter_mut().zip(&b).for_each(|(a, b)| *a = pick(*a, *b));
                Ok(Computed::Scalar(a))
            }
            "scalar" => self.only_one(arg(0)?).map(Computed::Scalar),
            "vector" => {
                let values = self.scalar(arg(0)?)?;
                Ok(Computed::Vector(self.plain(values)))
            }
            "timestamp" => self.eval_time(arg(0)?, expr),
            "start_timestamp" => Ok(Computed::Vector(Items::default())),
            "absent" => self.absent(arg(0)?).map(Computed::Vector),
            "absent_over_time" => self.absent_over_time(args, expr).map(Computed::Vector),
            "sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc" => {
                self.sorted(function.name, args).map(Computed::Vector)
            }
            "label_replace" => self.label_replace(args, expr.span).map(Computed::Vector),
            "label_join" => self.label_join(args, expr.span).map(Computed::Vector),
            "info" => self.info(args, expr.span).map(Computed::Vector),
            "histogram_quantile" | "histogram_quantiles" | "histogram_fraction" => {
                self.of_histograms(function.name, args, expr.span).map(Computed::Vector)
            }
            name => self.other(name, args, expr),
        }
    }

    /// Functions that change each cell by itself, of what is no pipeline; and those of dates without an argument.
    fn other(&mut self, name: &str, args: &[Expr], expr: &Expr) -> Result<Computed<'s>, EvalError> {
        let Some(first) = args.first() else {
            let Some(function) = date::of(name) else { return Err(unknown(name, expr)) };
            let values = self.query.moments().iter();
            #[expect(clippy::cast_precision_loss, reason = "seconds of this age")]
            let values = values.map(|ms| function(ms.div_euclid(1000) as f64)).collect();
            return Ok(Computed::Vector(self.plain(values)));
        };
        if RangeFunction::of(name).is_some() {
            return Err(EvalError::invalid(first.span, "a range vector is expected"));
        }
        let mut params = Vec::new();
        for param in &args[1..] {
            params.push(self.scalar(unwrapped(param))?);
        }
        let Some(stage) = Stage::function(name, params) else { return Err(unknown(name, expr)) };
        let items = self.within(name, |context| context.vector(unwrapped(first)))?;
        self.mapped(items, &[stage], expr.span)
    }

    /// `scalar`: the only float of a vector.
    fn only_one(&mut self, arg: &Expr) -> Result<Vec<f64>, EvalError> {
        let items = self.vector(arg)?;
        let mut out = vec![ABSENT; self.query.steps()];
        let mut many = vec![false; out.len()];
        for item in &items.list {
            for (step, out) in out.iter_mut().enumerate() {
                if let Some(value) = item.cells.float(step) {
                    many[step] |= !super::cells::is_absent(*out);
                    *out = value;
                }
            }
        }
        for (out, many) in out.iter_mut().zip(many) {
            if many || super::cells::is_absent(*out) {
                *out = f64::NAN;
            }
        }
        Ok(out)
    }

    /// `timestamp` of what is no selector: the time of the step.
    fn eval_time(&mut self, arg: &Expr, expr: &Expr) -> Result<Computed<'s>, EvalError> {
        let mut items = self.vector(arg)?;
        let moments = self.query.moments();
        for item in &mut items.list {
            for (step, moment) in moments.iter().enumerate() {
                if item.cells.has(step) {
                    #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age")]
                    item.cells.set(step, moment as f64 / 1000.0);
                }
            }
        }
        items.drop_names(self.limits.delayed_name_removal);
        self.unique(&mut items, expr.span)?;
        Ok(Computed::Vector(items))
    }
}

fn unknown(name: &str, expr: &Expr) -> EvalError {
    EvalError::invalid(expr.span, format!("unknown function with name \"{name}\""))
}

/// The text of an argument.
fn text(args: &[Expr], at: usize) -> &str {
    match args.get(at).map(|arg| &unwrapped(arg).kind) {
        Some(ExprKind::String(text)) => text,
        _ => "",
    }
}
