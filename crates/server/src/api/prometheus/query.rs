//! `query` and `query_range`, and expressions formatted and taken apart.

mod ast;

use std::{sync::Arc, time::Duration};

use app::{
    App,
    promql::{
        Query,
        ast::{Expr, Type},
    },
    query::{Asked, Evaluated, Parsed, PlanNode, QueryLimits},
};
use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};

use super::{
    error::{Refused, bad_data, invalid},
    form::{Form, duration_ms},
    json::Out,
    reply::{self, Remarks},
    value::{self, Grid},
};

/// What is asked beside the expression.
struct Options {
    limit: Option<usize>,
    stats: Stats,
    explain: bool,
    unknown_stats: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stats {
    None,
    Totals,
    /// With the samples of each step.
    All,
}

impl Options {
    fn of(form: &Form) -> Result<Self, Refused> {
        let stats = form.text("stats");
        Ok(Self {
            limit: form.limit()?,
            stats: match stats {
                "" => Stats::None,
                "all" => Stats::All,
                _ => Stats::Totals,
            },
            explain: matches!(form.text("explain"), "true" | "1"),
            // Prometheus takes any text for a yes, and warns.
            unknown_stats: !matches!(stats, "" | "true" | "all"),
        })
    }

    fn asked(&self, limits: QueryLimits) -> Asked {
        let samples_per_step = self.stats == Stats::All;
        Asked { limits, explain: self.explain, samples_per_step }
    }

