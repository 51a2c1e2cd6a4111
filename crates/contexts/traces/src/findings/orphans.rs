//! Spans whose parent never came.

use std::{collections::BTreeMap, fmt};

use model::SpanId;

use super::who;
use crate::{AnomalyKind, Trace};

/// Spans that name one parent that never came.
#[derive(Clone, Debug, PartialEq)]
pub struct Orphans {
    /// Of the first of them.
    pub service: Box<str>,
    pub operation: Box<str>,
    /// The parent that never came.
    pub parent: SpanId,
    pub spans: Vec<SpanId>,
    pub count: usize,
    /// Spans below them, which hang in the air with them.
    pub below: usize,
}

impl fmt::Display for Orphans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, operation, parent, count, below, .. } = self;
        match count {
            1 => {
                write!(f, "`{operation}` of `{service}` names a parent that never came: {parent}")?
            }
            _ => write!(
                f,
                "{count} spans, `{operation}` of `{service}` the first, name a parent that never came: {parent}"
            )?,
        }
        match below {
            0 => Ok(()),
            1 => f.write_str("; 1 span hangs below"),
            _ => write!(f, "; {below} spans hang below"),
        }
    }
}

pub(super) fn find(trace: &Trace) -> Vec<Orphans> {
    let mut by_parent: BTreeMap<SpanId, Vec<usize>> = BTreeMap::new();
    for anomaly in trace.anomalies() {
        if let AnomalyKind::Orphan { parent } = anomaly.kind {
            by_parent.entry(parent).or_default().push(anomaly.row);
        }
    }
    let mut found: Vec<(usize, Orphans)> = by_parent
        .into_iter()
        .map(|(parent, rows)| {
            let (service, operation) = who(&trace.spans()[rows[0]]);
            let orphans = Orphans {
                service,
                operation,
                parent,
                spans: trace.named(&rows),
                count: rows.len(),
                below: rows.iter().map(|row| trace.descendants(*row)).sum(),
            };
            (rows[0], orphans)
        })
        .collect();
    found.sort_by_key(|(row, _)| *row);
    found.into_iter().map(|(_, orphans)| orphans).collect()
}
