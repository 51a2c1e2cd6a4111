//! `# HELP`, `# TYPE` and `# UNIT`.

use std::{borrow::Cow, ops::Range};

use model::MetricKind;

use super::{
    At, TextParser,
    lex::{Dialect, Token},
};
use crate::{
    ParseError,
    entry::{MoreLabels, slice, unescape, unescaped},
    quote::quoted,
};

impl TextParser<'_> {
    /// `# HELP name text` and the like.
    pub(super) fn meta(&mut self, what: Token) -> Result<(), ParseError> {
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
        let mut text = slice(self.lexer.body, &self.text);
        if self.dialect == Dialect::Prometheus {
            text = text.trim_ascii();
        }
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

    pub(super) fn help_text(&self) -> Cow<'_, str> {
        let text = slice(self.lexer.body, &self.text);
        match self.dialect {
            Dialect::OpenMetrics => unescaped(text),
            Dialect::Prometheus => unescape(text, false),
        }
    }

    pub(super) fn more_labels(&self, name: &[u8]) -> MoreLabels<'_> {
        let family = slice(self.lexer.body, &self.family);
        let typed = !family.is_empty() && name.starts_with(family);
        let kind = Some(self.kind).filter(|kind| typed && *kind != MetricKind::Unknown);
        let unit = self.unit.as_ref().and_then(|(family, unit)| {
            let family = slice(self.lexer.body, family);
            let unit = std::str::from_utf8(slice(self.lexer.body, unit)).ok()?;
            (name.starts_with(family) && !unit.is_empty()).then_some(unit)
        });
        MoreLabels { kind, unit }
    }
}