    fn remarks(&self, evaluated: &Evaluated) -> Remarks {
        let annotations = &evaluated.answer.annotations;
        let mut remarks =
            Remarks { warnings: annotations.warnings.clone(), infos: annotations.infos.clone() };
        if self.unknown_stats {
            let text = "unsupported value of the parameter \"stats\"; use \"true\" or \"all\"";
            remarks.warnings.push(text.to_owned());
        }
        remarks
    }
}

pub(super) async fn instant(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(async {
        let form = Form::of(request).await?;
        let options = Options::of(&form)?;
        let at_ms = form.time("time", app.clock.now().as_millis())?;
        let asked = options.asked(form.limits(app.query_limits())?);
        let parsed = expression(&app, &form)?;
        let is_matrix = parsed.expr.value_type() == Type::Matrix;
        let query = Query::instant(at_ms);
        let mut evaluated = app.evaluate(parsed, query, asked).await.map_err(Refused::from)?;
        let mut remarks = options.remarks(&evaluated);
        let found = &mut evaluated.answer.value;
        if is_matrix {
            value::sort(found);
        }
        if value::truncate(found, options.limit) {
            remarks.truncated();
        }
        let size = value::size(found, 1);
        let write = move |out: &mut Out| {
            out.raw("{");
            value::instant(out, &evaluated.answer.value, at_ms);
            beside(out, &evaluated, &options, query);
            out.raw("}");
        };
        Ok(reply::large(size, remarks, write).await)
    })
    .await
}

pub(super) async fn range(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(async {
        let form = Form::of(request).await?;
        let options = Options::of(&form)?;
        let (query, steps) = moments(&form, app.query_limits().points_max)?;
        let asked = options.asked(form.limits(app.query_limits())?);
        let parsed = expression(&app, &form)?;
        has_a_value_at_each_step(&parsed.expr)?;
        let mut evaluated = app.evaluate(parsed, query, asked).await.map_err(Refused::from)?;
        let mut remarks = options.remarks(&evaluated);
        let found = &mut evaluated.answer.value;
        value::sort(found);
        if value::truncate(found, options.limit) {
            remarks.truncated();
        }
        let size = value::size(found, steps);
        let write = move |out: &mut Out| {
            out.raw("{");
            let grid = Grid::new(query.start_ms, query.step_ms, steps);
            value::range(out, &evaluated.answer.value, &grid);
            beside(out, &evaluated, &options, query);
            out.raw("}");
        };
        Ok(reply::large(size, remarks, write).await)
    })
    .await
}

/// An answer or a refusal, whichever it is.
pub(super) async fn answer(work: impl Future<Output = Result<Response, Stopped>>) -> Response {
    match work.await {
        Ok(response) | Err(Stopped::Answered(response)) => response,
        Err(Stopped::Refused(refused)) => refused.into_response(),
    }
}

/// Why a handler went no further.
#[derive(Debug)]
pub(super) enum Stopped {
    Refused(Refused),
    Answered(Response),
}

impl From<Refused> for Stopped {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Response> for Stopped {
    fn from(response: Response) -> Self {
        Self::Answered(response)
    }
}

fn expression(app: &App, form: &Form) -> Result<Parsed, Refused> {
    app.parse_query(form.text("query")).map_err(|error| invalid("query", error))
}

/// The moments of a range query, and how many there are.
fn moments(form: &Form, points_max: usize) -> Result<(Query, usize), Refused> {
    let (start_ms, end_ms) = (form.needed_time("start")?, form.needed_time("end")?);
    if end_ms < start_ms {
        return Err(invalid("end", "end timestamp must not be before start time"));
    }
    let step_ms = duration_ms(form.text("step")).map_err(|why| invalid("step", why))?;
    if step_ms <= 0 {
        return Err(invalid(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        ));
    }
    let steps = end_ms.saturating_sub(start_ms) / step_ms;
    let steps = usize::try_from(steps).unwrap_or(usize::MAX).saturating_add(1);
    // As Prometheus counts: the first is given.
    if steps - 1 > points_max {
        return Err(bad_data(format!(
            "exceeded maximum resolution of {} points per timeseries. Try decreasing the query resolution (?step=XX) (query.max_points_per_series)",
            with_commas(points_max)
        )));
    }
    Ok((Query { start_ms, end_ms, step_ms }, steps))
}

fn with_commas(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn has_a_value_at_each_step(expr: &Expr) -> Result<(), Refused> {
    match expr.value_type() {
        Type::Scalar | Type::Vector => Ok(()),
        found @ (Type::Matrix | Type::String) => Err(invalid(
            "query",
            format!(
                "invalid expression type \"{}\" for range query, must be Scalar or instant Vector",
                found.as_str()
            ),
        )),
    }
}

/// What was asked for beside the value: statistics, the plan.
fn beside(out: &mut Out, evaluated: &Evaluated, options: &Options, query: Query) {
    if options.stats != Stats::None {
        out.field("stats", |out| stats(out, evaluated, options.stats, query));
    }
    if let Some(plan) = evaluated.answer.plan.as_ref().filter(|_| options.explain) {
        out.field("explain", |out| explained(out, plan));
    }
}

fn stats(out: &mut Out, evaluated: &Evaluated, kind: Stats, query: Query) {
    let seconds = |out: &mut Out, name: &str, time: Duration| {
        out.field(name, |out| out.number(time.as_secs_f64()));
    };
    out.raw("{\"timings\":{\"evalTotalTime\":");
    out.number(evaluated.took.as_secs_f64());
    seconds(out, "resultSortTime", Duration::ZERO);
    seconds(out, "queryPreparationTime", Duration::ZERO);
    seconds(out, "innerEvalTime", evaluated.took);
    seconds(out, "execQueueTime", evaluated.waited);
    seconds(out, "execTotalTime", evaluated.waited + evaluated.took);
    out.raw("},\"samples\":{");
    let found = &evaluated.answer.stats;
    let steps = |out: &mut Out| {
        let at = |step: usize| {
            let step = i64::try_from(step).unwrap_or(i64::MAX);
            query.start_ms.saturating_add(query.step_ms.saturating_mul(step))
        };
        out.list(found.samples_per_step.iter().enumerate(), |out, (step, samples)| {
            out.raw("[");
            out.time(at(step));
            out.raw(",");
            out.uint(*samples);
            out.raw("]");
        });
    };
    out.raw("\"totalQueryableSamples\":");
    out.uint(found.samples);
    out.field("peakSamples", |out| out.uint(found.peak_samples));
    out.field("samplesRead", |out| out.uint(found.samples));
    if kind == Stats::All {
        out.field("totalQueryableSamplesPerStep", steps);
        out.field("samplesReadPerStep", steps);
    }
    out.raw("}}");
}

fn explained(out: &mut Out, node: &PlanNode) {
    out.raw("{\"text\":");
    out.string(&node.text);
    out.field("start", |out| out.uint(node.span.start as u64));
    out.field("end", |out| out.uint(node.span.end as u64));
    out.field("ms", |out| out.number(node.time.as_secs_f64() * 1000.0));
    out.field("samples", |out| out.uint(node.samples));
    out.field("series", |out| out.uint(node.series));
    out.field("children", |out| out.list(&node.children, explained));
    out.raw("}");
}

pub(super) async fn format(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(async {
        let form = Form::of(request).await?;
        let parsed = expression(&app, &form)?;
        Ok(reply::success(&Remarks::default(), |out| out.string(&parsed.expr.pretty())))
    })
    .await
}

pub(super) async fn parse(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(async {
        let form = Form::of(request).await?;
        let parsed = expression(&app, &form)?;
        Ok(reply::success(&Remarks::default(), |out| ast::write(out, &parsed.expr)))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moments_of_a_range_query_are_checked_as_prometheus_does() {
        let check = |start: &str, end: &str, step: &str, expected: Result<usize, &str>| {
            let pairs = [("start", start), ("end", end), ("step", step)];
            let form = Form(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
            let found = moments(&form, 11_000).map(|(_, steps)| steps);
            let found = found.as_ref().map_err(|refused| &*refused.text).copied();
            assert_eq!(found, expected, "{start} {end} {step}");
        };
        check("0", "2", "1", Ok(3));
        check("0", "11000", "1", Ok(11_001));
        check(
            "0",
            "11001",
            "1",
            Err(
                "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX) (query.max_points_per_series)",
            ),
        );
        check(
            "2",
            "1",
            "1",
            Err("invalid parameter \"end\": end timestamp must not be before start time"),
        );
        check(
            "",
            "1",
            "1",
            Err("invalid parameter \"start\": cannot parse \"\" to a valid timestamp"),
        );
        check(
            "0",
            "1",
            "0",
            Err(
                "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer",
            ),
        );
        check(
            "0",
            "1",
            "",
            Err("invalid parameter \"step\": cannot parse \"\" to a valid duration"),
        );
    }

    #[test]
    fn a_range_query_has_a_value_at_each_step() {
        let check = |text: &str, expected: Option<&str>| {
            let expr = app::promql::parse(text).unwrap();
            let found = has_a_value_at_each_step(&expr).err().map(|refused| refused.text);
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        let matrix = "invalid parameter \"query\": invalid expression type \"range vector\" for range query, must be Scalar or instant Vector";
        check("up[5m]", Some(matrix));
        check("\"a\"", Some(&matrix.replace("range vector", "string")));
        check("rate(up[5m])", None);
        check("1", None);
    }
}
