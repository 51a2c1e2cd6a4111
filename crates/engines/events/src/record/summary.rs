//! What the index needs to know of a record.

use std::collections::BTreeSet;

use model::{LogRecord, Span, Timestamp, TraceId};
use wal::codec::{DecodeError, Reader, put_bytes, put_int, put_len};

/// The earliest and the latest of some times.
pub(crate) type Range = (Timestamp, Timestamp);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) received_at: Timestamp,
    pub(crate) spans: usize,
    pub(crate) logs: usize,
    /// Of the spans' ends; `None` without spans.
    pub(crate) span_ends: Option<Range>,
    /// `None` without log records.
    pub(crate) log_times: Option<Range>,
    /// Sorted.
    pub(crate) services: Vec<Box<str>>,
    /// [`hash`]es of the trace ids of spans and log records, sorted.
    pub(crate) traces: Vec<u64>,
}

/// Spreads a trace id's bits evenly, for a Bloom filter (the finaliser of SplitMix64).
pub(crate) fn hash(trace: TraceId) -> u64 {
    let (low, high) = trace.0.split_at(8);
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("half of 16 bytes"));
    let mut mixed = word(low) ^ word(high).rotate_left(32);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Summary {
    pub(crate) fn of(received_at: Timestamp, spans: &[Span], logs: &[LogRecord]) -> Self {
        let resources =
            spans.iter().map(|span| &span.resource).chain(logs.iter().map(|log| &log.resource));
        let services: BTreeSet<&str> = resources.map(|resource| &*resource.service).collect();
        let traces = spans.iter().map(|span| span.trace_id);
        let traces: BTreeSet<u64> =
            traces.chain(logs.iter().filter_map(|log| log.trace_id)).map(hash).collect();
        Self {
            received_at,
            spans: spans.len(),
            logs: logs.len(),
            span_ends: range(spans.iter().map(|span| span.end)),
            log_times: range(logs.iter().map(|log| log.at)),
            services: services.into_iter().map(Box::from).collect(),
            traces: traces.into_iter().collect(),
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_int(&mut out, self.received_at.as_nanos());
        put_len(&mut out, self.spans);
        put_len(&mut out, self.logs);
        for (first, last) in [self.span_ends, self.log_times].into_iter().flatten() {
            put_int(&mut out, first.as_nanos());
            put_int(&mut out, last.as_nanos());
        }
        put_len(&mut out, self.services.len());
        for service in &self.services {
            put_bytes(&mut out, service.as_bytes());
        }
        put_len(&mut out, self.traces.len());
        for trace in &self.traces {
            out.extend_from_slice(&trace.to_le_bytes());
        }
        out
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let time = |reader: &mut Reader<'_>| reader.int("time").map(Timestamp::from_nanos);
        let count = |reader: &mut Reader<'_>| {
            let count = reader.uint("count")?;
            usize::try_from(count).map_err(|_| reader.error("count"))
        };
        let received_at = time(reader)?;
        let (spans, logs) = (count(reader)?, count(reader)?);
        let mut range = |some: usize| -> Result<Option<Range>, DecodeError> {
            if some == 0 { Ok(None) } else { Ok(Some((time(reader)?, time(reader)?))) }
        };
        let (span_ends, log_times) = (range(spans)?, range(logs)?);
        let services = (0..reader.len("services")?)
            .map(|_| reader.str("service").map(Box::from))
            .collect::<Result<_, _>>()?;
        let traces = (0..reader.len("traces")?)
            .map(|_| reader.array("trace").map(u64::from_le_bytes))
            .collect::<Result<_, _>>()?;
        Ok(Self { received_at, spans, logs, span_ends, log_times, services, traces })
    }
}

fn range(times: impl Iterator<Item = Timestamp> + Clone) -> Option<Range> {
    Some((times.clone().min()?, times.max()?))
}
