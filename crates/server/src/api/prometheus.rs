//! Prometheus' query API, as its documentation has it, over the sample store.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use app::{
    App,
    promql::{
        self, EvalError, Query, Value,
        ast::{ExprKind, Type},
    },
    query::{QueryError, QueryLimits},
};
use axum::{
    Router,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{Method, StatusCode, header};
use model::{Labels, Matcher, Timestamp};
use serde_json::{Map, json};

use super::{Context, request};
use crate::Problem;

/// What is asked about series when no start is given.
const RECENT: Duration = Duration::from_secs(3600);

pub(super) fn routes() -> Router<Context> {
    Router::new()
        .route("/api/v1/query", get(instant).post(instant))
        .route("/api/v1/query_range", get(range).post(range))
        .route("/api/v1/labels", get(labels).post(labels))
        .route("/api/v1/label/{name}/values", get(label_values))
        .route("/api/v1/series", get(series).post(series))
        .route("/api/v1/status/buildinfo", get(build_info))
}

/// Prometheus' own way to say what is wrong.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    kind: &'static str,
    text: String,
}

fn bad_data(text: impl Into<String>) -> Refused {
    Refused { status: StatusCode::BAD_REQUEST, kind: "bad_data", text: text.into() }
}

/// 400 `bad_data`, for what is wrong before a handler sees it.
pub(crate) fn refused(text: &str) -> Response {
    bad_data(text).into_response()
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = json!({ "status": "error", "errorType": self.kind, "error": self.text });
        answer(self.status, &body)
    }
}

impl From<QueryError> for Refused {
    fn from(error: QueryError) -> Self {
        let (status, kind) = match &error {
            QueryError::Parse(_) | QueryError::Eval(EvalError::Points { .. }) => {
                (StatusCode::BAD_REQUEST, "bad_data")
            }
            QueryError::Timeout { .. } | QueryError::Eval(EvalError::Cancelled) => {
                (StatusCode::SERVICE_UNAVAILABLE, "timeout")
            }
            QueryError::Eval(_) => (StatusCode::UNPROCESSABLE_ENTITY, "execution"),
            QueryError::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        Self { status, kind, text: error.to_string() }
    }
}

fn answer(status: StatusCode, body: &serde_json::Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn success(data: impl Into<serde_json::Value>) -> Response {
    answer(StatusCode::OK, &json!({ "status": "success", "data": data.into() }))
}

/// The parameters after `?` and, of a POST, those of the form.
struct Form(Vec<(String, String)>);

impl Form {
    async fn of(request: Request) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let mut text = parts.uri.query().unwrap_or("").to_owned().into_bytes();
        if parts.method == Method::POST {
            let form = request::read(&parts, body).await.map_err(Problem::into_response)?;
            text.push(b'&');
            text.extend(form);
        }
        Ok(Self(url::form_urlencoded::parse(&text).into_owned().collect()))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| &**value)
    }

    fn required(&self, name: &str) -> Result<&str, Refused> {
        self.get(name)
            .ok_or_else(|| bad_data(format!("invalid parameter \"{name}\": it is missing")))
    }

    fn time(&self, name: &str) -> Result<Option<Timestamp>, Refused> {
        let parsed = self.get(name).map(str::parse::<Timestamp>).transpose();
        parsed.map_err(|error| bad_data(format!("invalid parameter \"{name}\": {error}")))
    }

    /// The server's limits with what the parameters ask for: less time, another look back.
    fn limits(&self, limits: QueryLimits) -> Result<QueryLimits, Refused> {
        let asked = |name: &str, otherwise: Duration| -> Result<Duration, Refused> {
            let Some(text) = self.get(name).filter(|text| !text.is_empty()) else {
                return Ok(otherwise);
            };
            let positive = u64::try_from(duration(name, text)?).ok().filter(|ms| *ms > 0);
            positive.map(Duration::from_millis).ok_or_else(|| {
                bad_data(format!("invalid parameter \"{name}\": \"{text}\" is not more than zero"))
            })
        };
        Ok(QueryLimits {
            timeout: asked("timeout", limits.timeout)?,
            lookback: asked("lookback_delta", limits.lookback)?,
            ..limits
        })
    }

