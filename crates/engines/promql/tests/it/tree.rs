//! A tree against its transcription from Prometheus' tests, field by field.

use model::{MatchOp, Matcher};
use promql::{
    Span,
    ast::{
        At, BinaryOp, DurationExpr, DurationKind, Expr, ExprKind, Matching, Selector, Shift, Side,
    },
};
use serde_json::Value;

type Compared = Result<(), String>;

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Compared {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: {found:?}, expected {expected:?}"))
    }
}

fn number(value: &Value) -> f64 {
    match value {
        Value::String(text) => text.parse().unwrap(),
        other => other.as_f64().unwrap_or_else(|| panic!("{other}")),
    }
}

/// `30m`, `-7m`, `672h`, nanoseconds, or a sum over Go's units; in milliseconds.
fn millis(value: &Value) -> i64 {
    match value {
        Value::Null => 0,
        Value::Number(nanos) => nanos.as_i64().unwrap() / 1_000_000,
        Value::String(text) => {
            let (sign, text) = text.strip_prefix('-').map_or((1, &**text), |rest| (-1, rest));
            let ExprKind::Number { value, .. } = promql::parse(text).unwrap().kind else {
                panic!("{text}")
            };
            sign * (value * 1000.0).round() as i64
        }
        other => {
            other["_expr"].as_str().unwrap_or_else(|| panic!("{other}")).split('+').map(term).sum()
        }
    }
}

/// `30*time.Millisecond`, `-time.Second`
fn term(text: &str) -> i64 {
    let (sign, text) = text.trim().strip_prefix('-').map_or((1, text.trim()), |rest| (-1, rest));
    let factors = text.split('*').map(|factor| match factor.trim() {
        "time.Millisecond" => 1,
        "time.Second" => 1000,
        "time.Minute" => 60_000,
        "time.Hour" => 3_600_000,
        count => count.parse().unwrap_or_else(|_| panic!("{text}")),
    });
    sign * factors.product::<i64>()
}

fn place(value: &Value) -> Span {
    let at = |name: &str| value[name].as_u64().unwrap_or(0) as usize;
    Span::new(at("Start"), at("End"))
}

fn labels(value: &Value) -> Vec<String> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

fn names(labels: &[Box<str>]) -> Vec<String> {
    labels.iter().map(|label| label.to_string()).collect()
}

/// Says where `found` differs from `expected`.
pub(crate) fn compare(found: &Expr, expected: &Value) -> Compared {
    let kind = expected["_type"].as_str().unwrap();
    match (&found.kind, kind) {
        (ExprKind::Number { value, duration }, "NumberLiteral") => {
            same("duration", *duration, expected["Duration"] == true)?;
            same("value", value.to_bits(), number(&expected["Val"]).to_bits())?;
            same("place", found.span, place(&expected["PosRange"]))
        }
        (ExprKind::String(text), "StringLiteral") => {
            match &expected["Val"] {
                Value::String(wanted) => same("text", text, wanted)?,
                other => same("text", hex(text), other["_bytes_hex"].as_str().unwrap().to_owned())?,
            }
            same("place", found.span, place(&expected["PosRange"]))
        }
        (ExprKind::Paren(inner), "ParenExpr") => {
            same("place", found.span, place(&expected["PosRange"]))?;
            compare(inner, &expected["Expr"])
        }
        (ExprKind::Negate(inner), "UnaryExpr") => unary(found, inner, "SUB", expected),
        (ExprKind::Plus(inner), "UnaryExpr") => unary(found, inner, "ADD", expected),
        (ExprKind::Selector(selector), "VectorSelector") => {
            same("place", found.span, place(&expected["PosRange"]))?;
            self::selector(selector, expected)
        }
        (ExprKind::Matrix { selector, range_ms, range_expr }, "MatrixSelector") => {
            same("end", Some(found.span.end as u64), expected["EndPos"].as_u64())?;
            length(
                "range",
                *range_ms,
                range_expr.as_deref(),
                &expected["Range"],
                &expected["RangeExpr"],
            )?;
            self::selector(selector, &expected["VectorSelector"])
        }
        (
            ExprKind::Subquery {
                expr,
                range_ms,
                range_expr,
                step_ms,
                step_expr,
                shift,
                offset_expr,
            },
            "SubqueryExpr",
        ) => {
            same("end", Some(found.span.end as u64), expected["EndPos"].as_u64())?;
            length(
                "range",
                *range_ms,
                range_expr.as_deref(),
                &expected["Range"],
                &expected["RangeExpr"],
            )?;
            let step = step_ms.unwrap_or(0);
            length("step", step, step_expr.as_deref(), &expected["Step"], &expected["StepExpr"])?;
            shifted(*shift, offset_expr.as_deref(), expected)?;
            compare(expr, &expected["Expr"])
        }
        (ExprKind::Aggregate(aggregate), "AggregateExpr") => {
            same("place", found.span, place(&expected["PosRange"]))?;
            let op = expected["Op"]["_id"].as_str().unwrap().to_lowercase();
            same("operator", aggregate.op.as_str(), op.as_str())?;
            let grouping = aggregate.grouping.as_ref();
            same(
                "without",
                grouping.is_some_and(|grouping| grouping.without),
                expected["Without"] == true,
            )?;
            let by = grouping.map(|grouping| names(&grouping.labels)).unwrap_or_default();
            same("grouping", by, labels(&expected["Grouping"]))?;
            if let Some(param) = &aggregate.param {
                compare(param, &expected["Param"])?;
            }
            compare(&aggregate.expr, &expected["Expr"])
        }
        (ExprKind::Call { function, args, .. }, "Call") => {
            same("place", found.span, place(&expected["PosRange"]))?;
            same("function", Some(function.name), expected["Func"]["args"][0].as_str())?;
            let items = expected["Args"]["_items"].as_array().cloned().unwrap_or_default();
            same("arguments", args.len(), items.len())?;
            args.iter().zip(&items).try_for_each(|(arg, item)| compare(arg, item))
        }
        (ExprKind::Binary(binary), "BinaryExpr") => {
            same("operator", op_id(binary.op), expected["Op"]["_id"].as_str().unwrap().to_owned())?;
            same("bool", binary.bool, expected["ReturnBool"] == true)?;
            let vectors = !expected["VectorMatching"].is_null();
            matching(binary.matching.as_ref(), &expected["VectorMatching"], binary.op, vectors)?;
            compare(&binary.left, &expected["LHS"])?;
            compare(&binary.right, &expected["RHS"])
        }
        (kind, expected) => Err(format!("{kind:?} is no {expected}")),
    }
}

