//! Which rows of a file are read.

use std::{collections::BTreeSet, ops::Range};

use parquet::arrow::arrow_reader::{RowSelection, RowSelector};

use crate::file::{GRANULE_ROWS, OpenFile, OpenFileError};

/// Rows of a file, by row group.
#[derive(Debug, Default)]
pub(crate) struct Selected {
    groups: Vec<usize>,
    /// Of each group all its rows, and those that are read; by their numbers in the file.
    ranges: Vec<(Range<usize>, Vec<Range<usize>>)>,
}

impl Selected {
    /// The readable rows of these granules; of all, without any.
    pub(crate) fn of(
        file: &OpenFile,
        granules: Option<&BTreeSet<u16>>,
    ) -> Result<Self, OpenFileError> {
        Self::build(file, |group| match granules {
            None => vec![group],
            Some(granules) => granules
                .iter()
                .map(|granule| usize::from(*granule) * GRANULE_ROWS)
                .map(|first| first.max(group.start)..(first + GRANULE_ROWS).min(group.end))
                .filter(|range| range.start < range.end)
                .collect(),
        })
    }

    /// These rows, sorted, as far as they can be read.
    pub(crate) fn rows_of(file: &OpenFile, wanted: &[usize]) -> Result<Self, OpenFileError> {
        Self::build(file, |group| {
            let from = wanted.partition_point(|row| *row < group.start);
            let upto = wanted.partition_point(|row| *row < group.end);
            wanted[from..upto].iter().map(|row| *row..*row + 1).collect()
        })
    }

    fn build(
        file: &OpenFile,
        wanted: impl Fn(Range<usize>) -> Vec<Range<usize>>,
    ) -> Result<Self, OpenFileError> {
        let metadata = file.metadata()?;
        let readable = file.readable()?;
        let mut selected = Self::default();
        let mut start = 0;
        for (number, (group, readable)) in metadata.row_groups().iter().zip(readable).enumerate() {
            let end = start + usize::try_from(group.num_rows()).unwrap_or_default();
            let mut ranges = wanted(start..end);
            if let Some(readable) = readable {
                ranges = both(&ranges, &ranges_of(&readable, start));
            }
            if !ranges.is_empty() {
                selected.groups.push(number);
                selected.ranges.push((start..end, ranges));
            }
            start = end;
        }
        Ok(selected)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    pub(crate) fn groups(&self) -> &[usize] {
        &self.groups
    }

    /// Over the rows of [`Self::groups`] alone.
    pub(crate) fn selection(&self) -> RowSelection {
        let mut selectors = Vec::new();
        for (group, ranges) in &self.ranges {
            let mut at = group.start;
            for range in ranges {
                selectors.push(RowSelector::skip(range.start - at));
                selectors.push(RowSelector::select(range.len()));
                at = range.end;
            }
            selectors.push(RowSelector::skip(group.end - at));
        }
        RowSelection::from(selectors)
    }

    /// The file's numbers of the selected rows, in order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        self.ranges.iter().flat_map(|(_, ranges)| ranges.iter().cloned().flatten())
    }
}

/// The selected rows, from this number on.
fn ranges_of(selection: &RowSelection, start: usize) -> Vec<Range<usize>> {
    let mut at = start;
    let mut ranges = Vec::new();
    for selector in selection.iter() {
        if !selector.skip {
            ranges.push(at..at + selector.row_count);
        }
        at += selector.row_count;
    }
    ranges
}

/// What is in both; each is sorted and does not overlap itself.
fn both(one: &[Range<usize>], other: &[Range<usize>]) -> Vec<Range<usize>> {
    let (mut at, mut of_other) = (0, 0);
    let mut common = Vec::new();
    while let (Some(a), Some(b)) = (one.get(at), other.get(of_other)) {
        let range = a.start.max(b.start)..a.end.min(b.end);
        if range.start < range.end {
            common.push(range);
        }
        if a.end <= b.end {
            at += 1;
        } else {
            of_other += 1;
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_is_in_both() {
        assert_eq!(both(&[0..4, 6..9], &[2..7, 8..20]), [2..4, 6..7, 8..9]);
        assert!(both(&[0..4, 8..9], &[4..6, 6..8]).is_empty());
    }
}
