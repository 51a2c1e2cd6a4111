//! OpenTelemetry's exemplars as Prometheus': `trace_id`, `span_id`, and the attributes that the point left out.

use std::fmt::Write;

use model::{Attributes, Exemplar, Labels, Timestamp};

use super::{name, output::Output};
use crate::{RawExemplar, series};

/// The exemplars of a point at `at`, without secrets and within limits.
pub(super) fn all(raw: Vec<RawExemplar>, at: Timestamp, out: &mut Output<'_, '_>) -> Vec<Exemplar> {
    let utf8 = out.translation.names.utf8();
    let plain = raw.into_iter().map(|raw| one(raw, at, utf8)).collect();
    series::exemplars(plain, out.work)
}

/// What would be too long with its attributes goes without them, as in Prometheus: the way to the trace is worth more.
fn one(raw: RawExemplar, at: Timestamp, utf8: bool) -> Exemplar {
    let ids = [
        ("trace_id", raw.trace_id.map(|id| hex(&id.0))),
        ("span_id", raw.span_id.map(|id| hex(&id.0))),
    ];
    let ids: Vec<(String, String)> =
        ids.into_iter().filter_map(|(name, id)| Some((name.to_owned(), id?))).collect();
    let mut pairs = attributes(&raw.attributes, utf8);
    pairs.retain(|(name, _)| !ids.iter().any(|(taken, _)| taken == name));
    let chars = |(name, value): &(String, String)| name.chars().count() + value.chars().count();
    let size: usize = ids.iter().chain(&pairs).map(chars).sum();
    if size > series::EXEMPLAR_CHARS_MAX {
        pairs.clear();
    }
    pairs.extend(ids);
    Exemplar {
        labels: Labels::from_pairs(pairs),
        value: raw.value,
        at_ms: raw.at.unwrap_or(at).as_millis(),
    }
}

fn attributes(attributes: &Attributes, utf8: bool) -> Vec<(String, String)> {
    let pairs = name::labels(attributes, utf8).into_iter();
    pairs.map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // No writer into a `String` fails.
        write!(text, "{byte:02x}").unwrap_or_default();
    }
    text
}
