//! Exemplars of remote write.

use model::{Exemplar, Labels};

use super::{LabelsFault, LabelsRef, labels::Form};
use crate::wire::{Reader, WireError};

/// Bytes of an exemplar's names and values. OpenMetrics allows 128 characters; in version 2 a few bytes can refer to megabytes.
const LABEL_BYTES_MAX: usize = 4 << 10;

/// Why an exemplar cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExemplarFault {
    #[error("{0}")]
    Labels(#[source] LabelsFault),
    #[error("the labels of an exemplar have more than {max} bytes")]
    TooLong { max: usize },
}

/// An exemplar as it was sent.
#[derive(Clone, Copy, Debug)]
pub struct ExemplarRef<'a> {
    pub(super) body: &'a [u8],
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) form: Form<'a>,
}

impl<'a> ExemplarRef<'a> {
    /// Where it is in the request.
    pub fn at(&self) -> usize {
        self.start
    }

    /// No more labels than this can be in it.
    pub fn labels_max(&self) -> usize {
        (self.end - self.start) / 2
    }

    /// # Errors
    /// What cannot be read.
    pub fn decode(&self) -> Result<Exemplar, ExemplarFault> {
        let labels = LabelsRef {
            body: self.body,
            start: self.start,
            end: self.end,
            scattered: true,
            form: self.form,
        };
        let mut pairs = Vec::new();
        let mut bytes = 0_usize;
        let add = |name: &'a str, value: &'a str| {
            bytes = bytes.saturating_add(name.len() + value.len());
            pairs.push((name, value));
        };
        labels.visit(add).map_err(ExemplarFault::Labels)?;
        if bytes > LABEL_BYTES_MAX {
            return Err(ExemplarFault::TooLong { max: LABEL_BYTES_MAX });
        }
        let numbers = self.numbers();
        let (value, at_ms) = numbers.map_err(|e| ExemplarFault::Labels(LabelsFault::Wire(e)))?;
        Ok(Exemplar { labels: Labels::from_pairs(pairs), value, at_ms })
    }

    fn numbers(&self) -> Result<(f64, i64), WireError> {
        let bytes = self.body.get(self.start..self.end).unwrap_or_default();
        let mut message = Reader::new(bytes, self.start);
        let (mut value, mut at_ms) = (0.0, 0);
        while let Some(field) = message.next()? {
            match field.number {
                2 => value = field.double("exemplar value")?,
                3 => at_ms = field.int("exemplar timestamp")?,
                _ => {}
            }
        }
        Ok((value, at_ms))
    }
}
