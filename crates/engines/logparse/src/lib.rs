//! Lines of text in, structured log records out.
//!
//! [`parse`] reads one record of a known [`Format`], or of one that [`detect`] recognises by its shape. [`Joiner`] puts records together that
//! span lines, and [`Intake`] does all of it for a stream: container lines are unwrapped, partial lines and stack traces joined, records parsed.
//! A line that does not parse gives a [`ParseError`] with the byte column at which it stopped being what it claimed to be; the caller then keeps
//! the line as it is. The body of a record is its message; a caller that wants the whole line kept adds it as `log.record.original`, as
//! OpenTelemetry names it.
//!
//! Attributes have OpenTelemetry's semantic names where those exist (opentelemetry.io/docs/specs/semconv), and severities follow the table in
//! appendix B of its log data model. Names that a line itself gives (JSON, logfmt) stay as they are.
//!
//! **Invariant:** reads no clock and does no IO; every byte may be hostile: nothing panics, no pattern backtracks, work and memory are linear in
//! the line, recursion is bounded.

mod access;
mod alb;
mod apache_error;
mod attributes;
mod cri;
mod detect;
mod fields;
mod format;
mod intake;
mod json;
mod klog;
mod logfmt;
mod multiline;
mod nginx_error;
mod parsed;
mod plain;
mod scan;
mod severity;
mod syslog;
mod time;

pub use access::Access;
pub use detect::detect;
pub use format::{Format, UnknownFormat, parse};
pub use intake::{Intake, Multiline, Record};
/// What [`Options::zone`] is; `TimeZone::posix` and `TimeZone::tzif` make others than UTC.
pub use jiff::tz::TimeZone;
pub use multiline::{Joined, Joiner, Limits};
pub use parsed::{Options, ParseError, Parsed};
pub use severity::from_word as severity_from_word;
