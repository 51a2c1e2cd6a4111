//! What is so, in the API's words: pure functions from `app`'s types to the wire's.

pub(super) mod deploy;
pub(super) mod fact;
pub(crate) mod incident;
pub(super) mod service;
pub(super) mod slo;

use model::Timestamp;

use crate::wire::api as dto;

/// RFC 3339.
pub(super) fn time(at: Timestamp) -> String {
    at.to_string()
}

pub(super) fn actor(actor: &model::Actor) -> dto::Actor {
    let kind = match actor.kind {
        model::ActorKind::Human => dto::ActorKind::Human,
        model::ActorKind::Machine => dto::ActorKind::Machine,
        model::ActorKind::System => dto::ActorKind::System,
    };
    dto::Actor { kind, id: actor.id.to_string(), via: actor.via.to_string() }
}

/// A count as a number of JSON.
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

/// `part` of `whole`; `None` of nothing.
pub(super) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| number(part) / number(whole))
}

/// A count for people: `8,310`.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        for (count, expected) in [
            (0, "0"),
            (999, "999"),
            (8310, "8,310"),
            (100_000, "100,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(count), expected);
        }
    }
}
