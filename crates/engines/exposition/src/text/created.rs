//! `_created` lines of OpenMetrics, which say when their series began.
//!
//! A family's lines are looked through once, from its first sample on; a `_created` line before that sample says nothing, as in
//! Prometheus.

use std::{collections::HashMap, ops::Range};

use model::MetricKind;
use twox_hash::XxHash3_64;

use super::{Lexer, TextParser, lex::Dialect};
use crate::{
    Options,
    entry::{LabelSpan, slice},
};

/// What the `_created` lines of the family at hand say.
#[derive(Debug, Default)]
pub(crate) struct Starts {
    /// Where the family's name is in the body, once it was looked through.
    looked: Option<Range<usize>>,
    /// By a hash of the labels without `le` and `quantile`: Unix milliseconds.
    known: HashMap<u64, i64>,
}

const SUFFIX: &[u8] = b"_created";

impl Starts {
    /// Whether a series is a `_created` line of a family that may have one.
    pub(super) fn is_created(
        &self,
        lexer: &Lexer<'_>,
        name: Option<&Range<usize>>,
        kind: MetricKind,
        family: &Range<usize>,
    ) -> bool {
        let name = name.map(|name| slice(lexer.body, name)).unwrap_or_default();
        counts(kind) && name.strip_suffix(SUFFIX) == Some(slice(lexer.body, family))
    }

    /// When the series at hand began.
    pub(super) fn find(
        &mut self,
        lexer: &Lexer<'_>,
        name: Option<&Range<usize>>,
        labels: &[LabelSpan],
        kind: MetricKind,
        family: &Range<usize>,
    ) -> Option<i64> {
        let name = slice(lexer.body, name?);
        if !counts(kind) || !name.starts_with(slice(lexer.body, family)) {
            return None;
        }
        if self.looked.as_ref() != Some(family) {
            self.looked = Some(family.clone());
            self.look(lexer, slice(lexer.body, family));
        }
        if self.known.is_empty() {
            return None;
        }
        self.known.get(&hash(lexer.body, labels)).copied()
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a time beyond all calendars ends at the bounds"
    )]
    fn look(&mut self, lexer: &Lexer<'_>, family: &[u8]) {
        self.known.clear();
        let rest = lexer.body.get(lexer.at..).unwrap_or_default();
        let mut ahead = TextParser::new(rest, Dialect::OpenMetrics, Options::default());
        while ahead.advance().unwrap_or(false) {
            let Some(name) = (ahead.at == super::At::Series).then_some(()).and(ahead.name.as_ref())
            else {
                break;
            };
            let name = slice(rest, name);
            if !name.starts_with(family) {
                break;
            }
            if name.strip_suffix(SUFFIX) == Some(family) {
                self.known.insert(hash(rest, &ahead.labels), (ahead.value * 1000.0) as i64);
            }
        }
    }
}

fn counts(kind: MetricKind) -> bool {
    matches!(kind, MetricKind::Counter | MetricKind::Summary | MetricKind::Histogram)
}

/// The same for the same labels in any order.
fn hash(body: &[u8], labels: &[LabelSpan]) -> u64 {
    let mut sum = 0_u64;
    let mut pair = Vec::new();
    for label in labels {
        let name = slice(body, &label.name);
        if matches!(name, b"le" | b"quantile") {
            continue;
        }
        pair.clear();
        pair.extend_from_slice(name);
        pair.push(0xff);
        pair.extend_from_slice(slice(body, &label.value));
        sum = sum.wrapping_add(XxHash3_64::oneshot(&pair));
    }
    sum
}
