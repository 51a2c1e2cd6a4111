//! Descriptions of series: labels and a sequence of values.

use std::sync::Arc;

use model::{Histogram, Labels, Sample};

use super::{histogram, script::duration};

/// One value of a sequence.
#[derive(Clone, Debug)]
pub(super) enum Sequence {
    Omitted,
    Float(f64),
    /// With whether a hint of resets was written.
    Histogram(Arc<Histogram>, bool),
}

pub(super) fn number(text: &str) -> Option<f64> {
    if let Some(hex) = text.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok().map(|value| value as f64);
    }
    let plain = text.strip_prefix(['+', '-']).unwrap_or(text);
    let known = ["Inf", "inf", "NaN", "nan"].contains(&plain);
    let digits = plain.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if known || digits { text.replace('_', "").parse().ok() } else { None }
}

/// A Go string literal.
pub(super) fn unquoted(text: &str) -> String {
    let text = text.trim();
    let quote = text.chars().next().unwrap();
    let inner = &text[1..text.len() - 1];
    if quote == '`' {
        return inner.to_owned();
    }
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next().unwrap() {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'u' => {
                let code: String = chars.by_ref().take(4).collect();
                out.push(char::from_u32(u32::from_str_radix(&code, 16).unwrap()).unwrap());
            }
            'x' => {
                let code: String = chars.by_ref().take(2).collect();
                out.push(char::from(u8::from_str_radix(&code, 16).unwrap()));
            }
            other => out.push(other),
        }
    }
    out
}

/// `name{a="b"}` at the start of `text`, and the rest.
fn labels(text: &str) -> (Labels, &str) {
    let end = text.find(|c: char| c == '{' || c.is_whitespace()).unwrap_or(text.len());
    let mut pairs: Vec<(String, String)> = Vec::new();
    let name = &text[..end];
    if !name.is_empty() {
        pairs.push((Labels::METRIC_NAME.to_owned(), name.to_owned()));
    }
    let mut rest = &text[end..];
    if rest.starts_with('{') && !rest.starts_with("{{") {
        rest = rest[1..].trim_start();
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if let Some(after) = rest.strip_prefix('}') {
                rest = after;
                break;
            }
            let quoted = rest.starts_with(['"', '\'', '`']);
            let (key, after) = if quoted {
                literal(rest)
            } else {
                let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap();
                (rest[..end].to_owned(), &rest[end..])
            };
            rest = after.trim_start();
            if let Some(after) = rest.strip_prefix('=') {
                let (value, after) = literal(after.trim_start());
                pairs.push((key, value));
                rest = after;
            } else {
                pairs.push((Labels::METRIC_NAME.to_owned(), key));
            }
        }
    }
    (Labels::from_pairs(pairs), rest)
}

/// A string literal at the start of `text`, and the rest.
fn literal(text: &str) -> (String, &str) {
    let quote = text.chars().next().unwrap();
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' && quote != '`' {
            escaped = true;
        } else if c == quote {
            return (unquoted(&text[..=at]), &text[at + 1..]);
        }
    }
    panic!("no end of {text}");
}

/// Labels and values.
pub(super) fn series(line: &str) -> (Labels, Vec<Sequence>) {
    let (labels, rest) = labels(line);
    let mut values = Vec::new();
    for word in words(rest) {
        item(&word, &mut values);
    }
    (labels, values)
}

/// Words between spaces; what is between `{{` and `}}` is one.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if c.is_whitespace() && depth == 0 {
            words.push(String::new());
        } else {
            words.last_mut().unwrap().push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn item(word: &str, values: &mut Vec<Sequence>) {
    if word.starts_with("{{") {
        return histogram::item(word, values);
    }
    if word == "stale" {
        return values.push(Sequence::Float(f64::from_bits(Sample::STALE)));
    }
    let (base, times) = match word.rsplit_once('x') {
        Some((base, times)) => (base, Some(times.parse::<usize>().unwrap())),
        None => (word, None),
    };
    if base == "_" {
        let times = times.unwrap_or(1);
        return values.extend(std::iter::repeat_n(Sequence::Omitted, times));
    }
    let Some(times) = times else {
        return values.push(Sequence::Float(number(base).unwrap_or_else(|| panic!("{word}"))));
    };
    // The sign between two numbers is not one of an exponent or of the first number.
    let sign = base
        .char_indices()
        .skip(1)
        .find(|(at, c)| matches!(c, '+' | '-') && !base[..*at].ends_with(['e', 'E', '-', '+']));
    let (start, step) = match sign {
        Some((at, c)) => {
            let step = number(&base[at + 1..]).unwrap_or_else(|| panic!("{word}"));
            (&base[..at], if c == '-' { -step } else { step })
        }
        None => (base, 0.0),
    };
    let mut value = number(start).unwrap_or_else(|| panic!("{word}"));
    for _ in 0..=times {
        values.push(Sequence::Float(value));
        value += step;
    }
}

/// Start times relative to their samples, in milliseconds.
pub(super) fn starts(text: &str) -> Vec<Option<i64>> {
    let mut out: Vec<Option<i64>> = Vec::new();
    for word in text.split_whitespace() {
        let (base, times) = match word.rsplit_once('x') {
            Some((base, times)) => (base, Some(times.parse::<usize>().unwrap())),
            None => (word, None),
        };
        if base == "_" {
            out.extend(std::iter::repeat_n(None, times.unwrap_or(1)));
            continue;
        }
        if base == "*" {
            let last = out.iter().rev().find_map(|one| *one).unwrap_or(0);
            out.extend(std::iter::repeat_n(Some(last), times.map_or(1, |times| times + 1)));
            continue;
        }
        let signed = |text: &str| match text.strip_prefix('-') {
            Some(rest) => -duration(rest),
            None => duration(text.trim_start_matches('+')),
        };
        let sign = base.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-'));
        let (start, step) = match sign {
            Some((at, c)) => {
                let step = duration(&base[at + 1..]);
                (signed(&base[..at]), if c == '-' { -step } else { step })
            }
            None => (signed(base), 0),
        };
        let mut value = start;
        for _ in 0..times.map_or(1, |times| times + 1) {
            out.push(Some(value));
            value += step;
        }
    }
    out
}
