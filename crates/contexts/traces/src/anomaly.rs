//! What is wrong with a bag of spans, named; nothing is refused.

use std::{fmt, time::Duration};

use model::{SpanId, TraceId};

use crate::spoken::Spoken;

/// Something about a span that no sound trace has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// The span's row in the trace.
    pub row: usize,
    pub span: SpanId,
    pub kind: AnomalyKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnomalyKind {
    /// It came again, alike each time; one is kept.
    Duplicate { copies: usize },
    /// Others came under its id that say something else; the one that ends last and says most is kept.
    Conflict { copies: usize },
    /// A client's and a server's span share this id, as Zipkin has it; the server's is shown as the client's child.
    SharedId,
    /// It names a parent that never came, and stands as a root.
    Orphan { parent: SpanId },
    /// It names itself as its parent, and stands as a root.
    OwnParent,
    /// So many spans name each other as parents in a ring; the ring is opened before this one, the earliest.
    Cycle { spans: usize },
    /// A further span without a parent.
    SecondRoot,
    /// It belongs to another trace than most spans here.
    OtherTrace { trace: TraceId },
    /// Its end lies before its start; it counts as without duration.
    EndsBeforeStart { by: Duration },
    /// It takes no time.
    NoDuration,
    /// As reported; another host's clock may be to blame.
    StartsBeforeParent { by: Duration },
    /// As reported; it may also be that nobody waited for it.
    EndsAfterParent { by: Duration },
}

impl fmt::Display for Anomaly {
    /// A clause about the span, such as `span 00f0… ends 3 ms before it starts`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "span {} ", self.span)?;
        match &self.kind {
            AnomalyKind::Duplicate { copies } => write!(f, "came {copies} times"),
            AnomalyKind::Conflict { copies } => {
                write!(f, "came {copies} times with different contents")
            }
            AnomalyKind::SharedId => f.write_str("is both a client's and a server's"),
            AnomalyKind::Orphan { parent } => {
                write!(f, "names a parent that never came: {parent}")
            }
            AnomalyKind::OwnParent => f.write_str("names itself as its parent"),
            AnomalyKind::Cycle { spans } => {
                write!(f, "is in a ring of {spans} spans that are each other's parents")
            }
            AnomalyKind::SecondRoot => f.write_str("is a further root"),
            AnomalyKind::OtherTrace { trace } => write!(f, "belongs to another trace: {trace}"),
            AnomalyKind::EndsBeforeStart { by } => {
                write!(f, "ends {} before it starts", Spoken(*by))
            }
            AnomalyKind::NoDuration => f.write_str("takes no time"),
            AnomalyKind::StartsBeforeParent { by } => {
                write!(f, "starts {} before its parent", Spoken(*by))
            }
            AnomalyKind::EndsAfterParent { by } => {
                write!(f, "ends {} after its parent", Spoken(*by))
            }
        }
    }
}
