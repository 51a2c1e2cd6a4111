//! PromQL selectors, as far as an indicator needs them: `name{a="b"}`, and `sum`, `rate` and `increase` around one.
//!
//! A counted indicator adds up increments itself, so `sum(rate(x[5m]))` is reduced to `x`. Whatever else PromQL can say is no
//! selector and is told apart from a selector with a mistake in it.

use model::{MatchOp, Matcher};

use super::text::{is_label_name, prometheus_duration};

/// Why a query is not taken. `at` counts characters from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// It may be PromQL, but it is more than a selector.
    #[error("at character {}: {message}", .at + 1)]
    NotASelector { at: usize, message: String },
    /// Between its braces it is not PromQL.
    #[error("at character {}: {message}", .at + 1)]
    Syntax { at: usize, message: String },
}

impl SelectorError {
    pub fn at(&self) -> usize {
        match self {
            Self::NotASelector { at, .. } | Self::Syntax { at, .. } => *at,
        }
    }
}

/// The most matchers of one selector.
const MATCHERS_MAX: usize = 64;

/// The matchers of the selector that `query` is, or that it adds up.
pub fn parse(query: &str) -> Result<Vec<Matcher>, SelectorError> {
    let mut cursor = Cursor { chars: query.chars().collect(), at: 0 };
    let mut matchers = cursor.expression()?;
    cursor.space();
    if cursor.peek().is_some() {
        return Err(
            cursor.more("only a selector, or `sum`, `rate` or `increase` of one, can be counted")
        );
    }
    if matchers.iter().all(|matcher| matcher.matches("")) {
        return Err(SelectorError::Syntax {
            at: 0,
            message: "the selector would match every series; name a metric".into(),
        });
    }
    matchers.sort_by(|a, b| (a.name(), a.op(), a.value()).cmp(&(b.name(), b.op(), b.value())));
    matchers.dedup();
    Ok(matchers)
}

struct Cursor {
    chars: Vec<char>,
    at: usize,
}

impl Cursor {
    fn expression(&mut self) -> Result<Vec<Matcher>, SelectorError> {
        self.space();
        let start = self.at;
        let name = self.word();
        self.space();
        match (name.as_str(), self.peek()) {
            ("sum" | "rate" | "increase", Some('(')) => self.call(&name, start),
            ("", Some('{')) | (_, Some('{')) => self.selector(name),
            ("", _) => Err(self.more("a metric's name or `{` was expected")),
            (_, Some('(')) => {
                self.at = start;
                Err(self.more(&format!("`{name}` cannot be counted")))
            }
            _ => self.selector(name),
        }
    }

    /// `sum( )` of an expression, or `rate( [5m])` and `increase( [5m])` of a selector.
    fn call(&mut self, name: &str, start: usize) -> Result<Vec<Matcher>, SelectorError> {
        self.at += 1;
        let matchers = if name == "sum" {
            self.expression()?
        } else {
            self.space();
            let metric = self.word();
            self.space();
            let matchers = self.selector(metric)?;
            self.range()?;
            matchers
        };
        self.space();
        if !self.take(')') {
            self.at = if self.peek().is_none() { start } else { self.at };
            return Err(self.more("`)` was expected"));
        }
        Ok(matchers)
    }

    fn range(&mut self) -> Result<(), SelectorError> {
        self.space();
        let start = self.at;
        if self.take('[') {
            let text: String = self.chars.iter().skip(self.at).take_while(|c| **c != ']').collect();
            self.at += text.chars().count();
            if prometheus_duration(text.trim()).is_some() && self.take(']') {
                return Ok(());
            }
        }
        self.at = start;
        Err(self.more("a range such as `[5m]` was expected"))
    }

    fn selector(&mut self, metric: String) -> Result<Vec<Matcher>, SelectorError> {
        let mut matchers = Vec::new();
        if !metric.is_empty() {
            matchers.push(Matcher::equal("__name__", metric));
        }
        if !self.take('{') {
            return Ok(matchers);
        }
        loop {
            self.space();
            if self.take('}') {
                return Ok(matchers);
            }
            matchers.push(self.matcher()?);
            if matchers.len() > MATCHERS_MAX {
                return Err(self.syntax(&format!("more than {MATCHERS_MAX} matchers")));
            }
            self.space();
            if !self.take(',') && self.peek() != Some('}') {
                return Err(self.syntax("`,` or `}` was expected"));
            }
        }
    }

    fn matcher(&mut self) -> Result<Matcher, SelectorError> {
        let quoted = matches!(self.peek(), Some('"' | '\'' | '`'));
        let name = if quoted { self.string()? } else { self.word() };
        if name.is_empty() || (!quoted && !is_label_name(&name)) {
            return Err(self.syntax("a label's name was expected"));
        }
        self.space();
        if quoted && matches!(self.peek(), Some(',' | '}')) {
            return Ok(Matcher::equal("__name__", name));
        }
        let op = self.operator()?;
        self.space();
        let at = self.at;
        let value = self.string()?;
        Matcher::new(name, op, value)
            .map_err(|error| SelectorError::Syntax { at, message: error.to_string() })
    }

    fn operator(&mut self) -> Result<MatchOp, SelectorError> {
        let op = match (self.peek(), self.chars.get(self.at + 1)) {
            (Some('='), Some('~')) => MatchOp::Regex,
            (Some('!'), Some('~')) => MatchOp::NotRegex,
            (Some('!'), Some('=')) => MatchOp::NotEqual,
            (Some('='), _) => MatchOp::Equal,
            _ => return Err(self.syntax("`=`, `!=`, `=~` or `!~` was expected")),
        };
        self.at += if op == MatchOp::Equal { 1 } else { 2 };
        Ok(op)
    }

