//! How often each kind of finding came up in a set of traces, and where.

use std::collections::BTreeMap;

use model::{SpanId, TraceId};

use super::{Finding, FindingKind};
use crate::{Trace, limits};

/// What came up, and whose doing it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DigestKey {
    pub kind: FindingKind,
    pub service: Box<str>,
    pub operation: Box<str>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DigestRow {
    /// Traces in which it came up.
    pub traces: u64,
    pub findings: u64,
    /// Spans that show it, in all findings.
    pub spans: u64,
    /// The most spans in one finding.
    pub worst: usize,
    /// What the worst finding says; of equals, the one that sorts first.
    pub sentence: String,
    /// Some traces, each with the first span of a finding; the smallest ids, so that order does not matter.
    pub examples: BTreeMap<TraceId, SpanId>,
}

/// Findings of a set of traces, counted.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    rows: BTreeMap<DigestKey, DigestRow>,
    traces: u64,
    left_out: u64,
}

impl Digest {
    pub fn add(&mut self, trace: &Trace) {
        self.traces += 1;
        let mut met: BTreeMap<DigestKey, Vec<Finding>> = BTreeMap::new();
        for finding in trace.findings() {
            let (service, operation) = finding.who();
            let key = DigestKey {
                kind: finding.kind(),
                service: service.into(),
                operation: operation.into(),
            };
            met.entry(key).or_default().push(finding);
        }
        for (key, findings) in met {
            if !self.rows.contains_key(&key) && self.rows.len() >= limits::DIGEST_ROWS_MAX {
                self.left_out += findings.len() as u64;
                continue;
            }
            self.rows.entry(key).or_default().add(trace.id(), &findings);
        }
    }

    /// Traces that were looked at.
    pub fn traces(&self) -> u64 {
        self.traces
    }

    /// Findings that were not counted, because a limit was met.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// What came up, by kind, service and operation.
    pub fn rows(&self) -> &BTreeMap<DigestKey, DigestRow> {
        &self.rows
    }
}

impl DigestRow {
    fn add(&mut self, trace: TraceId, findings: &[Finding]) {
        self.traces += 1;
        for finding in findings {
            let count = finding.count();
            self.findings += 1;
            self.spans += count as u64;
            let sentence = finding.to_string();
            if count > self.worst
                || (count == self.worst && (self.sentence.is_empty() || sentence < self.sentence))
            {
                (self.worst, self.sentence) = (count, sentence);
            }
        }
        if let Some(span) = findings.iter().find_map(|finding| finding.spans().first()) {
            let example = self.examples.entry(trace).or_insert(*span);
            *example = (*example).min(*span);
            if self.examples.len() > limits::EXAMPLES_MAX {
                self.examples.pop_last();
            }
        }
    }
}
