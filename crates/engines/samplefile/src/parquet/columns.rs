//! One column's values, batch by batch, row by row.

use ::parquet::{
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::DataType,
    errors::ParquetError,
};

/// How many rows are decoded at once.
pub(super) const BATCH_ROWS: usize = 4_096;

/// A column of a row group.
pub(super) struct Column<T: DataType> {
    reader: ColumnReaderImpl<T>,
    defined_max: i16,
    repeats: bool,
    values: Vec<T::T>,
    defined: Vec<i16>,
    repeated: Vec<i16>,
    /// The next of `values` and of the levels.
    value_at: usize,
    level_at: usize,
    /// Rows that the batch still has.
    rows: usize,
}

impl<T: DataType> Column<T> {
    /// `None` when the column has another type.
    pub(super) fn new(reader: ColumnReader, defined_max: i16, repeats: bool) -> Option<Self> {
        let reader = T::get_column_reader(reader)?;
        Some(Self {
            reader,
            defined_max,
            repeats,
            values: Vec::new(),
            defined: Vec::new(),
            repeated: Vec::new(),
            value_at: 0,
            level_at: 0,
            rows: 0,
        })
    }

    /// The values of the next row: none, one, or for a list any number.
    pub(super) fn row(&mut self) -> Result<&[T::T], ParquetError> {
        if self.rows == 0 {
            self.fill()?;
        }
        self.rows = self.rows.saturating_sub(1);
        let from = self.value_at;
        if self.defined_max == 0 {
            self.value_at = (from + 1).min(self.values.len());
            return Ok(&self.values[from..self.value_at]);
        }
        loop {
            let is_value = self.defined.get(self.level_at) == Some(&self.defined_max);
            self.value_at = (self.value_at + usize::from(is_value)).min(self.values.len());
            self.level_at += 1;
            let goes_on = self.repeated.get(self.level_at).is_some_and(|level| *level > 0);
            if !self.repeats || !goes_on {
                return Ok(&self.values[from..self.value_at]);
            }
        }
    }

    fn fill(&mut self) -> Result<(), ParquetError> {
        self.values.clear();
        self.defined.clear();
        self.repeated.clear();
        (self.value_at, self.level_at) = (0, 0);
        let defined = (self.defined_max > 0).then_some(&mut self.defined);
        let repeated = self.repeats.then_some(&mut self.repeated);
        (self.rows, _, _) =
            self.reader.read_records(BATCH_ROWS, defined, repeated, &mut self.values)?;
        if self.rows == 0 {
            return Err(ParquetError::EOF("a column has fewer rows than its group".to_owned()));
        }
        Ok(())
    }
}
