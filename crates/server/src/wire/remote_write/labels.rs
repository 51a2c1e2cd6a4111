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
    fn labels(&self, series: u32) -> Result<Vec<RawLabel>, String> {
        let unknown = || format!("the request has no series {series}");
        let at = usize::try_from(series).map_err(|_| unknown())?;
        let place = self.places.get(at).ok_or_else(unknown)?;
        let labels = place.labels(&self.body, self.symbols.as_ref());
        pairs(&labels)
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

/// Names and values, or why they cannot be read.
pub(super) fn pairs(labels: &LabelsRef<'_>) -> Result<Vec<RawLabel>, String> {
    let mut pairs = Vec::new();
    labels
        .visit(|name, value| pairs.push((name.into(), value.into())))
        .map_err(|fault| fault.to_string())?;
    Ok(pairs)
}