    /// Start and end of what is asked about series, in milliseconds.
    fn span(&self, now: Timestamp) -> Result<(i64, i64), Refused> {
        let end = self.time("end")?.unwrap_or(now);
        let start = self.time("start")?.unwrap_or(end - RECENT);
        Ok((start.as_millis(), end.as_millis()))
    }

    /// The selectors of `match[]`, one set of matchers each.
    fn selectors(&self) -> Result<Vec<Vec<Matcher>>, Refused> {
        self.all("match[]").map(selector).collect()
    }
}

fn selector(text: &str) -> Result<Vec<Matcher>, Refused> {
    let expr = promql::parse(text)
        .map_err(|error| bad_data(format!("invalid parameter \"match[]\": {error}")))?;
    match expr.kind {
        ExprKind::Selector(selector) => Ok(selector.matchers),
        _ => Err(bad_data("invalid parameter \"match[]\": a selector of series is expected")),
    }
}

async fn instant(State(app): State<Arc<App>>, request: Request) -> Response {
    let work = async {
        let form = Form::of(request).await?;
        let at = form.time("time").map_err(Refused::into_response)?;
        let at = at.unwrap_or_else(|| app.clock.now()).as_millis();
        let expression = form.required("query").map_err(Refused::into_response)?;
        let limits = form.limits(app.query_limits()).map_err(Refused::into_response)?;
        let value = app.query_within(expression, Query::instant(at), limits).await;
        let value = value.map_err(|error| Refused::from(error).into_response())?;
        Ok::<_, Response>(success(instant_json(&value, at)))
    };
    work.await.unwrap_or_else(std::convert::identity)
}

async fn range(State(app): State<Arc<App>>, request: Request) -> Response {
    let work = async {
        let form = Form::of(request).await?;
        let (expression, query) = range_query(&form).map_err(Refused::into_response)?;
        let limits = form.limits(app.query_limits()).map_err(Refused::into_response)?;
        let value = app.query_within(expression, query, limits).await;
        let value = value.map_err(|error| Refused::from(error).into_response())?;
        Ok::<_, Response>(success(range_json(&value, query)))
    };
    work.await.unwrap_or_else(std::convert::identity)
}

fn range_query(form: &Form) -> Result<(&str, Query), Refused> {
    let needed = |name: &str| form.required(name).and_then(|_| form.time(name));
    let start_ms = needed("start")?.unwrap_or_default().as_millis();
    let end_ms = needed("end")?.unwrap_or_default().as_millis();
    let step_ms = step(form.required("step")?)?;
    if end_ms < start_ms {
        return Err(bad_data(
            "invalid parameter \"end\": end timestamp must not be before start time",
        ));
    }
    let expression = form.required("query")?;
    has_a_value_at_each_step(expression)?;
    Ok((expression, Query { start_ms, end_ms, step_ms }))
}

/// What cannot be parsed is refused later, with its place.
fn has_a_value_at_each_step(expression: &str) -> Result<(), Refused> {
    let Ok(parsed) = promql::parse(expression) else { return Ok(()) };
    match parsed.value_type() {
        Type::Scalar | Type::Vector => Ok(()),
        found @ (Type::Matrix | Type::String) => Err(bad_data(format!(
            "invalid parameter \"query\": invalid expression type \"{}\" for range query, must be Scalar or instant Vector",
            found.as_str()
        ))),
    }
}

fn step(text: &str) -> Result<i64, Refused> {
    let ms = duration("step", text)?;
    if ms > 0 {
        return Ok(ms);
    }
    Err(bad_data(
        "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer",
    ))
}

/// Seconds with a fraction, or a duration such as `1m30s`; in milliseconds.
fn duration(name: &str, text: &str) -> Result<i64, Refused> {
    let wrong = || {
        bad_data(format!(
            "invalid parameter \"{name}\": cannot parse \"{text}\" to a valid duration"
        ))
    };
    let ms = text.parse::<f64>().map_or_else(|_| duration_ms(text), |secs| Some(secs * 1000.0));
    let ms = ms.filter(|ms| ms.is_finite() && *ms < 9e15).ok_or_else(wrong)?;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    Ok(ms as i64)
}

