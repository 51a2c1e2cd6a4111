//! Tokens of both text formats, with the states that Prometheus' lexers have.

use memchr::{memchr, memchr2};

/// Which text format it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Blanks may stand between tokens, and the last line need not end.
    Prometheus,
    /// One blank in fixed places, exemplars, and `# EOF` at the end.
    OpenMetrics,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Invalid,
    Eof,
    Linebreak,
    Help,
    Type,
    Unit,
    EofWord,
    Text,
    Comment,
    MetricName,
    QuotedString,
    BraceOpen,
    BraceClose,
    LabelName,
    LabelValue,
    Comma,
    Equal,
    Timestamp,
    Value,
}

impl Token {
    /// As Prometheus' messages name it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::Eof => "EOF",
            Self::Linebreak => "LINEBREAK",
            Self::Help => "HELP",
            Self::Type => "TYPE",
            Self::Unit => "UNIT",
            Self::EofWord => "EOFWORD",
            Self::Text => "TEXT",
            Self::Comment => "COMMENT",
            Self::MetricName => "MNAME",
            Self::QuotedString => "QSTRING",
            Self::BraceOpen => "BOPEN",
            Self::BraceClose => "BCLOSE",
            Self::LabelName => "LNAME",
            Self::LabelValue => "LVALUE",
            Self::Comma => "COMMA",
            Self::Equal => "EQUAL",
            Self::Timestamp => "TIMESTAMP",
            Self::Value => "VALUE",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Init,
    Comment,
    MetaName,
    MetaText,
    Labels,
    LabelValue,
    Value,
    Timestamp,
    Exemplar,
    ExemplarValue,
    ExemplarTimestamp,
}

/// Reads tokens from a body.
#[derive(Clone, Debug)]
pub(crate) struct Lexer<'b> {
    pub(crate) body: &'b [u8],
    dialect: Dialect,
    state: State,
    /// Where the last token begins.
    pub(crate) start: usize,
    /// Where the last token ends; of an invalid one, what did not fit.
    pub(crate) at: usize,
    /// Prometheus' format: the last line does not end, and is read as if it did.
    unended: bool,
}

impl<'b> Lexer<'b> {
    pub(crate) fn new(body: &'b [u8], dialect: Dialect) -> Self {
        let unended = dialect == Dialect::Prometheus && body.last().is_some_and(|b| *b != b'\n');
        Self { body, dialect, state: State::Init, start: 0, at: 0, unended }
    }

