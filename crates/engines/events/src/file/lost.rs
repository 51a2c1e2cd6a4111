//! Which rows of a file a damaged block costs.

use parquet::{
    arrow::arrow_reader::{RowSelection, RowSelector},
    file::metadata::ParquetMetaData,
};

use super::BLOCK_BYTES;

/// For each row group the rows that can be read, in order: `None` where that is all.
///
/// A row is lost when a page of any of its columns is; a damaged dictionary costs the whole row group. Without an index of pages
/// a row group is lost as a whole.
pub(crate) fn readable(metadata: &ParquetMetaData, damaged: &[u64]) -> Vec<Option<RowSelection>> {
    let hit = |start: i64, len: i64| {
        let (Ok(start), Ok(len)) = (u64::try_from(start), u64::try_from(len)) else { return true };
        let blocks = start / BLOCK_BYTES..(start + len).div_ceil(BLOCK_BYTES);
        let at = damaged.partition_point(|block| *block < blocks.start);
        damaged.get(at).is_some_and(|block| *block < blocks.end)
    };
    let groups = metadata.row_groups().iter().enumerate();
    groups
        .map(|(number, group)| {
            let rows = usize::try_from(group.num_rows()).unwrap_or(usize::MAX);
            let mut lost: Vec<(usize, usize)> = Vec::new();
            for (at, column) in group.columns().iter().enumerate() {
                let (start, len) = column.byte_range();
                let [start, len] = [start, len].map(|bytes| i64::try_from(bytes).unwrap_or(-1));
                if !hit(start, len) {
                    continue;
                }
                let pages = metadata
                    .offset_index()
                    .and_then(|index| index.get(number)?.get(at))
                    .map(|index| index.page_locations());
                let Some(pages) = pages.filter(|pages| !pages.is_empty()) else {
                    return Some(RowSelection::from(vec![RowSelector::skip(rows)]));
                };
                // What lies before the first page of data is the dictionary.
                if hit(start, pages[0].offset - start) {
                    return Some(RowSelection::from(vec![RowSelector::skip(rows)]));
                }
                let first = |page: usize| {
                    let page = pages.get(page).map(|page| page.first_row_index);
                    page.and_then(|row| usize::try_from(row).ok()).unwrap_or(rows)
                };
                lost.extend(
                    pages
                        .iter()
                        .enumerate()
                        .filter(|(_, page)| hit(page.offset, i64::from(page.compressed_page_size)))
                        .map(|(page, _)| (first(page), first(page + 1))),
                );
            }
            without(rows, lost)
        })
        .collect()
}

/// All rows but those; `None` for all.
fn without(rows: usize, mut lost: Vec<(usize, usize)>) -> Option<RowSelection> {
    if lost.is_empty() {
        return None;
    }
    lost.sort_unstable();
    let mut selectors = Vec::new();
    let mut at = 0;
    for (start, end) in lost {
        if start > at {
            selectors.push(RowSelector::select(start - at));
        }
        if end > at {
            selectors.push(RowSelector::skip(end - at.max(start)));
            at = end;
        }
    }
    if at < rows {
        selectors.push(RowSelector::select(rows - at));
    }
    Some(RowSelection::from(selectors))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_out_what_is_lost_once() {
        let rows = without(10, vec![(4, 6), (0, 1), (5, 7)]).unwrap();
        assert_eq!(rows.row_count(), 6);
        assert_eq!(rows.skipped_row_count(), 4);
        assert!(without(10, Vec::new()).is_none());
        assert_eq!(without(3, vec![(0, 3)]).unwrap().row_count(), 0);
    }
}
