//! Prometheus' text format and OpenMetrics, as leniently as Prometheus reads them.

mod created;
mod lex;
mod meta;
mod sample;

use std::ops::Range;

use model::MetricKind;

use crate::{
    Options, ParseError,
    entry::{
<<<<<<< HEAD
        Entry, Exemplars, LabelSpan, MoreLabels, RawLabels, SeriesEntry, lossy, slice, unescape,
        unescaped,
    },
    number::{self, NumberError},
=======
        Entry, Exemplars, LabelSpan, MoreLabels, RawLabels, SeriesEntry, lossy, slice, unescaped,
    },
>>>>>>> ee71ca7
    quote::quoted,
};
use created::Starts;
pub(crate) use lex::Dialect;
use lex::{Lexer, Token};

/// Which entry is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Nothing,
    Help,
    Type,
    Unit,
    Comment,
    Series,
}

/// Reads a body of text.
#[derive(Debug)]
pub(crate) struct TextParser<'b> {
    lexer: Lexer<'b>,
    dialect: Dialect,
    options: Options,
    at: At,
    /// Where the entry at hand begins.
    line: usize,
    series: Range<usize>,
    /// Of the series, or of the family that a comment is about.
    name: Option<Range<usize>>,
    labels: Vec<LabelSpan>,
    text: Range<usize>,
    value: f64,
    at_ms: Option<i64>,
    exemplar: Option<(f64, Option<i64>)>,
    exemplar_labels: Vec<LabelSpan>,
    /// As the last `# TYPE` said.
    kind: MetricKind,
    /// The family that the last `# TYPE` was about.
    family: Range<usize>,
    unit: Option<(Range<usize>, Range<usize>)>,
    starts: Option<Starts>,
    start_ms: Option<i64>,
    /// Whether a comma stood before a closing brace anywhere.
    pub(crate) spare_comma: bool,
    /// Whether bounds and quantiles are given out as they stand.
    pub(crate) verbatim: bool,
}

impl<'b> TextParser<'b> {
    pub(crate) fn new(body: &'b [u8], dialect: Dialect, options: Options) -> Self {
        let starts = (options.starts && dialect == Dialect::OpenMetrics).then(Starts::default);
        Self {
            lexer: Lexer::new(body, dialect),
            dialect,
            options,
            at: At::Nothing,
            line: 0,
            series: 0..0,
            name: None,
            labels: Vec::new(),
            text: 0..0,
            value: 0.0,
            at_ms: None,
            exemplar: None,
            exemplar_labels: Vec::new(),
            kind: MetricKind::Unknown,
            family: 0..0,
            unit: None,
            starts,
            start_ms: None,
            spare_comma: false,
            verbatim: false,
        }
    }

    /// The bytes before the entry at hand.
    pub(crate) fn before(&self) -> &'b [u8] {
        self.lexer.body.get(..self.line).unwrap_or_default()
    }

    /// Goes to the next entry; `false` at the end.
    pub(crate) fn advance(&mut self) -> Result<bool, ParseError> {
        loop {
            self.line = self.lexer.at;
            self.name = None;
            let token = self.lexer.next();
            match token {
                Token::Linebreak => continue,
                Token::Eof if self.dialect == Dialect::Prometheus => return Ok(false),
                Token::Eof => return Err(ParseError::NoEof { at: self.lexer.at }),
                Token::EofWord => {
                    return if self.lexer.next() == Token::Eof {
                        Ok(false)
                    } else {
                        Err(ParseError::AfterEof { at: self.lexer.start })
                    };
                }
                Token::Help | Token::Type | Token::Unit => self.meta(token)?,
                Token::Comment => {
                    self.text = self.lexer.start..self.lexer.at;
                    self.at = At::Comment;
                    self.line_end("expected next entry after comment")?;
                }
                Token::BraceOpen => {
                    self.labels.clear();
                    let start = self.lexer.start;
                    self.label_list(false)?;
                    self.series = start..self.lexer.at;
                    let token = self.lexer.next();
                    self.sample(token)?;
                }
                Token::MetricName => self.named(),
                _ => return Err(self.unexpected("expected a valid start token", token)),
            }
            if token == Token::MetricName {
                let mut token = self.lexer.next();
                if token == Token::BraceOpen {
                    self.label_list(false)?;
                    self.series.end = self.lexer.at;
                    token = self.lexer.next();
                }
                self.sample(token)?;
            }
            if self.at != At::Series || !self.is_skipped_start() {
                return Ok(true);
            }
        }
    }

    fn named(&mut self) {
        // Blanks before the name are no part of the series.
        self.series = self.lexer.start..self.lexer.at;
        self.name = Some(self.series.clone());
        self.labels.clear();
    }

    /// Whether the series says when another began, which that one has said then; finds out when the one at hand began.
    fn is_skipped_start(&mut self) -> bool {
        let Some(starts) = &mut self.starts else {
            return false;
        };
        if starts.is_created(&self.lexer, self.name.as_ref(), self.kind, &self.family) {
            return true;
        }
        let (name, labels) = (self.name.as_ref(), &self.labels);
        self.start_ms = starts.find(&self.lexer, name, labels, self.kind, &self.family);
        false
    }

