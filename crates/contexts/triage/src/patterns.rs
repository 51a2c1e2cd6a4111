//! Patterns of log lines: templates by mining, and which of them are new or grown.
//!
//! Mining has two steps. A line is first **masked**: numbers, identifiers, addresses, paths, times, quoted texts and
//! collections become typed parameters such as `<num>`. That depends on nothing but the line. Masked lines, the shapes,
//! are counted within limits. When templates are asked for, shapes that differ only in words that vary freely are
//! **merged**: the word becomes `<*>`. Merging looks at the set of shapes and never at their order, so that templates do
//! not depend on the order of lines, and the counts of several miners can be added first. (Drain, He et al. 2017, decides
//! line by line; its fixed-depth tree is our skeleton of separators, its similarity threshold our rule of merging.)
//!
//! Two shapes merge when they have the same separators and differ in one word. Words that look like names (with capitals
//! inside, digits, dots or underscores) vary freely as soon as there are two; plain words only when there are
//! [`PLAIN_WORDS_MIN`] of them in one place, for `started` and `stopped` are two statements. Severities and the names of
//! exceptions never vary.
//!
//! Where there are more shapes than limits allow, they are merged at once and the least used ones give up their counts to
//! "other" ([`Miner::other`]); from then on a template may depend on the order of lines.

mod compare;
mod kind;
mod mask;
mod merge;
mod miner;
mod scan;
mod template;
mod word;

pub use compare::{CHANGE_MIN, Change, Comparison, FALSE_ALARM_RATE, LINES_MIN, Trend, compare};
pub use kind::Kind;
pub use miner::{Miner, Patterns, Severities, Stats};
pub use template::{Parameter, Template, TemplateId, matching};

/// Different plain words in one place from which the place is a parameter.
pub const PLAIN_WORDS_MIN: usize = 8;

/// Shapes that a miner keeps.
pub const SHAPES_MAX: usize = 4096;

/// Shapes that the miners of all services keep together.
pub const ALL_SHAPES_MAX: usize = 32_768;

/// Services with patterns of their own; the lines of others are counted under one name.
pub const SERVICES_MAX: usize = 512;

/// Bytes of a line that are looked at; what follows is one parameter, as is all after its first line break.
pub const LINE_BYTES_MAX: usize = 4096;

/// Bytes of a masked line, beyond which the rest is one parameter.
pub const SHAPE_BYTES_MAX: usize = 1024;

/// Bytes of an example.
pub const EXAMPLE_BYTES_MAX: usize = 512;
