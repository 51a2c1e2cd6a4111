//! One line of a sample: series, value, time.

use std::borrow::Cow;

use model::{Histogram, Labels};

use super::histogram;

/// The most labels of a series.
const LABELS_MAX: usize = 1_024;

#[derive(Debug, PartialEq)]
pub(super) enum Value {
    Float(f64),
    Histogram(Box<Histogram>),
}

/// A line taken apart; the series as its text stands, to be read when it is not known yet.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) series: &'a str,
    pub(super) value: Value,
    /// As written: seconds or milliseconds.
    pub(super) time: Option<&'a str>,
}

pub(super) fn take_apart(line: &str) -> Result<Line<'_>, String> {
    let end = series_end(line)?;
    let (series, rest) = line.split_at_checked(end).ok_or("a series is cut")?;
    let rest = rest.trim_start_matches([' ', '\t']);
    let (value, rest) = if let Some(composite) = rest.strip_prefix('{') {
        let (inner, rest) = composite.split_once('}').ok_or("a histogram is not closed")?;
        (Value::Histogram(Box::new(histogram::parse(inner)?)), rest)
    } else {
        let (value, rest) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        (Value::Float(number(value)?), rest)
    };
    // After the time there may be a start time, and an exemplar after `#`: neither is a sample.
    let time = rest.split([' ', '\t']).find(|word| !word.is_empty()).filter(|word| *word != "#");
    Ok(Line { series: series.trim_end(), value, time })
}

/// Where the series ends: at the blank before the value, or after the braces.
fn series_end(line: &str) -> Result<usize, String> {
    let bytes = line.as_bytes();
    let plain = bytes.iter().position(|byte| matches!(byte, b' ' | b'\t' | b'{'));
    let Some(mut at) = plain else { return Err("a sample has no value".to_owned()) };
    // A blank may stand before the braces, but what follows the name without blanks or labels is the value.
    if bytes.get(at) != Some(&b'{') {
        return Ok(at);
    }
    at += 1;
    let mut quoted = false;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b'}' if !quoted => return Ok(at + 1),
            _ => {}
        }
        at += 1;
    }
    Err("the labels are not closed".to_owned())
}

/// The labels that a series' text stands for.
pub(super) fn labels(series: &str) -> Result<Labels, String> {
    let (name, inner) = match series.split_once('{') {
        Some((name, inner)) => (name, inner.strip_suffix('}').ok_or("the labels are not closed")?),
        None => (series, ""),
    };
    let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    if !name.is_empty() {
        pairs.push((Labels::METRIC_NAME.into(), name.into()));
    }
    let mut rest = inner.trim();
    while !rest.is_empty() {
        let (label, after) = if rest.starts_with('"') {
            quoted(rest)?
        } else {
            let end = rest.find(['=', ',']).unwrap_or(rest.len());
            let (label, after) = rest.split_at_checked(end).ok_or("a label is cut")?;
            (label.trim().into(), after)
        };
        let after = after.trim_start();
        if let Some(value) = after.strip_prefix('=') {
            let (value, after) = quoted(value.trim_start())?;
            pairs.push((label, value));
            rest = after.trim_start();
        } else {
            // A quoted name alone is the metric's.
            pairs.push((Labels::METRIC_NAME.into(), label));
            rest = after;
        }
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None if rest.is_empty() => {}
            None => return Err(format!("`{rest}` is where a comma should be")),
        }
        if pairs.len() > LABELS_MAX {
            return Err(format!("a series has more than {LABELS_MAX} labels"));
        }
    }
    let count = pairs.len();
    if pairs.iter().any(|(name, _)| name.is_empty()) {
        return Err("a label has no name".to_owned());
    }
    let empty = pairs.iter().filter(|(_, value)| value.is_empty()).count();
    let labels = Labels::from_pairs(pairs);
    if labels.len() + empty < count {
        return Err("a label is there twice".to_owned());
    }
    if labels.is_empty() {
        return Err("a series has no name and no label".to_owned());
    }
    Ok(labels)
}

/// A text in quotes, and what comes after.
fn quoted(text: &str) -> Result<(Cow<'_, str>, &str), String> {
    let inner = text.strip_prefix('"').ok_or_else(|| format!("`{text}` is not quoted"))?;
    let end = inner.find(['"', '\\']).ok_or("a quote is not closed")?;
    if inner.as_bytes().get(end) == Some(&b'"') {
        let (value, after) = inner.split_at_checked(end).ok_or("a quote is cut")?;
        return Ok((value.into(), after.strip_prefix('"').unwrap_or(after)));
    }
    let mut value = String::new();
    let mut chars = inner.char_indices();
    while let Some((at, each)) = chars.next() {
        match each {
            '"' => return Ok((value.into(), inner.get(at + 1..).unwrap_or_default())),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, other @ ('"' | '\\'))) => value.push(other),
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            },
            other => value.push(other),
        }
    }
    Err("a quote is not closed".to_owned())
}

/// A number as the formats have it.
pub(super) fn number(text: &str) -> Result<f64, String> {
    // Rust reads `inf`, `infinity` and `nan` in any case and with a sign, as the formats do.
    text.trim().parse().map_err(|_| format!("`{text}` is no number"))
}

/// A time in seconds, with decimals beyond the third cut off.
pub(super) fn seconds(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no time");
    if text.contains(['e', 'E']) {
        let seconds: f64 = text.parse().map_err(|_| wrong())?;
        #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
        let ms = (seconds * 1000.0).round() as i64;
        return if seconds.abs() < 9e15 { Ok(ms) } else { Err(wrong()) };
    }
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && decimals.is_empty() || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| wrong())? };
    let three = decimals.bytes().chain(std::iter::repeat(b'0')).take(3);
    let ms = three.fold(0, |ms, digit| ms * 10 + i64::from(digit - b'0'));
    let total = whole.checked_mul(1000).and_then(|whole| whole.checked_add(ms));
    let total = total.filter(|_| whole >= 0).ok_or_else(wrong)?;
    Ok(if negative { -total } else { total })
}
