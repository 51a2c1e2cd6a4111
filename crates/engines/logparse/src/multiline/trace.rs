//! Whether a line goes on with the record before it, as indentation and the stack traces of common languages have it.

use crate::{Format, detect, plain};

/// What is known of the record that is open.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trace {
    /// The indentation of its first line.
    indent: usize,
    mode: Mode,
    /// Whether it has the line that names an exception: a record has one.
    headline: bool,
    /// Whether its last line is indented deeper than its first.
    in_frames: bool,
}

/// Whose trace the record ends with, where that changes what may follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Text,
    /// After `Traceback`: frames, then one line that names the exception.
    Python,
    /// After `panic:` or `goroutine`: functions, each with an indented place.
    Go,
    /// After `thread '…' panicked at`: the message.
    Rust,
    /// After the caret with which Node.js points at the source.
    Caret,
}

impl Trace {
    /// A record begins with `line`.
    pub(super) fn begin(line: &str) -> Self {
        let mode = if line.starts_with("Traceback (most recent call last)") {
            Mode::Python
        } else if line.starts_with("panic: ") || line.starts_with("fatal error: ") {
            Mode::Go
        } else if line.starts_with("thread '") && line.contains(" panicked at") {
            Mode::Rust
        } else {
            Mode::Text
        };
        Self { indent: indent(line), mode, headline: false, in_frames: false }
    }

    /// Whether `line` belongs to the record `open`; `after_blank` when blank lines are between.
    pub(super) fn continues(&mut self, open: &str, line: &str, after_blank: bool) -> bool {
        if indent(line) > self.indent {
            self.in_frames = true;
            if line.trim_ascii().bytes().all(|byte| matches!(byte, b'^' | b'~'))
                && self.mode == Mode::Text
            {
                self.mode = Mode::Caret;
            }
            return true;
        }
        let line = line.trim_ascii_start();
        let belongs = self.next_mode(line)
            || self.in_mode(line, after_blank)
            || is_part(line)
            || self.is_headline(open, line);
        self.in_frames &= !belongs;
        belongs
    }

    /// Whether the line opens a trace below a record.
    fn next_mode(&mut self, line: &str) -> bool {
        let mode = if line.starts_with("Traceback (most recent call last)") || is_python_link(line)
        {
            Mode::Python
        } else if is_goroutine(line) {
            Mode::Go
        } else {
            return false;
        };
        self.mode = mode;
        true
    }

    /// Whether the line is what the trace goes on with.
    fn in_mode(&mut self, line: &str, after_blank: bool) -> bool {
        match self.mode {
            Mode::Text => false,
            Mode::Python => {
                let named = self.in_frames && !after_blank && !begins_dated(line);
                self.mode = if named { Mode::Text } else { self.mode };
                named
            }
            Mode::Go => {
                line.starts_with("created by ")
                    || line.starts_with("[signal ")
                    || line.starts_with("exit status ")
                    || line.starts_with("runtime stack:")
                    || is_call(line)
            }
            Mode::Rust => {
                // The message is the line after the first, whatever it is.
                let message = !self.headline && !after_blank;
                self.headline = true;
                message || line.starts_with("note: ") || line.starts_with("stack backtrace:")
            }
            Mode::Caret => line.starts_with("Node.js v") || (after_blank && is_exception(line)),
        }
    }

    /// Loggers write the exception below the message: `java.io.IOException: broken pipe`, once, and below a line that a logger wrote.
    fn is_headline(&mut self, open: &str, line: &str) -> bool {
        if self.headline || !is_exception(line) {
            return false;
        }
        let first = open.lines().next().unwrap_or_default();
        self.headline =
            !is_exception(first) && (plain::begins_record(first) || detect(first) != Format::Plain);
        self.headline
    }
}

