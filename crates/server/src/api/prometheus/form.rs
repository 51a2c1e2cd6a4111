//! The parameters of a request: those of the form before those after `?`, as Go reads them.

use std::{str::FromStr, time::Duration};

use app::{
    App,
    promql::{
        Span,
        ast::{Expr, ExprKind},
    },
    query::QueryLimits,
};
use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{Method, header};
use model::{Matcher, Timestamp};

use super::error::{Refused, bad_data, invalid};
use crate::{Problem, api::request};

/// The earliest and the latest time, as Prometheus formats them, and what they stand for.
const MIN_TIME: &str = "-292273086-05-16T16:47:06Z";
const MAX_TIME: &str = "292277025-08-18T07:12:54.999999999Z";
/// Prometheus words this otherwise where a selector stands alone.
const NO_MATCHER: &str = "vector selector must contain at least one non-empty matcher";

/// Parameters in the order in which they count.
#[derive(Debug, Default)]
pub(super) struct Form(pub(super) Vec<(String, String)>);

impl Form {
    /// # Errors
    /// The answer to a body that cannot be read.
    pub(super) async fn of(request: Request) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let mut text = Vec::new();
        let is_form = parts.headers.get(header::CONTENT_TYPE).is_none_or(|kind| {
            let kind = kind.as_bytes();
            kind.get(..33)
                .is_some_and(|kind| kind.eq_ignore_ascii_case(b"application/x-www-form-urlencoded"))
        });
        if matches!(parts.method, Method::POST | Method::PUT) && is_form {
            text = request::read(&parts, body).await.map_err(Problem::into_response)?;
            text.push(b'&');
        }
        text.extend_from_slice(parts.uri.query().unwrap_or("").as_bytes());
        Ok(Self(url::form_urlencoded::parse(&text).into_owned().collect()))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// What is there and not empty.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|text| !text.is_empty())
    }

    /// An absent parameter is an empty one.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// In Unix milliseconds.
    pub(super) fn time(&self, name: &str, otherwise: i64) -> Result<i64, Refused> {
        let Some(text) = self.filled(name) else { return Ok(otherwise) };
        let wrong = |why| invalid(name, format!("invalid time value for '{name}': {why}"));
        time_ms(text).map_err(wrong)
    }

    /// A time that must be there.
    pub(super) fn needed_time(&self, name: &str) -> Result<i64, Refused> {
        time_ms(self.text(name)).map_err(|why| invalid(name, why))
    }

    /// Start and end; everything where they are not given.
    pub(super) fn span(&self) -> Result<(i64, i64), Refused> {
        Ok((self.time("start", i64::MIN)?, self.time("end", i64::MAX)?))
    }

    /// How much is wanted at most; 0 is everything.
    pub(super) fn limit(&self) -> Result<Option<usize>, Refused> {
        let Some(text) = self.filled("limit") else { return Ok(None) };
        let limit: i64 = number(text).map_err(|why| invalid("limit", why))?;
        match usize::try_from(limit) {
            Ok(limit) => Ok(Some(limit).filter(|limit| *limit > 0)),
            Err(_) => Err(invalid("limit", "limit must be non-negative")),
        }
    }

    /// A whole number; `None` where it is not given.
    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, Refused> {
        let Some(text) = self.filled(name) else { return Ok(None) };
        match number(text) {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(bad_data(format!("{name} must be a number"))),
        }
    }

    /// The server's limits with what the parameters ask for: less time, another look back.
    pub(super) fn limits(&self, limits: QueryLimits) -> Result<QueryLimits, Refused> {
        let mut asked = limits;
        if let Some(text) = self.filled("timeout") {
            let ms = duration_ms(text).map_err(|why| invalid("timeout", why))?;
            asked.timeout = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
        }
        if let Some(text) = self.filled("lookback_delta") {
            let wrong = |why| bad_data(format!("error parsing lookback delta duration: {why}"));
            let ms = duration_ms(text).map_err(wrong)?;
            let ms = u64::try_from(ms).ok().filter(|ms| *ms > 0);
            let wrong = || wrong(format!("\"{text}\" is not more than zero"));
            asked.lookback = Duration::from_millis(ms.ok_or_else(wrong)?);
        }
        Ok(asked)
    }

    /// The selectors of `match[]`, one set of matchers each.
    pub(super) fn selectors(&self, app: &App) -> Result<Vec<Vec<Matcher>>, Refused> {
        let all: Result<Vec<_>, String> =
            self.all("match[]").map(|text| selector(app, text)).collect();
        let all = all.map_err(bad_data)?;
        if all.iter().any(|one| one.iter().all(|matcher| matcher.matches(""))) {
            return Err(bad_data("match[] must contain at least one non-empty matcher"));
        }
        Ok(all)
    }
}

