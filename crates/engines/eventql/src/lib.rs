//! The query language for log records and spans: text -> tree with positions -> what it means.
//!
//! ```text
//! service:checkout status:error duration>300ms "card declined" -env:staging | count by version every 1m
//! ```
//!
//! [`parse`] gives the [tree](ast) of a query, which prints in canonical form; [`check`] gives the [`Plan`] of a tree: a
//! [`Filter`] and a [`Pipeline`], in few forms, for a store to compile. [`matches()`] says whether one record passes a
//! filter. [`complete`] and [`lint`] are for editors.
//!
//! **Invariant:** pure; no text and no record makes it panic, and each works within a named limit.
//!
//! # What a filter means
//!
//! Whoever evaluates filters over columns follows these rules; [`matches()`] states them in code.
//!
//! 1. **Logic.** A term holds or does not; there is no third answer. `NOT`, `-`, `!` turn that around, and `field!=x` and
//!    `field!~x` are `-field=x` and `-field=~x`. So a negation holds of a record that has no such field.
//! 2. **Missing.** No term holds of a missing field. Missing are: an attribute that is not there, [`Value::Empty`], arrays
//!    and maps in which nothing is there; well-known texts that are empty; severity 0; absent ids. `status` is never
//!    missing of a span, nor is `has_error` of any record.
//! 3. **Where attributes are.** `name` is the record's own attribute, or its resource's where the record has none.
//!    `attributes.name` is only the former, `resource.name` only the latter, `body.name` is in a body that is a map.
//!    `scope` and `scope.version` are those of the library that emitted the record. A name is first looked for whole, then in maps: `a.b.c` is
//!    the attribute `a.b.c`, else what is at `b.c` in the map `a`, else what is at `c` in the map `a.b`.
//! 4. **Equality**, `field:value` and `field=value`. A number (whole or not) equals the value if that reads as a number of
//!    the same size; durations read as nanoseconds, sizes as bytes. Any other value equals it if its text is the same,
//!    case included. The text of a string is the string, of a boolean `true` or `false`, of bytes their hex digits. A
//!    number in a string is a text here: `x:5` holds of `"5"` and of `5.0`, not of `"5.0"`. Quotes make no difference
//!    other than that `*` and `?` stand for themselves.
//! 5. **Wildcards and regular expressions** match the whole text of a value, case included; so does `.` a line's end. A
//!    whole number has its decimal digits as text, a double has none.
//! 6. **Order**, `<`, `<=`, `>`, `>=` and ranges. Where the ends read as numbers: numbers, and strings that read as a
//!    decimal number, compared exactly; a NaN lies nowhere. Where they do not: strings in the order of their bytes.
//! 7. **Several values.** An array passes where one of its items does; so do a span's `event` names. A map passes only
//!    `field:*`.
//! 8. **Well-known fields** ([`KNOWN`]) of type text are strings in the sense of these rules. Others have types of their
//!    own: durations and times are compared in nanoseconds, words of `kind`, `status` and levels in any case. `level:error`
//!    is the range 17 to 20 of OpenTelemetry's numbers, `level>warn` what is above 16, `level>=warn` from 13 on. A field
//!    that only the other signal has is missing. A log's `has_error` is true from 17 on; a span's `time` is its `start`; a
//!    span is `root` if it has no parent.
//! 9. **Full text.** A text is cut into [words](token::words), runs of letters, numbers and `_`, compared without case.
//!    Bare words and phrases hold if their words stand in a row in one of the record's texts; `word*` is a prefix of the
//!    last of them; other wildcards match one word. A log's text is its body: a string as it stands, anything else as its
//!    JSON. A span's texts are its name, status message, events' names, and each string in its own and its events'
//!    attributes, those in arrays and maps included. `field~words` does the same with the strings of one field, and so does
//!    `body:words`; all other operators take `body` as a string.
//!
//! # What stages mean
//!
//! The records that pass are grouped (by buckets of `time` where `every` stands, and by the values of `by`, where a missing
//! value is one of its own); `where` keeps rows; `sort` orders them; `limit` cuts. `count(field)` and `uniq(field)` look at
//! records that have the field; `sum`, `avg`, `min`, `max` and quantiles at its numbers, and are missing where there is
//! none; `rate` is the count over the seconds of the bucket, or of the whole range of time that is asked.
//!
//! [`Value::Empty`]: model::Value::Empty

pub mod ast;
mod check;
mod complete;
mod eval;
pub mod field;
pub mod filter;
mod lint;
mod literal;
mod parse;
pub mod pipeline;
mod print;
pub mod record;
pub mod span;
pub mod token;
pub mod wildcard;

pub use check::{PATTERNS_MAX, PHRASE_WORDS_MAX, Plan, check, plan};
pub use complete::{AGGREGATES, Completion, Kind, STAGES, Word, complete, quoted};
pub use eval::matches;
pub use field::{Field, KNOWN, Known, Signal};
pub use filter::Filter;
pub use lint::{Lint, lint};
pub use literal::Number;
pub use parse::{DEPTH_MAX, ITEMS_MAX, LIMIT_MAX, QUERY_BYTES_MAX, TERMS_MAX, parse};
pub use pipeline::Pipeline;
pub use print::format;
pub use record::Record;
pub use span::{Error, Fix, Span};
