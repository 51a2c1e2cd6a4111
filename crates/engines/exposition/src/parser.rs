//! One parser for all formats, entry by entry.

use crate::{
    ContentKind, Entry, ParseError,
    nhcb::{Converter, Step},
    proto::ProtoParser,
    text::{Dialect, TextParser},
};

/// What a scrape's configuration says about reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Native histograms are read where a body has them; otherwise only their classic form is (`scrape_native_histograms`).
    pub native_histograms: bool,
    /// Classic histograms are kept beside their native form (`always_scrape_classic_histograms`).
    pub classic_histograms: bool,
    /// Classic histograms become native ones with custom buckets (`convert_classic_histograms_to_nhcb`).
    pub convert_classic: bool,
    /// `__type__` and `__unit__` become labels (Prometheus' feature `type-and-unit-labels`).
    pub type_and_unit_labels: bool,
    /// Starts are read; OpenMetrics' `_created` lines are then no series (Prometheus' feature `created-timestamp-zero-ingestion`).
    pub starts: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            native_histograms: true,
            classic_histograms: false,
            convert_classic: false,
            type_and_unit_labels: false,
            starts: false,
        }
    }
}

/// Reads a body of metrics.
///
/// ```
/// use exposition::{ContentKind, Entry, Options, Parser};
///
/// let mut parser = Parser::new(ContentKind::Text, b"up{job=\"a\"} 1\n", Options::default());
/// while let Some(entry) = parser.next()? {
///     if let Entry::Series(series) = entry {
///         assert_eq!((series.raw, series.value), (&b"up{job=\"a\"}"[..], 1.0));
///         assert_eq!(series.labels().get("job"), Some("a"));
///     }
/// }
/// # Ok::<(), exposition::ParseError>(())
/// ```
#[derive(Debug)]
pub struct Parser<'b> {
    inner: Inner<'b>,
    converter: Option<Converter>,
}

/// A parser of one format.
#[derive(Debug)]
pub(crate) enum Inner<'b> {
    Text(Box<TextParser<'b>>),
    Proto(Box<ProtoParser<'b>>),
}

impl<'b> Parser<'b> {
    pub fn new(kind: ContentKind, body: &'b [u8], options: Options) -> Self {
        let text = |dialect| Inner::Text(Box::new(TextParser::new(body, dialect, options)));
        let inner = match kind {
            ContentKind::Text => text(Dialect::Prometheus),
            ContentKind::OpenMetrics => text(Dialect::OpenMetrics),
            ContentKind::Protobuf => Inner::Proto(Box::new(ProtoParser::new(body, options))),
        };
        let converter =
            options.convert_classic.then(|| Converter::new(kind, options.classic_histograms));
        Self { inner, converter }
    }

    /// The next entry; `None` at the end.
    ///
    /// # Errors
    /// What cannot be read. What was read before stands; nothing can be read after it.
    #[expect(clippy::should_implement_trait, reason = "an entry borrows from the parser")]
    #[inline]
    pub fn next(&mut self) -> Result<Option<Entry<'_>>, ParseError> {
        let Some(converter) = &mut self.converter else {
            return Ok(self.inner.advance()?.then(|| self.inner.entry()));
        };
        Ok(match converter.step(&mut self.inner)? {
            Step::End => None,
            Step::Inner => Some(self.inner.entry()),
            Step::Converted => converter.entry(),
        })
    }
}

impl Inner<'_> {
    #[inline]
    pub(crate) fn advance(&mut self) -> Result<bool, ParseError> {
        match self {
            Self::Text(text) => text.advance(),
            Self::Proto(proto) => proto.advance(),
        }
    }

    #[inline]
    pub(crate) fn entry(&self) -> Entry<'_> {
        match self {
            Self::Text(text) => text.entry(),
            Self::Proto(proto) => proto.entry(),
        }
    }

    /// The kind of the family at hand and its name.
    pub(crate) fn typed(&self) -> (model::MetricKind, &[u8]) {
        match self {
            Self::Text(text) => text.typed(),
            Self::Proto(proto) => proto.typed(),
        }
    }
}
