//! Native histograms in the place of a value.

use model::{BucketSpan, Histogram, ResetHint};

use super::{line, put_value};

/// The most spans, and buckets, that one histogram may name.
const LIST_MAX: usize = 65_536;

pub(super) fn put(text: &mut String, histogram: &Histogram) {
    let mut first = true;
    let mut name = |text: &mut String, name: &str| {
        text.push(if std::mem::take(&mut first) { '{' } else { ',' });
        text.push_str(name);
        text.push(':');
    };
    name(text, "count");
    put_value(text, histogram.count);
    name(text, "sum");
    put_value(text, histogram.sum);
    name(text, "schema");
    text.push_str(&histogram.schema.to_string());
    name(text, "zero_threshold");
    put_value(text, histogram.zero_threshold);
    name(text, "zero_count");
    put_value(text, histogram.zero_count);
    let sides = [
        ("negative_spans", "negative_buckets", &histogram.negative_spans, &histogram.negative),
        ("positive_spans", "positive_buckets", &histogram.positive_spans, &histogram.positive),
    ];
    for (spans_name, counts_name, spans, counts) in sides {
        if spans.is_empty() && counts.is_empty() {
            continue;
        }
        name(text, spans_name);
        put_list(text, spans, |text, span| {
            text.push_str(&format!("{}:{}", span.offset, span.length));
        });
        name(text, counts_name);
        put_list(text, counts, |text, count| put_value(text, *count));
    }
    if !histogram.custom_values.is_empty() {
        name(text, "custom_values");
        put_list(text, &histogram.custom_values, |text, bound| put_value(text, *bound));
    }
    if histogram.reset_hint != ResetHint::Unknown {
        name(text, "reset_hint");
        text.push_str(hint_name(histogram.reset_hint));
    }
    text.push('}');
}

fn put_list<T>(text: &mut String, items: &[T], put: impl Fn(&mut String, &T)) {
    text.push('[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        put(text, item);
    }
    text.push(']');
}

fn hint_name(hint: ResetHint) -> &'static str {
    match hint {
        ResetHint::Unknown => "unknown",
        ResetHint::Reset => "reset",
        ResetHint::NotReset => "not_reset",
        ResetHint::Gauge => "gauge",
    }
}

/// Reads what stands between the braces, both left off.
pub(super) fn parse(text: &str) -> Result<Histogram, String> {
    let mut histogram = Histogram::default();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, after) =
            rest.split_once(':').ok_or_else(|| format!("`{rest}` is no field of a histogram"))?;
        let (value, after) = field(after)?;
        set(&mut histogram, name.trim(), value)?;
        rest = after;
    }
    histogram.validate().map_err(|error| error.to_string())?;
    Ok(histogram)
}

/// A field's value and what comes after its comma; lists keep their commas.
fn field(text: &str) -> Result<(&str, &str), String> {
    if let Some(list) = text.strip_prefix('[') {
        let (list, after) = list.split_once(']').ok_or("a list is not closed")?;
        return Ok((list, after.strip_prefix(',').unwrap_or(after)));
    }
    Ok(text.split_once(',').unwrap_or((text, "")))
}

fn set(histogram: &mut Histogram, name: &str, value: &str) -> Result<(), String> {
    match name {
        "count" => histogram.count = line::number(value)?,
        "sum" => histogram.sum = line::number(value)?,
        "zero_threshold" => histogram.zero_threshold = line::number(value)?,
        "zero_count" => histogram.zero_count = line::number(value)?,
        "schema" => {
            histogram.schema = value.parse().map_err(|_| format!("`{value}` is no schema"))?;
        }
        "positive_spans" => histogram.positive_spans = list(value, span)?,
        "negative_spans" => histogram.negative_spans = list(value, span)?,
        "positive_buckets" => histogram.positive = list(value, line::number)?,
        "negative_buckets" => histogram.negative = list(value, line::number)?,
        "custom_values" => histogram.custom_values = list(value, line::number)?,
        "reset_hint" => {
            histogram.reset_hint = match value {
                "unknown" => ResetHint::Unknown,
                "reset" => ResetHint::Reset,
                "not_reset" => ResetHint::NotReset,
                "gauge" => ResetHint::Gauge,
                other => return Err(format!("`{other}` is no reset hint")),
            };
        }
        other => return Err(format!("`{other}` is no field of a histogram")),
    }
    Ok(())
}

fn list<T>(text: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    if text.bytes().filter(|byte| *byte == b',').count() >= LIST_MAX {
        return Err(format!("a list has more than {LIST_MAX} entries"));
    }
    text.split(',').map(parse).collect()
}

fn span(text: &str) -> Result<BucketSpan, String> {
    let span = text.split_once(':').and_then(|(offset, length)| {
        Some(BucketSpan {
            offset: offset.trim().parse().ok()?,
            length: length.trim().parse().ok()?,
        })
    });
    span.ok_or_else(|| format!("`{text}` is no span"))
}