    /// The bytes of the last token.
    #[inline]
    pub(crate) fn token_bytes(&self) -> &'b [u8] {
        self.body.get(self.start..self.at.min(self.body.len())).unwrap_or_default()
    }

    /// From `from` to `to`, with the line's end where there is none in the body.
    pub(crate) fn shown(&self, from: usize, to: usize) -> Vec<u8> {
        let mut shown = self.body.get(from..to.min(self.body.len())).unwrap_or_default().to_vec();
        if self.unended && to > self.body.len() {
            shown.push(b'\n');
        }
        shown
    }

    pub(crate) fn len(&self) -> usize {
        self.body.len() + usize::from(self.unended)
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        match self.body.get(self.at) {
            Some(byte) => Some(*byte),
            None if self.unended && self.at == self.body.len() => Some(b'\n'),
            None => None,
        }
    }

    #[inline]
    fn rest(&self) -> &'b [u8] {
        self.body.get(self.at..).unwrap_or_default()
    }

    #[inline]
    fn open_metrics(&self) -> bool {
        self.dialect == Dialect::OpenMetrics
    }

    /// The next token that is not blank.
    #[inline]
    pub(crate) fn next(&mut self) -> Token {
        if !self.open_metrics() && self.state != State::MetaText {
            while matches!(self.body.get(self.at), Some(b' ' | b'\t')) {
                self.at += 1;
            }
        }
        let Some(byte) = self.byte() else {
            return Token::Eof;
        };
        self.start = self.at;
        match self.state {
            State::Init => self.init(byte),
            State::Comment => self.comment(),
            State::MetaName => self.meta_name(byte),
            State::MetaText => self.meta_text(byte),
            State::Labels => self.labels(byte, State::Value, State::LabelValue),
            State::LabelValue => self.label_value(byte, State::Labels),
            State::Value => self.value(byte),
            State::Timestamp => self.timestamp(byte),
            State::Exemplar => self.labels(byte, State::ExemplarValue, State::ExemplarValue),
            State::ExemplarValue if byte == b'"' => self.label_value(byte, State::Exemplar),
            State::ExemplarValue => self.word(byte, Token::Value, State::ExemplarTimestamp),
            State::ExemplarTimestamp if byte == b'\n' => self.linebreak(),
            State::ExemplarTimestamp => self.word(byte, Token::Timestamp, State::ExemplarTimestamp),
        }
    }

    #[inline]
    fn linebreak(&mut self) -> Token {
        self.at += 1;
        self.state = State::Init;
        Token::Linebreak
    }

    #[inline]
    fn one(&mut self, token: Token, state: State) -> Token {
        self.at += 1;
        self.state = state;
        token
    }

    #[inline]
    fn init(&mut self, byte: u8) -> Token {
        match byte {
            b'{' => self.one(Token::BraceOpen, State::Labels),
            b'\n' if !self.open_metrics() => self.linebreak(),
            b'#' => {
                self.at += 1;
                match (self.byte(), self.dialect) {
                    (Some(b' '), Dialect::OpenMetrics) => {
                        self.at += 1;
                        self.comment()
                    }
                    (_, Dialect::OpenMetrics) => Token::Invalid,
                    (Some(b' ' | b'\t'), Dialect::Prometheus) => {
                        while matches!(self.body.get(self.at), Some(b' ' | b'\t')) {
                            self.at += 1;
                        }
                        self.comment()
                    }
                    (_, Dialect::Prometheus) => self.skip_line(),
                }
            }
            _ => self.name(Token::MetricName, true, State::Value),
        }
    }

    /// After `# `.
    fn comment(&mut self) -> Token {
        self.state = State::Comment;
        let words: &[(&[u8], Token)] = match self.dialect {
            Dialect::OpenMetrics => &[
                (b"HELP ", Token::Help),
                (b"TYPE ", Token::Type),
                (b"UNIT ", Token::Unit),
                (b"EOF", Token::EofWord),
            ],
            Dialect::Prometheus => &[(b"HELP", Token::Help), (b"TYPE", Token::Type)],
        };
        let rest = self.rest();
        for (word, token) in words {
            if rest.starts_with(word) {
                return match self.dialect {
                    Dialect::OpenMetrics => self.open_metrics_word(word.len(), *token),
                    Dialect::Prometheus => self.prometheus_word(word.len(), *token),
                };
            }
        }
        if !self.open_metrics() {
            return self.skip_line();
        }
        // What did not fit is the first byte that no word goes on with.
        let fits = |word: &[u8]| rest.iter().zip(word).take_while(|(a, b)| a == b).count();
        self.at += words.iter().map(|(word, _)| fits(word)).max().unwrap_or_default();
        Token::Invalid
    }

    fn open_metrics_word(&mut self, len: usize, token: Token) -> Token {
        self.at += len;
        if token == Token::EofWord {
            self.at += usize::from(self.byte() == Some(b'\n'));
            self.state = State::Init;
        } else {
            self.state = State::MetaName;
        }
        token
    }

    fn prometheus_word(&mut self, len: usize, token: Token) -> Token {
        if !matches!(self.rest().get(len), Some(b' ' | b'\t')) {
            return self.skip_line();
        }
        self.at += len + 1;
        self.state = State::MetaName;
        token
    }

    /// The rest of the line is a comment.
    fn skip_line(&mut self) -> Token {
        self.at = memchr(b'\n', self.rest()).map_or(self.body.len(), |end| self.at + end);
        self.state = State::Init;
        Token::Comment
    }

    fn meta_name(&mut self, byte: u8) -> Token {
        if byte == b'"' {
            return self.quoted(Token::MetricName, State::MetaText, false);
        }
        self.name(Token::MetricName, true, State::MetaText)
    }

    fn meta_text(&mut self, byte: u8) -> Token {
        let line = memchr(b'\n', self.rest());
        if self.open_metrics() {
            return match line {
                Some(end) if byte == b' ' => {
                    self.at += end + 1;
                    self.state = State::Init;
                    Token::Text
                }
                _ => Token::Invalid,
            };
        }
        self.at = line.map_or(self.body.len(), |end| self.at + end);
        self.state = State::Init;
        Token::Text
    }

    /// Within braces; a value follows an equals sign in the state `value`.
    #[inline]
    fn labels(&mut self, byte: u8, closed: State, value: State) -> Token {
        match byte {
            b'}' => self.one(Token::BraceClose, closed),
            b'=' => self.one(Token::Equal, value),
            b',' => self.one(Token::Comma, self.state),
            b'"' => {
                let ends = self.state == State::Exemplar;
                self.quoted(Token::QuotedString, self.state, ends)
            }
            _ => self.name(Token::LabelName, false, self.state),
        }
    }

    #[inline]
    fn label_value(&mut self, byte: u8, state: State) -> Token {
        if byte != b'"' {
            return Token::Invalid;
        }
        let ends = self.open_metrics();
        self.quoted(Token::LabelValue, state, ends)
    }

    /// A text in quotes, which a line's end ends when `line_ends` says so.
    #[inline]
    fn quoted(&mut self, token: Token, state: State, line_ends: bool) -> Token {
        let mut at = self.at + 1;
        loop {
            let rest = self.body.get(at..).unwrap_or_default();
            let Some(found) = memchr2(b'"', b'\\', rest) else {
                self.at = if line_ends {
                    memchr(b'\n', rest).map_or(self.len(), |end| at + end)
                } else {
                    self.len()
                };
                return Token::Invalid;
            };
            if line_ends && let Some(end) = memchr(b'\n', rest.get(..found).unwrap_or_default()) {
                self.at = at + end;
                return Token::Invalid;
            }
            // As in Prometheus, an exemplar has no NUL.
            let exemplar = self.state == State::ExemplarValue;
            if exemplar && let Some(nul) = memchr(0, rest.get(..found).unwrap_or_default()) {
                self.at = at + nul;
                return Token::Invalid;
            }
            at += found;
            if self.body.get(at) == Some(&b'"') {
                self.at = at + 1;
                self.state = state;
                return token;
            }
            // An escape never hides the end of the line.
            if self.body.get(at + 1) == Some(&b'\n') {
                self.at = at + 1;
                return Token::Invalid;
            }
            at += 2;
        }
    }

    /// A bare name; colons are for metrics.
    #[inline]
    fn name(&mut self, token: Token, colons: bool, state: State) -> Token {
        let allowed = if colons { METRIC } else { LABEL };
        let rest = self.rest();
        if rest.first().is_none_or(|first| CLASS[usize::from(*first)] & allowed == 0) {
            return Token::Invalid;
        }
        let more = allowed | DIGIT;
        let len = rest.iter().position(|byte| CLASS[usize::from(*byte)] & more == 0);
        self.at += len.unwrap_or(rest.len());
        self.state = state;
        token
    }

    #[inline]
    fn value(&mut self, byte: u8) -> Token {
        if byte == b'{' {
            return self.one(Token::BraceOpen, State::Labels);
        }
        if self.open_metrics() {
            return self.word(byte, Token::Value, State::Timestamp);
        }
        let rest = self.rest();
        let end = |byte: &u8| matches!(byte, b'{' | b' ' | b'\t' | b'\n' | 0);
        let len = rest.iter().position(end).unwrap_or(rest.len());
        if len == 0 {
            return Token::Invalid;
        }
        self.at += len;
        self.state = State::Timestamp;
        Token::Value
    }

    #[inline]
    fn timestamp(&mut self, byte: u8) -> Token {
        if byte == b'\n' {
            return self.linebreak();
        }
        if self.open_metrics() {
            if self.rest().starts_with(b" # {") {
                self.at += 4;
                self.state = State::Exemplar;
                return Token::Comment;
            }
            return self.word(byte, Token::Timestamp, State::Timestamp);
        }
        let rest = self.rest();
        let sign = usize::from(byte == b'-');
        let digits = rest.iter().skip(sign).take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return Token::Invalid;
        }
        self.at += sign + digits;
        Token::Timestamp
    }

    /// A blank and what follows up to the next one.
    #[inline]
    fn word(&mut self, byte: u8, token: Token, state: State) -> Token {
        if byte != b' ' {
            return Token::Invalid;
        }
        let rest = self.rest().get(1..).unwrap_or_default();
        let len = rest.iter().position(|b| matches!(b, b' ' | b'\n' | 0)).unwrap_or(rest.len());
        if len == 0 {
            self.at += 1;
            return Token::Invalid;
        }
        self.at += 1 + len;
        self.state = state;
        token
    }
}

const LABEL: u8 = 1;
const METRIC: u8 = 2;
const DIGIT: u8 = 4;

/// What each byte may be part of.
static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        classes[byte as usize] = if byte.is_ascii_alphabetic() || byte == b'_' {
            LABEL | METRIC
        } else if byte == b':' {
            METRIC
        } else if byte.is_ascii_digit() {
            DIGIT
        } else {
            0
        };
        byte += 1;
    }
    classes
}
