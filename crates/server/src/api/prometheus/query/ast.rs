//! The tree of an expression as `parse_query` has it.

use app::promql::ast::{
    Aggregate, At, Binary, BinaryOp, Expr, ExprKind, Extension, Matching, Selector, Shift, Side,
    Type,
};
use model::{MatchOp, Matcher};

use super::super::json::Out;

pub(super) fn write(out: &mut Out, expr: &Expr) {
    match &expr.kind {
        ExprKind::Number { value, .. } => {
            node(out, "numberLiteral");
            out.field("val", |out| out.string(&plain(*value)));
        }
        ExprKind::String(text) => {
            node(out, "stringLiteral");
            out.field("val", |out| out.string(text));
        }
        ExprKind::Selector(found) => {
            node(out, "vectorSelector");
            selector(out, found);
        }
        ExprKind::Matrix { selector: found, range_ms, .. } => {
            node(out, "matrixSelector");
            out.field("range", |out| out.int(*range_ms));
            selector(out, found);
        }
        ExprKind::Subquery { expr, range_ms, step_ms, shift, .. } => {
            node(out, "subquery");
            out.field("expr", |out| write(out, expr));
            out.field("range", |out| out.int(*range_ms));
            out.field("step", |out| out.int(step_ms.unwrap_or(0)));
            shifted(out, shift);
            out.raw(",\"alignEvalTime\":false");
        }
        ExprKind::Negate(inner) => unary(out, "-", inner),
        ExprKind::Plus(inner) => unary(out, "+", inner),
        ExprKind::Paren(inner) => {
            node(out, "parenExpr");
            out.field("expr", |out| write(out, inner));
        }
        ExprKind::Binary(found) => binary(out, found),
        ExprKind::Aggregate(found) => aggregate(out, found),
        ExprKind::Call { function, args, .. } => {
            node(out, "call");
            out.field("func", |out| {
                out.raw("{\"name\":");
                out.string(function.name);
                out.field("argTypes", |out| {
                    out.strings(function.args.iter().map(|kind| type_name(*kind)));
                });
                out.field("variadic", |out| out.int(i64::from(function.variadic)));
                out.field("returnType", |out| out.string(type_name(function.returns)));
                out.raw("}");
            });
            out.field("args", |out| out.list(args, write));
        }
    }
    out.raw("}");
}

fn node(out: &mut Out, kind: &str) {
    out.raw("{\"type\":");
    out.string(kind);
}

fn unary(out: &mut Out, op: &str, inner: &Expr) {
    node(out, "unaryExpr");
    out.field("op", |out| out.string(op));
    out.field("expr", |out| write(out, inner));
}

/// Without an exponent, as Go's `f` has it.
fn plain(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => value.to_string(),
    }
}

fn selector(out: &mut Out, selector: &Selector) {
    out.field("name", |out| out.string(selector.name.as_deref().unwrap_or_default()));
    out.field("matchers", |out| out.list(&selector.matchers, matcher));
    shifted(out, &selector.shift);
    out.field("anchored", |out| out.bool(selector.extension == Some(Extension::Anchored)));
    out.field("smoothed", |out| out.bool(selector.extension == Some(Extension::Smoothed)));
}

fn matcher(out: &mut Out, matcher: &Matcher) {
    let op = match matcher.op() {
        MatchOp::Equal => "=",
        MatchOp::NotEqual => "!=",
        MatchOp::Regex => "=~",
        MatchOp::NotRegex => "!~",
    };
    out.raw("{\"name\":");
    out.string(matcher.name());
    out.field("value", |out| out.string(matcher.value()));
    out.field("type", |out| out.string(op));
    out.raw("}");
}

fn shifted(out: &mut Out, shift: &Shift) {
    out.field("offset", |out| out.int(shift.offset_ms));
    out.field("timestamp", |out| match shift.at {
        Some(At::Time(at_ms)) => out.int(at_ms),
        Some(At::Start | At::End) | None => out.raw("null"),
    });
    out.field("startOrEnd", |out| match shift.at {
        Some(At::Start) => out.string("start"),
        Some(At::End) => out.string("end"),
        Some(At::Time(_)) | None => out.raw("null"),
    });
}

