//! The scanner: one token after another, each in the state that the text before it has left.

use super::{Keyword, Kind, Token, number, string};
use crate::{
    ast::{AggregateOp, BinaryOp},
    quote::{Quoted, QuotedChar},
    span::Span,
};

/// Where the scanner stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Statements,
    /// Between `{` and `}`.
    Braces,
    /// Right after `[`, until the first number.
    Duration,
}

pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Of the token at hand.
    start: usize,
    state: State,
    parens: i64,
    bracket_open: bool,
    got_colon: bool,
    got_duration: bool,
}

type Scanned = Result<Kind, String>;

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            start: 0,
            state: State::Statements,
            parens: 0,
            bracket_open: false,
            got_colon: false,
            got_duration: false,
        }
    }

    /// Where the last token begins, or what could not be split.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    pub(super) fn next(&mut self) -> Result<Token, String> {
        self.skip_blanks();
        self.start = self.at;
        let kind = match self.state {
            State::Statements => self.statement(),
            State::Braces => self.inside_braces(),
            State::Duration => self.inside_brackets(),
        }?;
        Ok(Token { kind, span: Span::new(self.start, self.at) })
    }

    fn skip_blanks(&mut self) {
        loop {
            self.take_while(|char| matches!(char, ' ' | '\t' | '\n' | '\r'));
            if self.state == State::Duration || self.peek() != Some('#') {
                return;
            }
            self.take_while(|char| !matches!(char, '\n' | '\r'));
        }
    }

    fn statement(&mut self) -> Scanned {
        let Some(first) = self.bump() else {
            return match (self.parens, self.bracket_open) {
                (0, false) => Ok(Kind::End),
                (0, true) => Err("unclosed left bracket".to_owned()),
                _ => Err("unclosed left parenthesis".to_owned()),
            };
        };
        match first {
            ',' => Ok(Kind::Comma),
            '@' => Ok(Kind::At),
            '(' => self.open_paren(),
            ')' => self.close_paren(),
            '{' => {
                self.state = State::Braces;
                Ok(Kind::LeftBrace)
            }
            '[' if self.bracket_open => Err(unexpected("left bracket", first)),
            '[' => {
                self.bracket_open = true;
                self.got_colon = false;
                self.state = State::Duration;
                Ok(Kind::LeftBracket)
            }
            ']' if self.bracket_open => {
                self.bracket_open = false;
                Ok(Kind::RightBracket)
            }
            ']' => Err(unexpected("right bracket", first)),
            '=' | '!' | '<' | '>' => self.comparison(first),
            '"' | '\'' | '`' => self.string(first),
            '0'..='9' => self.number(),
            '.' if self.peek().is_some_and(|next| next.is_ascii_digit()) => self.number(),
            'a'..='z' | 'A'..='Z' | '_' | ':' if self.bracket_open => self.bracketed_word(first),
            'a'..='z' | 'A'..='Z' | '_' | ':' => Ok(self.word()),
            _ => arithmetic(first).ok_or_else(|| unexpected("character:", first)),
        }
    }

    fn inside_braces(&mut self) -> Scanned {
        let Some(first) = self.bump() else {
            return Err("unexpected end of input inside braces".to_owned());
        };
        match first {
            ',' => Ok(Kind::Comma),
            '}' => {
                self.state = State::Statements;
                Ok(Kind::RightBrace)
            }
            '"' | '\'' | '`' => self.string(first),
            'a'..='z' | 'A'..='Z' | '_' => {
                self.take_while(alphanumeric);
                Ok(Kind::Identifier)
            }
            '=' if self.accept('~') => Ok(Kind::EqualRegex),
            '=' => Ok(Kind::Equal),
            '!' if self.accept('~') => Ok(Kind::NotEqualRegex),
            '!' if self.accept('=') => Ok(Kind::Op(BinaryOp::NotEqual)),
            '!' => Err(self.after("'!' inside braces")),
            '{' => Err(unexpected("left brace", first)),
            _ => Err(unexpected("character inside braces:", first)),
        }
    }

    /// Up to the first number, brackets hold signs, parentheses and the words of durations.
    fn inside_brackets(&mut self) -> Scanned {
        const WHERE: &str = "in duration expression";
        let Some(first) = self.bump() else {
            return Err(format!("unexpected end of input {WHERE}"));
        };
        match first {
            ']' => {
                self.bracket_open = false;
                self.got_colon = false;
                self.state = State::Statements;
                Ok(Kind::RightBracket)
            }
            ':' if !self.got_duration => {
                self.start = self.at;
                Err(format!("unexpected colon before duration {WHERE}"))
            }
            ':' if self.got_colon => {
                self.start = self.at;
                Err(format!("unexpected repeated colon {WHERE}"))
            }
            ':' => {
                self.got_colon = true;
                Ok(Kind::Colon)
            }
            '(' => self.open_paren(),
            ')' => self.close_paren(),
            ',' => Ok(Kind::Comma),
            '0'..='9' => self.number(),
            '.' if self.peek().is_some_and(|next| next.is_ascii_digit()) => self.number(),
            _ => arithmetic(first)
                .or_else(|| self.duration_word(first))
                .ok_or_else(|| unexpected(&format!("character {WHERE}:"), first)),
        }
    }

    fn open_paren(&mut self) -> Scanned {
        self.parens += 1;
        Ok(Kind::LeftParen)
    }

    fn close_paren(&mut self) -> Scanned {
        self.parens -= 1;
        if self.parens < 0 {
            self.start = self.at;
            return Err(unexpected("right parenthesis", ')'));
        }
        Ok(Kind::RightParen)
    }

    fn comparison(&mut self, first: char) -> Scanned {
        let op = match first {
            '=' if self.accept('=') => BinaryOp::Equal,
            '=' if self.peek() == Some('~') => return Err(self.after("'='")),
            '=' => return Ok(Kind::Equal),
            '!' if self.accept('=') => BinaryOp::NotEqual,
            '!' => return Err(self.after("'!'")),
            '<' if self.accept('=') => BinaryOp::LessEqual,
            '<' if self.accept('/') => BinaryOp::TrimUpper,
            '<' => BinaryOp::Less,
            _ if self.accept('=') => BinaryOp::GreaterEqual,
            _ if self.accept('/') => BinaryOp::TrimLower,
            _ => BinaryOp::Greater,
        };
        Ok(Kind::Op(op))
    }

    /// Inside brackets a colon stands alone, and of words only those of durations are known.
    fn bracketed_word(&mut self, first: char) -> Scanned {
        if first == ':' {
            if std::mem::replace(&mut self.got_colon, true) {
                return Err(unexpected("colon", first));
            }
            return Ok(Kind::Colon);
        }
        self.duration_word(first)
            .ok_or_else(|| format!("{}, expected ':'", unexpected("character:", first)))
    }

    fn duration_word(&mut self, first: char) -> Option<Kind> {
        if !matches!(first, 's' | 'S' | 'm' | 'M' | 'r' | 'R') {
            return None;
        }
        self.take_while(|char| char.is_ascii_alphabetic() || char == '_');
        match Keyword::parse(self.taken())? {
            word if word.is_duration() => Some(Kind::Keyword(word)),
            _ => None,
        }
    }

    fn word(&mut self) -> Kind {
        self.take_while(|char| alphanumeric(char) || char == ':');
        let word = self.taken();
        if word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("nan") {
            return Kind::Number;
        }
        if let Some(op) = BinaryOp::parse(word) {
            return Kind::Op(op);
        }
        if let Some(op) = AggregateOp::parse(word) {
            return Kind::Aggregate(op);
        }
        match Keyword::parse(word) {
            // Names of metrics that were in use before these words: keywords only where a value follows.
            Some(Keyword::Fill | Keyword::FillLeft | Keyword::FillRight)
                if !self.rest().trim_start_matches([' ', '\t', '\n', '\r']).starts_with('(') =>
            {
                Kind::Identifier
            }
            Some(keyword) => Kind::Keyword(keyword),
            None if word.contains(':') => Kind::MetricIdentifier,
            None => Kind::Identifier,
        }
    }

    /// The quotes and what is between them.
    fn string(&mut self, quote: char) -> Scanned {
        let length = string::length(self.rest(), quote)?;
        self.at += length;
        Ok(Kind::String)
    }

    /// The first character is taken already.
    fn number(&mut self) -> Scanned {
        self.got_duration = true;
        self.state = State::Statements;
        self.at = self.start;
        let scanned = number::scan(self.rest());
        self.at += scanned.length;
        scanned
            .kind
            .ok_or_else(|| format!("bad number or duration syntax: {}", Quoted(self.taken())))
    }

    fn after(&self, what: &str) -> String {
        let next = self.peek().unwrap_or(char::REPLACEMENT_CHARACTER);
        format!("unexpected character after {what}: {}", QuotedChar(next))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn taken(&self) -> &'a str {
        self.text.get(self.start..self.at).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn accept(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        if there {
            self.at += wanted.len_utf8();
        }
        there
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|char| !accept(char)).unwrap_or(rest.len());
    }
}

fn arithmetic(char: char) -> Option<Kind> {
    Some(Kind::Op(match char {
        '+' => BinaryOp::Add,
        '-' => BinaryOp::Sub,
        '*' => BinaryOp::Mul,
        '/' => BinaryOp::Div,
        '%' => BinaryOp::Mod,
        '^' => BinaryOp::Pow,
        _ => return None,
    }))
}

fn alphanumeric(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}

fn unexpected(what: &str, char: char) -> String {
    format!("unexpected {what} {}", QuotedChar(char))
}
