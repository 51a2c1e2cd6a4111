//! The words that every layer shares: time, ids, labels, telemetry records, facts' actors, limits.
//!
//! **Invariant:** imports none of our crates, does no IO beyond reading the clock in [`SystemClock`],
//! and knows no wire or disk format.

pub mod batch;
pub mod clock;
pub mod exemplar;
pub mod fact;
pub mod histogram;
pub mod id;
pub mod labels;
pub mod limits;
pub mod log;
pub mod matcher;
pub mod points;
pub mod quote;
pub mod resource;
pub mod span;
pub mod time;
pub mod value;

pub use batch::{Batch, KeyedSample, Metadata, MetricKind, Sample, Series};
pub use clock::{Clock, ManualClock, SystemClock};
pub use exemplar::{Exemplar, HistogramSeries, SeriesExemplars};
pub use fact::{Actor, ActorKind};
pub use histogram::{BucketSpan, Histogram, HistogramError, HistogramSample, ResetHint};
pub use id::{Id, IdKind};
pub use labels::{Label, Labels};
pub use limits::Limits;
pub use log::LogRecord;
pub use matcher::{MatchOp, Matcher};
pub use points::Points;
pub use quote::Quoted;
pub use resource::{Emitter, Resource, Scope, in_environment, same_environment};
pub use span::{Dropped, Span, SpanId, SpanKind, SpanStatus, TraceId};
pub use time::Timestamp;
pub use value::{Attributes, Value};
