//! Plain text. A time and a level are read when the text begins with them; the message is all of the text, so that nothing is lost.
//!
//! Known beginnings: log4j and logback (`2016-12-19 16:31:47,999 [main] INFO …`, with or without brackets), Python's (`… - name - INFO - …`,
//! `INFO:root:…`), Go's, Rust's `[2024-01-01T00:00:00Z INFO module]`, zap's and .NET's consoles (`info: Category[0]`), PostgreSQL's.

use model::Value;

use crate::{Options, Parsed, severity, time};

/// The level is one of the first words after the time.
const WORDS_MAX: usize = 6;
/// No word that is longer is a level.
const WORD_BYTES_MAX: usize = 16;

pub(crate) fn parse(line: &str, options: &Options) -> Parsed {
    let mut parsed = Parsed::new(Value::string(line));
    let (stamp, rest) = split_time(line);
    parsed.at = stamp.and_then(|stamp| stamp.resolve(options));
    let level = if rest.len() < line.len() { level_after_time(rest) } else { level_at_start(line) };
    if let Some(word) = level {
        parsed.level(word);
    }
    parsed
}

/// Whether the text begins with a time or a level, as a record does and the rest of one does not.
pub(crate) fn begins_record(line: &str) -> bool {
    split_time(line).1.len() < line.len() || level_at_start(line).is_some()
}

/// The time at the start, in brackets or not, and what is after it. A time of day alone counts, but is no time.
fn split_time(line: &str) -> (Option<time::Stamp>, &str) {
    let text = line.strip_prefix('[').unwrap_or(line);
    let (stamp, length) = match time::prefix(text) {
        Some((stamp, length)) => (Some(stamp), length),
        None => (None, time::clock_length(text)),
    };
    let rest = text.get(length..).unwrap_or_default();
    let ends = rest.bytes().next().is_none_or(|byte| !byte.is_ascii_alphanumeric());
    if length > 0 && ends { (stamp, rest) } else { (None, line) }
}

/// A level in capitals among the first words, or in any case as the first.
fn level_after_time(rest: &str) -> Option<&str> {
    let separators = |char: char| char.is_ascii_whitespace() || "[]()|<>:,;-\"".contains(char);
    let words = rest.split(separators).filter(|word| !word.is_empty()).take(WORDS_MAX).enumerate();
    words
        .filter(|(place, word)| {
            word.len() > 1 && word.len() <= WORD_BYTES_MAX && (*place == 0 || is_upper(word))
        })
        .find(|(_, word)| is_level(word))
        .map(|(_, word)| word)
}

/// A level that begins the line, set off by brackets, a colon or capitals: `ERROR: …`, `[warn] …`, `info: …`, `level=…` is none.
fn level_at_start(line: &str) -> Option<&str> {
    let inner = line.strip_prefix(['[', '<']);
    let text = inner.unwrap_or(line);
    let length = text.bytes().take(WORD_BYTES_MAX).take_while(u8::is_ascii_alphanumeric).count();
    let (word, rest) = text.split_at_checked(length)?;
    let set_off = match rest.bytes().next() {
        Some(b']' | b'>') => inner.is_some(),
        Some(b':' | b'|') => true,
        Some(b' ' | b'\t') => is_upper(word),
        _ => false,
    };
    (set_off && word.len() > 2 && is_level(word)).then_some(word)
}

fn is_upper(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Words that are levels and hardly ever anything else.
fn is_level(word: &str) -> bool {
    let common = ["default", "config", "note", "fine", "fail", "log"];
    severity::from_word(word).is_some()
        && (is_upper(word) || !common.iter().any(|other| word.eq_ignore_ascii_case(other)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;

    fn check(line: &str, expected: &str) {
        let parsed = parse(line, &Options::new(Timestamp::from_secs(1_800_000_000)));
        let at = parsed.at.map_or("-".to_owned(), |at| at.to_string());
        let shown =
            format!("{at} {} {}", parsed.severity.unwrap_or_default(), parsed.severity_text);
        assert_eq!(shown, expected, "{line}");
        assert_eq!(parsed.body, Value::string(line));
    }

    #[test]
    fn beginnings_of_loggers() {
        check(
            "[2016-12-19 16:31:47,999] TRACE Controller 0 (x)",
            "2016-12-19T16:31:47.999Z 1 TRACE",
        );
        check(
            "2016-12-19 16:31:47.999 [main] WARN  c.e.App - x",
            "2016-12-19T16:31:47.999Z 13 WARN",
        );
        check("2016-12-19 16:31:47,999 - app.db - ERROR - x", "2016-12-19T16:31:47.999Z 17 ERROR");
        check(
            "2016-12-19T16:31:47.999+0100\tinfo\tmain.go:3\tx",
            "2016-12-19T15:31:47.999Z 9 info",
        );
        check("[2016-12-19T16:31:47Z DEBUG app::db] x", "2016-12-19T16:31:47Z 5 DEBUG");
        check("2016/12/19 16:31:47 listening", "2016-12-19T16:31:47Z 0 ");
        check("2016-12-19 16:31:47.999 UTC [77] FATAL:  x", "2016-12-19T16:31:47.999Z 21 FATAL");
        check("16:31:47.999 [main] INFO c.e.App - x", "- 9 INFO");
        check("16:31:47 INF x", "- 9 INF");
        check("ERROR:root:x", "- 17 ERROR");
        check("[warn] x", "- 13 warn");
        check("info: Microsoft.Hosting.Lifetime[0]", "- 9 info");
        check("WARN x", "- 13 WARN");
    }

    #[test]
    fn prose_has_no_level() {
        for line in [
            "Error while reading",
            "Information about it",
            "A b",
            "I think",
            "log in",
            "",
            "[",
            "fatal",
            "error-prone",
            "[errors] x",
        ] {
            check(line, "- 0 ");
            assert!(!begins_record(line), "{line}");
        }
        check("2016-12-19 16:31:47 the error was in debug mode", "2016-12-19T16:31:47Z 0 ");
        check("2016-12-19 16:31:47.5x", "- 0 ");
    }
}
