//! Parquet: one row for each sample.
//!
//! | column | what |
//! |---|---|
//! | `name` | the metric's name; absent when the series has none |
//! | `labels` | a map of the other labels |
//! | `timestamp` | milliseconds, UTC |
//! | `value` | of a float |
//! | `start` | when counting began, where it is known |
//! | `histogram` | of a native histogram: its numbers, and its lists side by side |
//!
//! Values keep their bit patterns, staleness markers too. A reader also takes files that lack `name`, `labels`, `start` or
//! `histogram`, with any further columns of text as labels.

mod columns;
mod read;
mod write;

pub use read::read;
pub use write::Writer;

/// The schema that is written.
const SCHEMA: &str = "
message samples {
  optional binary name (STRING);
  required group labels (MAP) {
    repeated group key_value {
      required binary key (STRING);
      required binary value (STRING);
    }
  }
  required int64 timestamp (TIMESTAMP(MILLIS, true));
  optional double value;
  optional int64 start (TIMESTAMP(MILLIS, true));
  optional group histogram {
    required int32 schema;
    required double zero_threshold;
    required double zero_count;
    required double count;
    required double sum;
    required int32 reset_hint;
    required group positive_offsets (LIST) { repeated group list { required int32 element; } }
    required group positive_lengths (LIST) { repeated group list { required int32 element; } }
    required group positive_counts (LIST) { repeated group list { required double element; } }
    required group negative_offsets (LIST) { repeated group list { required int32 element; } }
    required group negative_lengths (LIST) { repeated group list { required int32 element; } }
    required group negative_counts (LIST) { repeated group list { required double element; } }
    required group custom_values (LIST) { repeated group list { required double element; } }
  }
}";

#[cfg(test)]
mod tests;