fn duration_ms(text: &str) -> Option<f64> {
    let mut rest = text;
    let mut sum = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: f64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match rest.get(..end)? {
            "ms" => 1.0,
            "s" => 1e3,
            "m" => 6e4,
            "h" => 3.6e6,
            "d" => 8.64e7,
            "w" => 6.048e8,
            "y" => 3.1536e10,
            _ => return None,
        };
        sum += count * unit;
        rest = rest.get(end..)?;
    }
    (!text.is_empty()).then_some(sum)
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of this age")]
fn sample(at_ms: i64, value: f64) -> serde_json::Value {
    json!([at_ms as f64 / 1000.0, number(value)])
}

/// As Prometheus writes numbers: `NaN`, `+Inf`, `-Inf`.
fn number(value: f64) -> String {
    if value == f64::INFINITY {
        "+Inf".to_owned()
    } else if value == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else {
        value.to_string()
    }
}

fn metric(labels: &Labels) -> serde_json::Value {
    let pairs = labels.as_slice().iter();
    pairs.map(|label| (label.name.to_string(), json!(&*label.value))).collect::<Map<_, _>>().into()
}

fn raw(series: &[model::Series]) -> Vec<serde_json::Value> {
    let values = |one: &model::Series| {
        one.samples.iter().map(|found| sample(found.at_ms, found.value)).collect::<Vec<_>>()
    };
    series
        .iter()
        .map(|one| json!({ "metric": metric(&one.labels), "values": values(one) }))
        .collect()
}

fn instant_json(value: &Value, at_ms: i64) -> serde_json::Value {
    match value {
        Value::Scalar(values) => {
            let value = values.first().copied().unwrap_or(f64::NAN);
            json!({ "resultType": "scalar", "result": sample(at_ms, value) })
        }
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age")]
        Value::String(text) => {
            json!({ "resultType": "string", "result": [at_ms as f64 / 1000.0, text] })
        }
        Value::Vector(columns) => {
            let found = columns.iter().filter_map(|column| {
                let value = column.values.first().copied().flatten()?;
                Some(json!({ "metric": metric(&column.labels), "value": sample(at_ms, value) }))
            });
            json!({ "resultType": "vector", "result": found.collect::<Vec<_>>() })
        }
        Value::Matrix(series) => json!({ "resultType": "matrix", "result": raw(series) }),
    }
}

fn range_json(value: &Value, query: Query) -> serde_json::Value {
    let at = |index: usize| {
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        query.start_ms.saturating_add(query.step_ms.saturating_mul(index))
    };
    let line = |values: &mut dyn Iterator<Item = Option<f64>>| {
        let known = values.enumerate().filter_map(|(index, value)| Some((index, value?)));
        known.map(|(index, value)| sample(at(index), value)).collect::<Vec<_>>()
    };
    let result = match value {
        Value::Scalar(values) => {
            vec![json!({ "metric": {}, "values": line(&mut values.iter().copied().map(Some)) })]
        }
        Value::Vector(columns) => columns
            .iter()
            .map(|column| (column, line(&mut column.values.iter().copied())))
            .filter(|(_, values)| !values.is_empty())
            .map(|(column, values)| json!({ "metric": metric(&column.labels), "values": values }))
            .collect(),
        Value::Matrix(series) => raw(series),
        Value::String(_) => Vec::new(),
    };
    json!({ "resultType": "matrix", "result": result })
}

async fn labels(State(app): State<Arc<App>>, request: Request) -> Response {
    let found = ask(&app, request, |app, matchers, start, end| {
        app.stores
            .metrics
            .label_names(matchers, start, end)
            .iter()
            .map(ToString::to_string)
            .collect()
    });
    found.await.map_or_else(|refused| refused, |names| success(json!(names)))
}

async fn label_values(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let found = ask(&app, request, move |app, matchers, start, end| {
        let values = app.stores.metrics.label_values(&name, matchers, start, end);
        values.iter().map(ToString::to_string).collect()
    });
    found.await.map_or_else(|refused| refused, |values| success(json!(values)))
}

