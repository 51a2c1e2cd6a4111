//! `prometheus.WriteRequest`, walked in place.

use super::{
    ExemplarRef, HistogramRef, LabelsRef, MetadataRef, RawSample, Visitor, kind_of, labels::Form,
};
use crate::wire::{Reader, WireError};

/// Field 1 with bytes: a label of a series.
const LABEL_KEY: u8 = 0x0a;

/// Gives `visitor` all that is in a request.
///
/// # Errors
/// What cannot be read, with its place, or what the visitor does not take. What was visited before stands.
pub fn walk<'a>(body: &'a [u8], visitor: &mut impl Visitor<'a>) -> Result<(), WireError> {
    let mut request = Reader::new(body, 0);
    while let Some(field) = request.next()? {
        match field.number {
            1 => series(body, field.message("timeseries")?, visitor)?,
            3 => visitor.metadata(Ok(metadata(field.message("metadata")?)?))?,
            _ => {}
        }
    }
    Ok(())
}

/// Whether a body has what only version 2 has, for a request that does not say what it is.
pub fn looks_like_v2(body: &[u8]) -> bool {
    let mut request = Reader::new(body, 0);
    let mut found = false;
    while let Ok(Some(field)) = request.next() {
        match field.number {
            1 | 3 => return false,
            4 | 5 => found = true,
            _ => {}
        }
    }
    found
}

#[inline]
fn series<'a>(
    body: &'a [u8],
    mut message: Reader<'a>,
    visitor: &mut impl Visitor<'a>,
) -> Result<(), WireError> {
    let start = message.at();
    let whole = message;
    while message.skip_delimited(LABEL_KEY)? {}
    let end = message.at();
    let scattered = has_more_labels(message)?;
    let form = Form::Pairs { field: 1 };
    let end = if scattered { whole.end() } else { end };
    visitor.series(LabelsRef { body, start, end, scattered, form })?;
    while let Some(field) = message.next()? {
        match field.number {
            2 => visitor.sample(sample(field.message("samples")?)?)?,
            3 => {
                let message = field.message("exemplars")?;
                let (start, end) = (message.at(), message.end());
                visitor.exemplar(ExemplarRef { body, start, end, form })?;
            }
            4 => {
                let message = field.message("histograms")?;
                visitor.histogram(HistogramRef { message })?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a label comes after something else. With one field left, as a rule, this costs next to nothing.
#[inline]
fn has_more_labels(mut message: Reader<'_>) -> Result<bool, WireError> {
    while let Some(field) = message.next()? {
        if field.number == 1 {
            return Ok(true);
        }
    }
    Ok(false)
}

#[inline]
fn sample(mut message: Reader<'_>) -> Result<RawSample, WireError> {
    let mut sample = RawSample::default();
    while let Some(field) = message.next()? {
        match field.number {
            1 => sample.value = field.double("sample value")?,
            2 => sample.at_ms = field.int("sample timestamp")?,
            _ => {}
        }
    }
    Ok(sample)
}

fn metadata(mut message: Reader<'_>) -> Result<MetadataRef<'_>, WireError> {
    let mut metadata = MetadataRef::default();
    while let Some(field) = message.next()? {
        match field.number {
            1 => metadata.kind = kind_of(field.uint("metadata type")?),
            2 => metadata.family = field.text("metric_family_name")?,
            4 => metadata.help = field.text("help")?,
            5 => metadata.unit = field.text("unit")?,
            _ => {}
        }
    }
    Ok(metadata)
}