/// The matchers of a selector without a range and without modifiers.
pub(super) fn selector(app: &App, text: &str) -> Result<Vec<Matcher>, String> {
    let parsed = app.parse_query(text).map_err(|error| {
        if error.message.contains(NO_MATCHER) {
            "match[] must contain at least one non-empty matcher".to_owned()
        } else {
            error.to_string()
        }
    })?;
    let expr = parsed.expr;
    match expr.kind {
        ExprKind::Selector(selector)
            if selector.shift == Default::default()
                && selector.offset_expr.is_none()
                && selector.extension.is_none() =>
        {
            Ok(selector.matchers)
        }
        _ => {
            let (at, what) = unexpected(&expr, text);
            let (line, column) = Span::new(at, at).line_and_column(text);
            Err(format!("{line}:{column}: parse error: unexpected {what}"))
        }
    }
}

/// The first token that does not belong to a selector of series, as Prometheus calls it.
fn unexpected(expr: &Expr, text: &str) -> (usize, String) {
    let start = expr.span.start;
    let of = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    // The first of these characters after the start.
    let sign = |sign: char| {
        let after = text.get(start..).and_then(|rest| rest.find(sign)).unwrap_or(0);
        (start + after, format!("\"{sign}\""))
    };
    match &expr.kind {
        ExprKind::Negate(_) => (start, "<op:->".to_owned()),
        ExprKind::Plus(_) => (start, "<op:+>".to_owned()),
        ExprKind::Number { .. } => (start, format!("number {:?}", of(start, expr.span.end))),
        ExprKind::String(_) => (start, format!("string {:?}", of(start, expr.span.end))),
        ExprKind::Matrix { .. } => sign('['),
        ExprKind::Paren(_) | ExprKind::Call { .. } | ExprKind::Aggregate(_) => sign('('),
        ExprKind::Binary(binary) => match &binary.left.kind {
            ExprKind::Selector(_) => {
                let op = binary.op.as_str();
                let kind = if binary.op.is_set() { "keyword" } else { "op" };
                (binary.op_span.start, format!("<{kind}:{op}>"))
            }
            _ => unexpected(&binary.left, text),
        },
        ExprKind::Subquery { expr, .. } => match &expr.kind {
            ExprKind::Selector(_) => sign('['),
            _ => unexpected(expr, text),
        },
        ExprKind::Selector(_) => {
            let modifier = text.find("offset").into_iter().chain(text.find('@')).min();
            (modifier.unwrap_or(start), "modifier".to_owned())
        }
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("strconv.Atoi: parsing {text:?}: invalid syntax"))
}

/// Seconds with a fraction, or RFC 3339; in Unix milliseconds.
pub(super) fn time_ms(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse::<f64>()
        && seconds.is_finite()
    {
        #[expect(clippy::cast_possible_truncation, reason = "saturates")]
        return Ok((seconds.trunc() as i64)
            .saturating_mul(1000)
            .saturating_add((seconds.fract() * 1000.0).round() as i64));
    }
    match text {
        MIN_TIME => return Ok(i64::MIN),
        MAX_TIME => return Ok(i64::MAX),
        _ => {}
    }
    let dated = text.contains('T').then(|| text.parse::<Timestamp>().ok()).flatten();
    dated
        .map(Timestamp::as_millis)
        .ok_or_else(|| format!("cannot parse {text:?} to a valid timestamp"))
}