/// Asks the store once for each selector, or once for all series; sorted, each word once.
async fn ask(
    app: &Arc<App>,
    request: Request,
    question: impl Fn(&App, &[Matcher], i64, i64) -> Vec<String> + Send + 'static,
) -> Result<Vec<String>, Response> {
    let form = Form::of(request).await?;
    let (start, end) = form.span(app.clock.now()).map_err(Refused::into_response)?;
    let mut selectors = form.selectors().map_err(Refused::into_response)?;
    if selectors.is_empty() {
        selectors.push(Vec::new());
    }
    let app = Arc::clone(app);
    let found = tokio::task::spawn_blocking(move || {
        let all = selectors.iter().flat_map(|one| question(&app, one, start, end));
        all.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    });
    found.await.map_err(|_| Problem::internal().into_response())
}

async fn series(State(app): State<Arc<App>>, request: Request) -> Response {
    let work = async {
        let form = Form::of(request).await?;
        let (start, end) = form.span(app.clock.now()).map_err(Refused::into_response)?;
        let selectors = form.selectors().map_err(Refused::into_response)?;
        if selectors.is_empty() {
            return Err(bad_data("no match[] parameter provided").into_response());
        }
        let reading = Arc::clone(&app);
        let found = tokio::task::spawn_blocking(move || {
            let all =
                selectors.iter().flat_map(|one| reading.stores.metrics.series(one, start, end));
            all.map(|labels| (labels.to_string(), metric(&labels))).collect::<BTreeMap<_, _>>()
        });
        let found = found.await.map_err(|_| Problem::internal().into_response())?;
        Ok(success(json!(found.into_values().collect::<Vec<_>>())))
    };
    work.await.unwrap_or_else(std::convert::identity)
}

async fn build_info() -> Response {
    success(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "revision": "",
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_seconds_or_durations_and_positive() {
        let check =
            |text: &str, expected: Option<i64>| assert_eq!(step(text).ok(), expected, "{text}");
        check("15", Some(15_000));
        check("0.5", Some(500));
        check("1m30s", Some(90_000));
        check("0", None);
        check("-1", None);
        check("five", None);
        check("", None);
    }

    #[test]
    fn a_range_query_has_a_value_at_each_step() {
        let check = |expression: &str, start: &str, expected: Option<&str>| {
            let pairs = [("query", expression), ("start", start), ("end", "9"), ("step", "1")];
            let form = Form(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
            let refused = range_query(&form).err();
            let shown = refused.as_ref().map(|refused| {
                assert_eq!((refused.status.as_u16(), refused.kind), (400, "bad_data"));
                &*refused.text
            });
            assert_eq!(shown, expected, "{expression}");
        };
        let matrix = "invalid parameter \"query\": invalid expression type \"range vector\" for range query, must be Scalar or instant Vector";
        let string = matrix.replace("range vector", "string");
        check("up[5m]", "1", Some(matrix));
        check("up[5m]", "9", Some(matrix));
        check("\"a\"", "1", Some(&string));
        check("rate(up[5m])", "1", None);
        check("1", "1", None);
    }

    #[test]
    fn a_query_may_ask_for_less_time_and_another_look_back() {
        let default = QueryLimits {
            timeout: Duration::from_secs(30),
            samples_max: 1,
            points_max: 1,
            lookback: Duration::from_secs(300),
        };
        let check = |pairs: &[(&str, &str)], expected: Option<(f64, f64)>| {
            let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
            let limits = Form(pairs.iter().map(own).collect()).limits(default).ok();
            let found =
                limits.map(|limits| (limits.timeout.as_secs_f64(), limits.lookback.as_secs_f64()));
            assert_eq!(found, expected, "{pairs:?}");
        };
        check(&[], Some((30.0, 300.0)));
        check(&[("timeout", "1.5"), ("lookback_delta", "1m")], Some((1.5, 60.0)));
        check(&[("timeout", "x")], None);
        check(&[("lookback_delta", "-5s")], None);
        check(&[("lookback_delta", "0")], None);
    }

    #[test]
    fn numbers_are_written_as_prometheus_writes_them() {
        for (value, expected) in [
            (1.0, "1"),
            (0.25, "0.25"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(number(value), expected);
        }
    }
}
