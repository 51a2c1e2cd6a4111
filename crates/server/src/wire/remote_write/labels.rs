//! The labels of a request's series, read when somebody asks.

use std::ops::Range;

use exposition::remote_write::{LabelsRef, v2::Symbols};
use ingest::{LabelSource, RawLabel};

/// A request with the places of its series' labels.
#[derive(Debug)]
pub(super) struct RequestLabels {
    pub(super) body: Vec<u8>,
    /// Version 2's.
    pub(super) symbols: Option<Symbols>,
    /// Where each series' labels are, and whether other fields stand between them.
    pub(super) places: Vec<Place>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) scattered: bool,
}

impl LabelSource for RequestLabels {
    fn labels(&self, series: u32, bytes_max: usize) -> Result<Vec<RawLabel>, String> {
        let unknown = || format!("the request has no series {series}");
        let at = usize::try_from(series).map_err(|_| unknown())?;
        let place = self.places.get(at).ok_or_else(unknown)?;
        let labels = place.labels(&self.body, self.symbols.as_ref());
        pairs(&labels, bytes_max)
    }
}

impl Place {
    fn labels<'a>(self, body: &'a [u8], symbols: Option<&'a Symbols>) -> LabelsRef<'a> {
        // Places come from ranges of `u32`, which a `usize` holds on all machines we run on.
        let at = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
        let range: Range<usize> = at(self.start)..at(self.end);
        match symbols {
            None => LabelsRef::v1(body, range, self.scattered),
            Some(symbols) => LabelsRef::v2(body, range, self.scattered, symbols),
        }
    }
}

/// What a label takes beside its texts.
pub(super) const LABEL_BYTES: usize = 64;

/// Names and values, or why they cannot be read; no more than `bytes_max` bytes.
pub(super) fn pairs(labels: &LabelsRef<'_>, bytes_max: usize) -> Result<Vec<RawLabel>, String> {
    let mut pairs = Vec::new();
    let mut left = Some(bytes_max);
    let add = |name: &str, value: &str| {
        left = left.and_then(|left| left.checked_sub(name.len() + value.len() + LABEL_BYTES));
        if left.is_some() {
            pairs.push((name.into(), value.into()));
        }
    };
    labels.visit(add).map_err(|fault| fault.to_string())?;
    match left {
        Some(_) => Ok(pairs),
        None => {
            Err("the labels of the request, or of one of its series, take too much memory; \
                 see `limits.max_label_value_bytes`, `limits.max_labels` and `limits.max_body_bytes`"
                .to_owned())
        }
    }
}