/// Seconds with a fraction, or a duration such as `1m30s`; in milliseconds.
pub(super) fn duration_ms(text: &str) -> Result<i64, String> {
    const SECONDS_MAX: f64 = 9_223_372_036.0;
    if let Ok(seconds) = text.parse::<f64>()
        && !text.starts_with(|c: char| c.is_alphabetic())
    {
        if seconds.abs() > SECONDS_MAX || !seconds.is_finite() {
            return Err(format!("cannot parse {text:?} to a valid duration. It overflows int64"));
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
        return Ok((seconds * 1000.0).round() as i64);
    }
    units_ms(text).ok_or_else(|| format!("cannot parse {text:?} to a valid duration"))
}

/// Whole numbers with units, each at most once, the longest first.
fn units_ms(text: &str) -> Option<i64> {
    const UNITS: [(&str, i64); 7] = [
        ("y", 31_536_000_000),
        ("w", 604_800_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ];
    if text == "0" {
        return Some(0);
    }
    let (mut rest, mut sum, mut from) = (text, 0_i64, 0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: i64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = rest.get(..end)?;
        let at = UNITS.iter().position(|(name, _)| *name == unit).filter(|at| *at >= from)?;
        from = at + 1;
        sum = sum.checked_add(count.checked_mul(UNITS[at].1)?)?;
        rest = rest.get(end..)?;
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Form {
        Form(pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect())
    }

    #[test]
    fn times_are_seconds_or_dates() {
        let check = |text: &str, expected: Option<i64>| {
            assert_eq!(time_ms(text).ok(), expected, "{text}");
        };
        check("123", Some(123_000));
        check("123.123", Some(123_123));
        check("1543578564.705", Some(1_543_578_564_705));
        check("2015-06-03T13:21:58.555Z", Some(1_433_337_718_555));
        check("2015-06-03T14:21:58.555+01:00", Some(1_433_337_718_555));
        check("-1", Some(-1000));
        check(MIN_TIME, Some(i64::MIN));
        check(MAX_TIME, Some(i64::MAX));
        for wrong in ["", "abc", "30s", "NaN", "inf"] {
            check(wrong, None);
        }
    }

    #[test]
    fn durations_are_seconds_or_units() {
        let check = |text: &str, expected: Option<i64>| {
            assert_eq!(duration_ms(text).ok(), expected, "{text}");
        };
        check("123", Some(123_000));
        check("123.333", Some(123_333));
        check("15s", Some(15_000));
        check("5m", Some(300_000));
        check("1h30m", Some(5_400_000));
        check("-1", Some(-1000));
        for wrong in
            ["", "abc", "5", "1m1h", "1m1m", "-148966367200.372", "148966367200.372", "nan"]
        {
            check(wrong, if wrong == "5" { Some(5000) } else { None });
        }
    }

    #[test]
    fn a_query_may_ask_for_less_time_and_another_look_back() {
        let default = QueryLimits::default();
        let check = |pairs: &[(&str, &str)], expected: Result<(f64, f64), &str>| {
            let found = form(pairs).limits(default);
            let found = found.as_ref().map_err(|refused| &*refused.text);
            let found = found.map(|one| (one.timeout.as_secs_f64(), one.lookback.as_secs_f64()));
            assert_eq!(found, expected, "{pairs:?}");
        };
        check(&[], Ok((30.0, 300.0)));
        check(&[("timeout", "1.5"), ("lookback_delta", "1m")], Ok((1.5, 60.0)));
        let wrong = "invalid parameter \"timeout\": cannot parse \"x\" to a valid duration";
        check(&[("timeout", "x")], Err(wrong));
        let wrong =
            "error parsing lookback delta duration: cannot parse \"invalid\" to a valid duration";
        check(&[("lookback_delta", "invalid")], Err(wrong));
    }

    #[test]
    fn limits_are_whole_and_not_negative() {
        let check = |text: &str, expected: Result<Option<usize>, &str>| {
            let found = form(&[("limit", text)]).limit();
            assert_eq!(found.as_ref().map_err(|refused| &*refused.text).copied(), expected);
        };
        check("", Ok(None));
        check("0", Ok(None));
        check("7", Ok(Some(7)));
        check("-1", Err("invalid parameter \"limit\": limit must be non-negative"));
        check("x", Err("invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax"));
    }
}