<<<<<<< HEAD
    /// `# HELP name text` and the like.
    fn meta(&mut self, what: Token) -> Result<(), ParseError> {
        let token = self.lexer.next();
        if token != Token::MetricName {
            return Err(
                self.unexpected(&format!("expected metric name after {}", what.as_str()), token)
            );
        }
        let (mut start, mut end) = (self.lexer.start, self.lexer.at);
        if self.lexer.token_bytes().first() == Some(&b'"') {
            (start, end) = (start + 1, end - 1);
        }
        self.check_name(start..end)?;
        self.name = Some(start..end);
        let token = self.lexer.next();
        if token != Token::Text {
            return Err(match self.dialect {
                Dialect::OpenMetrics => {
                    ParseError::NoText { what: what.as_str(), at: self.lexer.start }
                }
                Dialect::Prometheus => self.unexpected("expected text", token),
            });
        }
        // The blank before it is no part of it, nor is the line's end.
        let end = self.lexer.at - usize::from(self.dialect == Dialect::OpenMetrics);
        self.text = (self.lexer.start + 1).min(end)..end;
        match what {
            Token::Type => self.kind_of(start..self.name_end())?,
            Token::Unit => self.unit_of()?,
            _ => self.help()?,
        }
        if self.dialect == Dialect::Prometheus {
            self.line_end("expected next entry after comment")?;
        }
        Ok(())
    }

    fn name_end(&self) -> usize {
        self.name.as_ref().map_or(0, |name| name.end)
    }

    fn kind_of(&mut self, family: Range<usize>) -> Result<(), ParseError> {
        let text = slice(self.lexer.body, &self.text);
        self.kind = match (text, self.dialect) {
            (b"counter", _) => MetricKind::Counter,
            (b"gauge", _) => MetricKind::Gauge,
            (b"histogram", _) => MetricKind::Histogram,
            (b"summary", _) => MetricKind::Summary,
            (b"untyped", Dialect::Prometheus) | (b"unknown", Dialect::OpenMetrics) => {
                MetricKind::Unknown
            }
            (b"gaugehistogram", Dialect::OpenMetrics) => MetricKind::GaugeHistogram,
            (b"info", Dialect::OpenMetrics) => MetricKind::Info,
            (b"stateset", Dialect::OpenMetrics) => MetricKind::StateSet,
            _ => return Err(ParseError::Type { text: quoted(text), at: self.text.start }),
        };
        self.family = family;
        self.at = At::Type;
        Ok(())
    }

    fn unit_of(&mut self) -> Result<(), ParseError> {
        let unit = slice(self.lexer.body, &self.text);
        let range = self.name.clone().unwrap_or_default();
        let name = slice(self.lexer.body, &range);
        let suffix = name.strip_suffix(unit).is_some_and(|stem| stem.last() == Some(&b'_'));
        if !unit.is_empty() && !suffix {
            let (unit, name) = (quoted(unit), quoted(name));
            return Err(ParseError::Unit { unit, name, at: self.text.start });
        }
        self.unit = Some((range, self.text.clone()));
        self.at = At::Unit;
        Ok(())
    }

    fn help(&mut self) -> Result<(), ParseError> {
        let text = slice(self.lexer.body, &self.text);
        if self.dialect == Dialect::OpenMetrics && std::str::from_utf8(text).is_err() {
            return Err(ParseError::Help { text: quoted(text), at: self.text.start });
        }
        self.at = At::Help;
        Ok(())
    }