fn indent(line: &str) -> usize {
    line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// Lines that only ever continue something.
fn is_part(line: &str) -> bool {
    let closes = |byte: u8| matches!(byte, b'}' | b']' | b')' | b';' | b',');
    match line.as_bytes() {
        [b'}' | b']' | b')', ..] => line.trim_ascii_end().bytes().all(closes),
        [b'C', ..] => line.starts_with("Caused by: "),
        [b'S', ..] => line.starts_with("Suppressed: ") || line == "Stack trace:",
        [b'.', b'.', b'.', b' ', digit, ..] | [b'#', digit, ..] => digit.is_ascii_digit(),
        [b'a', b't', b' ', call @ ..] => str::from_utf8(call).is_ok_and(is_call),
        [b'-', ..] => line.starts_with("--- End of "),
        _ => false,
    }
}

fn is_python_link(line: &str) -> bool {
    line.starts_with("During handling of the above exception")
        || line.starts_with("The above exception was the direct cause")
}

/// `goroutine 1 [running]:`
fn is_goroutine(line: &str) -> bool {
    line.strip_prefix("goroutine ").is_some_and(|rest| {
        rest.starts_with(|char: char| char.is_ascii_digit()) && rest.ends_with("]:")
    })
}

/// `main.(*Server).run(0xc000010000, {0x1, 0x2})`: no space before the first bracket that is not part of a receiver.
fn is_call(line: &str) -> bool {
    line.ends_with(')')
        && line.split('(').next().is_some_and(|name| !name.is_empty() && !name.contains(' '))
}

/// A class that names an exception, then its message or nothing.
fn is_exception(line: &str) -> bool {
    let name = line
        .bytes()
        .take_while(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$' | b'`')
        })
        .count();
    let Some((class, rest)) = line.split_at_checked(name) else { return false };
    // Node.js puts a code between: `Error [ERR_X]: …`.
    let ends = rest.is_empty() || rest.starts_with(": ") || rest == ":" || rest.starts_with(" [");
    ends && ["Exception", "Error", "Throwable", "Failure"]
        .iter()
        .any(|suffix| class.ends_with(suffix))
}

/// The line that names a Python exception may look like a level (`Error: …`), but never has a time.
fn begins_dated(line: &str) -> bool {
    plain::begins_record(line) && !is_exception(line)
}

#[cfg(test)]
mod tests {
    use super::super::{Joiner, Limits, tests::joined};

    /// Records are given with `===` between them; joining all their lines must give them back.
    fn check(records: &str) {
        let expected: Vec<_> =
            records.split("\n===\n").map(|record| record.replace('\n', "|")).collect();
        assert_eq!(
            joined(Joiner::new(Limits::default()), &records.replace("\n===\n", "\n")),
            expected
        );
    }

    #[test]
    fn java() {
        check(include_str!("../../testdata/traces/java.txt").trim_end());
    }

    #[test]
    fn python() {
        check(include_str!("../../testdata/traces/python.txt").trim_end());
    }

    #[test]
    fn go() {
        check(include_str!("../../testdata/traces/go.txt").trim_end());
    }

    #[test]
    fn node() {
        check(include_str!("../../testdata/traces/node.txt").trim_end());
    }

    #[test]
    fn dotnet() {
        check(include_str!("../../testdata/traces/dotnet.txt").trim_end());
    }

    #[test]
    fn ruby_php_and_rust() {
        check(include_str!("../../testdata/traces/others.txt").trim_end());
    }

    #[test]
    fn lines_that_belong_to_nothing_stand_alone() {
        check(
            "a\n===\nb\n===\nError: one\n===\nError: two\n===\n{\"a\":1}\n===\n{\"a\":2}\n===\nat noon (sharp)\n===\n#channel",
        );
    }

    #[test]
    fn indentation_is_that_of_the_first_line() {
        check("  a\n    b\n===\n  c\n===\nd\n  e\n===\nf");
        check("{\n  \"x\": [\n    1\n  ]\n}\n===\nnext");
    }
}