    /// A string with Go's escapes, or a raw one in backticks.
    fn string(&mut self) -> Result<String, SelectorError> {
        let Some(quote @ ('"' | '\'' | '`')) = self.peek() else {
            return Err(self.syntax("a value in quotes was expected"));
        };
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.peek() {
                Some(c) if c == quote => {
                    self.at += 1;
                    return Ok(text);
                }
                Some('\\') if quote != '`' => text.push(self.escape(quote)?),
                Some('\n') if quote != '`' => {
                    return Err(self.syntax("the value is not closed on its line"));
                }
                Some(c) => {
                    self.at += 1;
                    text.push(c);
                }
                None => {
                    self.at = start;
                    return Err(self.syntax("the value is not closed"));
                }
            }
        }
    }

    fn escape(&mut self, quote: char) -> Result<char, SelectorError> {
        let letter = self.chars.get(self.at + 1).copied();
        let plain = match letter {
            Some('n') => Some('\n'),
            Some('t') => Some('\t'),
            Some('r') => Some('\r'),
            Some('a') => Some('\u{7}'),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('v') => Some('\u{b}'),
            Some('\\') => Some('\\'),
            Some(c) if c == quote => Some(c),
            _ => None,
        };
        if let Some(c) = plain {
            self.at += 2;
            return Ok(c);
        }
        let (skip, digits, radix) = match letter {
            Some('x') => (2, 2, 16),
            Some('u') => (2, 4, 16),
            Some('U') => (2, 8, 16),
            Some('0'..='7') => (1, 3, 8),
            _ => return Err(self.syntax("the escape is not known")),
        };
        let number: String = self.chars.iter().skip(self.at + skip).take(digits).collect();
        let c = (number.len() == digits && number.chars().all(|c| c.is_digit(radix)))
            .then(|| u32::from_str_radix(&number, radix).ok().and_then(char::from_u32))
            .flatten();
        match c {
            Some(c) => {
                self.at += skip + digits;
                Ok(c)
            }
            None => Err(self.syntax("the escape is not a character")),
        }
    }

    /// Letters, digits, `_` and `:`.
    fn word(&mut self) -> String {
        let word: String = self
            .chars
            .iter()
            .skip(self.at)
            .enumerate()
            .take_while(|(at, c)| {
                c.is_ascii_alphabetic() || matches!(c, '_' | ':') || (*at > 0 && c.is_ascii_digit())
            })
            .map(|(_, c)| *c)
            .collect();
        self.at += word.len();
        word
    }

    fn space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        self.at += usize::from(found);
        found
    }

    fn more(&self, message: &str) -> SelectorError {
        SelectorError::NotASelector { at: self.at, message: message.into() }
    }

    fn syntax(&self, message: &str) -> SelectorError {
        SelectorError::Syntax { at: self.at, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(query: &str) -> String {
        match parse(query) {
            Ok(matchers) => format!("{matchers:?}"),
            Err(error @ SelectorError::NotASelector { .. }) => {
                format!("more than a selector: {error}")
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn reads_selectors_and_reduces_sums() {
        insta::assert_snapshot!(check("up"), @r#"[__name__="up"]"#);
        insta::assert_snapshot!(check(r#" http_requests{ code=~"2xx|4xx" , job!='a"b',} "#), @r#"[__name__="http_requests", code=~"2xx|4xx", job!="a\"b"]"#);
        insta::assert_snapshot!(check(r#"sum(rate(x_total{a="b"}[5m]))"#), @r#"[__name__="x_total", a="b"]"#);
        insta::assert_snapshot!(check(r#"increase({"x.total", "a.b"!~`\d`}[1h30m])"#), @r#"[__name__="x.total", a.b!~"\\d"]"#);
        insta::assert_snapshot!(check(r#"{__name__="x", a="\x41\u00e9\101\\"}"#), @r#"[__name__="x", a="AéA\\"]"#);
    }

    #[test]
    fn tells_a_mistake_from_more_than_a_selector() {
        insta::assert_snapshot!(check("x{code=}"), @"at character 8: a value in quotes was expected");
        insta::assert_snapshot!(check("x{code"), @"at character 7: `=`, `!=`, `=~` or `!~` was expected");
        insta::assert_snapshot!(check(r#"x{code=~"("}"#), @"at character 9: `(` is not a regular expression within the size limit");
        insta::assert_snapshot!(check(r#"x{code="5"#), @"at character 8: the value is not closed");
        insta::assert_snapshot!(check(r#"{a=""}"#), @"at character 1: the selector would match every series; name a metric");
        insta::assert_snapshot!(check("sum(rate(x[{{.window}}]))"), @"more than a selector: at character 11: a range such as `[5m]` was expected");
        insta::assert_snapshot!(check("1 - x"), @"more than a selector: at character 1: a metric's name or `{` was expected");
        insta::assert_snapshot!(check("sum by (a) (x)"), @"more than a selector: at character 5: only a selector, or `sum`, `rate` or `increase` of one, can be counted");
        insta::assert_snapshot!(check("avg(x)"), @"more than a selector: at character 1: `avg` cannot be counted");
        insta::assert_snapshot!(check("x / y"), @"more than a selector: at character 3: only a selector, or `sum`, `rate` or `increase` of one, can be counted");
        insta::assert_snapshot!(check("sum(x"), @"more than a selector: at character 1: `)` was expected");
        insta::assert_snapshot!(check(""), @"more than a selector: at character 1: a metric's name or `{` was expected");
    }

    proptest! {
        #[test]
        fn no_text_panics(query in r#"[a-c(){}\[\]="'`,!~\\ x0-9é]{0,30}"#) {
            drop(parse(&query));
        }
    }
}