=======
>>>>>>> ee71ca7
    fn line_end(&mut self, expected: &str) -> Result<(), ParseError> {
        match self.lexer.next() {
            Token::Linebreak => Ok(()),
            // A comment in the last line need not end.
            Token::Eof if self.lexer.at >= self.lexer.body.len() => Ok(()),
            token => Err(self.unexpected(expected, token)),
        }
    }

    /// Labels up to the closing brace; of a series, a quoted text alone is its name.
    #[inline]
    fn label_list(&mut self, exemplar: bool) -> Result<(), ParseError> {
        let mut token = self.lexer.next();
        loop {
            let quoted = match token {
                Token::BraceClose => return Ok(()),
                Token::LabelName => false,
                Token::QuotedString => true,
                _ => return Err(self.unexpected("expected label name", token)),
            };
            let cut = usize::from(quoted);
            let name = self.lexer.start + cut..self.lexer.at - cut;
            token = self.lexer.next();
            if quoted && !exemplar && matches!(token, Token::Comma | Token::BraceClose) {
                self.check_name(name.clone())?;
                if self.name.replace(name).is_some() {
                    let context = self.context(self.lexer.at);
                    return Err(ParseError::TwoNames { context, at: self.lexer.start });
                }
                if token == Token::BraceClose {
                    return Ok(());
                }
                token = self.lexer.next();
                continue;
            }
            if token != Token::Equal {
                return Err(self.unexpected("expected equal", token));
            }
            token = self.lexer.next();
            if token != Token::LabelValue {
                return Err(self.unexpected("expected label value", token));
            }
            let value = self.lexer.token_bytes();
            if !value.is_ascii() && std::str::from_utf8(value).is_err() {
                let text = crate::quote::quoted(value);
                return Err(ParseError::LabelValue { text, at: self.lexer.start });
            }
            if quoted {
                self.check_name(name.clone())?;
            }
            let value = self.lexer.start + 1..self.lexer.at - 1;
            let spans = if exemplar { &mut self.exemplar_labels } else { &mut self.labels };
            spans.push(LabelSpan { name, value });
            token = self.lexer.next();
            match token {
                // A comma after the last label does no harm, but OpenMetrics has none.
                Token::Comma => {
                    token = self.lexer.next();
                    self.spare_comma |= token == Token::BraceClose;
                }
                Token::BraceClose => {}
                _ => return Err(self.unexpected("expected comma or brace close", token)),
            }
        }
    }

    fn check_name(&self, name: Range<usize>) -> Result<(), ParseError> {
        let bytes = slice(self.lexer.body, &name);
        if bytes.is_ascii() || std::str::from_utf8(bytes).is_ok() {
            return Ok(());
        }
        Err(ParseError::Name { text: quoted(bytes), at: name.start })
    }

<<<<<<< HEAD
    /// What follows a series: value, time, exemplar.
    #[inline]
    fn sample(&mut self, token: Token) -> Result<(), ParseError> {
        if self.name.is_none() {
            let context = self.context(self.lexer.at);
            return Err(ParseError::NoName { context, at: self.line });
        }
        (self.at, self.at_ms, self.exemplar, self.start_ms) = (At::Series, None, None, None);
        self.value = self.float(token, "metric")?;
        match self.dialect {
            Dialect::Prometheus => self.prometheus_time(),
            Dialect::OpenMetrics => self.open_metrics_time(),
        }
    }

    /// The float of a value, after what `after` names.
    #[inline]
    fn float(&self, token: Token, after: &str) -> Result<f64, ParseError> {
        if token != Token::Value {
            return Err(self.unexpected(&format!("expected value after {after}"), token));
        }
        self.number()
    }

    /// The number of the token at hand.
    #[inline]
    fn number(&self) -> Result<f64, ParseError> {
        let bytes = self.lexer.token_bytes();
        let text = match self.dialect {
            Dialect::Prometheus => bytes,
            Dialect::OpenMetrics => bytes.get(1..).unwrap_or_default(),
        };
        number::parse_float(text).map_err(|reason| {
            let (context, at) = (self.context(self.lexer.at), self.lexer.start);
            match reason {
                NumberError::Character => ParseError::Character { context, at },
                _ => ParseError::Number { text: quoted(text), reason, context, at },
            }
        })
    }

    #[inline]
    fn prometheus_time(&mut self) -> Result<(), ParseError> {
        match self.lexer.next() {
            Token::Linebreak => Ok(()),
            Token::Timestamp => {
                let text = lossy(self.lexer.token_bytes());
                self.at_ms = Some(text.parse().map_err(|_| ParseError::Integer {
                    text: quoted(text.as_bytes()),
                    reason: NumberError::Range,
                    context: self.context(self.lexer.at),
                    at: self.lexer.start,
                })?);
                match self.lexer.next() {
                    Token::Linebreak => Ok(()),
                    token => Err(self.unexpected("expected next entry after timestamp", token)),
                }
            }
            token => Err(self.unexpected("expected timestamp or new record", token)),
        }
    }

    fn open_metrics_time(&mut self) -> Result<(), ParseError> {
        match self.lexer.next() {
            Token::Linebreak => Ok(()),
            Token::Eof => Err(ParseError::NoEof { at: self.lexer.at }),
            Token::Comment => self.read_exemplar(),
            Token::Timestamp => {
                self.at_ms = Some(self.seconds("timestamp")?);
                match self.lexer.next() {
                    Token::Linebreak => Ok(()),
                    Token::Comment => self.read_exemplar(),
                    Token::Eof => Err(ParseError::NoEof { at: self.lexer.at }),
                    token => Err(self.unexpected("expected next entry after timestamp", token)),
                }
            }
            token => Err(self.unexpected("expected timestamp or # symbol", token)),
        }
    }

    /// Milliseconds of the seconds at hand.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a time beyond all calendars ends at the bounds"
    )]
    fn seconds(&self, what: &'static str) -> Result<i64, ParseError> {
        let seconds = self.number()?;
        if seconds.is_finite() {
            return Ok((seconds * 1000.0) as i64);
        }
        let value = if seconds.is_nan() {
            "NaN"
        } else if seconds > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        };
        Err(ParseError::Timestamp { what, value, at: self.lexer.start })
    }

    /// After ` # {`.
    fn read_exemplar(&mut self) -> Result<(), ParseError> {
        self.exemplar_labels.clear();
        self.label_list(true)?;
        let token = self.lexer.next();
        let value = self.float(token, "exemplar labels")?;
        let mut at_ms = None;
        match self.lexer.next() {
            Token::Linebreak => {}
            Token::Eof => return Err(ParseError::NoEof { at: self.lexer.at }),
            Token::Timestamp => {
                at_ms = Some(self.seconds("exemplar timestamp")?);
                match self.lexer.next() {
                    Token::Linebreak => {}
                    Token::Eof => return Err(ParseError::NoEof { at: self.lexer.at }),
                    token => {
                        let expected = "expected next entry after exemplar timestamp";
                        return Err(self.unexpected(expected, token));
                    }
                }
            }
            token => return Err(self.unexpected("expected timestamp or comment", token)),
        }
        self.exemplar = Some((value, at_ms));
        Ok(())
    }