/// The bytes of a string, with those that are no UTF-8 as they were written.
fn hex(text: &str) -> String {
    let mut hex = String::new();
    for char in text.chars() {
        let mut bytes = [0; 4];
        let stray = u32::from(char).checked_sub(0x10_ff00);
        let bytes = match stray.and_then(|byte| u8::try_from(byte).ok()) {
            Some(byte) => {
                bytes[0] = byte;
                &bytes[..1]
            }
            None => char.encode_utf8(&mut bytes).as_bytes(),
        };
        hex.extend(bytes.iter().map(|byte| format!("{byte:02x}")));
    }
    hex
}

fn unary(found: &Expr, inner: &Expr, op: &str, expected: &Value) -> Compared {
    same("operator", Some(op), expected["Op"]["_id"].as_str())?;
    same("start", found.span.start as u64, expected["StartPos"].as_u64().unwrap_or(0))?;
    compare(inner, &expected["Expr"])
}

fn op_id(op: BinaryOp) -> String {
    match op {
        BinaryOp::Equal => "EQLC",
        BinaryOp::NotEqual => "NEQ",
        BinaryOp::Less => "LSS",
        BinaryOp::LessEqual => "LTE",
        BinaryOp::Greater => "GTR",
        BinaryOp::GreaterEqual => "GTE",
        BinaryOp::And => "LAND",
        BinaryOp::Or => "LOR",
        BinaryOp::Unless => "LUNLESS",
        _ => return format!("{op:?}").to_uppercase(),
    }
    .to_owned()
}

fn matching(found: Option<&Matching>, expected: &Value, op: BinaryOp, vectors: bool) -> Compared {
    let found = found.cloned().unwrap_or_default();
    same("on", found.on, expected["On"] == true)?;
    same("labels", names(&found.labels), labels(&expected["MatchingLabels"]))?;
    let (card, include) = match &found.group {
        _ if !vectors => return Ok(()),
        Some(group) if group.side == Side::Left => ("CardManyToOne", names(&group.include)),
        Some(group) => ("CardOneToMany", names(&group.include)),
        None if op.is_set() => ("CardManyToMany", Vec::new()),
        None => ("CardOneToOne", Vec::new()),
    };
    same("cardinality", card, expected["Card"]["_id"].as_str().unwrap_or("CardOneToOne"))?;
    same("included", include, labels(&expected["Include"]))?;
    let fill = &expected["FillValues"];
    same(
        "fill",
        [found.fill.left, found.fill.right].map(|fill| fill.is_some()),
        [!fill["LHS"].is_null(), !fill["RHS"].is_null()],
    )
}

