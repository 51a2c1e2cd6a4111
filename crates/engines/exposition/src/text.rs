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
        Entry, Exemplars, LabelSpan, MoreLabels, RawLabels, SeriesEntry, lossy, slice, unescaped,
    },
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