fn binary(out: &mut Out, binary: &Binary) {
    node(out, "binaryExpr");
    out.field("op", |out| out.string(binary.op.as_str()));
    out.field("lhs", |out| write(out, &binary.left));
    out.field("rhs", |out| write(out, &binary.right));
    let vectors = [&binary.left, &binary.right].map(Expr::value_type) == [Type::Vector; 2];
    out.field("matching", |out| match (&binary.matching, vectors) {
        (Some(found), _) => matching(out, Some(found), binary.op),
        (None, true) => matching(out, None, binary.op),
        (None, false) => out.raw("null"),
    });
    out.field("bool", |out| out.bool(binary.bool));
}

fn matching(out: &mut Out, matching: Option<&Matching>, op: BinaryOp) {
    let group = matching.and_then(|found| found.group.as_ref());
    let card = match group.map(|group| group.side) {
        Some(Side::Left) => "many-to-one",
        Some(Side::Right) => "one-to-many",
        None if op.is_set() => "many-to-many",
        None => "one-to-one",
    };
    out.raw("{\"card\":");
    out.string(card);
    let labels = matching.map(|found| &*found.labels).unwrap_or_default();
    out.field("labels", |out| out.strings(labels));
    out.field("on", |out| out.bool(matching.is_some_and(|found| found.on)));
    let include = group.map(|group| &*group.include).unwrap_or_default();
    out.field("include", |out| out.strings(include));
    let fill = matching.map(|found| found.fill).unwrap_or_default();
    let value = |out: &mut Out, value: Option<f64>| match value {
        Some(value) => out.number(value),
        None => out.raw("null"),
    };
    out.raw(",\"fillValues\":{\"lhs\":");
    value(out, fill.left);
    out.field("rhs", |out| value(out, fill.right));
    out.raw("}}");
}

fn aggregate(out: &mut Out, aggregate: &Aggregate) {
    node(out, "aggregation");
    out.field("op", |out| out.string(aggregate.op.as_str()));
    out.field("expr", |out| write(out, &aggregate.expr));
    out.field("param", |out| match &aggregate.param {
        Some(param) => write(out, param),
        None => out.raw("null"),
    });
    let grouping = aggregate.grouping.as_ref();
    let labels = grouping.map(|found| &*found.labels).unwrap_or_default();
    out.field("grouping", |out| out.strings(labels));
    out.field("without", |out| out.bool(grouping.is_some_and(|found| found.without)));
}

/// As Prometheus names types in JSON.
fn type_name(kind: Type) -> &'static str {
    match kind {
        Type::Scalar => "scalar",
        Type::String => "string",
        Type::Vector => "vector",
        Type::Matrix => "matrix",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn tree(text: &str) -> Value {
        let mut out = Out::new();
        write(&mut out, &app::promql::parse(text).unwrap());
        serde_json::from_slice(&out.into_bytes()).unwrap()
    }

    #[test]
    fn a_tree_is_as_prometheus_has_it() {
        let up = json!({
            "type": "vectorSelector", "name": "up", "offset": 0, "timestamp": null, "startOrEnd": null,
            "anchored": false, "smoothed": false,
            "matchers": [{ "name": "__name__", "value": "up", "type": "=" }],
        });
        assert_eq!(tree("up"), up);
        assert_eq!(
            tree("sum by (job) (up) > bool 1.50"),
            json!({
                "type": "binaryExpr", "op": ">", "bool": true, "matching": null,
                "lhs": { "type": "aggregation", "op": "sum", "expr": up, "param": null, "grouping": ["job"], "without": false },
                "rhs": { "type": "numberLiteral", "val": "1.5" },
            })
        );
        let found = tree("up and on (a) up");
        assert_eq!(
            found["matching"],
            json!({ "card": "many-to-many", "labels": ["a"], "on": true, "include": [], "fillValues": { "lhs": null, "rhs": null } })
        );
        let found = tree("rate(up[5m] offset 1m)");
        assert_eq!(found["func"]["name"], "rate");
        assert_eq!(found["func"]["argTypes"], json!(["matrix"]));
        assert_eq!(
            (&found["args"][0]["range"], &found["args"][0]["offset"]),
            (&json!(300_000), &json!(60_000))
        );
    }
}