fn selector(found: &Selector, expected: &Value) -> Compared {
    same("selector's place", found.span, place(&expected["PosRange"]))?;
    same("name", found.name.as_deref().unwrap_or(""), expected["Name"].as_str().unwrap_or(""))?;
    let matchers: Vec<_> = found.matchers.iter().map(matcher).collect();
    let wanted: Vec<_> = expected["LabelMatchers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| {
            let arg = |at: usize| call["args"][at].as_str().unwrap_or("__name__").to_owned();
            let op = call["args"][0]["_id"].as_str().unwrap().trim_start_matches("labels.Match");
            (op.to_owned(), arg(1), arg(2))
        })
        .collect();
    same("matchers", matchers, wanted)?;
    same("places of matchers", found.matcher_spans.len(), found.matchers.len())?;
    let extension = match (&expected["Anchored"], &expected["Smoothed"]) {
        (Value::Bool(true), _) => Some("anchored"),
        (_, Value::Bool(true)) => Some("smoothed"),
        _ => None,
    };
    same("extension", found.extension.map(|extension| extension.as_str()), extension)?;
    shifted(found.shift, found.offset_expr.as_deref(), expected)
}

fn matcher(matcher: &Matcher) -> (String, String, String) {
    let op = match matcher.op() {
        MatchOp::Equal => "Equal",
        MatchOp::NotEqual => "NotEqual",
        MatchOp::Regex => "Regexp",
        MatchOp::NotRegex => "NotRegexp",
    };
    (op.to_owned(), matcher.name().to_owned(), matcher.value().to_owned())
}

fn shifted(found: Shift, expr: Option<&DurationExpr>, expected: &Value) -> Compared {
    let offset = (&expected["OriginalOffset"], &expected["OriginalOffsetExpr"]);
    length("offset", found.offset_ms, expr, offset.0, offset.1)?;
    let at = match (&expected["Timestamp"], expected["StartOrEnd"]["_id"].as_str()) {
        (_, Some("START")) => Some(At::Start),
        (_, Some("END")) => Some(At::End),
        (Value::Null, _) => None,
        (time, _) => Some(At::Time(time["args"][0].as_i64().unwrap_or_else(|| panic!("{time}")))),
    };
    same("time", found.at, at)
}

fn length(
    what: &str,
    ms: i64,
    expr: Option<&DurationExpr>,
    constant: &Value,
    computed: &Value,
) -> Compared {
    same(what, ms, millis(constant))?;
    match (expr, computed) {
        (None, Value::Null) => Ok(()),
        (Some(expr), Value::Object(_)) => duration(expr, computed),
        _ => Err(format!("{what}: {expr:?}, expected {computed}")),
    }
}

fn duration(found: &DurationExpr, expected: &Value) -> Compared {
    let wrapped = expected["Wrapped"] == true;
    let inner = match &found.kind {
        DurationKind::Paren(inner) if wrapped => inner,
        _ => found,
    };
    same("parentheses", wrapped, matches!(found.kind, DurationKind::Paren(_)))?;
    if let Some(start) = expected["StartPos"].as_u64().filter(|_| !wrapped) {
        same("duration's start", found.span.start as u64, start)?;
    }
    let op = expected["Op"]["_id"].as_str().unwrap_or("");
    match &inner.kind {
        DurationKind::Number { secs, duration } if op.is_empty() => {
            same("seconds", *secs, number(&expected["Val"]))?;
            same("unit", *duration, expected["Duration"] == true)?;
            same("number's place", inner.span, place(&expected["PosRange"]))
        }
        // Prometheus has a plus where a number stands in parentheses.
        DurationKind::Number { .. } if op == "ADD" => duration(inner, &expected["RHS"]),
        DurationKind::Step => same("word", op, "STEP"),
        DurationKind::Range => same("word", op, "RANGE"),
        DurationKind::Negate(inner) => {
            same("sign", op, "SUB")?;
            same("left side", &expected["LHS"], &Value::Null)?;
            duration(inner, &expected["RHS"])
        }
        DurationKind::Min(left, right) | DurationKind::Max(left, right) => {
            let min = matches!(inner.kind, DurationKind::Min(..));
            same("word", op, if min { "MIN_OF" } else { "MAX_OF" })?;
            duration(left, &expected["LHS"])?;
            duration(right, &expected["RHS"])
        }
        DurationKind::Binary { op: found, left, right } => {
            same("operator", format!("{found:?}").to_uppercase().as_str(), op)?;
            duration(left, &expected["LHS"])?;
            duration(right, &expected["RHS"])
        }
        other => Err(format!("{other:?}, expected {expected}")),
    }
}