=======
>>>>>>> ee71ca7
    /// What was read of the line up to `to`, in quotes.
    fn context(&self, to: usize) -> String {
        quoted(&self.lexer.shown(self.line, to))
    }

    #[cold]
    fn unexpected(&self, expected: &str, token: Token) -> ParseError {
        let end = (self.lexer.at + 1).min(self.lexer.len());
        ParseError::Unexpected {
            expected: expected.to_owned(),
            got: quoted(&self.lexer.shown(self.lexer.start, end)),
            token: token.as_str(),
            context: self.context(end),
            at: self.lexer.start,
        }
    }

    /// The entry that [`TextParser::advance`] has found.
    #[inline]
    pub(crate) fn entry(&self) -> Entry<'_> {
        let body = self.lexer.body;
        let family = || unescaped(slice(body, self.name.as_ref().unwrap_or(&(0..0))));
        match self.at {
            At::Nothing => Entry::Comment(&[]),
            At::Comment => Entry::Comment(slice(body, &self.text)),
            At::Help => Entry::Help { family: family(), text: self.help_text() },
            At::Type => Entry::Type { family: family(), kind: self.kind },
            At::Unit => Entry::Unit { family: family(), unit: lossy(slice(body, &self.text)) },
            At::Series => Entry::Series(self.series_entry()),
        }
    }

    #[inline]
    pub(crate) fn series_entry(&self) -> SeriesEntry<'_> {
        let body = self.lexer.body;
        let name = self.name.clone().unwrap_or_default();
        let float = match self.kind {
            _ if self.verbatim => None,
            MetricKind::Histogram => Some("le"),
            MetricKind::Summary => Some("quantile"),
            _ => None,
        };
        let exemplars = match self.exemplar {
            None => Exemplars::None,
            Some((value, at_ms)) => {
                Exemplars::Text { body, spans: &self.exemplar_labels, value, at_ms }
            }
        };
        let more = if self.options.type_and_unit_labels {
            self.more_labels(slice(body, &name))
        } else {
            MoreLabels::default()
        };
        SeriesEntry {
            raw: slice(body, &self.series),
            value: self.value,
            at_ms: self.at_ms,
            start_ms: self.start_ms,
            labels: RawLabels::Text { body, name, spans: &self.labels, float, more },
            exemplars,
        }
    }

    /// The kind of the last `# TYPE` and the name of its family.
    pub(crate) fn typed(&self) -> (MetricKind, &'b [u8]) {
        (self.kind, slice(self.lexer.body, &self.family))
    }
}
